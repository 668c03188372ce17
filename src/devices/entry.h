// SPDX-License-Identifier: Apache-2.0
// The entries of isthmus/plugin.h over C++ classes: each turns a Status into a code and a reported sentence,
// and lets no exception out. A chip names its classes and has its table:
//
//   struct Chip {
//     static constexpr const char* kName = "mychip";
//     static int32_t device_count();
//     using Device = …; using Stream = …; using Event = …;
//     using Op = …; using Capture = …; using Kernel = …;  // each if it has them
//   };
//   static const isthmus_plugin_t table = devices::Entries<Chip>::table();
//
// What the classes must have is what is called below.
#pragma once

#include <exception>
#include <memory>
#include <new>

#include "base/status.h"
#include "isthmus/plugin.h"

namespace isthmus::devices {

inline isthmus_status_t report(const isthmus_host_t* host, Code code, const char* message) {
  host->report_error(host->context, static_cast<isthmus_status_t>(code), message);
  return static_cast<isthmus_status_t>(code);
}

// The body of an entry: a function that returns a Status.
template <typename F>
isthmus_status_t guarded(const isthmus_host_t* host, F&& body) {
  try {
    const Status status = body();
    return status.ok() ? ISTHMUS_OK : report(host, status.code(), status.message().c_str());
  } catch (const std::bad_alloc&) {
    return report(host, Code::kOutOfMemory, "the host has no memory left");
  } catch (const std::exception& thrown) {
    return report(host, Code::kInternal, thrown.what());
  } catch (...) {
    return report(host, Code::kInternal, "an exception of no known type");
  }
}

// What plugin.h's handles point to: the object, and whom to tell what goes wrong with it.
template <typename T>
struct Handle {
  const isthmus_host_t* host;  // of the device
  std::unique_ptr<T> object;
  T& operator*() { return *object; }
  T* operator->() { return object.get(); }
};

template <typename T, typename Out>
Status set(const Result<T>& result, Out* out) {
  if (!result.ok()) return result.status();
  *out = static_cast<Out>(*result);
  return ok();
}
template <typename T, typename Out>
Status give(const isthmus_host_t* host, Result<std::unique_ptr<T>> made, Out** out) {
  if (!made.ok()) return std::move(made).status();
  *out = reinterpret_cast<Out*>(new Handle<T>{host, std::move(made).value()});
  return ok();
}

template <typename Chip>
concept HasOps = requires { typename Chip::Op; };
template <typename Chip>
concept HasMarks = requires(typename Chip::Stream& stream) { stream.mark(uint64_t{}); };
template <typename Chip>
concept HasCapture = requires { typename Chip::Capture; };
template <typename Chip>
concept HasKernels = requires { typename Chip::Kernel; };

template <typename Chip>
struct Entries {
  static auto& of(isthmus_chip_device_t* d) { return *reinterpret_cast<Handle<typename Chip::Device>*>(d); }
  static auto& of(isthmus_chip_stream_t* s) { return *reinterpret_cast<Handle<typename Chip::Stream>*>(s); }
  static auto& of(isthmus_chip_event_t* e) { return *reinterpret_cast<Handle<typename Chip::Event>*>(e); }
  static auto& of(isthmus_chip_op_t* o) { return *reinterpret_cast<Handle<typename Chip::Op>*>(o); }
  static auto& of(isthmus_chip_capture_t* c) { return *reinterpret_cast<Handle<typename Chip::Capture>*>(c); }
  static auto& of(isthmus_chip_kernel_t* k) { return *reinterpret_cast<Handle<typename Chip::Kernel>*>(k); }

  // -- devices and memory --

  static isthmus_status_t device_open(const isthmus_host_t* host, int32_t index,
                                      isthmus_chip_device_t** device) {
    return guarded(host, [&] { return give(host, Chip::Device::open(*host, index), device); });
  }
  static void device_close(isthmus_chip_device_t* device) { delete &of(device); }
  static isthmus_status_t device_properties(isthmus_chip_device_t* device, isthmus_device_properties_t* out) {
    return guarded(of(device).host, [&] {
      const isthmus_device_properties_t properties = of(device)->properties();
      isthmus_give(out, &properties);
      return ok();
    });
  }
  static isthmus_status_t allocate(isthmus_chip_device_t* device, isthmus_memory_kind_t kind, uint64_t bytes,
                                   isthmus_address_t* address) {
    return guarded(of(device).host, [&] { return set(of(device)->memory().allocate(kind, bytes), address); });
  }
  static void free_memory(isthmus_chip_device_t* device, isthmus_address_t address) {
    of(device)->memory().free(address);
  }
  static isthmus_status_t import_host(isthmus_chip_device_t* device, const void* host, uint64_t bytes,
                                      isthmus_address_t* address) {
    return guarded(of(device).host, [&] { return set(of(device)->memory().import(host, bytes), address); });
  }
  static void release_host(isthmus_chip_device_t* device, isthmus_address_t address) {
    of(device)->memory().release(address);
  }

  // -- streams and events --

  static isthmus_status_t stream_create(isthmus_chip_device_t* device, isthmus_chip_stream_t** stream) {
    return guarded(of(device).host,
                   [&] { return give(of(device).host, of(device)->create_stream(), stream); });
  }
  static void stream_destroy(isthmus_chip_stream_t* stream) { delete &of(stream); }
  static isthmus_status_t stream_wait(isthmus_chip_stream_t* stream) {
    return guarded(of(stream).host, [&] { return of(stream)->wait(); });
  }
  static isthmus_status_t stream_query(isthmus_chip_stream_t* stream, int32_t* idle) {
    return guarded(of(stream).host, [&] { return set(of(stream)->idle(), idle); });
  }
  static isthmus_status_t copy(isthmus_chip_stream_t* stream, isthmus_copy_direction_t direction,
                               uint64_t dst, uint64_t src, uint64_t bytes) {
    return guarded(of(stream).host, [&] { return of(stream)->copy(direction, dst, src, bytes); });
  }
  static isthmus_status_t fill(isthmus_chip_stream_t* stream, isthmus_address_t dst, uint8_t value,
                               uint64_t bytes) {
    return guarded(of(stream).host, [&] { return of(stream)->fill(dst, value, bytes); });
  }
  static isthmus_status_t call_host(isthmus_chip_stream_t* stream, void (*function)(void*), void* argument) {
    return guarded(of(stream).host, [&] { return of(stream)->call_host(function, argument); });
  }
  static isthmus_status_t event_create(isthmus_chip_device_t* device, isthmus_chip_event_t** event) {
    return guarded(of(device).host, [&] { return give(of(device).host, of(device)->create_event(), event); });
  }
  static void event_destroy(isthmus_chip_event_t* event) { delete &of(event); }
  static isthmus_status_t event_record(isthmus_chip_event_t* event, isthmus_chip_stream_t* stream) {
    return guarded(of(stream).host, [&] { return of(stream)->record(*of(event)); });
  }
  static isthmus_status_t event_wait(isthmus_chip_event_t* event) {
    return guarded(of(event).host, [&] { return of(event)->wait(); });
  }
  static isthmus_status_t event_query(isthmus_chip_event_t* event, int32_t* done) {
    return guarded(of(event).host, [&] { return set(of(event)->done(), done); });
  }
  static isthmus_status_t stream_wait_event(isthmus_chip_stream_t* stream, isthmus_chip_event_t* event) {
    return guarded(of(stream).host, [&] { return of(stream)->wait_for(*of(event)); });
  }
  static isthmus_status_t event_elapsed(isthmus_chip_event_t* start, isthmus_chip_event_t* end,
                                        double* seconds) {
    return guarded(of(end).host, [&] { return set(of(end)->since(*of(start)), seconds); });
  }

  static isthmus_status_t stream_mark(isthmus_chip_stream_t* stream, uint64_t mark) {
    return guarded(of(stream).host, [&] { return of(stream)->mark(mark); });
  }

  // -- operators --

  static isthmus_status_t op_prepare(isthmus_chip_device_t* device, const isthmus_op_query_t* query,
                                     isthmus_prepared_t* prepared) {
    return guarded(of(device).host, [&]() -> Status {
      isthmus_prepared_t result{};
      result.size = sizeof result;
      RETURN_IF_ERROR(give(of(device).host, of(device)->prepare(*query, result), &result.op));
      isthmus_give(prepared, &result);
      return ok();
    });
  }
  static isthmus_status_t op_pack(isthmus_chip_op_t* op, int32_t input, const void* src, void* dst) {
    return guarded(of(op).host, [&] { return of(op)->pack(input, src, dst); });
  }
  static isthmus_status_t op_run(isthmus_chip_op_t* op, const isthmus_tensor_arg_t* operands,
                                 isthmus_address_t workspace, isthmus_chip_stream_t* stream) {
    return guarded(of(op).host, [&] { return of(stream)->run(*of(op), operands, workspace); });
  }
  static void op_release(isthmus_chip_op_t* op) { delete &of(op); }

  // -- capture and replay --

  static isthmus_status_t capture_begin(isthmus_chip_stream_t* stream) {
    return guarded(of(stream).host, [&] { return of(stream)->begin_capture(); });
  }
  static isthmus_status_t capture_end(isthmus_chip_stream_t* stream, isthmus_chip_capture_t** capture) {
    return guarded(of(stream).host,
                   [&] { return give(of(stream).host, of(stream)->end_capture(), capture); });
  }
  static isthmus_status_t capture_replay(isthmus_chip_capture_t* capture, isthmus_chip_stream_t* stream) {
    return guarded(of(stream).host, [&] { return of(stream)->replay(*of(capture)); });
  }
  static void capture_destroy(isthmus_chip_capture_t* capture) { delete &of(capture); }

  // -- kernels --

  static isthmus_status_t kernel_build(isthmus_chip_device_t* device, const char* language,
                                       const char* source, const char* options, const char* entry,
                                       isthmus_chip_kernel_t** kernel) {
    return guarded(of(device).host, [&] {
      return give(of(device).host, of(device)->build(language, source, options ? options : "", entry),
                  kernel);
    });
  }
  static isthmus_status_t kernel_launch(isthmus_chip_kernel_t* kernel, const uint32_t groups[3],
                                        const uint32_t group_size[3],
                                        const isthmus_kernel_argument_t* arguments, int32_t argument_count,
                                        isthmus_chip_stream_t* stream) {
    return guarded(of(stream).host, [&] {
      return of(kernel)->launch(groups, group_size, arguments, argument_count, *of(stream));
    });
  }
  static void kernel_release(isthmus_chip_kernel_t* kernel) { delete &of(kernel); }

  static isthmus_plugin_t table() {
    isthmus_plugin_t p{};
    p.size = sizeof p;
    p.major = ISTHMUS_PLUGIN_MAJOR;
    p.minor = ISTHMUS_PLUGIN_MINOR;
    p.name = Chip::kName;
    p.version = "0.1.0";
    p.device_count = Chip::device_count;
    p.device_open = device_open;
    p.device_close = device_close;
    p.device_properties = device_properties;
    p.allocate = allocate;
    p.free = free_memory;
    p.import_host = import_host;
    p.release_host = release_host;
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
    if constexpr (HasMarks<Chip>) p.stream_mark = stream_mark;
    if constexpr (HasOps<Chip>) {
      p.op_prepare = op_prepare;
      p.op_pack = op_pack;
      p.op_run = op_run;
      p.op_release = op_release;
    }
    if constexpr (HasCapture<Chip>) {
      p.capture_begin = capture_begin;
      p.capture_end = capture_end;
      p.capture_replay = capture_replay;
      p.capture_destroy = capture_destroy;
    }
    if constexpr (HasKernels<Chip>) {
      p.kernel_build = kernel_build;
      p.kernel_launch = kernel_launch;
      p.kernel_release = kernel_release;
    }
    return p;
  }
};

}  // namespace isthmus::devices
