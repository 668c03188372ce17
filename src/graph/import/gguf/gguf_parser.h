// SPDX-License-Identifier: Apache-2.0
// Reads the header of a GGUF file into a GgufFile. Every count, length and offset is checked before it is
// used.
#pragma once

#include <string>
#include <string_view>

#include "graph/import/gguf/gguf_file.h"

namespace isthmus {

class GgufParser {
 public:
  explicit GgufParser(GgufFile* file) : file_(*file) {}

  // Errors name the byte; the caller adds the file.
  Status parse();

 private:
  uint64_t remaining() const { return file_.bytes_.size() - position_; }

  // Damaged data: "at byte N: WHAT".
  template <typename... Args>
  Status fail_at(uint64_t offset, fmt::format_string<Args...> format, Args&&... args) const;

  // The next `size` bytes; `what` says in the error what they should have been.
  Result<std::span<const std::byte>> take(uint64_t size, std::string_view what);
  template <typename T>
  Result<T> read(std::string_view what);
  Result<std::string_view> read_string(std::string_view what);
  // A number of things, at most `limit`, that take at least `least_bytes` each in the rest of the file.
  Result<uint64_t> read_count(uint64_t least_bytes, uint64_t limit, std::string_view what);

  Status parse_preamble();
  Status parse_metadata();
  Result<GgufValue> parse_value();
  Status parse_array(GgufValue* value, int depth);
  Status parse_bools(std::span<const std::byte> values, uint64_t offset);
  Status apply_alignment();
  Status refuse_split_file();
  Status parse_tensors();
  Status parse_tensor(GgufTensor* tensor);
  Status place_tensors();
  Status check_overlap();

  GgufFile& file_;
  uint64_t position_ = 0;
  uint64_t tensor_count_ = 0;
  uint64_t metadata_count_ = 0;
};

}  // namespace isthmus
