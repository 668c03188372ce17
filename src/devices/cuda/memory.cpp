// SPDX-License-Identifier: Apache-2.0
#include "devices/cuda/memory.h"

#include <unistd.h>

namespace isthmus::cuda {

Result<std::unique_ptr<Memory>> Memory::create(const Shared& shared, bool read_only_import) {
  std::unique_ptr<Memory> memory(new Memory(shared, read_only_import));
  const auto current = shared.enter();
  if (shared.pool)
    RETURN_IF_ERROR(
        check(shared.cuda.stream_create(&memory->stream_, kStreamNonBlocking), "making a stream"));
  return memory;
}

Memory::~Memory() {
  const auto current = shared_.enter();
  for (const auto& [address, allocation] : allocations_) release(address, allocation);
  if (stream_) shared_.cuda.stream_destroy(stream_);
}

Result<isthmus_address_t> Memory::allocate_on_device(uint64_t bytes) {
  const std::string doing = fmt::format("allocating {} bytes of device memory", bytes);
  CUdeviceptr address = 0;
  if (!stream_) {
    RETURN_IF_ERROR(check(shared_.cuda.allocate(&address, bytes), doing));
    return address;
  }
  RETURN_IF_ERROR(check(shared_.cuda.pool_allocate(&address, bytes, shared_.pool, stream_), doing));
  // From here on any stream may use it.
  const int code = shared_.cuda.stream_synchronize(stream_);
  if (code != kSuccess) shared_.cuda.pool_free(address, stream_);
  RETURN_IF_ERROR(check(code, doing));
  return address;
}

Result<isthmus_address_t> Memory::allocate(isthmus_memory_kind_t kind, uint64_t bytes) {
  if (bytes == 0) bytes = 1;
  const auto current = shared_.enter();
  if (kind == ISTHMUS_MEMORY_DEVICE) {
    ASSIGN_OR_RETURN(const isthmus_address_t address, allocate_on_device(bytes));
    return remember(address, {Kind::kDevice, nullptr});
  }
  if (kind != ISTHMUS_MEMORY_PINNED_HOST)
    return invalid_argument("{} is no kind of memory", static_cast<int>(kind));
  void* host = nullptr;
  RETURN_IF_ERROR(check(shared_.cuda.host_allocate(&host, bytes, kHostPortable | kHostDeviceMap),
                        fmt::format("allocating {} bytes of pinned host memory", bytes)));
  return remember(reinterpret_cast<isthmus_address_t>(host), {Kind::kPinned, host});
}

Result<isthmus_address_t> Memory::import(const void* host, uint64_t bytes) {
  const uint64_t page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const uint64_t at = reinterpret_cast<uint64_t>(host), skew = at % page;
  if (bytes > UINT64_MAX - at - page)
    return invalid_argument("{} bytes from {:#x} are more than there are", bytes, at);
  void* start = reinterpret_cast<void*>(at - skew);
  const auto current = shared_.enter();
  const std::string doing = fmt::format("importing {} bytes of host memory", bytes);
  RETURN_IF_ERROR(check(
      shared_.cuda.host_register(start, (skew + bytes + page - 1) / page * page,
                                 kHostPortable | kHostDeviceMap | (read_only_import_ ? kHostReadOnly : 0)),
      doing));
  CUdeviceptr address = 0;
  const int code = shared_.cuda.host_address(&address, start, 0);
  if (code != kSuccess) shared_.cuda.host_unregister(start);
  RETURN_IF_ERROR(check(code, doing));
  return remember(address + skew, {Kind::kImported, start});
}

isthmus_address_t Memory::remember(isthmus_address_t address, Allocation allocation) {
  const std::lock_guard lock(mutex_);
  allocations_[address] = allocation;
  return address;
}

void Memory::free(isthmus_address_t address) {
  Allocation allocation;
  {
    const std::lock_guard lock(mutex_);
    const auto found = allocations_.find(address);
    if (found == allocations_.end()) return;
    allocation = found->second;
    allocations_.erase(found);
  }
  const auto current = shared_.enter();
  release(address, allocation);
}

void Memory::release(isthmus_address_t address, const Allocation& allocation) {
  if (allocation.kind == Kind::kPinned)
    shared_.cuda.host_free(allocation.host);
  else if (allocation.kind == Kind::kImported)
    shared_.cuda.host_unregister(allocation.host);
  else if (stream_)
    shared_.cuda.pool_free(address, stream_);
  else
    shared_.cuda.free(address);
}

}  // namespace isthmus::cuda
