// SPDX-License-Identifier: Apache-2.0
// What the CPU chip's kernels know of operators, so that it refuses what is newer.
#include <cstring>

#include "devices/cpu/kernel_table.h"

namespace isthmus::cpu {
namespace {

struct Known {
  const char *op, *attribute;
};
// As declared when the kernels were written.
constexpr Known kKnown[] = {
#include "devices/cpu/known_attributes.inc"
};

bool known(const char* op, const char* attribute) {
  for (const Known& one : kKnown)
    if (std::strcmp(one.op, op) == 0 && std::strcmp(one.attribute, attribute) == 0) return true;
  return false;
}

}  // namespace

const char* unknown_to_kernels(const isthmus_op_query_t& query) {
  if (query.version != 1) return "a version of the operator that this chip does not know";
  for (int32_t i = 0; i < query.attribute_count; ++i)
    if (!query.attributes[i].is_default && !known(query.name, query.attributes[i].name))
      return "an attribute that this chip does not know (devices/cpu/known_attributes.inc)";
  return nullptr;
}

}  // namespace isthmus::cpu
