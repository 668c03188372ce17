// SPDX-License-Identifier: Apache-2.0
#include "isthmus/tensor.h"

#include "api/convert.h"

using namespace isthmus;
using namespace isthmus::api;

const char* isthmus_dtype_name(isthmus_dtype_t dtype) {
  return check_dtype(dtype).ok() ? dtype_name(static_cast<Dtype>(dtype)).data() : "invalid";
}

isthmus_status_t isthmus_tensor_init(isthmus_dtype_t dtype, int32_t rank, const int64_t* dims,
                                     isthmus_address_t address, isthmus_tensor_t* tensor, uint64_t* bytes) {
  return guard([&]() -> Status {
    if (rank > 0) RETURN_IF_ERROR(require("isthmus_tensor_init", ISTHMUS_POINTER(dims)));
    RETURN_IF_ERROR(check_dtype(dtype));
    ASSIGN_OR_RETURN(const uint64_t size, tensor_bytes(static_cast<Dtype>(dtype), rank, dims));
    Tensor dense;
    dense.dtype = static_cast<Dtype>(dtype);
    dense.rank = rank;
    dense.data = reinterpret_cast<void*>(address);
    std::copy_n(dims, rank, dense.dims);
    contiguous_strides(dense.dims, rank, dense.strides);
    RETURN_IF_ERROR(write_struct(tensor, from_tensor(dense), "tensor"));
    if (bytes) *bytes = size;
    return ok();
  });
}
