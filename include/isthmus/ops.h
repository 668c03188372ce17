/* SPDX-License-Identifier: Apache-2.0 */
/* Operators: the list of them, preparing and running one on a device, and declaring one from outside. */
#ifndef ISTHMUS_OPS_H
#define ISTHMUS_OPS_H

#include "isthmus/runtime.h"
#include "isthmus/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct isthmus_op_s isthmus_op_t;

/* ---- Attributes: isthmus_attribute_t of plugin.h, of which callers set size, name, type and the value */

static inline isthmus_attribute_t isthmus_attribute_int(const char* name, int64_t value) {
  isthmus_attribute_t a = {0, 0, 0, ISTHMUS_ATTRIBUTE_INT, 0, 0, 0, 0, 0, 0};
  a.size = sizeof a;
  a.name = name;
  a.i = value;
  return a;
}
static inline isthmus_attribute_t isthmus_attribute_float(const char* name, double value) {
  isthmus_attribute_t a = isthmus_attribute_int(name, 0);
  a.type = ISTHMUS_ATTRIBUTE_FLOAT;
  a.f = value;
  return a;
}
static inline isthmus_attribute_t isthmus_attribute_string(const char* name, const char* value) {
  isthmus_attribute_t a = isthmus_attribute_int(name, 0);
  a.type = ISTHMUS_ATTRIBUTE_STRING;
  a.s = value;
  return a;
}
static inline isthmus_attribute_t isthmus_attribute_ints(const char* name, const int64_t* values,
                                                         int64_t count) {
  isthmus_attribute_t a = isthmus_attribute_int(name, 0);
  a.type = ISTHMUS_ATTRIBUTE_INTS;
  a.ints = values;
  a.count = count;
  return a;
}

/* ---- Which operators there are. docs/operators.md is the same list to read. */

/* One operand of an operator. */
typedef struct isthmus_port_t {
  size_t size;
  const char* name;
  const char* meaning; /* with shape: "[rows, k]" */
  const isthmus_dtype_t* dtypes;
  int32_t dtype_count;
  int32_t optional; /* 1: an input may be absent */
  int32_t state;    /* 1: an input that is written in place */
  int32_t variadic; /* 1: the last input, one or more operands */
} isthmus_port_t;

/* What an operator is. Everything it points to lives as long as the process. */
typedef struct isthmus_op_info_t {
  size_t size;
  const char* name;
  uint32_t version;
  const char* family;
  const char* meaning;
  const char* order; /* of every sum and rounding, in words */
  const isthmus_port_t* inputs;
  int32_t input_count;
  const isthmus_port_t* outputs;
  int32_t output_count;
  const isthmus_attribute_t* attributes; /* with their default values */
  int32_t attribute_count;
} isthmus_op_info_t;

/* Name of the operator at `index`, in a fixed order with declared ones at the end; NULL past the last one. */
ISTHMUS_API const char* isthmus_op_name(int32_t index);
/* ISTHMUS_NOT_FOUND, with the nearest names, when there is none of that name. Fills *info (its size set). */
ISTHMUS_API isthmus_status_t isthmus_op_info(const char* name, isthmus_op_info_t* info);

/* ---- Running one */

typedef struct isthmus_op_options_t {
  size_t size;
  int32_t no_fallback; /* 1: the reference on the host is an error instead */
  isthmus_numerics_t numerics;
} isthmus_op_options_t;

/* Prepares an operator for inputs of these dtypes, dims and strides. Their addresses are read only where role
 * is ISTHMUS_ROLE_CONSTANT: the bytes there stay valid and the same while the prepared operator lives, and a
 * chip may keep a copy in a layout of its own. Trailing optional inputs may be left out. A chip that lacks
 * the operator leaves it to its reference on the host; see isthmus_op_implementation. options may be NULL.
 * Blocks; slow (milliseconds). */
ISTHMUS_API isthmus_status_t isthmus_op_prepare(isthmus_device_t* device, const char* name,
                                                const isthmus_attribute_t* attributes,
                                                int32_t attribute_count, const isthmus_tensor_t* inputs,
                                                int32_t input_count, const isthmus_op_options_t* options,
                                                isthmus_op_t** op);
/* The caller has made sure that no stream still uses it. */
ISTHMUS_API void isthmus_op_destroy(isthmus_op_t* op);
/* Dtype and dims of an output as they follow from the inputs, dense, with address 0; and its bytes, unless
 * NULL. */
ISTHMUS_API isthmus_status_t isthmus_op_output(const isthmus_op_t* op, int32_t index,
                                               isthmus_tensor_t* output, uint64_t* bytes);
/* What runs it: "avx512 …", or "reference on host". *refusal (unless refusal is NULL) is why the chip did not
 * take it, or NULL when it did. Both live as long as op. */
ISTHMUS_API const char* isthmus_op_implementation(const isthmus_op_t* op, const char** refusal);
/* Puts it on the stream, which is of the same device. Inputs and outputs have the dtypes, dims and strides of
 * preparation and lie in device memory; outputs do not overlap inputs. Cheap; the arguments are copied, the
 * memory stays valid until the stream has done it. One prepared operator is on one stream at a time. */
ISTHMUS_API isthmus_status_t isthmus_op_run(isthmus_op_t* op, const isthmus_tensor_t* inputs,
                                            int32_t input_count, const isthmus_tensor_t* outputs,
                                            int32_t output_count, isthmus_stream_t* stream);

/* ---- Declaring one from outside */

/* An operator of the embedding program. It behaves like one of the library: in isthmus_op_prepare and in
 * graphs, on every device; chips that know its name may run it, others leave it to the reference. */
typedef struct isthmus_op_declaration_t {
  size_t size;
  const char* name; /* snake_case, not yet taken: letters, digits, _ and . */
  uint32_t version; /* 0 counts as 1 */
  const char* family;
  const char* meaning;
  const char* order; /* of every sum and rounding, in words; NULL: "elementwise" */
  const isthmus_port_t* inputs;
  int32_t input_count;
  const isthmus_port_t* outputs; /* at least one, or an input that is state */
  int32_t output_count;
  const isthmus_attribute_t* attributes; /* with their default values */
  int32_t attribute_count;
  void* context; /* first argument of the callbacks */
  /* The shape rule: fills dtype, rank and dims of outputs (their size is set). Inputs were checked against
   * the ports; every declared input is there, an absent one with ISTHMUS_DTYPE_INVALID. Dims may be symbols:
   * copy them. */
  isthmus_status_t (*infer)(void* context, const isthmus_type_t* inputs, int32_t input_count,
                            const isthmus_attribute_t* attributes, isthmus_type_t* outputs,
                            int32_t output_count);
  /* The meaning, as plain loops. Addresses are host pointers; inputs may have any strides, outputs are
   * allocated. attributes: every declared one, in declared order. */
  isthmus_status_t (*reference)(void* context, const isthmus_tensor_t* inputs, int32_t input_count,
                                const isthmus_attribute_t* attributes, const isthmus_tensor_t* outputs,
                                int32_t output_count);
} isthmus_op_declaration_t;

/* Declares it for the life of the process; so long the callbacks and context stay valid. The callbacks may be
 * called from any thread, several at once. Fails when the name is taken. */
ISTHMUS_API isthmus_status_t isthmus_op_declare(const isthmus_op_declaration_t* declaration);

#ifdef __cplusplus
}
#endif
#endif
