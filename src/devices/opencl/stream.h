// SPDX-License-Identifier: Apache-2.0
// Streams over command queues, and events over markers. A queue may be in order, or out of order with every
// command waiting for the one before (ISTHMUS_OPENCL_ORDER=out); both give a stream's order.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include "devices/opencl/host_calls.h"
#include "devices/opencl/memory.h"

namespace isthmus::opencl {

// A reference to an OpenCL event.
class EventRef {
 public:
  EventRef() = default;
  EventRef(const Api& cl, cl_event event) : cl_(&cl), event_(event) {}  // takes over the caller's reference
  EventRef(const EventRef& other) : cl_(other.cl_), event_(other.event_) {
    if (event_) cl_->clRetainEvent(event_);
  }
  EventRef(EventRef&& other) noexcept : cl_(other.cl_), event_(std::exchange(other.event_, nullptr)) {}
  EventRef& operator=(EventRef other) noexcept {
    std::swap(cl_, other.cl_);
    std::swap(event_, other.event_);
    return *this;
  }
  ~EventRef() {
    if (event_) cl_->clReleaseEvent(event_);
  }
  cl_event get() const { return event_; }
  explicit operator bool() const { return event_ != nullptr; }
  // CL_COMPLETE when done, negative when it failed.
  cl_int status() const;

 private:
  const Api* cl_ = nullptr;
  cl_event event_ = nullptr;
};

class Event;

class Stream {
 public:
  // Enqueues one command that waits for the events given; returns OpenCL's code and the command's event.
  using Enqueue = std::function<cl_int(cl_uint count, const cl_event* waits, cl_event* event)>;

  static Result<std::unique_ptr<Stream>> create(const Api& cl, cl_context context, cl_device_id device,
                                                const Memory& memory, bool out_of_order);
  ~Stream();  // waits for its work
  Stream(const Stream&) = delete;

  Status wait();
  Result<bool> idle();
  Status copy(isthmus_copy_direction_t direction, uint64_t dst, uint64_t src, uint64_t bytes);
  Status fill(isthmus_address_t dst, uint8_t value, uint64_t bytes);
  Status call_host(void (*function)(void*), void* argument);
  Status record(Event& event);
  Status wait_for(const EventRef& event);
  Status wait_for(Event& event);
  // One command in the stream's order.
  Status enqueue(const std::string& doing, const Enqueue& command, cl_event also_after = nullptr);
  cl_command_queue queue() const { return queue_; }
  const Memory& memory() const { return memory_; }

 private:
  Stream(const Api& cl, cl_context context, const Memory& memory, bool out_of_order)
      : cl_(cl), context_(context), memory_(memory), out_of_order_(out_of_order), host_calls_(cl) {}
  void drop_done(size_t keep);
  Status copy_on_device(const Place& dst, const Place& src, uint64_t bytes);

  const Api& cl_;
  cl_context context_;
  const Memory& memory_;
  const bool out_of_order_;
  cl_command_queue queue_ = nullptr;
  std::mutex mutex_;               // stream_query may come from another thread
  std::deque<EventRef> commands_;  // since the last wait, as far as they were not seen done
  Status failed_;                  // the first failure since the last wait
  int unflushed_ = 0;
  HostCalls host_calls_;
};

// A point in a stream; one never recorded is done. Thread-safe.
class Event {
 public:
  explicit Event(const Api& cl) : cl_(cl) {}
  void set(EventRef marker);
  EventRef marker();
  Status wait();
  Result<bool> done();
  // Seconds from `start` to this one.
  Result<double> since(Event& start);

 private:
  const Api& cl_;
  std::mutex mutex_;
  EventRef marker_;
};

}  // namespace isthmus::opencl
