// SPDX-License-Identifier: Apache-2.0
// A whole file mapped read-only, so that weights are used where they lie.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/status.h"

namespace isthmus {

// Owns the mapping and the open file; addresses stay valid until destruction, also across moves. The mapping
// is shared and read-only: several processes hold one copy. Reading a page that another program has cut off
// the file since raises SIGBUS, which no check can exclude; check_unchanged_size() tells before long work.
class MappedFile {
 public:
  static Result<MappedFile> open(const std::string& path);

  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  // Empty for a file of no bytes.
  std::span<const std::byte> bytes() const { return {data_, size_bytes_}; }
  size_t size_bytes() const { return size_bytes_; }
  const std::string& path() const { return path_; }

  // `length` bytes from `offset`; damaged data (with file, place and both sizes) if the file ends before.
  Result<std::span<const std::byte>> range(uint64_t offset, uint64_t length) const;

  // Names the bytes at `data` inside the mapping by where they lie: device, inode, size, times of the last
  // change of contents and of anything, and offset. Equal names mean equal bytes, unless a file system keeps
  // times too coarsely to see a change in place. Empty for bytes that are not of this file.
  std::string name_of(const void* data, uint64_t length) const;

  // Damaged data if the file on disk is now shorter than what was mapped.
  Status check_unchanged_size() const;

 private:
  void close();

  const std::byte* data_ = nullptr;
  size_t size_bytes_ = 0;
  int fd_ = -1;
  std::string path_;
  std::string identity_;  // of the file as it was when opened
};

}  // namespace isthmus
