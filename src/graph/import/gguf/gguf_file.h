// SPDX-License-Identifier: Apache-2.0
// A GGUF file (version 2 or 3), memory-mapped and read in place.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/dtype.h"
#include "base/mapped_file.h"
#include "base/status.h"
#include "graph/import/gguf/gguf_value.h"

namespace isthmus {

struct GgufEntry {
  std::string_view key;
  GgufValue value;
  uint64_t offset = 0;  // of the key, in the file
};

struct GgufTensor {
  std::string_view name;
  Dtype dtype = Dtype::kInvalid;
  int rank = 0;
  std::array<int64_t, kGgufMaxRank> dims = {};  // outermost first (GGUF stores the reverse); each at least 1
  int64_t elements = 0;
  int64_t size_bytes = 0;
  uint64_t offset = 0;              // of the data, in the file
  const std::byte* data = nullptr;  // as many bytes as size_bytes; aligned like the file's alignment()

  std::span<const int64_t> shape() const { return {dims.data(), static_cast<size_t>(rank)}; }
};

// Everything is checked at open: counts, lengths, types, duplicate names, places and overlap of tensors.
// Memory used is proportional to the header. Views (keys, strings, tensor data) live as long as the GgufFile
// and stay valid when it is moved. Reading from several threads is safe.
class GgufFile {
 public:
  static Result<GgufFile> open(const std::string& path);
  // Over bytes the caller keeps alive and aligned to 8; `name` stands for the path in messages.
  static Result<GgufFile> open_memory(std::span<const std::byte> bytes, std::string name);

  const std::string& path() const { return path_; }
  uint32_t version() const { return version_; }
  uint32_t alignment() const { return alignment_; }
  uint64_t size_bytes() const { return bytes_.size(); }

  // In the order of the file.
  std::span<const GgufEntry> metadata() const { return metadata_; }
  std::span<const GgufTensor> tensors() const { return tensors_; }

  // Null if there is none.
  const GgufEntry* find(std::string_view key) const;
  const GgufTensor* find_tensor(std::string_view name) const;
  bool has(std::string_view key) const { return find(key) != nullptr; }

  // Not found (naming the file) if there is none.
  Result<const GgufTensor*> tensor(std::string_view name) const;

  // The value of a key by the rules of GgufValue::as: integers of any width are accepted where the value
  // fits. Not found if the key is absent; invalid argument, naming key, expected and found, for another type.
  template <typename T>
  Result<T> get(std::string_view key) const;
  // The same, with `fallback` for an absent key; a wrong type is still an error.
  template <typename T>
  Result<T> get_or(std::string_view key, T fallback) const {
    if (!has(key)) return fallback;
    return get<T>(key);
  }

  Result<uint32_t> get_u32(std::string_view key) const { return get<uint32_t>(key); }
  Result<int32_t> get_i32(std::string_view key) const { return get<int32_t>(key); }
  Result<uint64_t> get_u64(std::string_view key) const { return get<uint64_t>(key); }
  Result<int64_t> get_i64(std::string_view key) const { return get<int64_t>(key); }
  Result<float> get_f32(std::string_view key) const { return get<float>(key); }
  Result<bool> get_bool(std::string_view key) const { return get<bool>(key); }
  Result<std::string_view> get_string(std::string_view key) const { return get<std::string_view>(key); }
  Result<std::vector<std::string_view>> get_strings(std::string_view key) const {
    return get<std::vector<std::string_view>>(key);
  }
  Result<std::vector<int32_t>> get_i32s(std::string_view key) const { return get<std::vector<int32_t>>(key); }
  Result<std::vector<uint32_t>> get_u32s(std::string_view key) const {
    return get<std::vector<uint32_t>>(key);
  }
  Result<std::vector<float>> get_f32s(std::string_view key) const { return get<std::vector<float>>(key); }

  // See MappedFile::name_of; empty for open_memory.
  std::string name_of(const void* data, uint64_t length) const { return mapping_.name_of(data, length); }

  // Damaged data if the file has been cut since it was opened.
  Status check_unchanged_size() const { return mapping_.check_unchanged_size(); }

 private:
  friend class GgufParser;

  std::string path_;
  MappedFile mapping_;  // empty for open_memory
  std::span<const std::byte> bytes_;
  uint32_t version_ = 0;
  uint32_t alignment_ = kGgufDefaultAlignment;
  std::vector<GgufEntry> metadata_;
  std::vector<GgufTensor> tensors_;
  std::vector<uint32_t> metadata_by_key_;  // indices, sorted by key
  std::vector<uint32_t> tensors_by_name_;
};

}  // namespace isthmus
