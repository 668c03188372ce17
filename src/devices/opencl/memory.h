// SPDX-License-Identifier: Apache-2.0
// Device memory with addresses one can do arithmetic on, over OpenCL's opaque buffers.
//
// Each allocation reserves as many inaccessible host pages: their addresses are the allocation's, nobody else
// gets them, and a program that takes one for a pointer faults. Where work is enqueued an address is resolved
// to its buffer and the offset in it. With shared virtual memory the address is the driver's own pointer.
#pragma once

#include <map>
#include <shared_mutex>

#include "devices/opencl/opencl.h"
#include "isthmus/plugin.h"

namespace isthmus::opencl {

// Where an address lies: in a buffer, or, where `buffer` is null, at a pointer of shared virtual memory.
struct Place {
  cl_mem buffer = nullptr;
  char* svm = nullptr;  // of the allocation's first byte
  uint64_t offset = 0;
};

// Thread-safe.
class Memory {
 public:
  Memory(const Api& cl, cl_context context, cl_device_id device, bool svm);
  ~Memory();
  Memory(const Memory&) = delete;

  Result<isthmus_address_t> allocate(isthmus_memory_kind_t kind, uint64_t bytes);
  void free(isthmus_address_t address);
  // Makes host pages a buffer without a copy, where the device shares the host's memory.
  Result<isthmus_address_t> import(const void* host, uint64_t bytes);
  void release(isthmus_address_t address) { free(address); }

  // Fails when the bytes do not lie in one allocation.
  Result<Place> resolve(isthmus_address_t address, uint64_t bytes) const;

 private:
  struct Allocation {
    uint64_t bytes = 0;
    uint64_t reserved = 0;  // host pages, 0 where none are
    cl_mem buffer = nullptr;
    void* svm = nullptr;
    void* mapped = nullptr;       // pinned memory: where the host sees the buffer
    isthmus_address_t start = 0;  // of the reserved pages
  };
  Result<isthmus_address_t> reserve(Allocation allocation, uint64_t skew);
  Result<isthmus_address_t> allocate_pinned(uint64_t bytes);
  void release(const Allocation& allocation);

  const Api& cl_;
  cl_context context_;
  cl_device_id device_;
  bool svm_;
  uint64_t largest_ = 0;  // what the device allows for one buffer
  mutable std::shared_mutex mutex_;
  std::map<isthmus_address_t, Allocation> allocations_;
  cl_command_queue mapping_queue_ = nullptr;
};

}  // namespace isthmus::opencl
