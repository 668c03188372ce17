// SPDX-License-Identifier: Apache-2.0
#include "isthmus/runtime.h"

#include "api/convert.h"
#include "api/handles.h"

using namespace isthmus;
using namespace isthmus::api;

// -- platform --

isthmus_status_t isthmus_platform_create(const isthmus_platform_options_t* options,
                                         isthmus_platform_t** platform) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_platform_create", ISTHMUS_POINTER(platform)));
    HostOptions host;
    if (options) {
      ASSIGN_OR_RETURN(const isthmus_platform_options_t given, read_struct(options, "options"));
      if (given.thread_count < 0) return invalid_argument("thread_count is {}", given.thread_count);
      host.thread_count = given.thread_count;
      host.log = given.log;
      host.log_context = given.log_context;
      host.parallel_for = given.parallel_for;
      host.parallel_for_context = given.parallel_for_context;
      if (!given.allocate != !given.free) return invalid_argument("options: allocate and free come together");
      host.allocate = given.allocate;
      host.free = given.free;
      host.allocate_context = given.allocate_context;
    }
    auto handle = std::make_unique<isthmus_platform_t>();
    ASSIGN_OR_RETURN(handle->platform, Platform::discover(host));
    for (const auto& plugin : handle->platform->plugins())
      for (int i = 0, count = plugin->device_count(); i < count; ++i)
        handle->devices.push_back(fmt::format("{}:{}", plugin->name(), i));
    if (host.log)
      for (const Platform::Failure& failure : handle->platform->failures())
        host.log(host.log_context, ISTHMUS_LOG_WARNING, failure.status.message().c_str());
    *platform = handle.release();
    return ok();
  });
}

void isthmus_platform_destroy(isthmus_platform_t* platform) { delete platform; }

const char* isthmus_platform_device(const isthmus_platform_t* platform, int32_t index) {
  if (!platform || index < 0 || static_cast<size_t>(index) >= platform->devices.size()) return nullptr;
  return platform->devices[static_cast<size_t>(index)].c_str();
}

// -- device --

isthmus_status_t isthmus_device_open(isthmus_platform_t* platform, const char* name,
                                     isthmus_device_t** device) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_device_open", ISTHMUS_POINTER(platform), ISTHMUS_POINTER(name),
                            ISTHMUS_POINTER(device)));
    auto handle = std::make_unique<isthmus_device_t>();
    ASSIGN_OR_RETURN(handle->device, platform->platform->open(name));
    *device = handle.release();
    return ok();
  });
}

void isthmus_device_close(isthmus_device_t* device) { delete device; }

const char* isthmus_device_name(const isthmus_device_t* device) {
  return device ? device->device->id().c_str() : "";
}

isthmus_status_t isthmus_device_properties(const isthmus_device_t* device,
                                           isthmus_device_properties_t* properties) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_device_properties", ISTHMUS_POINTER(device)));
    return write_struct(properties, device->device->properties(), "properties");
  });
}

// -- buffer --

isthmus_status_t isthmus_buffer_create(isthmus_device_t* device, isthmus_memory_kind_t kind, uint64_t bytes,
                                       isthmus_buffer_t** buffer) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_buffer_create", ISTHMUS_POINTER(device), ISTHMUS_POINTER(buffer)));
    if (kind != ISTHMUS_MEMORY_DEVICE && kind != ISTHMUS_MEMORY_PINNED_HOST)
      return invalid_argument("there is no memory kind {}", static_cast<int>(kind));
    if (bytes > uint64_t{1} << 62)
      return error(Code::kOutOfMemory, "{} bytes is more than any device has", bytes);
    auto handle = std::make_unique<isthmus_buffer_t>();
    ASSIGN_OR_RETURN(handle->buffer, device->device->allocate(std::max<uint64_t>(bytes, 1), kind));
    *buffer = handle.release();
    return ok();
  });
}

void isthmus_buffer_destroy(isthmus_buffer_t* buffer) { delete buffer; }
isthmus_address_t isthmus_buffer_address(const isthmus_buffer_t* buffer) {
  return buffer ? buffer->buffer.address() : 0;
}
void* isthmus_buffer_host(const isthmus_buffer_t* buffer) { return buffer ? buffer->buffer.host() : nullptr; }

// -- stream --

isthmus_status_t isthmus_stream_create(isthmus_device_t* device, isthmus_stream_t** stream) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_stream_create", ISTHMUS_POINTER(device), ISTHMUS_POINTER(stream)));
    auto handle = std::make_unique<isthmus_stream_t>();
    ASSIGN_OR_RETURN(handle->stream, device->device->create_stream());
    *stream = handle.release();
    return ok();
  });
}

void isthmus_stream_destroy(isthmus_stream_t* stream) { delete stream; }

isthmus_status_t isthmus_stream_wait(isthmus_stream_t* stream) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_stream_wait", ISTHMUS_POINTER(stream)));
    return stream->stream->wait();
  });
}

isthmus_status_t isthmus_stream_upload(isthmus_stream_t* stream, isthmus_address_t dst, const void* src,
                                       uint64_t bytes) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_stream_upload", ISTHMUS_POINTER(stream)));
    if (bytes == 0) return ok();
    if (!src || !dst) return invalid_argument("isthmus_stream_upload: '{}' is 0", src ? "dst" : "src");
    return stream->stream->upload(dst, src, bytes);
  });
}

isthmus_status_t isthmus_stream_download(isthmus_stream_t* stream, void* dst, isthmus_address_t src,
                                         uint64_t bytes) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_stream_download", ISTHMUS_POINTER(stream)));
    if (bytes == 0) return ok();
    if (!src || !dst) return invalid_argument("isthmus_stream_download: '{}' is 0", src ? "dst" : "src");
    return stream->stream->download(dst, src, bytes);
  });
}

isthmus_status_t isthmus_stream_copy(isthmus_stream_t* stream, isthmus_address_t dst, isthmus_address_t src,
                                     uint64_t bytes) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_stream_copy", ISTHMUS_POINTER(stream)));
    if (bytes == 0) return ok();
    if (!src || !dst) return invalid_argument("isthmus_stream_copy: '{}' is 0", src ? "dst" : "src");
    return stream->stream->copy(dst, src, bytes);
  });
}

isthmus_status_t isthmus_stream_fill(isthmus_stream_t* stream, isthmus_address_t dst, uint8_t value,
                                     uint64_t bytes) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_stream_fill", ISTHMUS_POINTER(stream)));
    if (bytes == 0) return ok();
    if (!dst) return invalid_argument("isthmus_stream_fill: 'dst' is 0");
    return stream->stream->fill(dst, value, bytes);
  });
}

// -- event --

namespace {

Status same_device(const Device& a, const Device& b) {
  if (&a == &b) return ok();
  return invalid_argument("the event is of {}, the other of {}", a.id(), b.id());
}

}  // namespace

isthmus_status_t isthmus_event_create(isthmus_device_t* device, isthmus_event_t** event) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_event_create", ISTHMUS_POINTER(device), ISTHMUS_POINTER(event)));
    auto handle = std::make_unique<isthmus_event_t>();
    handle->device = device->device;
    ASSIGN_OR_RETURN(handle->event, device->device->create_event());
    *event = handle.release();
    return ok();
  });
}

void isthmus_event_destroy(isthmus_event_t* event) { delete event; }

isthmus_status_t isthmus_event_record(isthmus_event_t* event, isthmus_stream_t* stream) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_event_record", ISTHMUS_POINTER(event), ISTHMUS_POINTER(stream)));
    RETURN_IF_ERROR(same_device(*event->device, stream->stream->device()));
    return event->event->record(*stream->stream);
  });
}

isthmus_status_t isthmus_event_wait(isthmus_event_t* event) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_event_wait", ISTHMUS_POINTER(event)));
    return event->event->wait();
  });
}

isthmus_status_t isthmus_stream_wait_event(isthmus_stream_t* stream, isthmus_event_t* event) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_stream_wait_event", ISTHMUS_POINTER(stream), ISTHMUS_POINTER(event)));
    RETURN_IF_ERROR(same_device(*event->device, stream->stream->device()));
    return event->event->make_wait(*stream->stream);
  });
}

isthmus_status_t isthmus_event_elapsed(isthmus_event_t* start, isthmus_event_t* end, double* seconds) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_event_elapsed", ISTHMUS_POINTER(start), ISTHMUS_POINTER(end),
                            ISTHMUS_POINTER(seconds)));
    RETURN_IF_ERROR(same_device(*start->device, *end->device));
    ASSIGN_OR_RETURN(*seconds, end->event->since(*start->event));
    return ok();
  });
}
