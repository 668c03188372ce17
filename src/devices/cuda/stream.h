// SPDX-License-Identifier: Apache-2.0
// Streams, events, and captured work as CUDA graphs.
#pragma once

#include <memory>

#include "devices/cuda/cuda.h"
#include "isthmus/plugin.h"

namespace isthmus::cuda {

class Event {
 public:
  static Result<std::unique_ptr<Event>> create(const Shared& shared);
  ~Event();
  Event(const Event&) = delete;
  Status wait();
  Result<bool> done();
  // Seconds from `start` to this one.
  Result<double> since(const Event& start);

 private:
  friend class Stream;
  explicit Event(const Shared& shared) : shared_(shared) {}
  const Shared& shared_;
  CUevent event_ = nullptr;
};

// What was put on a stream between begin and end of a capture.
class Capture {
 public:
  Capture(const Shared& shared, CUgraph graph) : shared_(shared), graph_(graph) {}
  ~Capture();
  Capture(const Capture&) = delete;

 private:
  friend class Stream;
  const Shared& shared_;
  CUgraph graph_;
  CUgraphExec executable_ = nullptr;
};

class Stream {
 public:
  static Result<std::unique_ptr<Stream>> create(const Shared& shared);
  ~Stream();  // waits for its work
  Stream(const Stream&) = delete;

  Status wait();
  Result<bool> idle();
  Status copy(isthmus_copy_direction_t direction, uint64_t dst, uint64_t src, uint64_t bytes);
  Status fill(isthmus_address_t dst, uint8_t value, uint64_t bytes);
  Status call_host(void (*function)(void*), void* argument);
  Status record(Event& event);
  Status wait_for(Event& event);
  Status begin_capture();
  Result<std::unique_ptr<Capture>> end_capture();
  Status replay(Capture& capture);

  CUstream handle() const { return stream_; }
  const Shared& shared() const { return shared_; }

 private:
  explicit Stream(const Shared& shared) : shared_(shared) {}
  Status copy_overlapping(uint64_t dst, uint64_t src, uint64_t bytes);

  const Shared& shared_;
  CUstream stream_ = nullptr;
};

}  // namespace isthmus::cuda
