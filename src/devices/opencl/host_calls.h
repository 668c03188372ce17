// SPDX-License-Identifier: Apache-2.0
// The host's functions in a stream, each called on a thread of the stream's own: an event's callback may come
// from within the call that sets it, and would then keep the caller from going on.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "devices/opencl/opencl.h"

namespace isthmus::opencl {

struct HostCall {
  cl_event before;  // called when this is done; the call owns a reference
  void (*function)(void*);
  void* argument;
  cl_event done;  // a user event, complete when the function has returned; the call owns a reference
};

class HostCalls {
 public:
  explicit HostCalls(const Api& cl) : cl_(cl) {}
  ~HostCalls();  // after the calls that were added
  HostCalls(const HostCalls&) = delete;
  void add(const HostCall& call);  // the first starts the thread

 private:
  void run();
  const Api& cl_;
  std::mutex mutex_;
  std::condition_variable added_;
  std::deque<HostCall> calls_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace isthmus::opencl
