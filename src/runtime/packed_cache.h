// SPDX-License-Identifier: Apache-2.0
// Weights in a chip's own layout, kept in files so that they are made once, mapped read-only and shared by
// processes.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/status.h"

namespace isthmus {

// Bytes that stay valid while the pointer lives, in a mapped file or, where that failed, in this process's
// memory.
struct PackedBytes {
  std::shared_ptr<const void> data;
  uint64_t bytes = 0;
  bool shared = false;  // mapped from the cache
  bool made = false;    // packed now, not found
};

class PackedCache {
 public:
  // folder: where files go; empty turns the cache off. Created when first needed.
  explicit PackedCache(std::string folder) : folder_(std::move(folder)) {}
  // ${XDG_CACHE_HOME:-~/.cache}/isthmus/packed, or empty without a home or with ISTHMUS_PACKED_CACHE=off.
  static std::string default_folder();

  // The packed form of `source`, made by `pack` when it is not there yet. Keyed by the source's hash and
  // dtype, its dimensions (in `description`) and the layout's name. Thread- and process-safe: a file appears
  // whole or not at all. A cache that cannot be written (read-only, full) costs memory, not correctness.
  Result<PackedBytes> get(const void* source, uint64_t source_bytes, const std::string& description,
                          const std::string& layout, uint64_t packed_bytes,
                          const std::function<Status(void* dst)>& pack) const;

 private:
  std::string folder_;
};

// 128 bits over all bytes, in hexadecimal; not against adversaries. About as fast as memory.
std::string content_hash(const void* data, uint64_t bytes);

}  // namespace isthmus
