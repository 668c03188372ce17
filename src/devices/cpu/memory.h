// SPDX-License-Identifier: Apache-2.0
// Host memory as device memory.
#pragma once

#include <map>
#include <mutex>

#include "base/status.h"
#include "isthmus/plugin.h"

namespace isthmus::cpu {

constexpr uint64_t kAlignment = 64;  // of every allocation

// Of the program's own allocator if it gives one. Thread-safe.
class Memory {
 public:
  explicit Memory(const isthmus_host_t& host) : host_(host) {}
  Result<isthmus_address_t> allocate(isthmus_memory_kind_t kind, uint64_t bytes);
  void free(isthmus_address_t address);
  // Host pages are at their address already.
  Result<isthmus_address_t> import(const void* host, uint64_t) { return reinterpret_cast<uint64_t>(host); }
  void release(isthmus_address_t) {}

 private:
  struct Mapping {
    void* start;
    uint64_t bytes;
  };
  const isthmus_host_t& host_;
  std::mutex mutex_;
  std::map<uint64_t, Mapping> mapped_;  // by address: the allocations made with mmap
};

}  // namespace isthmus::cpu
