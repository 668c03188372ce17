// SPDX-License-Identifier: Apache-2.0
// CPU kernels of concat, slice, pad, tile and trilu.
#include "ops/copy/move-inl.h"
#include "ops/copy/slice_range-inl.h"
#include "ops/elementwise/blocks-inl.h"
#include "ops/elementwise/vocabulary-inl.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

struct PiecePlan {
  int rank, bytes, inputs, axis;
  int64_t starts[ISTHMUS_MAX_RANK], ends[ISTHMUS_MAX_RANK],
      steps[ISTHMUS_MAX_RANK];  // slice; pad: starts are the pads
  char mode;
  alignas(8) unsigned char value[8];  // one element of the dtype
  bool upper;
  int64_t diagonal;
};

PiecePlan& start(const isthmus_op_query_t& query, Plan& plan) {
  PiecePlan& p = plan_data<PiecePlan>(plan);
  p.rank = query.operands[0].rank;
  p.bytes = (int)bytes_of(query.operands[0].dtype, 1);
  p.inputs = query.input_count;
  return p;
}

const char* prepare_concat(const isthmus_op_query_t& query, Plan& plan) {
  PiecePlan& p = start(query, plan);
  const int64_t axis = attribute_int(query, "axis");
  p.axis = (int)(axis < 0 ? axis + p.rank : axis);
  return nullptr;
}
void run_concat(const Run& run, const Team& team) {
  const PiecePlan& p = plan_data<PiecePlan>(*run.plan);
  const isthmus_tensor_arg_t& y = run.operands[p.inputs];
  unsigned char* dst = run.data<unsigned char>(p.inputs);
  for (int i = 0; i < p.inputs; ++i) {
    const isthmus_tensor_arg_t& x = run.operands[i];
    move_strided(team, dst, y.strides, run.data<unsigned char>(i), x.strides, x.dims, p.rank, p.bytes);
    dst += x.dims[p.axis] * y.strides[p.axis] * p.bytes;
  }
}

const char* prepare_slice(const isthmus_op_query_t& query, Plan& plan) {
  PiecePlan& p = start(query, plan);
  const isthmus_attribute_t* starts = find_attribute(query, "starts");
  const isthmus_attribute_t* ends = find_attribute(query, "ends");
  const isthmus_attribute_t* axes = find_attribute(query, "axes");
  const isthmus_attribute_t* steps = find_attribute(query, "steps");
  for (int d = 0; d < p.rank; ++d) {
    p.starts[d] = 0;
    p.ends[d] = kSliceToEnd;
    p.steps[d] = 1;
  }
  for (int64_t i = 0; i < starts->count; ++i) {
    const int64_t given = axes->count ? axes->ints[i] : i;
    const int64_t axis = given < 0 ? given + p.rank : given;
    p.starts[axis] = starts->ints[i];
    p.ends[axis] = ends->ints[i];
    p.steps[axis] = steps->count ? steps->ints[i] : 1;
  }
  return nullptr;
}
void run_slice(const Run& run, const Team& team) {
  const PiecePlan& p = plan_data<PiecePlan>(*run.plan);
  const isthmus_tensor_arg_t& x = run.operands[0];
  const isthmus_tensor_arg_t& y = run.operands[1];
  int64_t from[ISTHMUS_MAX_RANK], at = 0, total = 1;
  for (int d = 0; d < p.rank; ++d) {
    at += slice_range(p.starts[d], p.ends[d], p.steps[d], x.dims[d]).first * x.strides[d];
    // One element needs no step, however far the next would be.
    from[d] = y.dims[d] > 1 ? x.strides[d] * p.steps[d] : 0;
    total *= y.dims[d];
  }
  if (total == 0) return;
  move_strided(team, run.data<unsigned char>(1), y.strides, run.data<unsigned char>(0) + at * p.bytes, from,
               y.dims, p.rank, p.bytes);
}

void set_value(PiecePlan& p, isthmus_dtype_t dtype, double value) {
  float f = (float)value;
  const int64_t i = formulas::saturate<int64_t>(value);
  if (dtype == ISTHMUS_F64) {
    memcpy(p.value, &value, 8);
  } else if (dtype == ISTHMUS_F32 || dtype == ISTHMUS_F16 || dtype == ISTHMUS_BF16) {
    scatter_of(dtype)(p.value, 1, &f, 1);
  } else {
    memcpy(p.value, &i, 8);
    if (dtype == ISTHMUS_BOOL) p.value[0] = i != 0;
  }
}

const char* prepare_pad(const isthmus_op_query_t& query, Plan& plan) {
  PiecePlan& p = start(query, plan);
  const isthmus_attribute_t* pads = find_attribute(query, "pads");
  for (int d = 0; d < p.rank; ++d) p.starts[d] = pads->ints[d];
  p.mode = attribute_string(query, "mode")[0];
  set_value(p, query.operands[0].dtype, attribute_float(query, "value"));
  return nullptr;
}
const char* prepare_tile(const isthmus_op_query_t& query, Plan& plan) {
  PiecePlan& p = start(query, plan);
  for (int d = 0; d < p.rank; ++d) p.starts[d] = 0;
  p.mode = 'w';
  return nullptr;
}
// Where index i of the output lies on an axis of n, or -1.
ISTHMUS_SIMD int64_t padded_index(int64_t i, int64_t n, char mode) {
  if (i >= 0 && i < n) return i;
  switch (mode) {
    case 'e': return i < 0 ? 0 : n - 1;
    case 'r': return i < 0 ? -i : 2 * (n - 1) - i;
    case 'w': return ((i % n) + n) % n;
    default: return -1;
  }
}
void run_pad(const Run& run, const Team& team) {
  const PiecePlan& p = plan_data<PiecePlan>(*run.plan);
  const isthmus_tensor_arg_t& x = run.operands[0];
  const isthmus_tensor_arg_t& y = run.operands[1];
  const unsigned char* src = run.data<unsigned char>(0);
  unsigned char* dst = run.data<unsigned char>(1);
  const int last = p.rank - 1;
  const int64_t width = p.rank ? y.dims[last] : 1;
  int64_t rows = 1;
  for (int d = 0; d < last; ++d) rows *= y.dims[d];
  int64_t begin, end;
  team.split(rows, 1, &begin, &end);
  for (int64_t row = begin; row < end; ++row) {
    int64_t rest = row, x_at = 0, y_at = 0;
    bool outside = false;
    for (int d = last - 1; d >= 0; --d) {
      const int64_t index = rest % y.dims[d];
      rest /= y.dims[d];
      y_at += index * y.strides[d];
      const int64_t from = padded_index(index - p.starts[d], x.dims[d], p.mode);
      outside |= from < 0;
      x_at += from * x.strides[d];
    }
    for (int64_t i = 0; i < width; ++i) {
      const int64_t from = outside ? -1 : p.rank ? padded_index(i - p.starts[last], x.dims[last], p.mode) : 0;
      unsigned char* to = dst + (y_at + (p.rank ? i * y.strides[last] : 0)) * p.bytes;
      memcpy(to, from < 0 ? p.value : src + (x_at + (p.rank ? from * x.strides[last] : 0)) * p.bytes,
             p.bytes);
    }
  }
}

const char* prepare_trilu(const isthmus_op_query_t& query, Plan& plan) {
  PiecePlan& p = start(query, plan);
  p.upper = attribute_int(query, "upper") != 0;
  p.diagonal = attribute_int(query, "k");
  return nullptr;
}
void run_trilu(const Run& run, const Team& team) {
  const PiecePlan& p = plan_data<PiecePlan>(*run.plan);
  const isthmus_tensor_arg_t& x = run.operands[0];
  const isthmus_tensor_arg_t& y = run.operands[1];
  const unsigned char* src = run.data<unsigned char>(0);
  unsigned char* dst = run.data<unsigned char>(1);
  const int last = p.rank - 1;
  int64_t rows = 1;
  for (int d = 0; d < last; ++d) rows *= y.dims[d];
  int64_t begin, end;
  team.split(rows, 1, &begin, &end);
  for (int64_t row = begin; row < end; ++row) {
    int64_t rest = row, x_at = 0, y_at = 0;
    for (int d = last - 1; d >= 0; --d) {
      const int64_t index = rest % y.dims[d];
      rest /= y.dims[d];
      x_at += index * x.strides[d];
      y_at += index * y.strides[d];
    }
    const int64_t line = row % y.dims[last - 1];
    for (int64_t i = 0; i < y.dims[last]; ++i) {
      const bool kept = p.upper ? i >= line + p.diagonal : i <= line + p.diagonal;
      unsigned char* to = dst + (y_at + i * y.strides[last]) * p.bytes;
      if (kept)
        memcpy(to, src + (x_at + i * x.strides[last]) * p.bytes, p.bytes);
      else
        memset(to, 0, p.bytes);
    }
  }
}

}  // namespace

ISTHMUS_CPU_KERNELS(pieces, {"concat", "strided", prepare_concat, run_concat, nullptr},
                    {"slice", "strided", prepare_slice, run_slice, nullptr},
                    {"pad", "rows", prepare_pad, run_pad, nullptr},
                    {"tile", "rows", prepare_tile, run_pad, nullptr},
                    {"trilu", "rows", prepare_trilu, run_trilu, nullptr})

}  // namespace isthmus::cpu::ISTHMUS_ISA
