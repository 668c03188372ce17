// SPDX-License-Identifier: Apache-2.0
// Between the structs of the C interface and the library's own types. Everything read here comes from
// outside.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "api/guard.h"
#include "isthmus/ops.h"
#include "ops/op_def.h"
#include "ops/prepared_op.h"

namespace isthmus::api {

// -- structs that start with their size --

// No version of any struct is larger; a size beyond it is one that was never set.
inline constexpr size_t kLargestStruct = 4096;

template <typename T>
Status check_size(const T* given, const char* what) {
  if (!given) return invalid_argument("{} is NULL", what);
  if (given->size < sizeof(size_t) || given->size > kLargestStruct)
    return invalid_argument("{}: its size field is {}; set it to sizeof the struct, which is {}", what,
                            given->size, sizeof(T));
  return ok();
}

// *given over `defaults`; fields the caller's version does not have keep their default.
template <typename T>
Result<T> read_struct(const T* given, const char* what, const T& defaults = {}) {
  RETURN_IF_ERROR(check_size(given, what));
  T read = defaults;
  std::memcpy(&read, given, std::min(given->size, sizeof read));
  read.size = sizeof read;
  return read;
}

// As many fields of `value` as the caller's version has.
template <typename T>
Status write_struct(T* given, T value, const char* what) {
  RETURN_IF_ERROR(check_size(given, what));
  value.size = given->size;
  std::memcpy(given, &value, std::min(given->size, sizeof value));
  return ok();
}

// An array of `count` structs, all with the size of the first.
template <typename T>
Result<std::vector<T>> read_structs(const T* given, int32_t count, int32_t most, const char* what) {
  if (count < 0 || count > most)
    return invalid_argument("{}: {} given, 0 to {} are possible", what, count, most);
  std::vector<T> read;
  if (count == 0) return read;
  RETURN_IF_ERROR(check_size(given, what));
  const auto* at = reinterpret_cast<const std::byte*>(given);
  for (int32_t i = 0; i < count; ++i, at += given->size) {
    T one = {};
    std::memcpy(&one, at, std::min(given->size, sizeof one));
    one.size = sizeof one;
    read.push_back(one);
  }
  return read;
}

inline constexpr int32_t kMostAttributes = 256;

// -- tensors --

Status check_dtype(isthmus_dtype_t dtype);
// Bytes of a dense tensor; refuses ranks, dtypes and dims that cannot be.
Result<uint64_t> tensor_bytes(Dtype dtype, int rank, const int64_t* dims);
// Absent ones stay so.
Result<Tensor> to_tensor(const isthmus_tensor_t& given);
isthmus_tensor_t from_tensor(const Tensor& tensor);
isthmus_tensor_arg_t to_arg(const Tensor& tensor);
TensorType type_of(const Tensor& tensor);

// symbol_count: symbols of the graph the type is for.
Result<TensorType> to_type(const isthmus_type_t& given, size_t symbol_count);
isthmus_type_t from_type(const TensorType& type);

// -- attributes --

Result<AttributeValue> to_attribute(const isthmus_attribute_t& given);
Result<Attributes> to_attributes(const isthmus_attribute_t* given, int32_t count);
// Points into name and value.
isthmus_attribute_t from_attribute(const char* name, const AttributeValue& value, bool is_default);

// options may be null.
Result<PreparePolicy> read_policy(const isthmus_op_options_t* options);
Status check_numerics(isthmus_numerics_t numerics);

}  // namespace isthmus::api
