// SPDX-License-Identifier: Apache-2.0
// The table of all declared operators: those of src/ops, in a fixed order, and those registered from outside.
#pragma once

#include <string_view>
#include <vector>

#include "ops/op_def.h"

namespace isthmus {

// The operator of that name, or null. Thread-safe; the pointer is valid for the life of the process.
const OpDef* find_op(std::string_view name);
// Like find_op, with an error that lists the nearest names.
Result<const OpDef*> require_op(std::string_view name);
std::vector<const OpDef*> all_ops();
// Declares an operator from outside. Fails when the name is taken or the declaration is incomplete.
Status register_op(OpDef def);

}  // namespace isthmus
