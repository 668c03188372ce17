// SPDX-License-Identifier: Apache-2.0
#include "cann/runtime/memory.h"

#include <array>
#include <atomic>
#include <cstdlib>
#include <map>
#include <shared_mutex>

#include "cann/runtime.h"
#include "cann/runtime/context.h"
#include "cann/runtime/host_calls.h"
#include "cann/runtime/kept_results.h"

namespace isthmus::cann {
namespace {

// Programs place tensors in what they get at multiples of a power of two (ggml: 128) without a look at the
// address.
constexpr uint64_t kDeviceAlignment = 512;
// And some write past its end unpunished, since memory there comes in huge pages (ggml: the cosines of a
// model with longer heads than the one before); so it does here. What nobody touches costs addresses only.
constexpr uint64_t kDevicePage = 2 << 20;
// Small ones stay below a page: the host's memory of a whole page is a huge one, all of it taken by the first
// byte, and programs have thousands of small tensors.
uint64_t with_slack(uint64_t bytes) {
  if (bytes <= kDevicePage / 2) return kDevicePage / 8 * 7;
  return (bytes / kDevicePage + 1) * kDevicePage + kDeviceAlignment;
}

struct Freed {
  void operator()(void* memory) const { std::free(memory); }
};

struct Block {
  Memory memory;
  Buffer buffer;                       // of allocations from a device
  std::unique_ptr<void, Freed> plain;  // of host memory that no device gave
  bool mapped() const { return !buffer && !plain; }
};

// Never destroyed: memory may be in use while the process ends.
struct Blocks {
  std::shared_mutex mutex;
  std::map<uint64_t, Block> blocks;       // by their first address
  std::map<uint64_t, Memory> registered;  // the same; they do not meet
};
Blocks& all() {
  static Blocks& blocks = *new Blocks;
  return blocks;
}
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

// The one that meets these bytes, or null. Holding the mutex.
const Memory* registered_at(uint64_t at, uint64_t bytes) {
  auto after = all().registered.lower_bound(at + std::max<uint64_t>(bytes, 1));
  if (after == all().registered.begin()) return nullptr;
  --after;
  return at < after->first + after->second.bytes ? &after->second : nullptr;
}

Result<Block> take(void* address, MemoryKind kind) {
  Blocks& a = all();
  std::unique_lock lock(a.mutex);
  const auto found = a.blocks.find(reinterpret_cast<uint64_t>(address));
  if (found == a.blocks.end() || found->second.mapped())
    return invalid_argument("{} is not the beginning of memory that is allocated, or was freed before",
                            address);
  if (found->second.memory.kind != kind)
    return invalid_argument("{} is {} memory: {} frees it", address,
                            kind == MemoryKind::kDevice ? "host" : "device",
                            kind == MemoryKind::kDevice ? "aclrtFreeHost" : "aclrtFree");
  if (const Memory* own = registered_at(found->second.memory.begin, found->second.memory.bytes))
    return invalid_argument("{} is registered at {:#x}: aclrtHostUnregister comes first", address,
                            own->begin);
  Block taken = std::move(found->second);
  a.blocks.erase(found);
  ++generation;
  return taken;
}

// Freed by functions that streams call, which cannot wait for streams that may be using it: kept until
// somebody can.
struct Leftovers {
  std::mutex mutex;
  std::vector<Block> blocks;
  std::atomic<bool> any{false};
};
Leftovers& leftovers() {
  static Leftovers& leftovers = *new Leftovers;
  return leftovers;
}

void drop_leftovers() {
  Leftovers& l = leftovers();
  if (!l.any.load(std::memory_order_relaxed) || in_host_call()) return;
  std::vector<Block> dropped;
  {
    std::lock_guard lock(l.mutex);
    dropped.swap(l.blocks);
    l.any = false;
  }
  settle_device(-1);
}

void leave(Block block) {
  Leftovers& l = leftovers();
  std::lock_guard lock(l.mutex);
  l.blocks.push_back(std::move(block));
  l.any = true;
}

}  // namespace

Result<void*> allocate_device_memory(int32_t device_id, const DevicePtr& device, uint64_t bytes) {
  RETURN_IF_ERROR(too_large(bytes));
  drop_leftovers();
  Block block;
  ASSIGN_OR_RETURN(block.buffer, device->allocate(with_slack(bytes)));
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
  block.plain.reset(std::aligned_alloc(64, (bytes + 63) / 64 * 64));
  if (!block.plain) return error(Code::kOutOfMemory, "the host has no {} bytes", bytes);
  block.memory = {reinterpret_cast<uint64_t>(block.plain.get()), bytes, MemoryKind::kHost, -1, nullptr};
  return keep(std::move(block));
}

Status free_memory(void* address, MemoryKind kind) {
  ASSIGN_OR_RETURN(Block block, take(address, kind));
  // Work that uses it may be under way. No more can come, since it is not found any longer.
  drop_leftovers();
  if (!in_host_call()) settle_device(block.memory.device_id);
  note_write(block.memory.begin, block.memory.bytes);
  if (in_host_call()) leave(std::move(block));
  return ok();
}

Status register_host_memory(const Memory& memory) {
  if (memory.bytes == 0 || memory.bytes > kLargestAllocation || memory.begin > kLargestAllocation * 2)
    return invalid_argument("{} bytes at {:#x} are no memory of the host's", memory.bytes, memory.begin);
  keep_no_results();  // the program writes there as it likes
  Blocks& a = all();
  std::unique_lock lock(a.mutex);
  if (registered_at(memory.begin, memory.bytes))
    return invalid_argument("some of {} bytes at {:#x} are registered already", memory.bytes, memory.begin);
  a.registered[memory.begin] = memory;
  return ok();
}

Status unregister_host_memory(const void* begin) {
  Blocks& a = all();
  int32_t device = -1;
  {
    std::unique_lock lock(a.mutex);
    const auto found = a.registered.find(reinterpret_cast<uint64_t>(begin));
    if (found == a.registered.end())
      return invalid_argument("nothing that was registered begins at {}", begin);
    device = found->second.device_id;
    a.registered.erase(found);
    ++generation;
  }
  if (!in_host_call()) settle_device(device);  // the program may free it next
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

namespace {

// The stretch that holds all of these bytes, holding the mutex. With slack: as far as the pages go.
Result<Memory> find(uint64_t at, uint64_t bytes, bool slack) {
  Blocks& a = all();
  if (!a.registered.empty()) {
    const Memory* own = registered_at(at, bytes);
    if (own && at >= own->begin && bytes <= own->begin + own->bytes - at) return *own;
  }
  auto block = a.blocks.upper_bound(at);
  const auto nobodys = [&] {
    return invalid_argument("{:#x} lies in no memory that was allocated and not freed since", at);
  };
  if (block == a.blocks.begin()) return nobodys();
  --block;
  Memory found = block->second.memory;
  const bool device = found.kind == MemoryKind::kDevice;
  if (slack && device && block->second.buffer)
    found.bytes = block->second.buffer.address() + block->second.buffer.bytes() - found.begin;
  if (at - found.begin >= found.bytes && (at != found.begin || bytes > 0)) return nobodys();
  // What was mapped piece by piece is one stretch where pieces touch.
  const bool mapped = block->second.mapped();
  for (++block; mapped && block != a.blocks.end(); ++block) {
    const Memory& next = block->second.memory;
    if (next.begin != found.begin + found.bytes || !block->second.mapped() || next.device != found.device)
      break;
    found.bytes += next.bytes;
  }
  if (bytes > found.bytes - (at - found.begin))
    return invalid_argument("{} bytes from {:#x} end {} bytes past their allocation of {}", bytes, at,
                            bytes - (found.bytes - (at - found.begin)), found.bytes);
  return found;
}

}  // namespace

Result<Memory> find_memory(const void* address, uint64_t bytes) {
  std::shared_lock lock(all().mutex);
  return find(reinterpret_cast<uint64_t>(address), bytes, false);
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

uint64_t memory_generation() { return generation.load(std::memory_order_acquire); }

Status check_device_memory(const Device& device, uint64_t at, uint64_t bytes) {
  // A program's operands lie in few allocations: the last ones found are asked first, as long as none was
  // freed.
  struct Seen {
    uint64_t generation = 0, begin = 0, end = 0;
    const Device* device = nullptr;
  };
  thread_local std::array<Seen, 8> seen;
  thread_local size_t oldest = 0;
  const uint64_t now = memory_generation();
  for (const Seen& s : seen)
    if (s.generation == now && s.device == &device && at >= s.begin && at < s.end && bytes <= s.end - at)
      return ok();
  std::shared_lock lock(all().mutex);
  ASSIGN_OR_RETURN(const Memory found, find(at, bytes, true));
  if (found.kind != MemoryKind::kDevice) return invalid_argument("{:#x} is host memory", at);
  if (found.device.get() != &device)
    return invalid_argument("{:#x} is memory of device {}, the call runs on {}", at, found.device_id,
                            device.id());
  seen[oldest++ % seen.size()] = {now, found.begin, found.begin + found.bytes, &device};
  return ok();
}

}  // namespace isthmus::cann
