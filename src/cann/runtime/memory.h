// SPDX-License-Identifier: Apache-2.0
// All memory that the face gave out, by address: what every pointer from a program is checked against.
#pragma once

#include <cstdint>

#include "base/status.h"
#include "runtime/device.h"

namespace isthmus::cann {

enum class MemoryKind : uint8_t { kDevice, kHost };

// One stretch of usable memory: an allocation, or what is mapped without a gap in a reserved range.
struct Memory {
  uint64_t begin = 0, bytes = 0;
  MemoryKind kind = MemoryKind::kDevice;
  int32_t device_id = -1;  // -1: host memory of no device
  DevicePtr device;        // null: plain host memory
  // Whether the calling thread may touch it through its address.
  bool host_visible() const {
    return kind == MemoryKind::kHost || (device && device->has(ISTHMUS_FEATURE_HOST_ACCESS));
  }
};

// Of device memory; fails with kOutOfMemory and with kInvalidArgument for no bytes at all.
Result<void*> allocate_device_memory(int32_t device_id, const DevicePtr& device, uint64_t bytes);
// Memory the device copies fast; plain pages when there is no device.
Result<void*> allocate_host_memory(const DevicePtr& device, uint64_t bytes);
// Fails unless the address is what an allocation of this kind begins with. Waits until no stream uses it.
Status free_memory(void* address, MemoryKind kind);

// The program's own memory that the device may use through its address until it is unregistered by its
// beginning; device memory to everybody meanwhile.
Status register_host_memory(const Memory& memory);
Status unregister_host_memory(const void* begin);

// A range that pages are mapped into elsewhere (virtual_memory.cpp): usable from now on; gone.
void add_mapped(const Memory& memory);
void remove_mapped(uint64_t begin);

// The stretch that holds all of these bytes. Fails when there is none: nobody's memory, or past its end.
Result<Memory> find_memory(const void* address, uint64_t bytes);
// Whether the address is of memory given out.
bool is_known(const void* address);

// Bytes given out on the device.
uint64_t device_bytes_in_use(int32_t device_id);

// Sizes beyond this are mistakes: adding to them could overflow.
inline constexpr uint64_t kLargestAllocation = uint64_t{1} << 47;

}  // namespace isthmus::cann
