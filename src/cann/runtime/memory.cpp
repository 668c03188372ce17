// SPDX-License-Identifier: Apache-2.0
#include "cann/runtime/memory.h"

#include <atomic>
#include <cstdlib>
#include <map>
#include <shared_mutex>

#include "cann/runtime.h"
#include "cann/runtime/context.h"
#include "cann/runtime/kept_results.h"

namespace isthmus::cann {
namespace {

// Programs place tensors in what they get at multiples of a power of two (ggml: 128) without a look at the
// address.
constexpr uint64_t kDeviceAlignment = 512;
// And some write past its end unpunished, since memory there comes in huge pages (ggml: the cosines of a
// model with longer heads than the one before); so it does here. What nobody touches costs addresses only.
constexpr uint64_t kDevicePage = 2 << 20;

struct Block {
  Memory memory;
  Buffer buffer;          // of allocations from a device
  void* plain = nullptr;  // of host memory that no device gave
};

// Never destroyed: memory may be in use while the process ends.
struct Blocks {
  std::shared_mutex mutex;
  std::map<uint64_t, Block> blocks;  // by their first address
};
Blocks& all() {
  static Blocks& blocks = *new Blocks;
  return blocks;
}
// Counts what makes an answer of find_memory wrong.
std::atomic<uint64_t> generation{1};

Status too_large(uint64_t bytes) {
  if (bytes == 0) return invalid_argument("no bytes were asked for");
  if (bytes > kLargestAllocation)
    return error(Code::kOutOfMemory, "{} bytes are more than any device has", bytes);
  return ok();
}

void* keep(Block block) {
  Blocks& a = all();
  std::unique_lock lock(a.mutex);
  const uint64_t begin = block.memory.begin;
  a.blocks[begin] = std::move(block);
  return reinterpret_cast<void*>(begin);
}

}  // namespace

Result<void*> allocate_device_memory(int32_t device_id, const DevicePtr& device, uint64_t bytes) {
  RETURN_IF_ERROR(too_large(bytes));
  Block block;
  ASSIGN_OR_RETURN(block.buffer,
                   device->allocate((bytes / kDevicePage + 1) * kDevicePage + kDeviceAlignment));
  const uint64_t begin =
      (block.buffer.address() + kDeviceAlignment - 1) / kDeviceAlignment * kDeviceAlignment;
  block.memory = {begin, bytes, MemoryKind::kDevice, device_id, device};
  return keep(std::move(block));
}

Result<void*> allocate_host_memory(const DevicePtr& device, uint64_t bytes) {
  RETURN_IF_ERROR(too_large(bytes));
  Block block;
  if (device) {
    Result<Buffer> pinned = device->allocate(bytes, ISTHMUS_MEMORY_PINNED_HOST);
    if (pinned.ok()) {
      block.buffer = std::move(pinned).value();
      block.memory = {block.buffer.address(), bytes, MemoryKind::kHost, -1, device};
      return keep(std::move(block));
    }
  }
  block.plain = std::aligned_alloc(64, (bytes + 63) / 64 * 64);
  if (!block.plain) return error(Code::kOutOfMemory, "the host has no {} bytes", bytes);
  block.memory = {reinterpret_cast<uint64_t>(block.plain), bytes, MemoryKind::kHost, -1, nullptr};
  return keep(std::move(block));
}

Status free_memory(void* address, MemoryKind kind) {
  Block freed;
  {
    Blocks& a = all();
    std::unique_lock lock(a.mutex);
    const auto found = a.blocks.find(reinterpret_cast<uint64_t>(address));
    if (found == a.blocks.end() || (!found->second.buffer && !found->second.plain))
      return invalid_argument("{} is not the beginning of memory that is allocated", address);
    if (found->second.memory.kind != kind)
      return invalid_argument("{} is {} memory", address, kind == MemoryKind::kDevice ? "host" : "device");
    freed = std::move(found->second);
    a.blocks.erase(found);
    ++generation;
  }
  note_write(freed.memory.begin, freed.memory.bytes);
  std::free(freed.plain);
  return ok();
}

void add_mapped(const Memory& memory) {
  Block block;
  block.memory = memory;
  keep(std::move(block));
}

void remove_mapped(uint64_t begin) {
  Blocks& a = all();
  uint64_t bytes = 0;
  {
    std::unique_lock lock(a.mutex);
    const auto found = a.blocks.find(begin);
    if (found == a.blocks.end()) return;
    bytes = found->second.memory.bytes;
    a.blocks.erase(found);
    ++generation;
  }
  note_write(begin, bytes);
}

Result<Memory> find_memory(const void* address, uint64_t bytes) {
  const auto at = reinterpret_cast<uint64_t>(address);
  Blocks& a = all();
  std::shared_lock lock(a.mutex);
  auto block = a.blocks.upper_bound(at);
  if (block == a.blocks.begin()) return invalid_argument("{} is not memory of a device", address);
  --block;
  Memory found = block->second.memory;
  if (at - found.begin >= found.bytes && (at != found.begin || bytes > 0))
    return invalid_argument("{} is not memory of a device", address);
  // What was mapped piece by piece is one stretch where pieces touch.
  const bool mapped = !block->second.buffer && !block->second.plain;
  for (++block; mapped && block != a.blocks.end(); ++block) {
    const Memory& next = block->second.memory;
    if (next.begin != found.begin + found.bytes || block->second.buffer || block->second.plain) break;
    found.bytes += next.bytes;
  }
  if (bytes > found.bytes - (at - found.begin))
    return invalid_argument("{} bytes from {} end {} bytes past their allocation of {}", bytes, address,
                            bytes - (found.bytes - (at - found.begin)), found.bytes);
  return found;
}

bool is_known(const void* address) { return find_memory(address, 1).ok(); }

uint64_t device_bytes_in_use(int32_t device_id) {
  Blocks& a = all();
  std::shared_lock lock(a.mutex);
  uint64_t bytes = 0;
  for (const auto& [begin, block] : a.blocks)
    if (block.memory.device_id == device_id) bytes += block.memory.bytes;
  return bytes;
}

Status check_device_memory(const void* address, uint64_t bytes) {
  // A program's operands lie in few allocations: the last one found is asked first, as long as none was
  // freed.
  struct Last {
    uint64_t generation = 0, begin = 0, end = 0;
    Device* device = nullptr;
  };
  thread_local Last last;
  ASSIGN_OR_RETURN(const DevicePtr device, current_device());
  const auto at = reinterpret_cast<uint64_t>(address);
  if (last.generation == generation.load(std::memory_order_acquire) && last.device == device.get() &&
      at >= last.begin && at < last.end && bytes <= last.end - at)
    return ok();
  const uint64_t now = generation.load(std::memory_order_acquire);
  ASSIGN_OR_RETURN(const Memory found, find_memory(address, bytes));
  if (found.kind != MemoryKind::kDevice) return invalid_argument("{} is host memory", address);
  if (found.device != device)
    return invalid_argument("{} is memory of device {}, which is not the current one", address,
                            found.device_id);
  last = {now, found.begin, found.begin + found.bytes, device.get()};
  return ok();
}

}  // namespace isthmus::cann
