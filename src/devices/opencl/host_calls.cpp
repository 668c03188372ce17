// SPDX-License-Identifier: Apache-2.0
#include "devices/opencl/host_calls.h"

namespace isthmus::opencl {

HostCalls::~HostCalls() {
  if (!thread_.joinable()) return;
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  added_.notify_one();
  thread_.join();
}

void HostCalls::add(const HostCall& call) {
  std::lock_guard lock(mutex_);
  calls_.push_back(call);
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  added_.notify_one();
}

void HostCalls::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    added_.wait(lock, [&] { return stop_ || !calls_.empty(); });
    if (calls_.empty()) return;
    const HostCall call = calls_.front();
    calls_.pop_front();
    lock.unlock();
    cl_.clWaitForEvents(1, &call.before);  // a failure is the stream's, and told there
    call.function(call.argument);
    cl_.clSetUserEventStatus(call.done, CL_COMPLETE);
    cl_.clReleaseEvent(call.before);
    cl_.clReleaseEvent(call.done);
    lock.lock();
  }
}

}  // namespace isthmus::opencl
