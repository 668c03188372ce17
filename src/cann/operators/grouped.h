// SPDX-License-Identifier: Apache-2.0
// Rows times the matrix of their group, for the operators that do more behind it.
#pragma once

#include "cann/aclnn/builder.h"

namespace isthmus::cann {

// [groups, …] of one tensor of rank + 1, or of one tensor for each group; absent for an empty list.
Value stacked_groups(Builder& b, const std::vector<Value>& parts, int rank);
// x [m, k] by weight [groups, k, n], `group` naming each row's: floats, or I32 of I8, whose sums are exact.
// With a bias to come, halves give F32.
Value grouped_product(Builder& b, const Value& x, const Value& weight, const Value& bias, const Value& group);
// Where the groups of "groupList" end; type 1: given are their lengths.
Value ends_of_groups(Builder& b, int64_t type);
// Sums of I8 products scaled back by numbers of each group's columns, and of each row where there are any.
Value scaled_groups(Builder& b, const Value& sums, const Value& scale, const Value& group, const Value& rows);

}  // namespace isthmus::cann
