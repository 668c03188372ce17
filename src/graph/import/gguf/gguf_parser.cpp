// SPDX-License-Identifier: Apache-2.0
#include "graph/import/gguf/gguf_parser.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <numeric>

namespace isthmus {
namespace {

// Arrays of arrays are in the format and in no known file; the bound keeps the recursion flat.
constexpr int kMaxArrayDepth = 4;
// Key length, its one character, type, a value of one byte.
constexpr uint64_t kLeastEntryBytes = 8 + 1 + 4 + 1;
// Name length, its one character, rank, type, offset.
constexpr uint64_t kLeastTensorBytes = 8 + 1 + 4 + 4 + 8;

// More entries than any model has; keeps indices in 32 bits.
constexpr uint64_t kMostEntries = uint64_t{1} << 24;
// Entries to make room for before the first is read; a count is only believed as far as the file bears it
// out.
constexpr uint64_t kReservedEntries = 4096;

// Indices of `rows` sorted by name; sets *duplicate to the later of two rows of the same name.
template <typename Row, typename Name>
std::vector<uint32_t> sort_by(const std::vector<Row>& rows, Name Row::* name, const Row** duplicate) {
  std::vector<uint32_t> order(rows.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    const int compared = (rows[a].*name).compare(rows[b].*name);
    return compared != 0 ? compared < 0 : a < b;
  });
  for (size_t i = 1; i < order.size() && *duplicate == nullptr; ++i)
    if (rows[order[i - 1]].*name == rows[order[i]].*name) *duplicate = &rows[order[i]];
  return order;
}

}  // namespace

template <typename... Args>
Status GgufParser::fail_at(uint64_t offset, fmt::format_string<Args...> format, Args&&... args) const {
  return data_loss("at byte {}: {}", offset, fmt::format(format, std::forward<Args>(args)...));
}

Result<std::span<const std::byte>> GgufParser::take(uint64_t size, std::string_view what) {
  if (size > remaining())
    return fail_at(position_, "expected {} ({} bytes), but only {} of the file's {} bytes are left", what,
                   size, remaining(), file_.bytes_.size());
  const auto taken = file_.bytes_.subspan(static_cast<size_t>(position_), static_cast<size_t>(size));
  position_ += size;
  return taken;
}

template <typename T>
Result<T> GgufParser::read(std::string_view what) {
  ASSIGN_OR_RETURN(const std::span<const std::byte> bytes, take(sizeof(T), what));
  T value;
  std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

Result<std::string_view> GgufParser::read_string(std::string_view what) {
  ASSIGN_OR_RETURN(const uint64_t length, read<uint64_t>(what));
  ASSIGN_OR_RETURN(const std::span<const std::byte> bytes, take(length, what));
  return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

Result<uint64_t> GgufParser::read_count(uint64_t least_bytes, uint64_t limit, std::string_view what) {
  const uint64_t offset = position_;
  ASSIGN_OR_RETURN(const uint64_t count, read<uint64_t>(what));
  const uint64_t most = std::min(remaining() / least_bytes, limit);
  if (count > most)
    return fail_at(offset, "{}: expected at most {} in a file of {} bytes, found {}", what, most,
                   file_.bytes_.size(), count);
  return count;
}

Status GgufParser::parse() {
  RETURN_IF_ERROR(parse_preamble());
  RETURN_IF_ERROR(parse_metadata());
  RETURN_IF_ERROR(apply_alignment());
  RETURN_IF_ERROR(refuse_split_file());
  RETURN_IF_ERROR(parse_tensors());
  RETURN_IF_ERROR(place_tensors());
  return check_overlap();
}

Status GgufParser::parse_preamble() {
  if (file_.bytes_.empty()) return data_loss("the file is empty");
  ASSIGN_OR_RETURN(const auto magic, take(4, "the letters GGUF"));
  if (std::memcmp(magic.data(), "GGUF", 4) != 0) {
    const std::string_view found(reinterpret_cast<const char*>(magic.data()), 4);
    return invalid_argument("not a GGUF file: at byte 0: expected the letters GGUF, found {}",
                            quote_gguf_text(found));
  }
  ASSIGN_OR_RETURN(file_.version_, read<uint32_t>("the version"));
  // A version fits in the lower half, so a number with only the upper half set was written in the other
  // order.
  if (file_.version_ != 0 && (file_.version_ & 0xffff) == 0)
    return unimplemented(
        "at byte 4: this is a big-endian GGUF file; only little-endian ones can be read: convert it first");
  if (file_.version_ != 2 && file_.version_ != 3)
    return unimplemented("at byte 4: GGUF version: expected 2 or 3, found {}", file_.version_);
  ASSIGN_OR_RETURN(tensor_count_, read_count(kLeastTensorBytes, kMostEntries, "the number of tensors"));
  ASSIGN_OR_RETURN(metadata_count_,
                   read_count(kLeastEntryBytes, kMostEntries, "the number of metadata entries"));
  return ok();
}

Status GgufParser::parse_metadata() {
  const uint64_t count = metadata_count_;
  file_.metadata_.reserve(static_cast<size_t>(std::min(count, kReservedEntries)));
  for (uint64_t i = 0; i < count; ++i) {
    GgufEntry entry;
    entry.offset = position_;
    ASSIGN_OR_RETURN(entry.key, read_string("a metadata key"), "metadata entry {} of {}", i + 1, count);
    if (entry.key.empty())
      return fail_at(entry.offset, "metadata entry {} of {} has an empty key", i + 1, count);
    ASSIGN_OR_RETURN(entry.value, parse_value(), "metadata key {}", quote_gguf_text(entry.key));
    file_.metadata_.push_back(entry);
  }
  const GgufEntry* duplicate = nullptr;
  file_.metadata_by_key_ = sort_by(file_.metadata_, &GgufEntry::key, &duplicate);
  if (duplicate != nullptr)
    return fail_at(duplicate->offset, "metadata key {} occurs twice", quote_gguf_text(duplicate->key));
  return ok();
}

Result<GgufValue> GgufParser::parse_value() {
  const uint64_t offset = position_;
  ASSIGN_OR_RETURN(const uint32_t number, read<uint32_t>("a value type"));
  if (number >= kGgufTypeCount)
    return fail_at(offset, "value type: expected 0 to {}, found {}", kGgufTypeCount - 1, number);
  GgufValue value;
  value.type = static_cast<GgufType>(number);
  if (value.type == GgufType::kArray) {
    RETURN_IF_ERROR(parse_array(&value, 1));
  } else if (value.type == GgufType::kString) {
    ASSIGN_OR_RETURN(const std::string_view text, read_string("a string"));
    value.data = std::as_bytes(std::span(text.data(), text.size()));
  } else {
    ASSIGN_OR_RETURN(value.data, take(gguf_type_bytes(value.type), gguf_type_name(value.type)));
    if (value.type == GgufType::kBool) RETURN_IF_ERROR(parse_bools(value.data, offset + 4));
  }
  return value;
}

Status GgufParser::parse_array(GgufValue* value, int depth) {
  const uint64_t offset = position_;
  if (depth > kMaxArrayDepth)
    return fail_at(offset, "arrays nested more than {} deep are not supported", kMaxArrayDepth);
  ASSIGN_OR_RETURN(const uint32_t number, read<uint32_t>("the element type of an array"));
  if (number >= kGgufTypeCount)
    return fail_at(offset, "element type of an array: expected 0 to {}, found {}", kGgufTypeCount - 1,
                   number);
  value->element_type = static_cast<GgufType>(number);
  const uint64_t fixed_bytes = gguf_type_bytes(value->element_type);
  const uint64_t least = value->element_type == GgufType::kString  ? 8
                         : value->element_type == GgufType::kArray ? 12
                                                                   : fixed_bytes;
  ASSIGN_OR_RETURN(value->count,
                   read_count(least, std::numeric_limits<uint64_t>::max(), "the length of an array"));
  const uint64_t start = position_;
  if (value->element_type == GgufType::kString) {
    for (uint64_t i = 0; i < value->count; ++i)
      RETURN_IF_ERROR(read_string("a string").status(), "element {} of {}", i, value->count);
  } else if (value->element_type == GgufType::kArray) {
    GgufValue inner;
    for (uint64_t i = 0; i < value->count; ++i) RETURN_IF_ERROR(parse_array(&inner, depth + 1));
  } else {
    position_ += value->count * fixed_bytes;  // read_count has checked that they are there
  }
  value->data = file_.bytes_.subspan(static_cast<size_t>(start), static_cast<size_t>(position_ - start));
  if (value->element_type == GgufType::kBool) return parse_bools(value->data, start);
  return ok();
}

Status GgufParser::parse_bools(std::span<const std::byte> values, uint64_t offset) {
  for (size_t i = 0; i < values.size(); ++i)
    if (std::to_integer<int>(values[i]) > 1)
      return fail_at(offset + i, "bool: expected 0 or 1, found {}", std::to_integer<int>(values[i]));
  return ok();
}

Status GgufParser::apply_alignment() {
  const GgufEntry* entry = file_.find("general.alignment");
  if (entry == nullptr) return ok();
  // The format asks for a multiple of 8; a power of two besides, because data is used where it lies.
  const std::optional<uint32_t> alignment = entry->value.as<uint32_t>();
  if (!alignment || *alignment < 8 || (*alignment & (*alignment - 1)) != 0)
    return fail_at(entry->offset, "general.alignment: expected a power of two of at least 8, found {} {}",
                   entry->value.type_name(), entry->value.to_short_string());
  file_.alignment_ = *alignment;
  return ok();
}

Status GgufParser::refuse_split_file() {
  const GgufEntry* entry = file_.find("split.count");
  if (entry == nullptr) return ok();
  const std::optional<uint32_t> parts = entry->value.as<uint32_t>();
  if (parts && *parts <= 1) return ok();
  return unimplemented(
      "at byte {}: this file is a part of a model split into {} files; split models are not supported: join "
      "the "
      "parts into one file first (llama-gguf-split --merge does it)",
      entry->offset, entry->value.to_short_string());
}

Status GgufParser::parse_tensors() {
  const uint64_t count = tensor_count_;  // checked against the whole file; now against what is left of it
  if (count > remaining() / kLeastTensorBytes)
    return fail_at(position_, "expected {} tensor entries of at least {} bytes, but only {} bytes are left",
                   count, kLeastTensorBytes, remaining());
  file_.tensors_.reserve(static_cast<size_t>(std::min(count, kReservedEntries)));
  std::vector<uint64_t> places;
  for (uint64_t i = 0; i < count; ++i) {
    places.push_back(position_);
    GgufTensor tensor;
    ASSIGN_OR_RETURN(tensor.name, read_string("a tensor name"), "tensor {} of {}", i + 1, count);
    if (tensor.name.empty()) return fail_at(places.back(), "tensor {} of {} has an empty name", i + 1, count);
    RETURN_IF_ERROR(parse_tensor(&tensor), "tensor {}", quote_gguf_text(tensor.name));
    file_.tensors_.push_back(tensor);
  }
  const GgufTensor* duplicate = nullptr;
  file_.tensors_by_name_ = sort_by(file_.tensors_, &GgufTensor::name, &duplicate);
  if (duplicate != nullptr)
    return fail_at(places[static_cast<size_t>(duplicate - file_.tensors_.data())], "tensor {} occurs twice",
                   quote_gguf_text(duplicate->name));
  return ok();
}

// Everything of a tensor but its place; leaves the offset within the data section in `offset`.
Status GgufParser::parse_tensor(GgufTensor* tensor) {
  const uint64_t rank_offset = position_;
  ASSIGN_OR_RETURN(const uint32_t rank, read<uint32_t>("the number of dimensions"));
  if (rank > kGgufMaxRank)
    return fail_at(rank_offset, "number of dimensions: expected 0 to {}, found {}", kGgufMaxRank, rank);
  tensor->rank = static_cast<int>(rank);
  tensor->elements = 1;
  const uint64_t dims_offset = position_;
  for (int i = tensor->rank - 1; i >= 0; --i) {
    const uint64_t offset = position_;
    ASSIGN_OR_RETURN(const uint64_t dim, read<uint64_t>("a dimension"));
    if (dim == 0 || dim > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) ||
        __builtin_mul_overflow(tensor->elements, static_cast<int64_t>(dim), &tensor->elements))
      return fail_at(offset, "dimension: expected at least 1 and a product below 2^63, found {}", dim);
    tensor->dims[static_cast<size_t>(i)] = static_cast<int64_t>(dim);
  }
  const uint64_t type_offset = position_;
  ASSIGN_OR_RETURN(const uint32_t type, read<uint32_t>("a tensor type"));
  const std::optional<Dtype> dtype = dtype_from_gguf(type);
  if (!dtype)
    return unimplemented("at byte {}: tensor type {} is not supported; supported are {}", type_offset,
                         describe_gguf_tensor_type(type), supported_gguf_tensor_types());
  tensor->dtype = *dtype;
  const DtypeInfo& info = dtype_info(*dtype);
  const int64_t row = rank == 0 ? 1 : tensor->dims[rank - 1];
  if (row % info.block_elements != 0)
    return fail_at(dims_offset, "innermost dimension: expected a multiple of {} for {}, found {}",
                   info.block_elements, info.name, row);
  if (__builtin_mul_overflow(tensor->elements / info.block_elements, int64_t{info.block_bytes},
                             &tensor->size_bytes))
    return fail_at(dims_offset, "expected a size below 2^63 bytes, found {} elements of {}", tensor->elements,
                   info.name);
  const uint64_t place_offset = position_;
  ASSIGN_OR_RETURN(tensor->offset, read<uint64_t>("the offset of its data"));
  if (tensor->offset % file_.alignment_ != 0)
    return fail_at(place_offset, "offset of its data: expected a multiple of the alignment {}, found {}",
                   file_.alignment_, tensor->offset);
  return ok();
}

Status GgufParser::place_tensors() {
  // No overflow: position_ is within a file in memory, the alignment below 2^32.
  const uint64_t mask = file_.alignment_ - uint64_t{1};
  const uint64_t data_start = (position_ + mask) & ~mask;
  const uint64_t file_bytes = file_.bytes_.size();
  // A file without tensors (a vocabulary alone) may end before the padding does.
  const uint64_t data_bytes = data_start <= file_bytes ? file_bytes - data_start : 0;
  for (GgufTensor& tensor : file_.tensors_) {
    const auto size = static_cast<uint64_t>(tensor.size_bytes);
    if (size > data_bytes || tensor.offset > data_bytes - size)
      return fail_at(data_start,
                     "tensor {}: expected {} bytes at offset {} of the tensor data, but the file of {} "
                     "bytes has {} bytes of it; is the file complete?",
                     quote_gguf_text(tensor.name), size, tensor.offset, file_bytes, data_bytes);
    tensor.offset += data_start;
    tensor.data = file_.bytes_.data() + tensor.offset;
  }
  return ok();
}

Status GgufParser::check_overlap() {
  std::vector<uint32_t> order(file_.tensors_.size());
  std::iota(order.begin(), order.end(), 0u);
  const std::vector<GgufTensor>& tensors = file_.tensors_;
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return tensors[a].offset != tensors[b].offset ? tensors[a].offset < tensors[b].offset : a < b;
  });
  for (size_t i = 1; i < order.size(); ++i) {
    const GgufTensor& before = tensors[order[i - 1]];
    const GgufTensor& after = tensors[order[i]];
    const uint64_t end = before.offset + static_cast<uint64_t>(before.size_bytes);
    if (after.offset < end)
      return fail_at(after.offset, "tensor {} lies inside tensor {}, which ends at byte {}",
                     quote_gguf_text(after.name), quote_gguf_text(before.name), end);
  }
  return ok();
}

}  // namespace isthmus
