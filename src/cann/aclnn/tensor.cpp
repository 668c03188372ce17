// SPDX-License-Identifier: Apache-2.0
// aclTensor: creating and destroying views of device memory, and asking them for what they are.
#include <algorithm>

#include "aclnn/acl_meta.h"
#include "cann/aclnn/objects.h"
#include "cann/error.h"

namespace isthmus::cann {
namespace {

constexpr int64_t kMostBits = int64_t{1} << 62;

// Where a view begins and ends in bytes around its first element; fails when the numbers do not fit.
Status find_extents(TensorObject& t, int bits) {
  int64_t low = 0, high = 0;
  for (int i = 0; i < t.rank; ++i) {
    int64_t far = 0;
    if (t.dims[i] == 0) {
      t.below = t.above = 0;
      return ok();
    }
    if (__builtin_mul_overflow(t.dims[i] - 1, t.strides[i], &far) ||
        __builtin_add_overflow(far < 0 ? low : high, far, far < 0 ? &low : &high))
      return invalid_argument("dimension {} of {} elements with stride {} ends beyond 2^62 bits", i,
                              t.dims[i], t.strides[i]);
  }
  if (high >= kMostBits / std::max(bits, 1) || low <= -kMostBits / std::max(bits, 1))
    return invalid_argument("it ends beyond 2^62 bits");
  t.below = (-low * bits + 7) / 8;
  t.above = ((high + 1) * bits + 7) / 8;
  return ok();
}

Result<TensorObject> make_tensor(const int64_t* dims, uint64_t rank, aclDataType type, const int64_t* strides,
                                 int64_t offset, aclFormat format, const int64_t* storage_dims,
                                 uint64_t storage_rank, void* data) {
  TensorObject t;
  const int bits = data_type(type).bits;
  if (bits == 0) return invalid_argument("the data type {} is unknown", static_cast<int>(type));
  if (rank > kMaxRank) return invalid_argument("rank {}, at most {} is supported", rank, kMaxRank);
  if (storage_rank > kMaxRank)
    return invalid_argument("a storage of rank {}, at most {} is supported", storage_rank, kMaxRank);
  if (rank > 0 && !dims) return invalid_argument("viewDims is null");
  if (storage_rank > 0 && !storage_dims) return invalid_argument("storageDims is null");
  t.type = type;
  t.bits = bits;
  t.rank = static_cast<int>(rank);
  int64_t elements = 1;
  for (int i = t.rank - 1; i >= 0; --i) {
    if (dims[i] < 0) return invalid_argument("dimension {} is {}", i, dims[i]);
    t.dims[i] = dims[i];
    t.strides[i] = strides ? strides[i] : elements;
    if (__builtin_mul_overflow(elements, std::max<int64_t>(dims[i], 1), &elements))
      return invalid_argument("it has more than 2^63 elements");
  }
  if (offset <= -kMostBits / bits || offset >= kMostBits / bits)
    return invalid_argument("the offset {} is out of range", offset);
  if (offset * bits % 8 != 0) return invalid_argument("the offset {} is inside a byte", offset);
  t.offset = offset;
  t.format = format;
  t.storage_dims.assign(storage_dims, storage_dims + storage_rank);
  t.storage = reinterpret_cast<uint64_t>(data);
  RETURN_IF_ERROR(find_extents(t, bits));
  return t;
}

// A copy of numbers for the caller, who deletes it.
int64_t* give_copy(const int64_t* values, size_t count) {
  auto* copy = new int64_t[std::max<size_t>(count, 1)];
  std::copy_n(values, count, copy);
  return copy;
}

// The tensor behind a handle, for the questions below: `answer` gets it.
template <typename F>
aclnnStatus ask(const char* entry, const aclTensor* tensor, std::initializer_list<const void*> results,
                F answer) {
  for (const void* result : results)
    if (!result) return fail(kAclnnNullArgument, "{}: a place for the result is null", entry);
  if (!tensor) return fail(kAclnnNullArgument, "{}: the aclTensor is null", entry);
  const Result<std::shared_ptr<TensorObject>> found = tensors().find(tensor);
  if (!found.ok()) return report_aclnn(entry, found.status());
  answer(**found);
  return 0;
}

}  // namespace

TensorObject TensorObject::shrunk(std::span<const int64_t> smaller) const {
  TensorObject t = *this;
  t.rank = static_cast<int>(smaller.size());
  std::copy(smaller.begin(), smaller.end(), t.dims);
  contiguous_strides(t.dims, t.rank, t.strides);
  (void)find_extents(t, bits);  // no more than fitted before
  return t;
}

}  // namespace isthmus::cann

using namespace isthmus;        // NOLINT: entry points are outside of every namespace
using namespace isthmus::cann;  // NOLINT

extern "C" {

aclTensor* aclCreateTensor(const int64_t* viewDims, uint64_t viewDimsNum, aclDataType dataType,
                           const int64_t* stride, int64_t offset, aclFormat format,
                           const int64_t* storageDims, uint64_t storageDimsNum, void* tensorData) {
  Result<TensorObject> made = make_tensor(viewDims, viewDimsNum, dataType, stride, offset, format,
                                          storageDims, storageDimsNum, tensorData);
  if (!made.ok()) {
    report_aclnn("aclCreateTensor", made.status());
    return nullptr;
  }
  return static_cast<aclTensor*>(tensors().add(std::make_shared<TensorObject>(std::move(made).value())));
}

aclnnStatus aclInitTensor(aclTensor* tensor, const int64_t* viewDims, uint64_t viewDimsNum,
                          aclDataType dataType, const int64_t* stride, int64_t offset, aclFormat format,
                          const int64_t* storageDims, uint64_t storageDimsNum, void* tensorDataAddr) {
  Result<TensorObject> made = make_tensor(viewDims, viewDimsNum, dataType, stride, offset, format,
                                          storageDims, storageDimsNum, tensorDataAddr);
  if (!made.ok()) return report_aclnn("aclInitTensor", made.status());
  if (!tensor) return fail(kAclnnNullArgument, "aclInitTensor: the aclTensor is null");
  return report_aclnn("aclInitTensor",
                      tensors().replace(tensor, std::make_shared<TensorObject>(std::move(made).value())));
}

aclnnStatus aclDestroyTensor(const aclTensor* tensor) {
  if (!tensor) return fail(kAclnnNullArgument, "aclDestroyTensor: the aclTensor is null");
  return report_aclnn("aclDestroyTensor", tensors().remove(tensor).status());
}

aclnnStatus aclGetViewShape(const aclTensor* tensor, int64_t** viewDims, uint64_t* viewDimsNum) {
  return ask("aclGetViewShape", tensor, {viewDims, viewDimsNum}, [&](const TensorObject& t) {
    *viewDims = give_copy(t.dims, static_cast<size_t>(t.rank));
    *viewDimsNum = static_cast<uint64_t>(t.rank);
  });
}

aclnnStatus aclGetStorageShape(const aclTensor* tensor, int64_t** storageDims, uint64_t* storageDimsNum) {
  return ask("aclGetStorageShape", tensor, {storageDims, storageDimsNum}, [&](const TensorObject& t) {
    *storageDims = give_copy(t.storage_dims.data(), t.storage_dims.size());
    *storageDimsNum = t.storage_dims.size();
  });
}

aclnnStatus aclGetViewStrides(const aclTensor* tensor, int64_t** stridesValue, uint64_t* stridesNum) {
  return ask("aclGetViewStrides", tensor, {stridesValue, stridesNum}, [&](const TensorObject& t) {
    *stridesValue = give_copy(t.strides, static_cast<size_t>(t.rank));
    *stridesNum = static_cast<uint64_t>(t.rank);
  });
}

aclnnStatus aclGetViewOffset(const aclTensor* tensor, int64_t* offset) {
  return ask("aclGetViewOffset", tensor, {offset}, [&](const TensorObject& t) { *offset = t.offset; });
}

aclnnStatus aclGetFormat(const aclTensor* tensor, aclFormat* format) {
  return ask("aclGetFormat", tensor, {format}, [&](const TensorObject& t) { *format = t.format; });
}

aclnnStatus aclGetDataType(const aclTensor* tensor, aclDataType* dataType) {
  return ask("aclGetDataType", tensor, {dataType}, [&](const TensorObject& t) { *dataType = t.type; });
}

aclnnStatus aclSetRawTensorAddr(aclTensor* tensor, void* addr) {
  std::shared_ptr<TensorObject> moved;
  const aclnnStatus code = ask("aclSetRawTensorAddr", tensor, {}, [&](const TensorObject& t) {
    moved = std::make_shared<TensorObject>(t);
    moved->storage = reinterpret_cast<uint64_t>(addr);
  });
  if (code != 0) return code;
  return report_aclnn("aclSetRawTensorAddr", tensors().replace(tensor, std::move(moved)));
}

aclnnStatus aclGetRawTensorAddr(const aclTensor* tensor, void** addr) {
  return ask("aclGetRawTensorAddr", tensor, {addr},
             [&](const TensorObject& t) { *addr = reinterpret_cast<void*>(t.storage); });
}

}  // extern "C"
