// SPDX-License-Identifier: Apache-2.0
// CPU kernels of copy, transpose, expand and the reshape family: one strided move, or one walk over two
// shapes.
#include "ops/copy/move-inl.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

struct MovePlan {
  int x_rank, y_rank, bytes;
  int axis_of[ISTHMUS_MAX_RANK];  // axis of x that axis i of y walks; -1: none
};

MovePlan& start(const isthmus_op_query_t& query, Plan& plan) {
  MovePlan& p = plan_data<MovePlan>(plan);
  p.x_rank = query.operands[0].rank;
  p.y_rank = query.operands[1].rank;
  p.bytes = (int)bytes_of(query.operands[0].dtype, 1);
  for (int i = 0; i < p.y_rank; ++i) p.axis_of[i] = i - (p.y_rank - p.x_rank);
  return p;
}

const char* prepare(const isthmus_op_query_t& query, Plan& plan) {
  start(query, plan);
  return nullptr;
}

const char* prepare_transpose(const isthmus_op_query_t& query, Plan& plan) {
  MovePlan& p = start(query, plan);
  const isthmus_attribute_t* perm = find_attribute(query, "perm");
  for (int i = 0; i < p.y_rank; ++i) {
    const int64_t axis = perm->count == 0 ? p.y_rank - 1 - i : perm->ints[i];
    p.axis_of[i] = (int)(axis < 0 ? axis + p.x_rank : axis);
  }
  return nullptr;
}

void run_move(const Run& run, const Team& team) {
  const MovePlan& p = plan_data<MovePlan>(*run.plan);
  const isthmus_tensor_arg_t& x = run.operands[0];
  const isthmus_tensor_arg_t& y = run.operands[1];
  int64_t from[ISTHMUS_MAX_RANK];
  for (int i = 0; i < p.y_rank; ++i) {
    const int axis = p.axis_of[i];
    from[i] = axis < 0 || (x.dims[axis] == 1 && y.dims[i] != 1) ? 0 : x.strides[axis];
  }
  move_strided(team, run.data<unsigned char>(1), y.strides, run.data<unsigned char>(0), from, y.dims,
               p.y_rank, p.bytes);
}

bool dense(const isthmus_tensor_arg_t& t, int rank) {
  int64_t step = 1;
  for (int d = rank - 1; d >= 0; --d) {
    if (t.dims[d] != 1 && t.strides[d] != step) return false;
    step *= t.dims[d];
  }
  return true;
}

// Offset of row-major element i, and how many elements follow it in memory along the innermost dimension.
int64_t locate(const isthmus_tensor_arg_t& t, int rank, int64_t i, int64_t* run_length) {
  if (rank == 0) {
    *run_length = 1;
    return 0;
  }
  int64_t rest = i / t.dims[rank - 1], at = i % t.dims[rank - 1] * t.strides[rank - 1];
  *run_length = t.dims[rank - 1] - i % t.dims[rank - 1];
  for (int d = rank - 2; d >= 0; --d) {
    at += rest % t.dims[d] * t.strides[d];
    rest /= t.dims[d];
  }
  return at;
}

void run_reshape(const Run& run, const Team& team) {
  const MovePlan& p = plan_data<MovePlan>(*run.plan);
  const isthmus_tensor_arg_t& x = run.operands[0];
  const isthmus_tensor_arg_t& y = run.operands[1];
  const unsigned char* src = run.data<unsigned char>(0);
  unsigned char* dst = run.data<unsigned char>(1);
  int64_t total = 1;
  for (int d = 0; d < p.y_rank; ++d) total *= y.dims[d];
  int64_t begin, end;
  team.split(total, 1024, &begin, &end);
  if (begin >= end) return;
  if (dense(x, p.x_rank) && dense(y, p.y_rank)) {
    memcpy(dst + begin * p.bytes, src + begin * p.bytes, (end - begin) * p.bytes);
    return;
  }
  while (begin < end) {
    int64_t x_run, y_run;
    const int64_t x_at = locate(x, p.x_rank, begin, &x_run), y_at = locate(y, p.y_rank, begin, &y_run);
    int64_t n = x_run < y_run ? x_run : y_run;
    if (n > end - begin) n = end - begin;
    move_run(dst + y_at * p.bytes, p.y_rank > 0 ? y.strides[p.y_rank - 1] : 1, src + x_at * p.bytes,
             p.x_rank > 0 ? x.strides[p.x_rank - 1] : 1, n, p.bytes);
    begin += n;
  }
}

}  // namespace

ISTHMUS_CPU_KERNELS(copy, {"copy", "strided", prepare, run_move, nullptr},
                    {"expand", "strided", prepare, run_move, nullptr},
                    {"transpose", "strided", prepare_transpose, run_move, nullptr},
                    {"reshape", "walk", prepare, run_reshape, nullptr},
                    {"squeeze", "walk", prepare, run_reshape, nullptr},
                    {"unsqueeze", "walk", prepare, run_reshape, nullptr},
                    {"flatten", "walk", prepare, run_reshape, nullptr})

}  // namespace isthmus::cpu::ISTHMUS_ISA
