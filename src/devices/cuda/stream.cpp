// SPDX-License-Identifier: Apache-2.0
#include "devices/cuda/stream.h"

#include <algorithm>

namespace isthmus::cuda {

// -- Event --

Result<std::unique_ptr<Event>> Event::create(const Shared& shared) {
  std::unique_ptr<Event> event(new Event(shared));
  const auto current = shared.enter();
  RETURN_IF_ERROR(check(shared.cuda.event_create(&event->event_, 0), "making an event"));
  return event;
}

Event::~Event() {
  const auto current = shared_.enter();
  if (event_) shared_.cuda.event_destroy(event_);
}

Status Event::wait() {
  const auto current = shared_.enter();
  return check(shared_.cuda.event_synchronize(event_), "waiting for an event");
}

Result<bool> Event::done() {
  const auto current = shared_.enter();
  const int code = shared_.cuda.event_query(event_);
  if (code == kNotReady) return false;
  RETURN_IF_ERROR(check(code, "work before the event"));
  return true;
}

Result<double> Event::since(const Event& start) {
  const auto current = shared_.enter();
  float milliseconds = 0;
  RETURN_IF_ERROR(check(shared_.cuda.event_elapsed(&milliseconds, start.event_, event_),
                        "timing, which needs two recorded events that are done,"));
  return static_cast<double>(milliseconds) * 1e-3;
}

// -- Capture --

Capture::~Capture() {
  const auto current = shared_.enter();
  if (executable_) shared_.cuda.graph_exec_destroy(executable_);
  if (graph_) shared_.cuda.graph_destroy(graph_);
}

// -- Stream --

Result<std::unique_ptr<Stream>> Stream::create(const Shared& shared) {
  std::unique_ptr<Stream> stream(new Stream(shared));
  const auto current = shared.enter();
  RETURN_IF_ERROR(check(shared.cuda.stream_create(&stream->stream_, kStreamNonBlocking), "making a stream"));
  return stream;
}

Stream::~Stream() {
  if (!stream_) return;
  const auto current = shared_.enter();
  shared_.cuda.stream_synchronize(stream_);
  shared_.cuda.stream_destroy(stream_);
}

Status Stream::wait() {
  const auto current = shared_.enter();
  return check(shared_.cuda.stream_synchronize(stream_), "work put on the stream before");
}

Result<bool> Stream::idle() {
  const auto current = shared_.enter();
  const int code = shared_.cuda.stream_query(stream_);
  return code != kNotReady;  // a failure is told by the wait
}

Status Stream::copy(isthmus_copy_direction_t direction, uint64_t dst, uint64_t src, uint64_t bytes) {
  if (bytes == 0) return ok();
  const auto current = shared_.enter();
  switch (direction) {
    case ISTHMUS_COPY_HOST_TO_DEVICE:
      return check(shared_.cuda.copy_to_device(dst, reinterpret_cast<const void*>(src), bytes, stream_),
                   "copying to the device");
    case ISTHMUS_COPY_DEVICE_TO_HOST:
      return check(shared_.cuda.copy_to_host(reinterpret_cast<void*>(dst), src, bytes, stream_),
                   "copying from the device");
    case ISTHMUS_COPY_DEVICE_TO_DEVICE:
      if (dst == src) return ok();
      if (std::max(dst, src) - std::min(dst, src) < bytes) return copy_overlapping(dst, src, bytes);
      return check(shared_.cuda.copy(dst, src, bytes, stream_), "copying on the device");
  }
  return invalid_argument("{} is no direction of a copy", static_cast<int>(direction));
}

// CUDA does not define copies that overlap: by way of memory that lives for as long as the two copies.
Status Stream::copy_overlapping(uint64_t dst, uint64_t src, uint64_t bytes) {
  const Api& cuda = shared_.cuda;
  const std::string doing = fmt::format("copying {} overlapping bytes on the device", bytes);
  CUdeviceptr between = 0;
  RETURN_IF_ERROR(check(shared_.pool ? cuda.pool_allocate(&between, bytes, shared_.pool, stream_)
                                     : cuda.allocate(&between, bytes),
                        doing));
  int code = cuda.copy(between, src, bytes, stream_);
  if (code == kSuccess) code = cuda.copy(dst, between, bytes, stream_);
  // Without a pool, freeing is in no order with the stream.
  if (!shared_.pool && code == kSuccess) code = cuda.stream_synchronize(stream_);
  const int freed = shared_.pool ? cuda.pool_free(between, stream_) : cuda.free(between);
  return check(code != kSuccess ? code : freed, doing);
}

Status Stream::fill(isthmus_address_t dst, uint8_t value, uint64_t bytes) {
  if (bytes == 0) return ok();
  const auto current = shared_.enter();
  return check(shared_.cuda.fill(dst, value, bytes, stream_), "filling memory");
}

Status Stream::call_host(void (*function)(void*), void* argument) {
  const auto current = shared_.enter();
  return check(shared_.cuda.call_host(stream_, function, argument), "putting a host call on a stream");
}

Status Stream::record(Event& event) {
  const auto current = shared_.enter();
  return check(shared_.cuda.event_record(event.event_, stream_), "recording an event");
}

Status Stream::wait_for(Event& event) {
  const auto current = shared_.enter();
  return check(shared_.cuda.stream_wait_event(stream_, event.event_, 0), "making a stream wait for an event");
}

// Relaxed: other streams, of this thread too, go on as if there were no capture.
Status Stream::begin_capture() {
  const auto current = shared_.enter();
  return check(shared_.cuda.stream_capture(stream_, kCaptureRelaxed), "beginning a capture");
}

Result<std::unique_ptr<Capture>> Stream::end_capture() {
  const auto current = shared_.enter();
  CUgraph graph = nullptr;
  RETURN_IF_ERROR(check(shared_.cuda.stream_end_capture(stream_, &graph), "ending a capture"));
  auto capture = std::make_unique<Capture>(shared_, graph);
  RETURN_IF_ERROR(check(shared_.cuda.graph_instantiate(&capture->executable_, graph, 0),
                        "making a graph of a capture ready to replay"));
  return capture;
}

Status Stream::replay(Capture& capture) {
  const auto current = shared_.enter();
  return check(shared_.cuda.graph_launch(capture.executable_, stream_), "replaying a capture");
}

}  // namespace isthmus::cuda
