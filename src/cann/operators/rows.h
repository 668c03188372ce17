// SPDX-License-Identifier: Apache-2.0
// Whole numbers in order, and rows by number: what experts, groups, caches and bags are made of.
#pragma once

#include "cann/operators/common.h"

namespace isthmus::cann {

// 0, 1, … n - 1 in I64.
Value count_up(Builder& b, int64_t n);
// The whole number everywhere, in I64.
Value whole_numbers(Builder& b, int64_t number, const std::vector<int64_t>& dims);
Value whole_number(Builder& b, int64_t number);
// Rows of x by number; one at or beyond the last row reads zeros.
Value rows_of(Builder& b, const Value& x, const Value& numbers);
Value flat(Builder& b, const Value& x);
// x as I64, one dimension.
Value numbers_in(Builder& b, const Value& x);
// Where each number of 0 … n - 1 stands among the numbers; their count where it is missing.
Value inverse(Builder& b, const Value& numbers, int64_t n);
// How often each of 0 … n - 1 is among the numbers; others are not counted.
Value histogram(Builder& b, const Value& numbers, int64_t n);
// The group of each row, when `ends` says where each group ends; as many as there are behind the last.
Value group_of_rows(Builder& b, const Value& ends, int64_t rows);
Value sum_over(Builder& b, const Value& x, int64_t axis);

}  // namespace isthmus::cann
