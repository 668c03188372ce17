// SPDX-License-Identifier: Apache-2.0
#include "cann/operators/rows.h"

namespace isthmus::cann {

Value whole_numbers(Builder& b, int64_t number, const std::vector<int64_t>& dims) {
  return b.filled(Scalar::of(number), Dtype::kI64, dims);
}
Value whole_number(Builder& b, int64_t number) { return b.constant(Scalar::of(number), Dtype::kI64); }
Value count_up(Builder& b, int64_t n) {
  return b.op("cumulative_sum", {whole_numbers(b, 1, {n})}, {{"exclusive", int64_t{1}}});
}
Value flat(Builder& b, const Value& x) { return b.failed() ? x : b.reshape(x, {x.elements()}); }
Value numbers_in(Builder& b, const Value& x) { return b.cast(flat(b, x), Dtype::kI64); }
Value rows_of(Builder& b, const Value& x, const Value& numbers) { return b.op("gather", {x, numbers}); }
Value sum_over(Builder& b, const Value& x, int64_t axis) {
  return b.op("reduce_sum", {x}, {{"axes", std::vector<int64_t>{axis}}, {"keep_dims", int64_t{0}}});
}

Value inverse(Builder& b, const Value& numbers, int64_t n) {
  if (b.failed()) return {};
  const int64_t count = numbers.elements();
  return b.op("scatter_elements", {whole_numbers(b, count, {n}), numbers, count_up(b, count)});
}

namespace {

Value count_into(Builder& b, const Value& numbers, int64_t n) {
  return b.op("scatter_elements",
              {whole_numbers(b, 0, {n}), numbers, whole_numbers(b, 1, {numbers.elements()})},
              {{"reduction", std::string("add")}});
}

}  // namespace

Value group_of_rows(Builder& b, const Value& ends, int64_t rows) {
  if (b.failed()) return {};
  return b.op("cumulative_sum", {count_into(b, ends, rows)});
}

Value histogram(Builder& b, const Value& numbers, int64_t n) {
  if (b.failed() || !b.require(n >= 0 && n <= 1 << 20, "{} numbers to count", n)) return {};
  return count_into(b, numbers, n);
}

}  // namespace isthmus::cann
