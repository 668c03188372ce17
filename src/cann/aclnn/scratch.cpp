// SPDX-License-Identifier: Apache-2.0
#include "cann/aclnn/scratch.h"

#include <bit>
#include <mutex>
#include <unordered_map>

namespace isthmus::cann {
namespace {

struct Scratches {
  std::mutex mutex;
  std::unordered_map<const Stream*, Buffer> by_stream;
};
Scratches& scratches() {
  static auto* const scratches = new Scratches;
  return *scratches;
}

}  // namespace

Result<isthmus_address_t> scratch_of(Stream& stream, uint64_t bytes) {
  Scratches& s = scratches();
  {
    std::lock_guard lock(s.mutex);
    const Buffer& buffer = s.by_stream[&stream];
    if (buffer.bytes() >= bytes) return buffer.address();
  }
  RETURN_IF_ERROR(stream.wait());  // it may use what it has
  ASSIGN_OR_RETURN(Buffer larger,
                   stream.device().allocate(std::bit_ceil(std::max<uint64_t>(bytes, 1 << 16))));
  std::lock_guard lock(s.mutex);
  Buffer& buffer = s.by_stream[&stream];
  buffer = std::move(larger);
  return buffer.address();
}

void forget_scratch(const Stream& stream) {
  Scratches& s = scratches();
  Buffer buffer;  // given back after the lock
  std::lock_guard lock(s.mutex);
  const auto found = s.by_stream.find(&stream);
  if (found == s.by_stream.end()) return;
  buffer = std::move(found->second);
  s.by_stream.erase(found);
}

}  // namespace isthmus::cann
