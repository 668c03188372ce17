// SPDX-License-Identifier: Apache-2.0
// Device memory from a pool of our own, pinned host memory, and imported host pages.
//
// cuMemFree waits for all work of the device, which plug-ins must not: a pool's memory is freed in the order
// of a stream. Ours is a stream that has no other work, so what it frees is free at once. Drivers without
// pools wait.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "devices/cuda/cuda.h"
#include "isthmus/plugin.h"

namespace isthmus::cuda {

// Thread-safe.
class Memory {
 public:
  static Result<std::unique_ptr<Memory>> create(const Shared& shared, bool read_only_import);
  ~Memory();
  Memory(const Memory&) = delete;

  Result<isthmus_address_t> allocate(isthmus_memory_kind_t kind, uint64_t bytes);
  // What allocate and import gave; other addresses are left alone.
  void free(isthmus_address_t address);
  Result<isthmus_address_t> import(const void* host, uint64_t bytes);
  void release(isthmus_address_t address) { free(address); }

 private:
  enum class Kind { kDevice, kPinned, kImported };
  struct Allocation {
    Kind kind;
    void* host;  // of pinned and imported memory
  };
  Memory(const Shared& shared, bool read_only_import)
      : shared_(shared), read_only_import_(read_only_import) {}
  Result<isthmus_address_t> allocate_on_device(uint64_t bytes);
  void release(isthmus_address_t address, const Allocation& allocation);
  isthmus_address_t remember(isthmus_address_t address, Allocation allocation);

  const Shared& shared_;
  const bool read_only_import_;  // pages that may not be written can be imported
  CUstream stream_ = nullptr;    // of the pool's allocations
  std::mutex mutex_;
  std::map<isthmus_address_t, Allocation> allocations_;
};

}  // namespace isthmus::cuda
