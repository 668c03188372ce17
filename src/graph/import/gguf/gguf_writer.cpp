// SPDX-License-Identifier: Apache-2.0
#include "graph/import/gguf/gguf_writer.h"

#include <cassert>
#include <cerrno>
#include <cstring>

namespace isthmus {
namespace {

void put_bytes(std::vector<std::byte>* out, const void* data, size_t size) {
  if (size == 0) return;
  const size_t end = out->size();
  out->resize(end + size);
  std::memcpy(out->data() + end, data, size);
}

template <typename T>
void put(std::vector<std::byte>* out, T value) {
  put_bytes(out, &value, sizeof(T));
}

void put_string(std::vector<std::byte>* out, std::string_view text) {
  put(out, uint64_t{text.size()});
  put_bytes(out, text.data(), text.size());
}

uint64_t round_up(uint64_t size, uint64_t alignment) {
  return (size + alignment - 1) / alignment * alignment;
}

}  // namespace

GgufWriter::GgufWriter(uint32_t alignment) : alignment_(alignment) {
  if (alignment != kGgufDefaultAlignment) add_u32("general.alignment", alignment);
}

void GgufWriter::add_key(std::string_view key, GgufType type) {
  put_string(&metadata_, key);
  put(&metadata_, static_cast<uint32_t>(type));
  ++metadata_count_;
}

void GgufWriter::add_array(std::string_view key, GgufType element_type, uint64_t count) {
  add_key(key, GgufType::kArray);
  put(&metadata_, static_cast<uint32_t>(element_type));
  put(&metadata_, count);
}

void GgufWriter::add_u32(std::string_view key, uint32_t value) {
  add_key(key, GgufType::kU32);
  put(&metadata_, value);
}

void GgufWriter::add_u64(std::string_view key, uint64_t value) {
  add_key(key, GgufType::kU64);
  put(&metadata_, value);
}

void GgufWriter::add_f32(std::string_view key, float value) {
  add_key(key, GgufType::kF32);
  put(&metadata_, value);
}

void GgufWriter::add_bool(std::string_view key, bool value) {
  add_key(key, GgufType::kBool);
  put(&metadata_, static_cast<uint8_t>(value));
}

void GgufWriter::add_string(std::string_view key, std::string_view value) {
  add_key(key, GgufType::kString);
  put_string(&metadata_, value);
}

void GgufWriter::add_i32s(std::string_view key, std::span<const int32_t> values) {
  add_array(key, GgufType::kI32, values.size());
  put_bytes(&metadata_, values.data(), values.size_bytes());
}

void GgufWriter::add_f32s(std::string_view key, std::span<const float> values) {
  add_array(key, GgufType::kF32, values.size());
  put_bytes(&metadata_, values.data(), values.size_bytes());
}

void GgufWriter::add_strings(std::string_view key, std::span<const std::string_view> values) {
  add_array(key, GgufType::kString, values.size());
  for (const std::string_view value : values) put_string(&metadata_, value);
}

void GgufWriter::add_value(std::string_view key, const GgufValue& value) {
  if (value.is_array()) {
    add_array(key, value.element_type, value.count);
  } else {
    add_key(key, value.type);
    if (value.type == GgufType::kString) put(&metadata_, uint64_t{value.data.size()});
  }
  put_bytes(&metadata_, value.data.data(), value.data.size());
}

void GgufWriter::add_tensor(std::string_view name, Dtype dtype, std::span<const int64_t> dims) {
  assert(dtype_to_gguf(dtype) && dims.size() <= kGgufMaxRank);
  int64_t elements = 1;
  put_string(&tensor_list_, name);
  put(&tensor_list_, static_cast<uint32_t>(dims.size()));
  for (size_t i = dims.size(); i-- > 0;) {
    put(&tensor_list_, static_cast<uint64_t>(dims[i]));
    elements *= dims[i];
  }
  put(&tensor_list_, *dtype_to_gguf(dtype));
  put(&tensor_list_, data_bytes_);
  const auto size_bytes = static_cast<uint64_t>(dtype_bytes(dtype, elements));
  tensors_.push_back({data_bytes_, size_bytes});
  data_bytes_ += round_up(size_bytes, alignment_);
}

std::vector<std::byte> GgufWriter::header() const {
  std::vector<std::byte> out;
  out.reserve(24 + metadata_.size() + tensor_list_.size() + alignment_);
  put_bytes(&out, "GGUF", 4);
  put(&out, uint32_t{3});
  put(&out, uint64_t{tensors_.size()});
  put(&out, metadata_count_);
  put_bytes(&out, metadata_.data(), metadata_.size());
  put_bytes(&out, tensor_list_.data(), tensor_list_.size());
  out.resize(static_cast<size_t>(round_up(out.size(), alignment_)));
  return out;
}

Status GgufWriter::write(const void* data, size_t size) {
  if (size != 0 && std::fwrite(data, 1, size, file_.get()) != size)
    return error(Code::kUnavailable, "{}: cannot write: {}", path_, std::strerror(errno));
  return ok();
}

Status GgufWriter::create(const std::string& path) {
  path_ = path;
  file_.reset(std::fopen(path.c_str(), "wbe"));
  if (!file_) return error(Code::kUnavailable, "{}: cannot create it: {}", path, std::strerror(errno));
  current_ = 0;
  filled_bytes_ = 0;
  const std::vector<std::byte> bytes = header();
  return write(bytes.data(), bytes.size());
}

Status GgufWriter::append(std::span<const std::byte> data) {
  assert(file_ && "create() comes first");
  if (current_ == tensors_.size() || data.size() > tensors_[current_].size_bytes - filled_bytes_)
    return invalid_argument("{}: more data than tensor {} of {} has room for", path_, current_ + 1,
                            tensors_.size());
  RETURN_IF_ERROR(write(data.data(), data.size()));
  filled_bytes_ += data.size();
  if (filled_bytes_ < tensors_[current_].size_bytes) return ok();
  const std::vector<std::byte> padding(
      static_cast<size_t>(round_up(filled_bytes_, alignment_) - filled_bytes_));
  ++current_;
  filled_bytes_ = 0;
  return write(padding.data(), padding.size());
}

Status GgufWriter::finish() {
  assert(file_ && "create() comes first");
  if (current_ != tensors_.size())
    return error(Code::kFailedPrecondition, "{}: the data of tensor {} of {} is incomplete", path_,
                 current_ + 1, tensors_.size());
  if (std::fclose(file_.release()) != 0)
    return error(Code::kUnavailable, "{}: cannot write: {}", path_, std::strerror(errno));
  return ok();
}

}  // namespace isthmus
