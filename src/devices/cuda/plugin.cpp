// SPDX-License-Identifier: Apache-2.0
// CUDA as a chip: the entries of isthmus/plugin.h. Each turns a Status into a code and a reported sentence.
#include "isthmus/plugin.h"

#include <cstring>

#include "devices/cuda/device.h"

namespace isthmus::cuda {
namespace {

// What plugin.h's handles point to: the object, and whom to tell what goes wrong with it.
template <typename T>
struct Handle {
  const isthmus_host_t* host;  // of the device
  std::unique_ptr<T> object;
  T& operator*() { return *object; }
  T* operator->() { return object.get(); }
};

isthmus_status_t report(const isthmus_host_t* host, const Status& status) {
  if (status.ok()) return ISTHMUS_OK;
  const auto code = static_cast<isthmus_status_t>(status.code());
  host->report_error(host->context, code, status.message().c_str());
  return code;
}
template <typename T, typename Out>
isthmus_status_t answer(const isthmus_host_t* host, const Result<T>& result, Out* out) {
  if (!result.ok()) return report(host, result.status());
  *out = static_cast<Out>(*result);
  return ISTHMUS_OK;
}
template <typename T, typename Chip>
isthmus_status_t give(const isthmus_host_t* host, Result<std::unique_ptr<T>> made, Chip** out) {
  if (!made.ok()) return report(host, made.status());
  *out = reinterpret_cast<Chip*>(new Handle<T>{host, std::move(made).value()});
  return ISTHMUS_OK;
}

Handle<Device>& of(isthmus_chip_device_t* device) { return *reinterpret_cast<Handle<Device>*>(device); }
Handle<Stream>& of(isthmus_chip_stream_t* stream) { return *reinterpret_cast<Handle<Stream>*>(stream); }
Handle<Event>& of(isthmus_chip_event_t* event) { return *reinterpret_cast<Handle<Event>*>(event); }
Handle<Capture>& of(isthmus_chip_capture_t* capture) { return *reinterpret_cast<Handle<Capture>*>(capture); }
Handle<Kernel>& of(isthmus_chip_kernel_t* kernel) { return *reinterpret_cast<Handle<Kernel>*>(kernel); }

// -- devices and memory --

int32_t count_devices() { return device_count(); }
isthmus_status_t device_open(const isthmus_host_t* host, int32_t index, isthmus_chip_device_t** device) {
  return give(host, Device::open(index), device);
}
void device_close(isthmus_chip_device_t* device) { delete &of(device); }
isthmus_status_t device_properties(isthmus_chip_device_t* device, isthmus_device_properties_t* out) {
  const isthmus_device_properties_t p = of(device)->properties();
  const size_t bytes = out->size < sizeof p ? out->size : sizeof p;
  std::memcpy(out, &p, bytes);
  out->size = bytes;
  return ISTHMUS_OK;
}
isthmus_status_t allocate(isthmus_chip_device_t* device, isthmus_memory_kind_t kind, uint64_t bytes,
                          isthmus_address_t* address) {
  return answer(of(device).host, of(device)->memory().allocate(kind, bytes), address);
}
void free_memory(isthmus_chip_device_t* device, isthmus_address_t address) {
  of(device)->memory().free(address);
}
isthmus_status_t import_host(isthmus_chip_device_t* device, const void* host, uint64_t bytes,
                             isthmus_address_t* address) {
  return answer(of(device).host, of(device)->memory().import(host, bytes), address);
}

// -- streams and events --

isthmus_status_t stream_create(isthmus_chip_device_t* device, isthmus_chip_stream_t** stream) {
  return give(of(device).host, of(device)->create_stream(), stream);
}
void stream_destroy(isthmus_chip_stream_t* stream) { delete &of(stream); }
isthmus_status_t stream_wait(isthmus_chip_stream_t* stream) {
  return report(of(stream).host, of(stream)->wait());
}
isthmus_status_t stream_query(isthmus_chip_stream_t* stream, int32_t* idle) {
  return answer(of(stream).host, of(stream)->idle(), idle);
}
isthmus_status_t copy(isthmus_chip_stream_t* stream, isthmus_copy_direction_t direction, uint64_t dst,
                      uint64_t src, uint64_t bytes) {
  return report(of(stream).host, of(stream)->copy(direction, dst, src, bytes));
}
isthmus_status_t fill(isthmus_chip_stream_t* stream, isthmus_address_t dst, uint8_t value, uint64_t bytes) {
  return report(of(stream).host, of(stream)->fill(dst, value, bytes));
}
isthmus_status_t call_host(isthmus_chip_stream_t* stream, void (*function)(void*), void* argument) {
  return report(of(stream).host, of(stream)->call_host(function, argument));
}
isthmus_status_t event_create(isthmus_chip_device_t* device, isthmus_chip_event_t** event) {
  return give(of(device).host, of(device)->create_event(), event);
}
void event_destroy(isthmus_chip_event_t* event) { delete &of(event); }
isthmus_status_t event_record(isthmus_chip_event_t* event, isthmus_chip_stream_t* stream) {
  return report(of(stream).host, of(stream)->record(*of(event)));
}
isthmus_status_t event_wait(isthmus_chip_event_t* event) { return report(of(event).host, of(event)->wait()); }
isthmus_status_t event_query(isthmus_chip_event_t* event, int32_t* done) {
  return answer(of(event).host, of(event)->done(), done);
}
isthmus_status_t stream_wait_event(isthmus_chip_stream_t* stream, isthmus_chip_event_t* event) {
  return report(of(stream).host, of(stream)->wait_for(*of(event)));
}
isthmus_status_t event_elapsed(isthmus_chip_event_t* start, isthmus_chip_event_t* end, double* seconds) {
  return answer(of(end).host, of(end)->since(*of(start)), seconds);
}

// -- capture and replay --

isthmus_status_t capture_begin(isthmus_chip_stream_t* stream) {
  return report(of(stream).host, of(stream)->begin_capture());
}
isthmus_status_t capture_end(isthmus_chip_stream_t* stream, isthmus_chip_capture_t** capture) {
  return give(of(stream).host, of(stream)->end_capture(), capture);
}
isthmus_status_t capture_replay(isthmus_chip_capture_t* capture, isthmus_chip_stream_t* stream) {
  return report(of(stream).host, of(stream)->replay(*of(capture)));
}
void capture_destroy(isthmus_chip_capture_t* capture) { delete &of(capture); }

// -- kernels --

isthmus_status_t kernel_build(isthmus_chip_device_t* device, const char* language, const char* source,
                              const char* options, const char* entry, isthmus_chip_kernel_t** kernel) {
  return give(of(device).host, of(device)->build(language, source, options ? options : "", entry), kernel);
}
isthmus_status_t kernel_launch(isthmus_chip_kernel_t* kernel, const uint32_t groups[3],
                               const uint32_t group_size[3], const isthmus_kernel_argument_t* arguments,
                               int32_t argument_count, isthmus_chip_stream_t* stream) {
  return report(of(stream).host,
                of(kernel)->launch(groups, group_size, arguments, argument_count, *of(stream)));
}
void kernel_release(isthmus_chip_kernel_t* kernel) { delete &of(kernel); }

isthmus_plugin_t make_plugin() {
  isthmus_plugin_t p{};
  p.size = sizeof p;
  p.major = ISTHMUS_PLUGIN_MAJOR;
  p.minor = ISTHMUS_PLUGIN_MINOR;
  p.name = "cuda";
  p.version = "0.1.0";
  p.device_count = count_devices;
  p.device_open = device_open;
  p.device_close = device_close;
  p.device_properties = device_properties;
  p.allocate = allocate;
  p.free = free_memory;
  p.import_host = import_host;
  p.release_host = free_memory;
  p.stream_create = stream_create;
  p.stream_destroy = stream_destroy;
  p.stream_wait = stream_wait;
  p.stream_query = stream_query;
  p.copy = copy;
  p.fill = fill;
  p.call_host = call_host;
  p.event_create = event_create;
  p.event_destroy = event_destroy;
  p.event_record = event_record;
  p.event_wait = event_wait;
  p.event_query = event_query;
  p.stream_wait_event = stream_wait_event;
  p.event_elapsed = event_elapsed;
  p.capture_begin = capture_begin;
  p.capture_end = capture_end;
  p.capture_replay = capture_replay;
  p.capture_destroy = capture_destroy;
  p.kernel_build = kernel_build;
  p.kernel_launch = kernel_launch;
  p.kernel_release = kernel_release;
  return p;
}

}  // namespace
}  // namespace isthmus::cuda

extern "C" ISTHMUS_PLUGIN_EXPORT const isthmus_plugin_t* isthmus_plugin_load(const isthmus_host_t*) {
  static const isthmus_plugin_t plugin = isthmus::cuda::make_plugin();
  return &plugin;
}
