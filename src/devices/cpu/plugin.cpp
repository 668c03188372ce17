// SPDX-License-Identifier: Apache-2.0
// The CPU as a chip: the entries of isthmus/plugin.h over streams, the thread pool and the kernel tables.
#include "isthmus/plugin.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <string>

#include "devices/cpu/kernel_table.h"
#include "devices/cpu/pool.h"
#include "devices/cpu/stream.h"
#include "devices/entry.h"

namespace isthmus::cpu {
namespace {

constexpr uint64_t kAlignment = 64;
// Allocations from this size on are mapped, on huge pages (of that size) where the system has them.
constexpr uint64_t kHugePage = 2u << 20;

using devices::guarded;

// The host as this version knows it: fields beyond its size are zero.
isthmus_host_t known(const isthmus_host_t& given) {
  isthmus_host_t host{};
  std::memcpy(&host, &given, given.size < sizeof host ? given.size : sizeof host);
  return host;
}

struct Device {
  Device(const isthmus_host_t& host, const IsaKernels* its_isa) : pool(known(host)), isa(its_isa) {}
  Pool pool;
  const IsaKernels* isa;  // the best of this machine, or the one asked for
  std::string name, architecture;
  std::mutex mutex;
  struct Mapping {
    void* start;
    uint64_t bytes;
  };
  std::map<uint64_t, Mapping> mapped;  // by address: the allocations made with mmap
};

Device* device_of(isthmus_chip_device_t* d) { return reinterpret_cast<Device*>(d); }
Stream* stream_of(isthmus_chip_stream_t* s) { return reinterpret_cast<Stream*>(s); }
Event* event_of(isthmus_chip_event_t* e) { return reinterpret_cast<Event*>(e); }
PreparedOp* op_of(isthmus_chip_op_t* o) { return reinterpret_cast<PreparedOp*>(o); }

std::string cpu_model() {
  std::string model = "CPU";
  if (FILE* f = std::fopen("/proc/cpuinfo", "r")) {
    char line[512];
    while (std::fgets(line, sizeof line, f)) {
      const char* colon = std::strchr(line, ':');
      if (colon && std::strncmp(line, "model name", 10) == 0) {
        model = colon + 2;
        while (!model.empty() && (model.back() == '\n' || model.back() == ' ')) model.pop_back();
        break;
      }
    }
    std::fclose(f);
  }
  return model;
}

// -- devices and memory --

int32_t device_count() { return 1; }

isthmus_status_t device_open(const isthmus_host_t* host, int32_t index, isthmus_chip_device_t** device) {
  return guarded(host, [&]() -> Status {
    if (index != 0) return error(Code::kNotFound, "the CPU chip has one device, number 0");
    const char* reason = nullptr;
    const IsaKernels* isa = choose_isa(&reason);
    if (!isa) return invalid_argument("{}", reason);
    auto d = std::make_unique<Device>(*host, isa);
    const int threads = d->pool.thread_count();
    d->name = fmt::format("{}, {} thread{}, {}", cpu_model(), threads, threads == 1 ? "" : "s", isa->isa);
#if defined(__x86_64__)
    d->architecture = std::string("x86_64-") + isa->isa;
#elif defined(__aarch64__)
    d->architecture = std::string("aarch64-") + isa->isa;
#else
    d->architecture = isa->isa;
#endif
    *device = reinterpret_cast<isthmus_chip_device_t*>(d.release());
    return ok();
  });
}

void device_close(isthmus_chip_device_t* device) { delete device_of(device); }

isthmus_status_t device_properties(isthmus_chip_device_t* device, isthmus_device_properties_t* out) {
  isthmus_device_properties_t p{};
  p.size = sizeof p;
  p.name = device_of(device)->name.c_str();
  p.architecture = device_of(device)->architecture.c_str();
  p.memory_bytes =
      static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGE_SIZE));
  p.alignment_bytes = kAlignment;
  p.features = ISTHMUS_FEATURE_HOST_ACCESS | ISTHMUS_FEATURE_IMPORT | ISTHMUS_FEATURE_CAPTURE |
               ISTHMUS_FEATURE_EXACT | ISTHMUS_FEATURE_EVENT_TIMING;
  p.parallelism = device_of(device)->pool.thread_count();
  isthmus_give(out, &p);
  return ISTHMUS_OK;
}

isthmus_status_t allocate(isthmus_chip_device_t* device, isthmus_memory_kind_t, uint64_t bytes,
                          isthmus_address_t* address) {
  Device& d = *device_of(device);
  const isthmus_host_t& host = d.pool.host();
  return guarded(&host, [&]() -> Status {
    if (host.allocate) {
      void* p = host.allocate(host.context, bytes ? bytes : kAlignment, kAlignment);
      if (!p) return error(Code::kOutOfMemory, "the program's allocator gives no {} bytes", bytes);
      *address = reinterpret_cast<uint64_t>(p);
      return ok();
    }
    if (bytes < kHugePage) {
      const uint64_t rounded = (bytes + kAlignment - 1) / kAlignment * kAlignment;
      void* p = std::aligned_alloc(kAlignment, rounded ? rounded : kAlignment);
      if (!p) return error(Code::kOutOfMemory, "the host has no {} bytes left", bytes);
      *address = reinterpret_cast<uint64_t>(p);
      return ok();
    }
    // Mapped with room to begin on a huge page, which the system does not promise; addresses cost nothing.
    const uint64_t room = bytes + kHugePage;
    void* p = room < bytes ? MAP_FAILED
                           : mmap(nullptr, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return error(Code::kOutOfMemory, "the host has no {} bytes left", bytes);
    madvise(p, room, MADV_HUGEPAGE);  // A hint: without huge pages everything still works.
    *address = (reinterpret_cast<uint64_t>(p) + kHugePage - 1) / kHugePage * kHugePage;
    std::lock_guard lock(d.mutex);
    d.mapped[*address] = {p, room};
    return ok();
  });
}

void free_memory(isthmus_chip_device_t* device, isthmus_address_t address) {
  Device& d = *device_of(device);
  if (const isthmus_host_t& host = d.pool.host(); host.allocate) {
    host.free(host.context, reinterpret_cast<void*>(address));
    return;
  }
  {
    std::lock_guard lock(d.mutex);
    if (auto found = d.mapped.find(address); found != d.mapped.end()) {
      munmap(found->second.start, found->second.bytes);
      d.mapped.erase(found);
      return;
    }
  }
  std::free(reinterpret_cast<void*>(address));
}

isthmus_status_t import_host(isthmus_chip_device_t*, const void* host, uint64_t, isthmus_address_t* address) {
  *address = reinterpret_cast<uint64_t>(host);
  return ISTHMUS_OK;
}
void release_host(isthmus_chip_device_t*, isthmus_address_t) {}

// -- streams and events --

isthmus_status_t stream_create(isthmus_chip_device_t* device, isthmus_chip_stream_t** stream) {
  return guarded(&device_of(device)->pool.host(), [&] {
    *stream = reinterpret_cast<isthmus_chip_stream_t*>(new Stream(device_of(device)->pool));
    return ok();
  });
}
void stream_destroy(isthmus_chip_stream_t* stream) { delete stream_of(stream); }
isthmus_status_t stream_wait(isthmus_chip_stream_t* stream) {
  stream_of(stream)->wait();
  return ISTHMUS_OK;
}
isthmus_status_t stream_query(isthmus_chip_stream_t* stream, int32_t* idle) {
  *idle = stream_of(stream)->idle();
  return ISTHMUS_OK;
}
isthmus_status_t add(isthmus_chip_stream_t* stream, const Command& command) {
  return guarded(&stream_of(stream)->host(), [&] {
    stream_of(stream)->add(command);
    return ok();
  });
}
isthmus_status_t copy(isthmus_chip_stream_t* stream, isthmus_copy_direction_t, uint64_t dst, uint64_t src,
                      uint64_t bytes) {
  Command c{Command::kCopy};
  c.dst = reinterpret_cast<void*>(dst);
  c.src = reinterpret_cast<const void*>(src);
  c.bytes = bytes;
  return add(stream, c);
}
isthmus_status_t fill(isthmus_chip_stream_t* stream, isthmus_address_t dst, uint8_t value, uint64_t bytes) {
  Command c{Command::kFill};
  c.dst = reinterpret_cast<void*>(dst);
  c.value = value;
  c.bytes = bytes;
  return add(stream, c);
}
isthmus_status_t call_host(isthmus_chip_stream_t* stream, void (*function)(void*), void* argument) {
  Command c{Command::kCallHost};
  c.function = function;
  c.dst = argument;
  return add(stream, c);
}

isthmus_status_t stream_mark(isthmus_chip_stream_t* stream, uint64_t mark) {
  stream_of(stream)->mark(mark);
  return ISTHMUS_OK;
}

isthmus_status_t event_create(isthmus_chip_device_t* device, isthmus_chip_event_t** event) {
  return guarded(&device_of(device)->pool.host(), [&] {
    *event = reinterpret_cast<isthmus_chip_event_t*>(new Event(device_of(device)->pool.host()));
    return ok();
  });
}
void event_destroy(isthmus_chip_event_t* event) { delete event_of(event); }
isthmus_status_t event_record(isthmus_chip_event_t* event, isthmus_chip_stream_t* stream) {
  Event& e = *event_of(event);
  Command c{Command::kRecord};
  c.dst = &e;
  {
    std::lock_guard lock(e.mutex);
    e.stream = stream_of(stream);
    c.bytes = ++e.recorded;
  }
  return add(stream, c);
}
isthmus_status_t event_wait(isthmus_chip_event_t* event) {
  Event& e = *event_of(event);
  uint64_t count;
  Stream* stream;
  {
    std::lock_guard lock(e.mutex);
    if (e.completed >= e.recorded) return ISTHMUS_OK;
    count = e.recorded;
    stream = e.stream;
  }
  stream->wait();  // Executes at least up to the record.
  std::unique_lock lock(e.mutex);
  e.changed.wait(lock, [&] { return e.completed >= count; });
  return ISTHMUS_OK;
}
isthmus_status_t event_query(isthmus_chip_event_t* event, int32_t* done) {
  Event& e = *event_of(event);
  std::lock_guard lock(e.mutex);
  *done = e.completed >= e.recorded;
  return ISTHMUS_OK;
}
isthmus_status_t stream_wait_event(isthmus_chip_stream_t* stream, isthmus_chip_event_t* event) {
  Event& e = *event_of(event);
  Command c{Command::kWaitEvent};
  c.dst = &e;
  {
    std::lock_guard lock(e.mutex);
    if (e.completed >= e.recorded) return ISTHMUS_OK;
    c.bytes = e.recorded;
  }
  return add(stream, c);
}
isthmus_status_t event_elapsed(isthmus_chip_event_t* start, isthmus_chip_event_t* end, double* seconds) {
  Event &a = *event_of(start), &b = *event_of(end);
  std::scoped_lock lock(a.mutex, b.mutex);
  if (!a.completed || a.completed < a.recorded || !b.completed || b.completed < b.recorded)
    return devices::report(&a.host, Code::kFailedPrecondition,
                           "event_elapsed needs two recorded events that are done");
  *seconds = b.completed_at - a.completed_at;
  return ISTHMUS_OK;
}

// -- operators --

// The first kernel that takes the query, of the best instruction set; why the better ones did not.
Status choose_kernel(const IsaKernels* best, const isthmus_op_query_t& query, PreparedOp& op) {
  if (query.input_count + query.output_count > ISTHMUS_MAX_OPERANDS)
    return unimplemented("more than 16 operands");
  if (const char* reason = unknown_to_kernels(query)) return unimplemented("{}", reason);
  const IsaKernels* isas[8];
  const int isa_count = usable_isas(best, isas, 8);
  for (int i = 0; i < isa_count; ++i) {
    for (const Kernel* const* list = isas[i]->lists; *list; ++list) {
      for (const Kernel* kernel = *list; kernel->op; ++kernel) {
        if (std::strcmp(kernel->op, query.name) != 0) continue;
        std::memset(&op.plan, 0, sizeof op.plan);
        op.plan.phases = 1;
        const char* reason = kernel->prepare(query, op.plan);
        if (!reason) {
          op.kernel = kernel;
          std::snprintf(op.implementation, sizeof op.implementation, "%s %s", isas[i]->isa, kernel->name);
          return ok();
        }
        op.refused +=
            fmt::format("{}{} {}: {}", op.refused.empty() ? "" : "; ", isas[i]->isa, kernel->name, reason);
      }
    }
  }
  if (op.refused.empty()) return unimplemented("there is no CPU kernel for it");
  return unimplemented("{}", op.refused);
}

isthmus_status_t op_prepare(isthmus_chip_device_t* device, const isthmus_op_query_t* query,
                            isthmus_prepared_t* prepared) {
  const isthmus_host_t& host = device_of(device)->pool.host();
  return guarded(&host, [&]() -> Status {
    auto op = std::make_unique<PreparedOp>();
    op->host = &host;
    RETURN_IF_ERROR(choose_kernel(device_of(device)->isa, *query, *op));
    op->operand_count = query->input_count + query->output_count;
    for (int o = 0; o < op->operand_count; ++o) op->ranks[o] = query->operands[o].rank;
    // Weights and caches may be big where little of them is read: a row of an embedding, one cache entry.
    for (int o = 0; o < op->operand_count; ++o)
      if (query->operands[o].role == ISTHMUS_ROLE_ACTIVATION) op->sizing |= 1u << o;
    isthmus_prepared_t result{};
    result.size = sizeof result;
    result.workspace_bytes = op->plan.workspace_bytes;
    result.implementation = op->implementation;
    result.refused = op->refused.empty() ? nullptr : op->refused.c_str();
    for (int o = 0; o < ISTHMUS_MAX_OPERANDS; ++o) {
      result.packed_layout[o] = op->plan.packed_layout[o];
      result.packed_bytes[o] = op->plan.packed_bytes[o];
    }
    result.op = reinterpret_cast<isthmus_chip_op_t*>(op.release());
    isthmus_give(prepared, &result);
    return ok();
  });
}

isthmus_status_t op_pack(isthmus_chip_op_t* op, int32_t input, const void* src, void* dst) {
  PreparedOp& p = *op_of(op);
  if (!p.kernel->pack || input < 0 || input >= ISTHMUS_MAX_OPERANDS || !p.plan.packed_layout[input])
    return devices::report(p.host, Code::kInvalidArgument, "this operand is not packed");
  return guarded(p.host, [&] {
    p.kernel->pack(p.plan, input, src, dst);
    return ok();
  });
}
isthmus_status_t op_run(isthmus_chip_op_t* op, const isthmus_tensor_arg_t* operands,
                        isthmus_address_t workspace, isthmus_chip_stream_t* stream) {
  return guarded(op_of(op)->host, [&] {
    stream_of(stream)->add_op(*op_of(op), operands, workspace);
    return ok();
  });
}
void op_release(isthmus_chip_op_t* op) { delete op_of(op); }

// -- capture --

isthmus_status_t capture_begin(isthmus_chip_stream_t* stream) {
  return guarded(&stream_of(stream)->host(), [&] {
    return stream_of(stream)->begin_capture()
               ? ok()
               : error(Code::kFailedPrecondition, "the stream is already capturing");
  });
}
isthmus_status_t capture_end(isthmus_chip_stream_t* stream, isthmus_chip_capture_t** capture) {
  std::unique_ptr<CommandList> list = stream_of(stream)->end_capture();
  if (!list)
    return devices::report(&stream_of(stream)->host(), Code::kFailedPrecondition,
                           "the stream is not capturing");
  *capture = reinterpret_cast<isthmus_chip_capture_t*>(list.release());
  return ISTHMUS_OK;
}
isthmus_status_t capture_replay(isthmus_chip_capture_t* capture, isthmus_chip_stream_t* stream) {
  Command c{Command::kReplay};
  c.src = capture;
  return add(stream, c);
}
void capture_destroy(isthmus_chip_capture_t* capture) { delete reinterpret_cast<CommandList*>(capture); }

isthmus_plugin_t make_plugin() {
  isthmus_plugin_t p{};
  p.size = sizeof p;
  p.major = ISTHMUS_PLUGIN_MAJOR;
  p.minor = ISTHMUS_PLUGIN_MINOR;
  p.name = "cpu";
  p.version = "0.1.0";
  p.device_count = device_count;
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
  p.op_prepare = op_prepare;
  p.op_pack = op_pack;
  p.op_run = op_run;
  p.op_release = op_release;
  p.capture_begin = capture_begin;
  p.capture_end = capture_end;
  p.capture_replay = capture_replay;
  p.capture_destroy = capture_destroy;
  p.stream_mark = stream_mark;
  return p;
}

}  // namespace
}  // namespace isthmus::cpu

extern "C" ISTHMUS_PLUGIN_EXPORT const isthmus_plugin_t* isthmus_plugin_load(const isthmus_host_t* host) {
  using namespace isthmus::cpu;
  const char* reason = nullptr;
  if (!choose_isa(&reason)) {
    isthmus::devices::report(host, isthmus::Code::kInvalidArgument, reason);
    return nullptr;
  }
  static const isthmus_plugin_t plugin = make_plugin();
  return &plugin;
}
