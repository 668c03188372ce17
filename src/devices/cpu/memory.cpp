// SPDX-License-Identifier: Apache-2.0
#include "devices/cpu/memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>

namespace isthmus::cpu {
namespace {

// Allocations from this size on are mapped, on huge pages (of that size) where the system has them.
constexpr uint64_t kHugePage = 2u << 20;

Result<isthmus_address_t> address_of(void* memory, const char* owner, uint64_t bytes) {
  if (!memory) return error(Code::kOutOfMemory, "{} has no {} bytes left", owner, bytes);
  return reinterpret_cast<uint64_t>(memory);
}

}  // namespace

Result<isthmus_address_t> Memory::allocate(isthmus_memory_kind_t, uint64_t bytes) {
  const uint64_t some = std::max<uint64_t>(bytes, 1);
  if (host_.allocate)
    return address_of(host_.allocate(host_.context, some, kAlignment), "the program's allocator", bytes);
  if (bytes < kHugePage) {
    const uint64_t rounded = (some + kAlignment - 1) / kAlignment * kAlignment;
    return address_of(std::aligned_alloc(kAlignment, rounded), "the host", bytes);
  }
  // Mapped with room to begin on a huge page, which the system does not promise; addresses cost nothing.
  const uint64_t room = bytes + kHugePage;
  void* p = room < bytes ? MAP_FAILED
                         : mmap(nullptr, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) return address_of(nullptr, "the host", bytes);
  madvise(p, room, MADV_HUGEPAGE);  // A hint: without huge pages everything still works.
  const uint64_t address = (reinterpret_cast<uint64_t>(p) + kHugePage - 1) / kHugePage * kHugePage;
  std::lock_guard lock(mutex_);
  mapped_[address] = {p, room};
  return address;
}

void Memory::free(isthmus_address_t address) {
  if (host_.allocate) {
    host_.free(host_.context, reinterpret_cast<void*>(address));
    return;
  }
  {
    std::lock_guard lock(mutex_);
    if (auto found = mapped_.find(address); found != mapped_.end()) {
      munmap(found->second.start, found->second.bytes);
      mapped_.erase(found);
      return;
    }
  }
  std::free(reinterpret_cast<void*>(address));
}

}  // namespace isthmus::cpu
