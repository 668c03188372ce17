// SPDX-License-Identifier: Apache-2.0
// What stands behind the handles of aclnn: tensors, scalars, arrays and lists, with their values.
#pragma once

#include <cstring>
#include <span>
#include <vector>

#include "acl/acl_base.h"
#include "base/dtype.h"
#include "base/tensor.h"
#include "cann/handles.h"

namespace isthmus::cann {

// Facts of a CANN data type. `dtype` is kInvalid where Isthmus has no such type (ACL_INT4, complex, strings).
struct DataType {
  aclDataType acl;
  const char* name;  // "FLOAT16"
  Dtype dtype;
  int bits;  // of an element
};
// Of an unknown number: the row of ACL_DT_UNDEFINED, with 0 bits.
const DataType& data_type(int acl);
// "FLOAT16"; "type 99" for one that is none.
std::string data_type_name(int acl);

// A view of device memory as the program described it. Everything was checked when it was made: rank, dims
// that are not negative, and extents that fit 2^62 bytes.
struct TensorObject {
  aclDataType type = ACL_DT_UNDEFINED;
  int bits = 0;  // of an element
  int rank = 0;
  int64_t dims[kMaxRank] = {};
  int64_t strides[kMaxRank] = {};  // in elements
  int64_t offset = 0;              // in elements, of the first one from the start of the storage
  aclFormat format = ACL_FORMAT_ND;
  std::vector<int64_t> storage_dims;
  uint64_t storage = 0;  // address

  uint64_t address() const { return storage + static_cast<uint64_t>(offset * bits / 8); }
  // Bytes from the first element back to the lowest, and on past the highest one.
  int64_t below = 0, above = 0;

  // The same storage densely with other dims, of no more elements.
  TensorObject shrunk(std::span<const int64_t> dims) const;
};

struct ScalarObject {
  aclDataType type = ACL_DT_UNDEFINED;
  uint8_t bytes[16] = {};
};

template <typename T>
struct ArrayObject {
  std::vector<T> values;
};
using IntArray = ArrayObject<int64_t>;
using FloatArray = ArrayObject<float>;
using BoolArray = ArrayObject<uint8_t>;

// A list and the handles of what is in it, which die with it. What was an object when the list was made is
// kept: its handle may have died since.
template <typename T>
struct ListObject {
  std::vector<std::shared_ptr<T>> objects;
  std::vector<const void*> handles;
};
using TensorList = ListObject<TensorObject>;
using ScalarList = ListObject<ScalarObject>;

// One table for each kind.
HandleTable<TensorObject>& tensors();
HandleTable<ScalarObject>& scalars();
HandleTable<IntArray>& int_arrays();
HandleTable<FloatArray>& float_arrays();
HandleTable<BoolArray>& bool_arrays();
HandleTable<TensorList>& tensor_lists();
HandleTable<ScalarList>& scalar_lists();

// Tensor i of a list as it is now.
std::shared_ptr<TensorObject> tensor_of(const TensorList& list, size_t i);

}  // namespace isthmus::cann
