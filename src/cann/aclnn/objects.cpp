// SPDX-License-Identifier: Apache-2.0
#include "cann/aclnn/objects.h"

namespace isthmus::cann {
namespace {

// The numbers of ACL_INT4, ACL_UINT1 and ACL_COMPLEX32 are those of graph/types.h.
constexpr DataType kDataTypes[] = {
    {ACL_DT_UNDEFINED, "undefined", Dtype::kInvalid, 0},
    {ACL_FLOAT, "FLOAT", Dtype::kF32, 32},
    {ACL_FLOAT16, "FLOAT16", Dtype::kF16, 16},
    {ACL_INT8, "INT8", Dtype::kI8, 8},
    {ACL_INT32, "INT32", Dtype::kI32, 32},
    {ACL_UINT8, "UINT8", Dtype::kU8, 8},
    {ACL_INT16, "INT16", Dtype::kI16, 16},
    {ACL_UINT16, "UINT16", Dtype::kU16, 16},
    {ACL_UINT32, "UINT32", Dtype::kU32, 32},
    {ACL_INT64, "INT64", Dtype::kI64, 64},
    {ACL_UINT64, "UINT64", Dtype::kU64, 64},
    {ACL_DOUBLE, "DOUBLE", Dtype::kF64, 64},
    {ACL_BOOL, "BOOL", Dtype::kBool, 8},
    {ACL_BF16, "BF16", Dtype::kBF16, 16},
    {ACL_COMPLEX64, "COMPLEX64", Dtype::kInvalid, 64},
    {ACL_COMPLEX128, "COMPLEX128", Dtype::kInvalid, 128},
    {static_cast<aclDataType>(29), "INT4", Dtype::kInvalid, 4},
    {static_cast<aclDataType>(30), "UINT1", Dtype::kInvalid, 1},
    {static_cast<aclDataType>(33), "COMPLEX32", Dtype::kInvalid, 32},
};

// Tables live as long as the process: programs may destroy objects in their own last moments.
template <typename T>
HandleTable<T>& table(uint8_t kind, const char* name) {
  static auto* const table = new HandleTable<T>(kind, name);
  return *table;
}

}  // namespace

const DataType& data_type(int acl) {
  for (const DataType& row : kDataTypes)
    if (row.acl == acl) return row;
  return kDataTypes[0];
}

std::string data_type_name(int acl) {
  const DataType& row = data_type(acl);
  return row.bits == 0 && acl != ACL_DT_UNDEFINED ? fmt::format("type {}", acl) : row.name;
}

HandleTable<TensorObject>& tensors() { return table<TensorObject>(65, "aclTensor"); }
HandleTable<ScalarObject>& scalars() { return table<ScalarObject>(66, "aclScalar"); }
HandleTable<IntArray>& int_arrays() { return table<IntArray>(67, "aclIntArray"); }
HandleTable<FloatArray>& float_arrays() { return table<FloatArray>(68, "aclFloatArray"); }
HandleTable<BoolArray>& bool_arrays() { return table<BoolArray>(69, "aclBoolArray"); }
HandleTable<TensorList>& tensor_lists() { return table<TensorList>(70, "aclTensorList"); }
HandleTable<ScalarList>& scalar_lists() { return table<ScalarList>(71, "aclScalarList"); }

std::shared_ptr<TensorObject> tensor_of(const TensorList& list, size_t i) {
  Result<std::shared_ptr<TensorObject>> now = tensors().find(list.handles[i]);
  return now.ok() ? std::move(now).value() : list.objects[i];
}

}  // namespace isthmus::cann
