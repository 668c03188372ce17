// SPDX-License-Identifier: Apache-2.0
// Look-ups shared by all CPU kernels, compiled for the baseline instruction set.
#include "devices/cpu/kernel.h"

#include <cstring>

#include "base/dtype.h"

namespace isthmus::cpu {

const isthmus_attribute_t* find_attribute(const isthmus_op_query_t& query, const char* name) {
  for (int32_t i = 0; i < query.attribute_count; ++i)
    if (std::strcmp(query.attributes[i].name, name) == 0) return &query.attributes[i];
  return nullptr;
}

int64_t attribute_int(const isthmus_op_query_t& query, const char* name) {
  const isthmus_attribute_t* a = find_attribute(query, name);
  return a ? a->i : 0;
}

double attribute_float(const isthmus_op_query_t& query, const char* name) {
  const isthmus_attribute_t* a = find_attribute(query, name);
  return a ? a->f : 0;
}

const char* attribute_string(const isthmus_op_query_t& query, const char* name) {
  const isthmus_attribute_t* a = find_attribute(query, name);
  return a ? a->s : nullptr;
}

int64_t bytes_of(isthmus_dtype_t dtype, int64_t elements) {
  return dtype_bytes(static_cast<Dtype>(dtype), elements);
}

bool all_contiguous(const isthmus_op_query_t& query) {
  for (int32_t i = 0; i < query.input_count + query.output_count; ++i)
    if (query.operands[i].dtype != ISTHMUS_DTYPE_INVALID && !query.operands[i].contiguous) return false;
  return true;
}

}  // namespace isthmus::cpu
