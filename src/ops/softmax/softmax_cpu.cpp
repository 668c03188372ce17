// SPDX-License-Identifier: Apache-2.0
// softmax and log_softmax on the CPU: 16 lanes along a row, rows split over the threads; strided rows gather
// their lanes.
#include "devices/cpu/elementary.h"
#include "devices/cpu/rows.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

struct SoftmaxPlan {
  isthmus_dtype_t dtype;
  int rank, axis;
};

const char* prepare_softmax(const isthmus_op_query_t& query, Plan& plan) {
  SoftmaxPlan& softmax = plan_data<SoftmaxPlan>(plan);
  softmax.dtype = query.operands[0].dtype;
  softmax.rank = query.operands[0].rank;
  const int64_t axis = attribute_int(query, "axis");
  softmax.axis = static_cast<int>(axis < 0 ? axis + softmax.rank : axis);
  return nullptr;
}

struct PlainRow {
  const float* from;
  float* to;
  ISTHMUS_SIMD F32x16 at(int64_t i, int n, float rest) const {
    return n == 16 ? load(from + i) : load_n(from + i, n, rest);
  }
  ISTHMUS_SIMD void put(int64_t i, int n, F32x16 v) const {
    n == 16 ? store(to + i, v) : store_n(to + i, v, n);
  }
  ISTHMUS_SIMD F32x16 put_at(int64_t i, int n) const { return n == 16 ? load(to + i) : load_n(to + i, n); }
  static constexpr bool kKeeps = true;  // what was put can be read back unrounded
};
struct AnyRow {
  const Rows& x;
  const Rows& y;
  int64_t from, to;
  ISTHMUS_SIMD F32x16 at(int64_t i, int n, float rest) const { return load_row(x, from, i, n, rest); }
  ISTHMUS_SIMD void put(int64_t i, int n, F32x16 v) const { store_row(y, to, i, n, v); }
  ISTHMUS_SIMD F32x16 put_at(int64_t, int) const { return F32x16{}; }
  static constexpr bool kKeeps = false;
};

template <bool kLog, typename Row>
ISTHMUS_SIMD void softmax_row(const Row& row, int64_t n) {
  const auto width = [n](int64_t i) { return n - i < 16 ? static_cast<int>(n - i) : 16; };
  F32x16 tops = set1(-elementary::kInfinity);
  for (int64_t i = 0; i < n; i += 16) tops = max_loose(row.at(i, width(i), -elementary::kInfinity), tops);
  const float top = max_lanes_loose(tops);
  F32x16 lanes = set1(0.0f);
  for (int64_t i = 0; i < n; i += 16) {
    const int count = width(i);
    F32x16 e = elementary::exp(row.at(i, count, -elementary::kInfinity) - top);
    if (count < 16) e = select(lane_numbers() < count, e, set1(0.0f));
    lanes = lanes + e;
    if (!kLog && Row::kKeeps) row.put(i, count, e);
  }
  const float sum = sum_lanes(lanes), log_sum = kLog ? elementary::log(sum) : 0.0f;
  for (int64_t i = 0; i < n; i += 16) {
    const int count = width(i);
    if (kLog)
      row.put(i, count, (row.at(i, count, 0) - top) - log_sum);
    else
      row.put(i, count,
              (Row::kKeeps ? row.put_at(i, count) : elementary::exp(row.at(i, count, 0) - top)) / sum);
  }
}

template <bool kLog>
void run_softmax(const Run& run, const Team& team) {
  const SoftmaxPlan& plan = plan_data<SoftmaxPlan>(*run.plan);
  const Rows x = rows_of(run.operands[0], plan.dtype, plan.rank, plan.axis);
  const Rows y = rows_of(run.operands[1], plan.dtype, plan.rank, plan.axis);
  int64_t begin, end;
  team.split(x.count, 1, &begin, &end);
  if (x.length == 0) return;
  for (int64_t r = begin; r < end; ++r) {
    if (x.plain() && y.plain())
      softmax_row<kLog>(PlainRow{x.plain_row(r), y.plain_row(r)}, x.length);
    else
      softmax_row<kLog>(AnyRow{x, y, x.offset(r), y.offset(r)}, x.length);
  }
}

}  // namespace

ISTHMUS_CPU_KERNELS(softmax, {"softmax", "16 lanes", prepare_softmax, run_softmax<false>, nullptr},
                    {"log_softmax", "16 lanes", prepare_softmax, run_softmax<true>, nullptr})

}  // namespace isthmus::cpu::ISTHMUS_ISA
