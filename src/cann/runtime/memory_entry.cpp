// SPDX-License-Identifier: Apache-2.0
// The entry points of memory: allocation, copies, fills, and what there is.
#include "acl/acl_rt.h"
#include "cann/error.h"
#include "cann/runtime/context.h"
#include "cann/runtime/copy.h"
#include "cann/runtime/kept_results.h"
#include "cann/runtime/library.h"

using namespace isthmus;        // NOLINT: entry points stand outside of namespaces
using namespace isthmus::cann;  // NOLINT

namespace {

aclError allocate(const char* entry, void** address, size_t size) {
  if (!address) return fail(ACL_ERROR_INVALID_PARAM, "{}: no place for the answer", entry);
  *address = nullptr;
  const Result<ContextPtr> context = current_context();
  if (!context.ok()) return report(entry, context.status());
  const Result<void*> made = allocate_device_memory((*context)->device_id(), (*context)->device(), size);
  if (!made.ok()) return report(entry, made.status());
  *address = *made;
  return ACL_SUCCESS;
}

class FillWork : public Work {
 public:
  FillWork(void* dst, uint8_t value, uint64_t bytes)
      : dst_(reinterpret_cast<isthmus_address_t>(dst)), value_(value), bytes_(bytes) {}
  Status put_on(Stream& stream) override {
    if (memory_generation() != checked_)  // a replay
      RETURN_IF_ERROR(check_device_memory(stream.device(), dst_, bytes_));
    note_write(dst_, bytes_);
    return stream.fill(dst_, value_, bytes_);
  }

 private:
  isthmus_address_t dst_;
  const uint64_t checked_ = memory_generation();
  uint8_t value_;
  uint64_t bytes_;
};

Result<Memory> check_fill(void* dst, size_t capacity, size_t count) {
  if (!dst) return invalid_argument("the destination is null");
  if (count > capacity)
    return invalid_argument("{} bytes do not fit into the {} bytes of the destination", count, capacity);
  return find_memory(dst, count);
}

// Of a two-dimensional or plain copy that was checked.
aclError copy_now(const char* entry, const Result<Transfer>& transfer) {
  if (!transfer.ok()) return report(entry, transfer.status());
  if (const Result<ContextPtr> context = current_context(); !context.ok())
    return report(entry, context.status());
  return report(entry, isthmus::cann::copy_now(*transfer));
}

aclError copy_on(const char* entry, const Result<Transfer>& transfer, aclrtStream stream) {
  if (!transfer.ok()) return report(entry, transfer.status());
  const Result<StreamPtr> found = find_stream(stream);
  if (!found.ok()) return report_handle(entry, stream, found.status());
  return report(entry, isthmus::cann::copy_on(*found, *transfer));
}

}  // namespace

aclError aclrtMalloc(void** address, size_t size, aclrtMemMallocPolicy) {
  return allocate("aclrtMalloc", address, size);
}
aclError aclrtMallocAlign32(void** address, size_t size, aclrtMemMallocPolicy) {
  return allocate("aclrtMallocAlign32", address, size);
}
aclError aclrtMallocCached(void** address, size_t size, aclrtMemMallocPolicy) {
  return allocate("aclrtMallocCached", address, size);
}

aclError aclrtMemFlush(void* address, size_t size) {
  return report("aclrtMemFlush", find_memory(address, size).status());
}
aclError aclrtMemInvalidate(void* address, size_t size) {
  return report("aclrtMemInvalidate", find_memory(address, size).status());
}

aclError aclrtFree(void* address) {
  if (!address) return fail(ACL_ERROR_INVALID_PARAM, "aclrtFree: the address is null");
  return report("aclrtFree", free_memory(address, MemoryKind::kDevice));
}

aclError aclrtMallocHost(void** address, size_t size) {
  if (!address) return fail(ACL_ERROR_INVALID_PARAM, "aclrtMallocHost: no place for the answer");
  *address = nullptr;
  const Result<DevicePtr> device = current_device();
  const Result<void*> made = allocate_host_memory(device.ok() ? *device : nullptr, size);
  if (!made.ok()) return report("aclrtMallocHost", made.status());
  *address = *made;
  return ACL_SUCCESS;
}

aclError aclrtFreeHost(void* address) {
  if (!address) return fail(ACL_ERROR_INVALID_PARAM, "aclrtFreeHost: the address is null");
  return report("aclrtFreeHost", free_memory(address, MemoryKind::kHost));
}

aclError aclrtMemcpy(void* dst, size_t capacity, const void* src, size_t count, aclrtMemcpyKind kind) {
  return copy_now("aclrtMemcpy", check_copy(dst, capacity, src, count, kind));
}
aclError aclrtMemcpyAsync(void* dst, size_t capacity, const void* src, size_t count, aclrtMemcpyKind kind,
                          aclrtStream stream) {
  return copy_on("aclrtMemcpyAsync", check_copy(dst, capacity, src, count, kind), stream);
}
aclError aclrtMemcpyAsyncWithCondition(void* dst, size_t capacity, const void* src, size_t count,
                                       aclrtMemcpyKind kind, aclrtStream stream) {
  const char* const entry = "aclrtMemcpyAsyncWithCondition";
  if (const aclError code = copy_on(entry, check_copy(dst, capacity, src, count, kind), stream)) return code;
  if (is_known(dst) && is_known(src)) return ACL_SUCCESS;
  const Result<StreamPtr> found = find_stream(stream);
  if (!found.ok()) return report_handle(entry, stream, found.status());
  return (*found)->recording() ? ACL_SUCCESS : report(entry, (*found)->wait());
}
aclError aclrtMemcpy2d(void* dst, size_t dst_pitch, const void* src, size_t src_pitch, size_t width,
                       size_t height, aclrtMemcpyKind kind) {
  return copy_now("aclrtMemcpy2d", check_copy_2d(dst, dst_pitch, src, src_pitch, width, height, kind));
}
aclError aclrtMemcpy2dAsync(void* dst, size_t dst_pitch, const void* src, size_t src_pitch, size_t width,
                            size_t height, aclrtMemcpyKind kind, aclrtStream stream) {
  return copy_on("aclrtMemcpy2dAsync", check_copy_2d(dst, dst_pitch, src, src_pitch, width, height, kind),
                 stream);
}

aclError aclrtMemset(void* dst, size_t capacity, int32_t value, size_t count) {
  const Result<Memory> memory = check_fill(dst, capacity, count);
  if (!memory.ok()) return report("aclrtMemset", memory.status());
  return report("aclrtMemset", fill_now(*memory, dst, static_cast<uint8_t>(value), count));
}
namespace {

aclError fill_on(const char* entry, void* dst, size_t capacity, int32_t value, size_t count,
                 aclrtStream stream) {
  const Result<Memory> memory = check_fill(dst, capacity, count);
  if (!memory.ok()) return report(entry, memory.status());
  const Result<StreamPtr> found = find_stream(stream);
  if (!found.ok()) return report_handle(entry, stream, found.status());
  if (memory->device.get() != &(*found)->device() || memory->kind != MemoryKind::kDevice)
    return fail(ACL_ERROR_RT_PARAM_INVALID, "{}: {} is not memory of the stream's device", entry, dst);
  return report(entry, (*found)->put(std::make_shared<FillWork>(dst, static_cast<uint8_t>(value), count)));
}

}  // namespace

aclError aclrtMemsetAsync(void* dst, size_t capacity, int32_t value, size_t count, aclrtStream stream) {
  return fill_on("aclrtMemsetAsync", dst, capacity, value, count, stream);
}
aclError aclrtGetOverflowStatus(void* dst, size_t size, aclrtStream stream) {
  return fill_on("aclrtGetOverflowStatus", dst, size, 0, size, stream);
}
aclError aclrtResetOverflowStatus(aclrtStream stream) {
  return report_handle("aclrtResetOverflowStatus", stream, find_stream(stream).status());
}

aclError aclrtGetMemInfo(aclrtMemAttr, size_t* free, size_t* total) {
  if (!free || !total) return fail(ACL_ERROR_INVALID_PARAM, "aclrtGetMemInfo: no place for the answer");
  const Result<ContextPtr> context = current_context();
  if (!context.ok()) return report("aclrtGetMemInfo", context.status());
  const uint64_t all = (*context)->device()->properties().memory_bytes;
  const uint64_t used = device_bytes_in_use((*context)->device_id());
  *total = all;
  *free = all > used ? all - used : 0;
  return ACL_SUCCESS;
}

aclError aclrtPointerGetAttributes(const void* address, aclrtPtrAttributes* attributes) {
  if (!address || !attributes)
    return fail(ACL_ERROR_INVALID_PARAM, "aclrtPointerGetAttributes: the {} is null",
                address ? "place for the answer" : "address");
  const Result<Memory> memory = find_memory(address, 1);
  attributes->location.id =
      memory.ok() && memory->device_id >= 0 ? static_cast<uint32_t>(memory->device_id) : 0;
  attributes->location.type = !memory.ok()                          ? ACL_MEM_LOCATION_TYPE_UNREGISTERED
                              : memory->kind == MemoryKind::kDevice ? ACL_MEM_LOCATION_TYPE_DEVICE
                                                                    : ACL_MEM_LOCATION_TYPE_HOST;
  return ACL_SUCCESS;
}
