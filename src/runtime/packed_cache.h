// SPDX-License-Identifier: Apache-2.0
// Weights in a chip's own layout, kept in files so that they are made once, mapped read-only and shared by
// processes.
//
// FOLDER/ab/cdef…-DTYPExDIMS-LAYOUT is a packed weight; the number is the hash of the bytes it was made of.
// It begins with a hash of what is in it, which is checked when it is first mapped after a start of the
// machine: a damaged file is made anew.
// FOLDER/from/ab/cdef… is a symbolic link to it; the number is the hash of where those bytes lie (file,
// times, offset), so that a second start does not read the model's weights to know it. A copied or renamed
// file only lacks the link.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "base/status.h"
#include "runtime/plugin.h"

namespace isthmus {

// Bytes that stay valid while the pointer lives, in a mapped file or, where that failed, in this process's
// memory.
struct PackedBytes {
  std::shared_ptr<const void> data;
  uint64_t bytes = 0;
  bool shared = false;  // mapped from the cache
  bool made = false;    // packed now, not found
};

struct PackedSource {
  const void* data;
  uint64_t bytes;
  std::string name;  // see MappedFile::name_of; empty for bytes of no file, which are hashed every time
  std::string description;  // dtype and dimensions
};

class PackedChecked;

class PackedCache {
 public:
  // folder: where files go; empty turns the cache off. Created when first needed. limit_bytes: what it may
  // take on disk, 0 for default_limit().
  explicit PackedCache(std::string folder, uint64_t limit_bytes = 0);
  // ${XDG_CACHE_HOME:-~/.cache}/isthmus/packed, or empty without a home or with ISTHMUS_PACKED_CACHE=off.
  static std::string default_folder();
  // ISTHMUS_PACKED_CACHE_GIB, else 20 GiB or a tenth of the folder's disk, whichever is more.
  static uint64_t default_limit(const std::string& folder);

  // The packed form of `source`, made by `pack` when it is not there yet. Thread- and process-safe: a file
  // appears whole or not at all. A cache that cannot be written (read-only, full) costs memory of `host`, not
  // correctness. After new files, what was used longest ago goes until the rest is within the limit;
  // processes that have it mapped keep it.
  Result<PackedBytes> get(const PackedSource& source, const std::string& layout, uint64_t packed_bytes,
                          const HostOptions& host, const std::function<Status(void* dst)>& pack) const;

 private:
  void made(uint64_t bytes) const;

  std::string folder_;
  uint64_t limit_bytes_;
  std::shared_ptr<PackedChecked> checked_;
  std::shared_ptr<std::atomic<uint64_t>>
      untrimmed_;  // bytes made since the folder was trimmed, of all copies
};

// 128 bits over all bytes, in hexadecimal; not against adversaries. About as fast as memory.
std::string content_hash(const void* data, uint64_t bytes);

}  // namespace isthmus
