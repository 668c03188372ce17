// SPDX-License-Identifier: Apache-2.0
#include "api/convert.h"

#include <algorithm>
#include <bit>

namespace isthmus::api {
namespace {

constexpr int64_t kMostElements = int64_t{1}
                                  << 58;      // 2^62 bytes at the widest dtype and less than 2^63 anywhere
constexpr int64_t kMostListValues = 1 << 20;  // of one attribute

Status check_rank(int32_t rank) {
  if (rank < 0 || rank > kMaxRank) return invalid_argument("rank {} is outside 0 to {}", rank, kMaxRank);
  return ok();
}

}  // namespace

Status check_dtype(isthmus_dtype_t dtype) {
  const auto number = static_cast<int64_t>(dtype);
  if (number <= 0 || number > 255 || dtype_info(static_cast<Dtype>(number)).block_elements == 0 ||
      dtype_info(static_cast<Dtype>(number)).dtype == Dtype::kInvalid)
    return invalid_argument("there is no dtype {}", number);
  return ok();
}

Result<uint64_t> tensor_bytes(Dtype dtype, int rank, const int64_t* dims) {
  RETURN_IF_ERROR(check_dtype(static_cast<isthmus_dtype_t>(dtype)));
  RETURN_IF_ERROR(check_rank(rank));
  int64_t elements = 1;
  bool empty = false;
  for (int i = 0; i < rank; ++i) {
    if (dims[i] < 0) return invalid_argument("dimension {} is {}", i, dims[i]);
    if (dims[i] == 0) {
      empty = true;
    } else if (dims[i] > kMostElements / elements) {
      return invalid_argument("dimension {} of {} makes more than 2^58 elements", i, dims[i]);
    } else {
      elements *= dims[i];
    }
  }
  const DtypeInfo& info = dtype_info(dtype);
  if (info.block_elements > 1 && (rank == 0 || dims[rank - 1] % info.block_elements != 0))
    return invalid_argument(
        "{} comes in blocks of {}; an innermost dimension of {} is not a whole number of them", info.name,
        info.block_elements, rank == 0 ? 1 : dims[rank - 1]);
  return empty ? 0 : static_cast<uint64_t>(dtype_bytes(dtype, elements));
}

Result<Tensor> to_tensor(const isthmus_tensor_t& given) {
  Tensor tensor;
  if (given.dtype == ISTHMUS_DTYPE_INVALID) return tensor;
  RETURN_IF_ERROR(check_dtype(given.dtype));
  RETURN_IF_ERROR(tensor_bytes(static_cast<Dtype>(given.dtype), given.rank, given.dims).status());
  tensor.dtype = static_cast<Dtype>(given.dtype);
  tensor.rank = given.rank;
  tensor.data = reinterpret_cast<void*>(given.address);
  std::copy_n(given.dims, given.rank, tensor.dims);
  std::copy_n(given.strides, given.rank, tensor.strides);
  if (is_block(tensor.dtype) && !is_contiguous(tensor))
    return invalid_argument("a {} tensor must be dense", dtype_name(tensor.dtype));
  for (int i = 0; i < tensor.rank; ++i)
    if (tensor.strides[i] < -kMostElements || tensor.strides[i] > kMostElements)
      return invalid_argument("stride {} is {}", i, tensor.strides[i]);
  return tensor;
}

isthmus_tensor_t from_tensor(const Tensor& tensor) {
  isthmus_tensor_t given = {};
  given.size = sizeof given;
  given.dtype = static_cast<isthmus_dtype_t>(tensor.dtype);
  given.rank = tensor.rank;
  given.address = reinterpret_cast<isthmus_address_t>(tensor.data);
  std::copy_n(tensor.dims, tensor.rank, given.dims);
  std::copy_n(tensor.strides, tensor.rank, given.strides);
  return given;
}

isthmus_tensor_arg_t to_arg(const Tensor& tensor) {
  isthmus_tensor_arg_t arg = {};
  arg.address = reinterpret_cast<isthmus_address_t>(tensor.data);
  std::copy_n(tensor.dims, tensor.rank, arg.dims);
  std::copy_n(tensor.strides, tensor.rank, arg.strides);
  return arg;
}

TensorType type_of(const Tensor& tensor) {
  TensorType type;
  type.dtype = tensor.dtype;
  for (int i = 0; i < tensor.rank; ++i) type.shape.emplace_back(tensor.dims[i]);
  return type;
}

Result<TensorType> to_type(const isthmus_type_t& given, size_t symbol_count) {
  TensorType type;
  if (given.dtype == ISTHMUS_DTYPE_INVALID) return type;
  RETURN_IF_ERROR(check_dtype(given.dtype));
  RETURN_IF_ERROR(check_rank(given.rank));
  type.dtype = static_cast<Dtype>(given.dtype);
  for (int i = 0; i < given.rank; ++i) {
    const isthmus_dim_t& dim = given.dims[i];
    Dim own(dim.offset);
    if (dim.symbol >= 0) {
      if (static_cast<size_t>(dim.symbol) >= symbol_count)
        return invalid_argument("dimension {} names symbol {}, there are {}", i, dim.symbol, symbol_count);
      own.symbol = dim.symbol;
      own.scale = dim.scale;
    } else if (dim.offset < 0) {
      return invalid_argument("dimension {} is {}", i, dim.offset);
    }
    if (dim.offset < -kMostElements || dim.offset > kMostElements || own.scale < 0 ||
        own.scale > kMostElements)
      return invalid_argument("dimension {} is {}", i, own.to_string());
    type.shape.push_back(own);
  }
  return type;
}

isthmus_type_t from_type(const TensorType& type) {
  isthmus_type_t given = {};
  given.size = sizeof given;
  given.dtype = static_cast<isthmus_dtype_t>(type.dtype);
  given.rank = type.rank();
  for (int i = 0; i < given.rank; ++i)
    given.dims[i] = {type.shape[i].offset, type.shape[i].scale, type.shape[i].symbol};
  return given;
}

Result<AttributeValue> to_attribute(const isthmus_attribute_t& given) {
  const auto check_list = [&](const void* values) -> Status {
    if (given.count < 0 || given.count > kMostListValues || (given.count > 0 && !values))
      return invalid_argument("attribute '{}': a list of {} values", given.name, given.count);
    return ok();
  };
  switch (given.type) {
    case ISTHMUS_ATTRIBUTE_INT: return AttributeValue(given.i);
    case ISTHMUS_ATTRIBUTE_FLOAT: return AttributeValue(given.f);
    case ISTHMUS_ATTRIBUTE_STRING:
      if (!given.s) return invalid_argument("attribute '{}': its string is NULL", given.name);
      return AttributeValue(std::string(given.s));
    case ISTHMUS_ATTRIBUTE_INTS:
      RETURN_IF_ERROR(check_list(given.ints));
      return AttributeValue(std::vector<int64_t>(given.ints, given.ints + given.count));
    case ISTHMUS_ATTRIBUTE_FLOATS:
      RETURN_IF_ERROR(check_list(given.floats));
      return AttributeValue(std::vector<double>(given.floats, given.floats + given.count));
  }
  return invalid_argument("attribute '{}': there is no attribute type {}", given.name,
                          static_cast<int>(given.type));
}

Result<Attributes> to_attributes(const isthmus_attribute_t* given, int32_t count) {
  ASSIGN_OR_RETURN(const auto list, read_structs(given, count, kMostAttributes, "attributes"));
  Attributes attributes;
  for (const isthmus_attribute_t& a : list) {
    if (!a.name) return invalid_argument("an attribute's name is NULL");
    ASSIGN_OR_RETURN(AttributeValue value, to_attribute(a));
    if (attributes.find(a.name)) return invalid_argument("attribute '{}' is given twice", a.name);
    attributes.set(a.name, std::move(value));
  }
  return attributes;
}

isthmus_attribute_t from_attribute(const char* name, const AttributeValue& value, bool is_default) {
  isthmus_attribute_t a = {};
  a.size = sizeof a;
  a.name = name;
  a.is_default = is_default;
  a.type = static_cast<isthmus_attribute_type_t>(value.index());
  if (const auto* i = std::get_if<int64_t>(&value)) a.i = *i;
  if (const auto* f = std::get_if<double>(&value)) a.f = *f;
  if (const auto* s = std::get_if<std::string>(&value)) a.s = s->c_str();
  if (const auto* v = std::get_if<std::vector<int64_t>>(&value)) {
    a.ints = v->data();
    a.count = static_cast<int64_t>(v->size());
  }
  if (const auto* v = std::get_if<std::vector<double>>(&value)) {
    a.floats = v->data();
    a.count = static_cast<int64_t>(v->size());
  }
  return a;
}

Status check_numerics(isthmus_numerics_t numerics) {
  if (numerics == ISTHMUS_NUMERICS_EXACT || numerics == ISTHMUS_NUMERICS_FAST) return ok();
  return invalid_argument("options: there is no numerics {}", static_cast<int>(numerics));
}

Result<PreparePolicy> read_policy(const isthmus_op_options_t* options) {
  PreparePolicy policy;
  if (!options) return policy;
  ASSIGN_OR_RETURN(const isthmus_op_options_t given, read_struct(options, "options"));
  RETURN_IF_ERROR(check_numerics(given.numerics));
  policy.no_fallback = given.no_fallback != 0;
  policy.numerics = given.numerics;
  return policy;
}

}  // namespace isthmus::api
