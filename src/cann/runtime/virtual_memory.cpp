// SPDX-License-Identifier: Apache-2.0
// Ranges of addresses, and pages to map into them: of chips whose memory the host can touch, by the host's
// own means. A physical allocation is an anonymous file, so that it may be mapped more than once.
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <map>

#include "acl/acl_rt.h"
#include "cann/error.h"
#include "cann/handles.h"
#include "cann/runtime/context.h"
#include "cann/runtime/host_calls.h"
#include "cann/runtime/kept_results.h"
#include "cann/runtime/library.h"
#include "cann/runtime/memory.h"

namespace isthmus::cann {
namespace {

constexpr uint64_t kGranularity = 2 << 20;  // of huge pages, and of what the interface's clients expect

struct Pages {
  Pages(int file, uint64_t bytes, int32_t device_id, DevicePtr device)
      : file(file), bytes(bytes), device_id(device_id), device(std::move(device)) {}
  ~Pages() { close(file); }
  Pages(const Pages&) = delete;
  const int file;
  const uint64_t bytes;
  const int32_t device_id;
  const DevicePtr device;
  std::atomic<bool> mapped{false};
};

HandleTable<Pages>& page_handles() {
  static auto& table = *new HandleTable<Pages>(6, "physical memory");
  return table;
}

struct Range {
  uint64_t bytes = 0;
  std::map<uint64_t, uint64_t> pieces;  // mapped: beginning and bytes
};
struct Ranges {
  std::mutex mutex;
  std::map<uint64_t, Range> ranges;
};
Ranges& all() {
  static Ranges& ranges = *new Ranges;
  return ranges;
}

// Holding the mutex. The range that holds the address, or null.
Range* range_of(uint64_t address) {
  auto after = all().ranges.upper_bound(address);
  if (after == all().ranges.begin()) return nullptr;
  --after;
  return address - after->first < after->second.bytes ? &after->second : nullptr;
}

Result<DevicePtr> device_of(const aclrtPhysicalMemProp* prop) {
  if (!prop) return invalid_argument("the properties are null");
  if (prop->location.type != ACL_MEM_LOCATION_TYPE_DEVICE)
    return unimplemented("only pages of a device can be mapped, not of location type {}",
                         static_cast<int>(prop->location.type));
  if (prop->handleType != ACL_MEM_HANDLE_TYPE_NONE)
    return unimplemented("pages cannot be shared with other processes");
  ASSIGN_OR_RETURN(DevicePtr device, open_device(static_cast<int32_t>(prop->location.id)));
  if (!device->has(ISTHMUS_FEATURE_HOST_ACCESS))
    return unimplemented("{}: the host cannot touch this device's memory, so pages cannot be mapped",
                         device->id());
  return device;
}

Status whole_pieces(uint64_t bytes) {
  if (bytes == 0 || bytes % kGranularity || bytes > kLargestAllocation)
    return invalid_argument("{} bytes are no multiple of the granularity, {}", bytes, kGranularity);
  return ok();
}

Status map(uint64_t at, uint64_t bytes, Pages& pages) {
  if (at % kGranularity)
    return invalid_argument("{:#x} is no multiple of the granularity, {}", at, kGranularity);
  if (bytes > pages.bytes)
    return invalid_argument("{} bytes are more than the {} bytes of physical memory", bytes, pages.bytes);
  std::lock_guard lock(all().mutex);
  Range* const range = range_of(at);
  if (!range || !range_of(at + bytes - 1) || range_of(at + bytes - 1) != range)
    return invalid_argument("{} bytes from {:#x} do not lie in a reserved range", bytes, at);
  const auto next = range->pieces.lower_bound(at);
  const bool hits_next = next != range->pieces.end() && next->first < at + bytes;
  const bool hits_previous =
      next != range->pieces.begin() && std::prev(next)->first + std::prev(next)->second > at;
  if (hits_next || hits_previous) return invalid_argument("something is mapped at {:#x} already", at);
  void* const address = reinterpret_cast<void*>(at);
  if (mmap(address, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, pages.file, 0) == MAP_FAILED)
    return error(Code::kOutOfMemory, "the system cannot map {} bytes", bytes);
  range->pieces[at] = bytes;
  if (pages.mapped.exchange(true)) keep_no_results();  // written through one address, read through another
  add_mapped({at, bytes, MemoryKind::kDevice, pages.device_id, pages.device});
  return ok();
}

}  // namespace
}  // namespace isthmus::cann

using namespace isthmus;        // NOLINT: entry points stand outside of namespaces
using namespace isthmus::cann;  // NOLINT

aclError aclrtMemGetAllocationGranularity(aclrtPhysicalMemProp* prop, aclrtMemGranularityOptions,
                                          size_t* granularity) {
  const char* const entry = "aclrtMemGetAllocationGranularity";
  if (!granularity) return fail(ACL_ERROR_INVALID_PARAM, "{}: no place for the answer", entry);
  const Result<DevicePtr> device = device_of(prop);
  if (!device.ok()) return report(entry, device.status());
  *granularity = kGranularity;
  return ACL_SUCCESS;
}

aclError aclrtReserveMemAddress(void** address, size_t size, size_t alignment, void* expected, uint64_t) {
  const char* const entry = "aclrtReserveMemAddress";
  if (!address) return fail(ACL_ERROR_INVALID_PARAM, "{}: no place for the answer", entry);
  *address = nullptr;
  if (alignment > kGranularity || (alignment & (alignment - 1)))
    return fail(ACL_ERROR_RT_FEATURE_NOT_SUPPORT, "{}: an alignment of {} bytes", entry, alignment);
  if (size == 0 || size > kLargestAllocation)
    return fail(ACL_ERROR_RT_PARAM_INVALID, "{}: {} bytes cannot be reserved", entry, size);
  (void)expected;  // a wish
  const uint64_t bytes = (size + kGranularity - 1) / kGranularity * kGranularity;
  void* const found =
      mmap(nullptr, bytes + kGranularity, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (found == MAP_FAILED)
    return fail(ACL_ERROR_RT_MEMORY_ALLOCATION, "{}: there are no {} bytes of addresses", entry, bytes);
  // Aligned within it; the rest goes back.
  const auto begin = reinterpret_cast<uint64_t>(found);
  const uint64_t aligned = (begin + kGranularity - 1) / kGranularity * kGranularity;
  if (aligned > begin) (void)munmap(found, aligned - begin);
  if (begin + kGranularity > aligned)
    (void)munmap(reinterpret_cast<void*>(aligned + bytes), begin + kGranularity - aligned);
  std::lock_guard lock(all().mutex);
  all().ranges[aligned].bytes = bytes;
  *address = reinterpret_cast<void*>(aligned);
  return ACL_SUCCESS;
}

aclError aclrtReleaseMemAddress(void* address) {
  const char* const entry = "aclrtReleaseMemAddress";
  if (!address) return fail(ACL_ERROR_INVALID_PARAM, "{}: the address is null", entry);
  std::lock_guard lock(all().mutex);
  const auto found = all().ranges.find(reinterpret_cast<uint64_t>(address));
  if (found == all().ranges.end())
    return fail(ACL_ERROR_RT_PARAM_INVALID, "{}: {} is not the beginning of a reserved range", entry,
                address);
  if (!found->second.pieces.empty())
    return fail(ACL_ERROR_RT_PARAM_INVALID, "{}: {} pieces are still mapped into the range", entry,
                found->second.pieces.size());
  (void)munmap(address, found->second.bytes);
  all().ranges.erase(found);
  return ACL_SUCCESS;
}

aclError aclrtMallocPhysical(aclrtDrvMemHandle* handle, size_t size, const aclrtPhysicalMemProp* prop,
                             uint64_t) {
  const char* const entry = "aclrtMallocPhysical";
  if (!handle) return fail(ACL_ERROR_INVALID_PARAM, "{}: no place for the answer", entry);
  *handle = nullptr;
  Result<DevicePtr> device = device_of(prop);
  if (!device.ok()) return report(entry, device.status());
  if (const Status status = whole_pieces(size); !status.ok()) return report(entry, status);
  // The system would give more than there is, and end the program at the first touch.
  if (size > (*device)->properties().memory_bytes)
    return fail(ACL_ERROR_RT_MEMORY_ALLOCATION, "{}: {} bytes asked for, {} has {}", entry, size,
                (*device)->id(), (*device)->properties().memory_bytes);
  const int file = memfd_create("isthmus_cann", MFD_CLOEXEC);
  if (file < 0 || ftruncate(file, static_cast<off_t>(size)) != 0) {
    if (file >= 0) close(file);
    return fail(ACL_ERROR_RT_MEMORY_ALLOCATION, "{}: the system has no {} bytes", entry, size);
  }
  const auto id = static_cast<int32_t>(prop->location.id);
  *handle = page_handles().add(std::make_shared<Pages>(file, size, id, std::move(device).value()));
  return ACL_SUCCESS;
}

aclError aclrtFreePhysical(aclrtDrvMemHandle handle) {
  const auto removed = page_handles().remove(handle);
  return removed.ok() ? ACL_SUCCESS : report_handle("aclrtFreePhysical", handle, removed.status());
}

aclError aclrtMapMem(void* address, size_t size, size_t offset, aclrtDrvMemHandle handle, uint64_t) {
  const char* const entry = "aclrtMapMem";
  if (!address) return fail(ACL_ERROR_INVALID_PARAM, "{}: the address is null", entry);
  const auto pages = page_handles().find(handle);
  if (!pages.ok()) return report_handle(entry, handle, pages.status());
  if (offset)
    return fail(ACL_ERROR_RT_FEATURE_NOT_SUPPORT, "{}: an offset of {} bytes; it has to be 0", entry, offset);
  if (const Status status = whole_pieces(size); !status.ok()) return report(entry, status);
  return report(entry, map(reinterpret_cast<uint64_t>(address), size, **pages));
}

aclError aclrtUnmapMem(void* address) {
  const char* const entry = "aclrtUnmapMem";
  if (!address) return fail(ACL_ERROR_INVALID_PARAM, "{}: the address is null", entry);
  const auto at = reinterpret_cast<uint64_t>(address);
  int32_t device = -1;
  {
    std::lock_guard lock(all().mutex);
    Range* const range = range_of(at);
    if (!range || !range->pieces.contains(at))
      return fail(ACL_ERROR_RT_PARAM_INVALID, "{}: nothing that was mapped begins at {}", entry, address);
    if (const Result<Memory> memory = find_memory(address, 1); memory.ok()) device = memory->device_id;
    remove_mapped(at);
  }
  // Work that uses it may be under way. No more can come, and nothing is mapped there until it is done.
  if (!in_host_call()) settle_device(device);
  std::lock_guard lock(all().mutex);
  Range* const range = range_of(at);
  if (!range || !range->pieces.contains(at)) return ACL_SUCCESS;  // by another thread that did the same
  note_write(at, range->pieces.at(at));
  // Gives the pages back, and keeps the addresses.
  (void)mmap(address, range->pieces.at(at), PROT_NONE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  range->pieces.erase(at);
  return ACL_SUCCESS;
}
