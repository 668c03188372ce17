// SPDX-License-Identifier: Apache-2.0
// Platform, devices, buffers, streams and events as C++ values. runtime.h says what each does.
#pragma once

#include <span>
#include <vector>

#include "isthmus/cpp/result.hpp"
#include "isthmus/runtime.h"

namespace isthmus {
inline namespace v0 {

class Device;

class Platform : public Handle<isthmus_platform_t, isthmus_platform_destroy> {
 public:
  using Handle::Handle;
  static Result<Platform> create(isthmus_platform_options_t options = {}) {
    options.size = sizeof options;
    isthmus_platform_t* c = nullptr;
    if (const auto code = isthmus_platform_create(&options, &c)) return last_error(code);
    return Platform(c);
  }
  // "cpu:0", …
  std::vector<std::string> devices() const {
    std::vector<std::string> names;
    while (const char* name = isthmus_platform_device(get(), static_cast<int32_t>(names.size())))
      names.emplace_back(name);
    return names;
  }
  Result<Device> open(const std::string& name);
};

class Buffer : public Handle<isthmus_buffer_t, isthmus_buffer_destroy> {
 public:
  using Handle::Handle;
  isthmus_address_t address() const { return isthmus_buffer_address(get()); }
  void* host() const { return isthmus_buffer_host(get()); }  // null where the host may not touch it
};

class Event;

class Stream : public Handle<isthmus_stream_t, isthmus_stream_destroy> {
 public:
  using Handle::Handle;
  Status wait() { return Status::of(isthmus_stream_wait(get())); }
  // The memory behind the span stays valid until the stream has done it.
  template <typename T>
  Status upload(isthmus_address_t dst, std::span<const T> src) {
    return Status::of(isthmus_stream_upload(get(), dst, src.data(), src.size_bytes()));
  }
  template <typename T>
  Status upload(isthmus_address_t dst, const std::vector<T>& src) {
    return upload(dst, std::span<const T>(src));
  }
  template <typename T>
  Status download(std::span<T> dst, isthmus_address_t src) {
    return Status::of(isthmus_stream_download(get(), dst.data(), src, dst.size_bytes()));
  }
  template <typename T>
  Status download(std::vector<T>& dst, isthmus_address_t src) {
    return download(std::span<T>(dst), src);
  }
  Status copy(isthmus_address_t dst, isthmus_address_t src, uint64_t bytes) {
    return Status::of(isthmus_stream_copy(get(), dst, src, bytes));
  }
  Status fill(isthmus_address_t dst, uint8_t value, uint64_t bytes) {
    return Status::of(isthmus_stream_fill(get(), dst, value, bytes));
  }
  Status wait_for(const Event& event);  // later work starts after the event
};

class Event : public Handle<isthmus_event_t, isthmus_event_destroy> {
 public:
  using Handle::Handle;
  Status record(Stream& stream) { return Status::of(isthmus_event_record(get(), stream.get())); }
  Status wait() { return Status::of(isthmus_event_wait(get())); }
  Result<double> seconds_since(const Event& start) const {
    double seconds = 0;
    if (const auto code = isthmus_event_elapsed(start.get(), get(), &seconds)) return last_error(code);
    return seconds;
  }
};
inline Status Stream::wait_for(const Event& event) {
  return Status::of(isthmus_stream_wait_event(get(), event.get()));
}

class Device : public Handle<isthmus_device_t, isthmus_device_close> {
 public:
  using Handle::Handle;
  std::string name() const { return isthmus_device_name(get()); }
  Result<isthmus_device_properties_t> properties() const {
    isthmus_device_properties_t properties = {};
    properties.size = sizeof properties;
    if (const auto code = isthmus_device_properties(get(), &properties)) return last_error(code);
    return properties;
  }
  Result<Buffer> allocate(uint64_t bytes, isthmus_memory_kind_t kind = ISTHMUS_MEMORY_DEVICE) {
    isthmus_buffer_t* c = nullptr;
    if (const auto code = isthmus_buffer_create(get(), kind, bytes, &c)) return last_error(code);
    return Buffer(c);
  }
  Result<Stream> create_stream() {
    isthmus_stream_t* c = nullptr;
    if (const auto code = isthmus_stream_create(get(), &c)) return last_error(code);
    return Stream(c);
  }
  Result<Event> create_event() {
    isthmus_event_t* c = nullptr;
    if (const auto code = isthmus_event_create(get(), &c)) return last_error(code);
    return Event(c);
  }
};
inline Result<Device> Platform::open(const std::string& name) {
  isthmus_device_t* c = nullptr;
  if (const auto code = isthmus_device_open(get(), name.c_str(), &c)) return last_error(code);
  return Device(c);
}

}  // namespace v0
}  // namespace isthmus
