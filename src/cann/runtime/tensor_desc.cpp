// SPDX-License-Identifier: Apache-2.0
// Descriptions of tensors and buffers for operators called by name. Their handles are checked as all are.
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "acl/acl_base.h"
#include "cann/error.h"
#include "cann/handles.h"

namespace isthmus::cann {
namespace {

constexpr int kMaxDims = 128;

struct Shape {
  std::vector<int64_t> dims;
  aclFormat format = ACL_FORMAT_ND;
  bool unknown_rank() const { return dims.size() == 1 && dims[0] == -2; }
};
struct TensorDesc {
  aclDataType type = ACL_DT_UNDEFINED;
  Shape shape;
  std::optional<Shape> storage, origin;
  std::vector<std::array<int64_t, 2>> ranges;
  std::string name;
  std::vector<unsigned char> constant;
  aclMemType placement = ACL_MEMTYPE_DEVICE;
};
struct DataBuffer {
  void* data = nullptr;
  size_t size = 0;
};

HandleTable<TensorDesc>& descs() {
  static auto& table = *new HandleTable<TensorDesc>(7, "aclTensorDesc");
  return table;
}
HandleTable<DataBuffer>& buffers() {
  static auto& table = *new HandleTable<DataBuffer>(8, "aclDataBuffer");
  return table;
}

Result<std::vector<int64_t>> checked_dims(int rank, const int64_t* dims) {
  if (rank < 0 || rank > kMaxDims) return invalid_argument("{} dims; there are 0 to {}", rank, kMaxDims);
  if (rank > 0 && !dims) return invalid_argument("the dims are null");
  return rank > 0 ? std::vector<int64_t>(dims, dims + rank) : std::vector<int64_t>();
}

// Elements; 0 when a dim is not known or they are more than can be counted.
size_t element_count(const TensorDesc& desc) {
  size_t count = 1;
  for (const int64_t dim : desc.shape.dims)
    if (dim < 0 || __builtin_mul_overflow(count, static_cast<size_t>(dim), &count)) return 0;
  return count;
}

// Looks the description up and calls f with it.
template <typename F>
aclError with_desc(const char* entry, const aclTensorDesc* desc, F f) {
  const auto found = descs().find(desc);
  if (!found.ok()) return fail(ACL_ERROR_INVALID_PARAM, "{}: {}", entry, found.status().message());
  return report(entry, f(**found));
}
template <typename F, typename T>
T of_desc(const char* entry, const aclTensorDesc* desc, T otherwise, F f) {
  const auto found = descs().find(desc);
  if (found.ok()) return f(**found);
  fail(ACL_ERROR_INVALID_PARAM, "{}: {}", entry, found.status().message());
  return otherwise;
}

}  // namespace
}  // namespace isthmus::cann

using namespace isthmus;        // NOLINT: entry points stand outside of namespaces
using namespace isthmus::cann;  // NOLINT

// -- Buffers --

aclDataBuffer* aclCreateDataBuffer(void* data, size_t size) {
  return static_cast<aclDataBuffer*>(buffers().add(std::make_shared<DataBuffer>(DataBuffer{data, size})));
}
aclError aclDestroyDataBuffer(const aclDataBuffer* buffer) {
  const auto removed = buffers().remove(buffer);
  return removed.ok() ? ACL_SUCCESS
                      : fail(ACL_ERROR_INVALID_PARAM, "aclDestroyDataBuffer: {}", removed.status().message());
}
aclError aclUpdateDataBuffer(aclDataBuffer* buffer, void* data, size_t size) {
  const auto found = buffers().find(buffer);
  if (!found.ok()) return fail(ACL_ERROR_INVALID_PARAM, "aclUpdateDataBuffer: {}", found.status().message());
  **found = {data, size};
  return ACL_SUCCESS;
}
void* aclGetDataBufferAddr(const aclDataBuffer* buffer) {
  const auto found = buffers().find(buffer);
  return found.ok() ? (*found)->data : nullptr;
}
size_t aclGetDataBufferSizeV2(const aclDataBuffer* buffer) {
  const auto found = buffers().find(buffer);
  return found.ok() ? (*found)->size : 0;
}
uint32_t aclGetDataBufferSize(const aclDataBuffer* buffer) {
  return static_cast<uint32_t>(aclGetDataBufferSizeV2(buffer));
}

// -- Descriptions --

aclTensorDesc* aclCreateTensorDesc(aclDataType type, int rank, const int64_t* dims, aclFormat format) {
  Result<std::vector<int64_t>> checked = checked_dims(rank, dims);
  if (!checked.ok()) {
    fail(ACL_ERROR_INVALID_PARAM, "aclCreateTensorDesc: {}", checked.status().message());
    return nullptr;
  }
  auto desc = std::make_shared<TensorDesc>();
  desc->type = type;
  desc->shape = {std::move(checked).value(), format};
  return static_cast<aclTensorDesc*>(descs().add(std::move(desc)));
}
void aclDestroyTensorDesc(const aclTensorDesc* desc) {
  const auto removed = descs().remove(desc);
  if (!removed.ok()) fail(ACL_ERROR_INVALID_PARAM, "aclDestroyTensorDesc: {}", removed.status().message());
}

aclDataType aclGetTensorDescType(const aclTensorDesc* desc) {
  return of_desc("aclGetTensorDescType", desc, ACL_DT_UNDEFINED, [](const TensorDesc& d) { return d.type; });
}
aclFormat aclGetTensorDescFormat(const aclTensorDesc* desc) {
  return of_desc("aclGetTensorDescFormat", desc, ACL_FORMAT_UNDEFINED,
                 [](const TensorDesc& d) { return d.shape.format; });
}
size_t aclGetTensorDescElementCount(const aclTensorDesc* desc) {
  return of_desc("aclGetTensorDescElementCount", desc, size_t{0}, element_count);
}
size_t aclGetTensorDescSize(const aclTensorDesc* desc) {
  return of_desc("aclGetTensorDescSize", desc, size_t{0}, [](const TensorDesc& d) {
    size_t bytes = 0;
    if (d.type == ACL_INT4) return (element_count(d) + 1) / 2;
    return __builtin_mul_overflow(element_count(d), aclDataTypeSize(d.type), &bytes) ? size_t{0} : bytes;
  });
}
size_t aclGetTensorDescNumDims(const aclTensorDesc* desc) {
  return of_desc("aclGetTensorDescNumDims", desc, size_t{0}, [](const TensorDesc& d) {
    return d.shape.unknown_rank() ? static_cast<size_t>(ACL_UNKNOWN_RANK) : d.shape.dims.size();
  });
}
aclError aclGetTensorDescDimV2(const aclTensorDesc* desc, size_t index, int64_t* dim) {
  return with_desc("aclGetTensorDescDimV2", desc, [&](const TensorDesc& d) -> Status {
    if (!dim) return invalid_argument("no place for the answer");
    if (index >= d.shape.dims.size())
      return invalid_argument("there is no dim {}; there are {}", index, d.shape.dims.size());
    *dim = d.shape.dims[index];
    return ok();
  });
}
int64_t aclGetTensorDescDim(const aclTensorDesc* desc, size_t index) {
  int64_t dim = -1;
  (void)aclGetTensorDescDimV2(desc, index, &dim);
  return dim;
}
aclError aclGetTensorDescDimRange(const aclTensorDesc* desc, size_t index, size_t count, int64_t* range) {
  return with_desc("aclGetTensorDescDimRange", desc, [&](const TensorDesc& d) -> Status {
    if (!range || count < 2) return invalid_argument("no place for two numbers");
    if (index >= d.shape.dims.size())
      return invalid_argument("there is no dim {}; there are {}", index, d.shape.dims.size());
    const int64_t dim = d.shape.dims[index];
    const bool given = index < d.ranges.size();
    range[0] = given ? d.ranges[index][0] : dim < 0 ? 0 : dim;
    range[1] = given ? d.ranges[index][1] : dim;
    return ok();
  });
}
aclError aclSetTensorShapeRange(aclTensorDesc* desc, size_t count,
                                int64_t ranges[][ACL_TENSOR_SHAPE_RANGE_NUM]) {
  return with_desc("aclSetTensorShapeRange", desc, [&](TensorDesc& d) -> Status {
    if ((!ranges && count > 0) || count > kMaxDims) return invalid_argument("{} ranges", count);
    d.ranges.clear();
    for (size_t i = 0; i < count; ++i) d.ranges.push_back({ranges[i][0], ranges[i][1]});
    return ok();
  });
}

void aclSetTensorDescName(aclTensorDesc* desc, const char* name) {
  (void)with_desc("aclSetTensorDescName", desc, [&](TensorDesc& d) {
    d.name = name ? name : "";
    return ok();
  });
}
const char* aclGetTensorDescName(aclTensorDesc* desc) {
  return of_desc<const char* (*)(const TensorDesc&), const char*>(
      "aclGetTensorDescName", desc, "", [](const TensorDesc& d) { return d.name.c_str(); });
}

aclError aclSetTensorFormat(aclTensorDesc* desc, aclFormat format) {
  return with_desc("aclSetTensorFormat", desc, [&](TensorDesc& d) {
    if (!d.storage) d.storage = d.shape;
    d.storage->format = format;
    return ok();
  });
}
aclError aclSetTensorShape(aclTensorDesc* desc, int rank, const int64_t* dims) {
  return with_desc("aclSetTensorShape", desc, [&](TensorDesc& d) -> Status {
    if (!d.storage) d.storage = d.shape;
    ASSIGN_OR_RETURN(d.storage->dims, checked_dims(rank, dims));
    return ok();
  });
}
aclError aclSetTensorStorageFormat(aclTensorDesc* desc, aclFormat format) {
  return aclSetTensorFormat(desc, format);
}
aclError aclSetTensorStorageShape(aclTensorDesc* desc, int rank, const int64_t* dims) {
  return aclSetTensorShape(desc, rank, dims);
}
aclError aclSetTensorOriginFormat(aclTensorDesc* desc, aclFormat format) {
  return with_desc("aclSetTensorOriginFormat", desc, [&](TensorDesc& d) {
    if (!d.origin) d.origin = d.shape;
    d.origin->format = format;
    return ok();
  });
}
aclError aclSetTensorOriginShape(aclTensorDesc* desc, int rank, const int64_t* dims) {
  return with_desc("aclSetTensorOriginShape", desc, [&](TensorDesc& d) -> Status {
    if (!d.origin) d.origin = d.shape;
    ASSIGN_OR_RETURN(d.origin->dims, checked_dims(rank, dims));
    return ok();
  });
}
aclError aclSetTensorConst(aclTensorDesc* desc, void* data, size_t length) {
  return with_desc("aclSetTensorConst", desc, [&](TensorDesc& d) -> Status {
    if (!data || length == 0) return invalid_argument("the constant has no bytes");
    const auto* bytes = static_cast<const unsigned char*>(data);
    d.constant.assign(bytes, bytes + length);
    return ok();
  });
}
aclError aclSetTensorPlaceMent(aclTensorDesc* desc, aclMemType type) {
  return with_desc("aclSetTensorPlaceMent", desc, [&](TensorDesc& d) {
    d.placement = type;
    return ok();
  });
}
