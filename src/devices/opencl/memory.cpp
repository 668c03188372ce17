// SPDX-License-Identifier: Apache-2.0
#include "devices/opencl/memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <mutex>

namespace isthmus::opencl {
namespace {

uint64_t page_bytes() {
  static const uint64_t bytes = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

}  // namespace

Memory::Memory(const Api& cl, cl_context context, cl_device_id device, bool svm)
    : cl_(cl), context_(context), device_(device), svm_(svm) {
  cl_ulong largest = 0;
  cl_.clGetDeviceInfo(device_, CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof largest, &largest, nullptr);
  largest_ = largest;
}

Memory::~Memory() {
  for (const auto& [address, allocation] : allocations_) release(allocation);
  if (mapping_queue_) cl_.clReleaseCommandQueue(mapping_queue_);
}

// Reserves pages for a buffer and one more, so that the address behind the end belongs to nobody else. skew:
// where in the first page the buffer's first byte lies.
Result<isthmus_address_t> Memory::reserve(Allocation allocation, uint64_t skew) {
  const uint64_t page = page_bytes();
  allocation.reserved = (skew + allocation.bytes + page - 1) / page * page + page;
  void* start =
      mmap(nullptr, allocation.reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (start == MAP_FAILED) {
    allocation.reserved = 0;
    release(allocation);
    return error(Code::kOutOfMemory, "the process has no {} bytes of addresses left", allocation.bytes);
  }
  allocation.start = reinterpret_cast<uint64_t>(start);
  std::unique_lock lock(mutex_);
  const isthmus_address_t address = allocation.start + skew;
  allocations_[address] = allocation;
  return address;
}

Result<isthmus_address_t> Memory::allocate(isthmus_memory_kind_t kind, uint64_t bytes) {
  if (bytes == 0) bytes = 1;
  if (bytes > largest_)
    return error(Code::kOutOfMemory,
                 "{} bytes asked for, but the device allows {} in one buffer (CL_DEVICE_MAX_MEM_ALLOC_SIZE); "
                 "use a smaller model or a shorter context",
                 bytes, largest_);
  if (kind == ISTHMUS_MEMORY_PINNED_HOST) return allocate_pinned(bytes);
  Allocation allocation;
  allocation.bytes = bytes;
  if (svm_) {
    allocation.svm = cl_.clSVMAlloc(context_, CL_MEM_READ_WRITE, bytes, 0);
    if (!allocation.svm)
      return error(Code::kOutOfMemory, "the device has no {} bytes left (clSVMAlloc)", bytes);
    const auto address = reinterpret_cast<isthmus_address_t>(allocation.svm);
    std::unique_lock lock(mutex_);
    allocations_[address] = allocation;
    return address;
  }
  cl_int code = CL_SUCCESS;
  allocation.buffer = cl_.clCreateBuffer(context_, CL_MEM_READ_WRITE, bytes, nullptr, &code);
  RETURN_IF_ERROR(check(code, fmt::format("making a buffer of {} bytes", bytes)));
  return reserve(allocation, 0);
}

// The buffer stays mapped for its life: copies from and to the mapped pointer are what drivers make fast.
Result<isthmus_address_t> Memory::allocate_pinned(uint64_t bytes) {
  Allocation allocation;
  allocation.bytes = bytes;
  cl_int code = CL_SUCCESS;
  std::unique_lock lock(mutex_);
  if (!mapping_queue_) {
    mapping_queue_ = cl_.clCreateCommandQueue(context_, device_, 0, &code);
    RETURN_IF_ERROR(check(code, "making a queue to map pinned memory on"));
  }
  allocation.buffer =
      cl_.clCreateBuffer(context_, CL_MEM_READ_WRITE | CL_MEM_ALLOC_HOST_PTR, bytes, nullptr, &code);
  RETURN_IF_ERROR(check(code, fmt::format("making a pinned buffer of {} bytes", bytes)));
  allocation.mapped =
      cl_.clEnqueueMapBuffer(mapping_queue_, allocation.buffer, CL_TRUE, CL_MAP_READ | CL_MAP_WRITE, 0, bytes,
                             0, nullptr, nullptr, &code);
  if (code != CL_SUCCESS) {
    cl_.clReleaseMemObject(allocation.buffer);
    return check(code, fmt::format("mapping a pinned buffer of {} bytes", bytes));
  }
  const auto address = reinterpret_cast<isthmus_address_t>(allocation.mapped);
  allocations_[address] = allocation;
  return address;
}

Result<isthmus_address_t> Memory::import(const void* host, uint64_t bytes) {
  // Whole pages: drivers ask for aligned memory, and a mapped file has it. Heap memory may share its first
  // page with a shared virtual allocation, behind whose end a buffer that begins in it may not reach
  // (CL_INVALID_BUFFER_SIZE): then the buffer begins where the memory does.
  const uint64_t at = reinterpret_cast<uint64_t>(host);
  uint64_t skew = at % page_bytes();
  Allocation allocation;
  allocation.bytes = bytes;
  cl_int code = CL_SUCCESS;
  const auto make = [&] {
    allocation.buffer = cl_.clCreateBuffer(context_, CL_MEM_READ_ONLY | CL_MEM_USE_HOST_PTR, skew + bytes,
                                           reinterpret_cast<void*>(at - skew), &code);
  };
  make();
  if (code == CL_INVALID_BUFFER_SIZE && skew != 0) {
    skew = 0;
    make();
  }
  RETURN_IF_ERROR(check(code, fmt::format("importing {} bytes of host memory", bytes)));
  return reserve(allocation, skew);
}

void Memory::free(isthmus_address_t address) {
  std::unique_lock lock(mutex_);
  const auto found = allocations_.find(address);
  if (found == allocations_.end()) return;
  const Allocation allocation = found->second;
  allocations_.erase(found);
  release(allocation);
}

void Memory::release(const Allocation& allocation) {
  if (allocation.mapped) {
    cl_.clEnqueueUnmapMemObject(mapping_queue_, allocation.buffer, allocation.mapped, 0, nullptr, nullptr);
    cl_.clFinish(mapping_queue_);
  }
  if (allocation.buffer) cl_.clReleaseMemObject(allocation.buffer);
  if (allocation.svm) cl_.clSVMFree(context_, allocation.svm);
  if (allocation.reserved) munmap(reinterpret_cast<void*>(allocation.start), allocation.reserved);
}

Result<Place> Memory::resolve(isthmus_address_t address, uint64_t bytes) const {
  std::shared_lock lock(mutex_);
  auto found = allocations_.upper_bound(address);
  if (found == allocations_.begin())
    return invalid_argument("the address {:#x} lies in no allocation of this device", address);
  --found;
  const Allocation& allocation = found->second;
  const uint64_t offset = address - found->first;
  if (offset > allocation.bytes)
    return invalid_argument("the address {:#x} lies in no allocation of this device", address);
  if (bytes > allocation.bytes - offset)
    return invalid_argument("{} bytes from the address {:#x} end {} bytes behind its allocation of {}", bytes,
                            address, bytes - (allocation.bytes - offset), allocation.bytes);
  Place place;
  place.buffer = allocation.buffer;
  place.svm = static_cast<char*>(allocation.svm);
  place.offset = offset + (allocation.start ? found->first - allocation.start : 0);
  return place;
}

}  // namespace isthmus::opencl
