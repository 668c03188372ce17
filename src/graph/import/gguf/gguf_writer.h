// SPDX-License-Identifier: Apache-2.0
// Writes GGUF version 3 files: metadata, tensor list, then the data as a stream.
#pragma once

#include <cstddef>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/dtype.h"
#include "base/status.h"
#include "graph/import/gguf/gguf_file.h"

namespace isthmus {

// Use in this order: add_* for metadata and tensors, then either header() and the caller lays the data behind
// it, or create(), append() … and finish(). Keys and names are the caller's to keep unique.
class GgufWriter {
 public:
  explicit GgufWriter(uint32_t alignment = kGgufDefaultAlignment);

  void add_u32(std::string_view key, uint32_t value);
  void add_u64(std::string_view key, uint64_t value);
  void add_f32(std::string_view key, float value);
  void add_bool(std::string_view key, bool value);
  void add_string(std::string_view key, std::string_view value);
  void add_i32s(std::string_view key, std::span<const int32_t> values);
  void add_f32s(std::string_view key, std::span<const float> values);
  void add_strings(std::string_view key, std::span<const std::string_view> values);
  // A value as it lies in another file.
  void add_value(std::string_view key, const GgufValue& value);

  // Dims outermost first. Rows are a multiple of the block; GGUF has the dtype (dtype_to_gguf).
  void add_tensor(std::string_view name, Dtype dtype, std::span<const int64_t> dims);

  // The file up to where tensor data begins, padding included.
  std::vector<std::byte> header() const;
  // Bytes of all tensors with the padding behind each.
  uint64_t data_bytes() const { return data_bytes_; }

  // Creates `path` (replacing it) and writes the header.
  Status create(const std::string& path);
  // The next bytes of tensor data, in the order of add_tensor; a call may not reach into the next tensor.
  Status append(std::span<const std::byte> data);
  // Closes the file; an error if any tensor is incomplete.
  Status finish();

 private:
  struct Tensor {
    uint64_t offset;
    uint64_t size_bytes;
  };
  struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  void add_key(std::string_view key, GgufType type);
  void add_array(std::string_view key, GgufType element_type, uint64_t count);
  Status write(const void* data, size_t size);

  uint32_t alignment_;
  uint64_t metadata_count_ = 0;
  std::vector<std::byte> metadata_;
  std::vector<std::byte> tensor_list_;
  std::vector<Tensor> tensors_;
  uint64_t data_bytes_ = 0;

  std::string path_;
  std::unique_ptr<std::FILE, CloseFile> file_;
  size_t current_ = 0;  // the tensor that append() fills
  uint64_t filled_bytes_ = 0;
};

}  // namespace isthmus
