// SPDX-License-Identifier: Apache-2.0
// What the CPU chip's kernels know of operators, so that it refuses what is newer.
#include <cstring>

#include "devices/cpu/kernel_table.h"

namespace isthmus::cpu {
namespace {

// Of every attribute that some kernel, or the shape of its operands, gives its meaning. Newer operators may
// have others.
constexpr const char* kAttributeNames[] = {"allow_zero",
                                           "alpha",
                                           "axes",
                                           "axis",
                                           "batch_dims",
                                           "beta",
                                           "bias",
                                           "causal",
                                           "descending",
                                           "detect_negative",
                                           "detect_positive",
                                           "dims",
                                           "ends",
                                           "eps",
                                           "exclusive",
                                           "gamma",
                                           "high",
                                           "k",
                                           "keep_dims",
                                           "lambd",
                                           "largest",
                                           "layout",
                                           "low",
                                           "max",
                                           "mean",
                                           "min",
                                           "mode",
                                           "pads",
                                           "perm",
                                           "reduction",
                                           "repeats",
                                           "reverse",
                                           "scale",
                                           "select_last_index",
                                           "shape",
                                           "soft_cap",
                                           "starts",
                                           "steps",
                                           "style",
                                           "to",
                                           "transpose_a",
                                           "transpose_b",
                                           "upper",
                                           "value",
                                           "window"};

bool known(const char* name) {
  for (const char* one : kAttributeNames)
    if (std::strcmp(one, name) == 0) return true;
  return false;
}

}  // namespace

const char* unknown_to_kernels(const isthmus_op_query_t& query) {
  if (query.version != 1) return "a version of the operator that this chip does not know";
  for (int32_t i = 0; i < query.attribute_count; ++i)
    if (!query.attributes[i].is_default && !known(query.attributes[i].name))
      return "an attribute that this chip does not know (kAttributeNames in "
             "devices/cpu/known_attributes.cpp)";
  return nullptr;
}

}  // namespace isthmus::cpu
