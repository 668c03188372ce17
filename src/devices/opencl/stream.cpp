// SPDX-License-Identifier: Apache-2.0
#include "devices/opencl/stream.h"

#include <vector>

namespace isthmus::opencl {
namespace {

constexpr size_t kRemembered = 256;  // commands; from there on those done are forgotten as new ones come
constexpr int kFlushEvery = 16;      // so that drivers start work that nobody waits for

}  // namespace

cl_int EventRef::status() const {
  cl_int status = CL_COMPLETE;
  const cl_int code =
      cl_->clGetEventInfo(event_, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, nullptr);
  return code == CL_SUCCESS ? status : code;
}

// -- Stream --

Result<std::unique_ptr<Stream>> Stream::create(const Api& cl, cl_context context, cl_device_id device,
                                               const Memory& memory, bool out_of_order) {
  std::unique_ptr<Stream> stream(new Stream(cl, context, memory, out_of_order));
  cl_int code = CL_SUCCESS;
  const cl_command_queue_properties properties =
      CL_QUEUE_PROFILING_ENABLE | (out_of_order ? CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE : 0);
  stream->queue_ = cl.clCreateCommandQueue(context, device, properties, &code);
  RETURN_IF_ERROR(check(code, "making a command queue"));
  return stream;
}

Stream::~Stream() {
  if (!queue_) return;
  cl_.clFinish(queue_);
  cl_.clReleaseCommandQueue(queue_);
}

// Forgets commands that are done, the oldest first, down to `keep`; their failures are kept.
void Stream::drop_done(size_t keep) {
  while (commands_.size() > keep) {
    const cl_int status = commands_.front().status();
    if (status > CL_COMPLETE) return;
    if (status < 0 && failed_.ok()) failed_ = check(status, "work put on the stream before");
    commands_.pop_front();
  }
}

Status Stream::enqueue(const std::string& doing, const Enqueue& command, cl_event also_after) {
  std::lock_guard lock(mutex_);
  if (commands_.size() >= kRemembered) drop_done(1);
  cl_event waits[2];
  cl_uint count = 0;
  if (also_after) waits[count++] = also_after;
  if (out_of_order_ && !commands_.empty()) waits[count++] = commands_.back().get();
  cl_event event = nullptr;
  RETURN_IF_ERROR(check(command(count, count ? waits : nullptr, &event), doing));
  commands_.emplace_back(cl_, event);
  if (++unflushed_ >= kFlushEvery) {
    unflushed_ = 0;
    return check(cl_.clFlush(queue_), "starting the work of a stream");
  }
  return ok();
}

Status Stream::wait() {
  RETURN_IF_ERROR(check(cl_.clFinish(queue_), "waiting for a stream"));
  std::lock_guard lock(mutex_);
  unflushed_ = 0;
  drop_done(0);
  return std::exchange(failed_, Status());
}

Result<bool> Stream::idle() {
  RETURN_IF_ERROR(check(cl_.clFlush(queue_), "starting the work of a stream"));
  std::lock_guard lock(mutex_);
  return commands_.empty() || commands_.back().status() <= CL_COMPLETE;
}

Status Stream::copy(isthmus_copy_direction_t direction, uint64_t dst, uint64_t src, uint64_t bytes) {
  if (bytes == 0) return ok();
  if (direction == ISTHMUS_COPY_HOST_TO_DEVICE) {
    ASSIGN_OR_RETURN(const Place to, memory_.resolve(dst, bytes));
    const void* from = reinterpret_cast<const void*>(src);
    return enqueue("copying to the device", [&](cl_uint n, const cl_event* waits, cl_event* event) {
      if (to.svm)
        return cl_.clEnqueueSVMMemcpy(queue_, CL_FALSE, to.svm + to.offset, from, bytes, n, waits, event);
      return cl_.clEnqueueWriteBuffer(queue_, to.buffer, CL_FALSE, to.offset, bytes, from, n, waits, event);
    });
  }
  if (direction == ISTHMUS_COPY_DEVICE_TO_HOST) {
    ASSIGN_OR_RETURN(const Place from, memory_.resolve(src, bytes));
    void* to = reinterpret_cast<void*>(dst);
    return enqueue("copying from the device", [&](cl_uint n, const cl_event* waits, cl_event* event) {
      if (from.svm)
        return cl_.clEnqueueSVMMemcpy(queue_, CL_FALSE, to, from.svm + from.offset, bytes, n, waits, event);
      return cl_.clEnqueueReadBuffer(queue_, from.buffer, CL_FALSE, from.offset, bytes, to, n, waits, event);
    });
  }
  if (direction != ISTHMUS_COPY_DEVICE_TO_DEVICE)
    return invalid_argument("{} is no direction of a copy", static_cast<int>(direction));
  ASSIGN_OR_RETURN(const Place to, memory_.resolve(dst, bytes));
  ASSIGN_OR_RETURN(const Place from, memory_.resolve(src, bytes));
  return copy_on_device(to, from, bytes);
}

Status Stream::copy_on_device(const Place& dst, const Place& src, uint64_t bytes) {
  const uint64_t distance = dst.offset > src.offset ? dst.offset - src.offset : src.offset - dst.offset;
  if (dst.buffer == src.buffer && dst.svm == src.svm && distance < bytes) {
    if (distance == 0) return ok();
    // OpenCL has no overlapping copies: by way of a buffer of its own, which lives until the copies are done.
    cl_int code = CL_SUCCESS;
    Place between;
    between.buffer = cl_.clCreateBuffer(context_, CL_MEM_READ_WRITE, bytes, nullptr, &code);
    RETURN_IF_ERROR(check(code, fmt::format("making a buffer of {} bytes for an overlapping copy", bytes)));
    Status status = copy_on_device(between, src, bytes);
    if (status.ok()) status = copy_on_device(dst, between, bytes);
    cl_.clReleaseMemObject(between.buffer);
    return status;
  }
  return enqueue("copying on the device", [&](cl_uint n, const cl_event* waits, cl_event* event) {
    char *to = dst.svm + dst.offset, *from = src.svm + src.offset;
    if (dst.svm && src.svm) return cl_.clEnqueueSVMMemcpy(queue_, CL_FALSE, to, from, bytes, n, waits, event);
    if (dst.svm)
      return cl_.clEnqueueReadBuffer(queue_, src.buffer, CL_FALSE, src.offset, bytes, to, n, waits, event);
    if (src.svm)
      return cl_.clEnqueueWriteBuffer(queue_, dst.buffer, CL_FALSE, dst.offset, bytes, from, n, waits, event);
    return cl_.clEnqueueCopyBuffer(queue_, src.buffer, dst.buffer, src.offset, dst.offset, bytes, n, waits,
                                   event);
  });
}

Status Stream::fill(isthmus_address_t dst, uint8_t value, uint64_t bytes) {
  if (bytes == 0) return ok();
  ASSIGN_OR_RETURN(const Place to, memory_.resolve(dst, bytes));
  return enqueue("filling memory", [&](cl_uint n, const cl_event* waits, cl_event* event) {
    if (to.svm) return cl_.clEnqueueSVMMemFill(queue_, to.svm + to.offset, &value, 1, bytes, n, waits, event);
    return cl_.clEnqueueFillBuffer(queue_, to.buffer, &value, 1, to.offset, bytes, n, waits, event);
  });
}

// The function is called when a marker says that all before is done; what follows waits for a user event that
// is set when it has returned.
Status Stream::call_host(void (*function)(void*), void* argument) {
  RETURN_IF_ERROR(
      enqueue("putting a host call on a stream", [&](cl_uint n, const cl_event* waits, cl_event* event) {
        return cl_.clEnqueueMarkerWithWaitList(queue_, n, waits, event);
      }));
  EventRef before;
  {
    std::lock_guard lock(mutex_);
    before = commands_.back();
  }
  cl_int code = CL_SUCCESS;
  const EventRef done(cl_, cl_.clCreateUserEvent(context_, &code));
  RETURN_IF_ERROR(check(code, "making an event for a host call"));
  RETURN_IF_ERROR(wait_for(done));
  cl_.clRetainEvent(before.get());
  cl_.clRetainEvent(done.get());
  host_calls_.add({before.get(), function, argument, done.get()});
  return check(cl_.clFlush(queue_), "starting the work of a stream");
}

Status Stream::record(Event& event) {
  RETURN_IF_ERROR(enqueue("recording an event", [&](cl_uint n, const cl_event* waits, cl_event* marker) {
    return cl_.clEnqueueMarkerWithWaitList(queue_, n, waits, marker);
  }));
  {
    std::lock_guard lock(mutex_);
    event.set(commands_.back());
  }
  return check(cl_.clFlush(queue_), "starting the work of a stream");
}

Status Stream::wait_for(const EventRef& event) {
  if (!event) return ok();
  return enqueue(
      "making a stream wait for an event",
      [&](cl_uint n, const cl_event* waits, cl_event* barrier) {
        return cl_.clEnqueueBarrierWithWaitList(queue_, n, waits, barrier);
      },
      event.get());
}

// -- Event --

Status Stream::wait_for(Event& event) { return wait_for(event.marker()); }

void Event::set(EventRef marker) {
  std::lock_guard lock(mutex_);
  marker_ = std::move(marker);
}

EventRef Event::marker() {
  std::lock_guard lock(mutex_);
  return marker_;
}

Status Event::wait() {
  const EventRef marker = this->marker();
  if (!marker) return ok();
  const cl_event event = marker.get();
  const cl_int code = cl_.clWaitForEvents(1, &event);
  if (code == CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST)
    return check(marker.status(), "work before the event");
  return check(code, "waiting for an event");
}

Result<bool> Event::done() {
  const EventRef marker = this->marker();
  if (!marker) return true;
  const cl_int status = marker.status();
  RETURN_IF_ERROR(check(status < 0 ? status : CL_SUCCESS, "work before the event"));
  return status == CL_COMPLETE;
}

Result<double> Event::since(Event& start) {
  const EventRef from = start.marker(), to = marker();
  if (!from || !to || from.status() != CL_COMPLETE || to.status() != CL_COMPLETE)
    return error(Code::kFailedPrecondition, "timing needs two recorded events that are done");
  cl_ulong begin = 0, end = 0;
  for (const auto& [event, nanoseconds] : {std::pair(from.get(), &begin), std::pair(to.get(), &end)})
    RETURN_IF_ERROR(check(cl_.clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_END, sizeof *nanoseconds,
                                                      nanoseconds, nullptr),
                          "reading an event's time"));
  return (static_cast<double>(end) - static_cast<double>(begin)) * 1e-9;
}

}  // namespace isthmus::opencl
