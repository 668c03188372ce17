/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptions of tensors: dimensions that are numbers or symbols, types, and tensors in memory. */
#ifndef ISTHMUS_TENSOR_H
#define ISTHMUS_TENSOR_H

#include "isthmus/dtype.h"
#include "isthmus/library.h"
#include "isthmus/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

/* "F32", "Q4_K", …; "invalid" for a number that is none. Never NULL. */
ISTHMUS_API const char* isthmus_dtype_name(isthmus_dtype_t dtype);

/* One dimension: offset where symbol is -1, otherwise scale * symbol + offset. Symbols (tokens, batch) belong
 * to a graph and get their numbers at every run. */
typedef struct isthmus_dim_t {
  int64_t offset;
  int64_t scale;
  int32_t symbol;
} isthmus_dim_t;

static inline isthmus_dim_t isthmus_dim_fixed(int64_t number) {
  isthmus_dim_t dim = {0, 0, -1};
  dim.offset = number;
  return dim;
}

/* What is known of a tensor before it exists: dtype and dimensions, outermost first. dtype
 * ISTHMUS_DTYPE_INVALID means an absent optional operand. The innermost dimension of a block dtype is a whole
 * number of blocks. */
typedef struct isthmus_type_t {
  size_t size;
  isthmus_dtype_t dtype;
  int32_t rank; /* 0 to ISTHMUS_MAX_RANK; 0 is one element */
  isthmus_dim_t dims[ISTHMUS_MAX_RANK];
} isthmus_type_t;

/* A type whose dimensions are all numbers. */
static inline isthmus_type_t isthmus_type_fixed(isthmus_dtype_t dtype, int32_t rank, const int64_t* dims) {
  isthmus_type_t type = {0, ISTHMUS_DTYPE_INVALID, 0, {{0, 0, 0}}};
  int32_t i;
  type.size = sizeof type;
  type.dtype = dtype;
  type.rank = rank;
  for (i = 0; i < rank && i < ISTHMUS_MAX_RANK; ++i) type.dims[i] = isthmus_dim_fixed(dims[i]);
  return type;
}

/* A tensor in memory; owns nothing. dtype ISTHMUS_DTYPE_INVALID means an absent optional operand. */
typedef struct isthmus_tensor_t {
  size_t size;
  isthmus_dtype_t dtype;
  int32_t rank;
  int64_t dims[ISTHMUS_MAX_RANK];    /* outermost first; a dimension of 0 is allowed */
  int64_t strides[ISTHMUS_MAX_RANK]; /* in elements; may be 0 (broadcast) or negative */
  isthmus_address_t address; /* of element 0: device memory, or a host pointer where a callback says so */
  isthmus_role_t role;       /* for isthmus_op_prepare */
} isthmus_tensor_t;

/* Fills *tensor (its size set) with a dense row-major tensor at `address`, and *bytes (unless NULL) with the
 * bytes it takes. Refuses a rank, dtype or dimensions that cannot be, and a size above 2^62 bytes. */
ISTHMUS_API isthmus_status_t isthmus_tensor_init(isthmus_dtype_t dtype, int32_t rank, const int64_t* dims,
                                                 isthmus_address_t address, isthmus_tensor_t* tensor,
                                                 uint64_t* bytes);

#ifdef __cplusplus
}
#endif
#endif
