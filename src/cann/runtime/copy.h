// SPDX-License-Identifier: Apache-2.0
// Copies and fills between checked addresses, at once or as work for a stream.
#pragma once

#include "acl/acl_rt.h"
#include "cann/runtime.h"
#include "cann/runtime/memory.h"
#include "cann/runtime/stream.h"

namespace isthmus::cann {

// A copy whose ends were checked: device addresses lie in allocations with room, host addresses are the
// caller's word.
struct Transfer {
  void* dst = nullptr;
  const void* src = nullptr;
  uint64_t bytes = 0;
  // Rows of a two-dimensional copy; pitch: from one to the next.
  uint64_t rows = 1, dst_pitch = 0, src_pitch = 0;
  Memory dst_memory, src_memory;  // of device ends; without a device: the host's
};

// Of aclrtMemcpy's arguments; kinds above ACL_MEMCPY_DEVICE_TO_DEVICE go by the addresses.
Result<Transfer> check_copy(void* dst, size_t capacity, const void* src, size_t count, aclrtMemcpyKind kind);
Result<Transfer> check_copy_2d(void* dst, size_t dst_pitch, const void* src, size_t src_pitch, size_t width,
                               size_t height, aclrtMemcpyKind kind);

// Returns when it is done; in no order with streams.
Status copy_now(const Transfer& transfer);
// Puts it on the stream. Bytes from host memory that the face did not give out are taken before it returns,
// unless the stream records; between two devices it waits.
Status copy_on(const StreamPtr& stream, const Transfer& transfer);

Status fill_now(const Memory& memory, void* dst, uint8_t value, uint64_t bytes);

// Ends the streams that copy_now uses.
void release_copy_streams();

}  // namespace isthmus::cann
