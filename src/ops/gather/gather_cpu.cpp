// SPDX-License-Identifier: Apache-2.0
// CPU kernels of gather, gather_elements, gather_nd and the scatters.
#include "ops/copy/move-inl.h"
#include "ops/elementwise/blocks-inl.h"
#include "ops/elementwise/vocabulary-inl.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

typedef void (*CombineFn)(void* y, const void* update);

struct IndexPlan {
  int x_rank, i_rank, y_rank, bytes, axis, batch;
  bool wide;  // I64 indices
  isthmus_dtype_t dtype;
  CombineFn combine;  // null: overwrite
};

int64_t index_at(const IndexPlan& p, const Run& run, int64_t at, int64_t size) {
  int64_t i = p.wide ? run.data<int64_t>(1)[at] : run.data<int32_t>(1)[at];
  if (i < 0) i += size;
  return i >= 0 && i < size ? i : -1;
}

IndexPlan& start(const isthmus_op_query_t& query, Plan& plan) {
  IndexPlan& p = plan_data<IndexPlan>(plan);
  p.x_rank = query.operands[0].rank;
  p.i_rank = query.operands[1].rank;
  p.y_rank = query.operands[query.input_count].rank;
  p.dtype = query.operands[0].dtype;
  p.bytes = (int)bytes_of(p.dtype, 1);
  p.wide = query.operands[1].dtype == ISTHMUS_I64;
  if (find_attribute(query, "axis")) {
    const int64_t axis = attribute_int(query, "axis");
    p.axis = (int)(axis < 0 ? axis + p.x_rank : axis);
  }
  if (find_attribute(query, "batch_dims")) p.batch = (int)attribute_int(query, "batch_dims");
  return p;
}

// Coordinates of row-major element i of dims.
void unravel(int64_t i, const int64_t* dims, int rank, int64_t* index) {
  for (int d = rank - 1; d >= 0; --d) {
    index[d] = i % dims[d];
    i /= dims[d];
  }
}
int64_t count(const int64_t* dims, int rank) {
  int64_t n = 1;
  for (int d = 0; d < rank; ++d) n *= dims[d];
  return n;
}

// One slice of the trailing dims, copied or zeroed.
void put_slice(unsigned char* dst, const int64_t* dst_strides, const unsigned char* src,
               const int64_t* src_strides, const int64_t* dims, int rank, int bytes, bool inside) {
  static const uint64_t zero = 0;
  static const int64_t none[ISTHMUS_MAX_RANK] = {};
  const Team alone(0, 1, nullptr);
  if (inside)
    move_strided(alone, dst, dst_strides, src, src_strides, dims, rank, bytes);
  else
    move_strided(alone, dst, dst_strides, (const unsigned char*)&zero, none, dims, rank, bytes);
}

const char* prepare(const isthmus_op_query_t& query, Plan& plan) {
  start(query, plan);
  return nullptr;
}

void run_gather(const Run& run, const Team& team) {
  const IndexPlan& p = plan_data<IndexPlan>(*run.plan);
  const isthmus_tensor_arg_t &x = run.operands[0], &indices = run.operands[1], &y = run.operands[2];
  const int lead = p.axis + p.i_rank, rest = p.x_rank - p.axis - 1;
  int64_t begin, end, index[ISTHMUS_MAX_RANK];
  team.split(count(y.dims, lead), 1, &begin, &end);
  for (int64_t row = begin; row < end; ++row) {
    unravel(row, y.dims, lead, index);
    int64_t x_at = 0, y_at = 0, i_at = 0;
    for (int d = 0; d < lead; ++d) y_at += index[d] * y.strides[d];
    for (int d = 0; d < p.axis; ++d) x_at += index[d] * x.strides[d];
    for (int d = 0; d < p.i_rank; ++d) i_at += index[p.axis + d] * indices.strides[d];
    const int64_t i = index_at(p, run, i_at, x.dims[p.axis]);
    if (i >= 0) x_at += i * x.strides[p.axis];
    put_slice(run.data<unsigned char>(2) + y_at * p.bytes, y.strides + lead,
              run.data<unsigned char>(0) + x_at * p.bytes, x.strides + p.axis + 1, y.dims + lead, rest,
              p.bytes, i >= 0);
  }
}

void run_gather_elements(const Run& run, const Team& team) {
  const IndexPlan& p = plan_data<IndexPlan>(*run.plan);
  const isthmus_tensor_arg_t &x = run.operands[0], &indices = run.operands[1], &y = run.operands[2];
  int64_t begin, end, index[ISTHMUS_MAX_RANK];
  team.split(count(y.dims, p.y_rank), 64, &begin, &end);
  for (int64_t e = begin; e < end; ++e) {
    unravel(e, y.dims, p.y_rank, index);
    int64_t x_at = 0, y_at = 0, i_at = 0;
    for (int d = 0; d < p.y_rank; ++d) {
      y_at += index[d] * y.strides[d];
      i_at += index[d] * indices.strides[d];
      if (d != p.axis) x_at += index[d] * x.strides[d];
    }
    const int64_t i = index_at(p, run, i_at, x.dims[p.axis]);
    unsigned char* to = run.data<unsigned char>(2) + y_at * p.bytes;
    if (i >= 0)
      memcpy(to, run.data<unsigned char>(0) + (x_at + i * x.strides[p.axis]) * p.bytes, p.bytes);
    else
      memset(to, 0, p.bytes);
  }
}

void run_gather_nd(const Run& run, const Team& team) {
  const IndexPlan& p = plan_data<IndexPlan>(*run.plan);
  const isthmus_tensor_arg_t &x = run.operands[0], &indices = run.operands[1], &y = run.operands[2];
  const int lead = p.i_rank - 1, depth = (int)indices.dims[lead];
  int64_t begin, end, index[ISTHMUS_MAX_RANK];
  team.split(count(indices.dims, lead), 1, &begin, &end);
  for (int64_t row = begin; row < end; ++row) {
    unravel(row, indices.dims, lead, index);
    int64_t x_at = 0, y_at = 0, i_at = 0;
    for (int d = 0; d < lead; ++d) {
      y_at += index[d] * y.strides[d];
      i_at += index[d] * indices.strides[d];
      if (d < p.batch) x_at += index[d] * x.strides[d];
    }
    bool inside = true;
    for (int k = 0; k < depth; ++k) {
      const int64_t i = index_at(p, run, i_at + k * indices.strides[lead], x.dims[p.batch + k]);
      inside &= i >= 0;
      x_at += i * x.strides[p.batch + k];
    }
    put_slice(run.data<unsigned char>(2) + y_at * p.bytes, y.strides + lead,
              run.data<unsigned char>(0) + x_at * p.bytes, x.strides + p.batch + depth, y.dims + lead,
              p.y_rank - lead, p.bytes, inside);
  }
}

// ---- scatter: the copy is shared out, the updates stay in their order on one thread

enum How { kAdd, kMultiply, kMaximum, kMinimum };
template <typename T, How how>
T combined(T a, T b) {
  if constexpr (how == kAdd) return formulas::add(a, b);
  if constexpr (how == kMultiply) return formulas::multiply(a, b);
  if constexpr (how == kMaximum) return formulas::maximum(a, b);
  if constexpr (how == kMinimum) return formulas::minimum(a, b);
}
template <typename T, How how>
void combine(void* y, const void* update) {
  *(T*)y = combined<T, how>(*(T*)y, *(const T*)update);
}
template <How how>
void combine_half(void* y, const void* update) {
  float a, b;
  gather_half(&a, y, 1, 1);
  gather_half(&b, update, 1, 1);
  a = combined<float, how>(a, b);
  scatter_half(y, 1, &a, 1);
}
template <How how>
void combine_bfloat(void* y, const void* update) {
  float a, b;
  gather_bfloat(&a, y, 1, 1);
  gather_bfloat(&b, update, 1, 1);
  a = combined<float, how>(a, b);
  scatter_bfloat(y, 1, &a, 1);
}
template <How how>
CombineFn combine_of(isthmus_dtype_t dtype) {
  switch (dtype) {
    case ISTHMUS_F32: return combine<float, how>;
    case ISTHMUS_F16: return combine_half<how>;
    case ISTHMUS_BF16: return combine_bfloat<how>;
    case ISTHMUS_F64: return combine<double, how>;
    case ISTHMUS_I8: return combine<int8_t, how>;
    case ISTHMUS_I16: return combine<int16_t, how>;
    case ISTHMUS_I32: return combine<int32_t, how>;
    case ISTHMUS_I64: return combine<int64_t, how>;
    case ISTHMUS_U8: return combine<uint8_t, how>;
    case ISTHMUS_U16: return combine<uint16_t, how>;
    case ISTHMUS_U32: return combine<uint32_t, how>;
    default: return combine<uint64_t, how>;
  }
}

const char* prepare_scatter(const isthmus_op_query_t& query, Plan& plan) {
  IndexPlan& p = start(query, plan);
  const char* how = attribute_string(query, "reduction");
  if (strcmp(how, "add") == 0) p.combine = combine_of<kAdd>(p.dtype);
  if (strcmp(how, "mul") == 0) p.combine = combine_of<kMultiply>(p.dtype);
  if (strcmp(how, "max") == 0) p.combine = combine_of<kMaximum>(p.dtype);
  if (strcmp(how, "min") == 0) p.combine = combine_of<kMinimum>(p.dtype);
  plan.phases = 2;
  return nullptr;
}

void update(const IndexPlan& p, unsigned char* to, const unsigned char* from) {
  if (p.combine)
    p.combine(to, from);
  else
    memcpy(to, from, p.bytes);
}

void copy_x(const IndexPlan& p, const Run& run, const Team& team) {
  const isthmus_tensor_arg_t &x = run.operands[0], &y = run.operands[3];
  move_strided(team, run.data<unsigned char>(3), y.strides, run.data<unsigned char>(0), x.strides, y.dims,
               p.y_rank, p.bytes);
}

void run_scatter_elements(const Run& run, const Team& team) {
  const IndexPlan& p = plan_data<IndexPlan>(*run.plan);
  if (run.phase == 0) return copy_x(p, run, team);
  if (team.index() != 0) return;
  const isthmus_tensor_arg_t &indices = run.operands[1], &updates = run.operands[2], &y = run.operands[3];
  const int64_t total = count(indices.dims, p.i_rank);
  int64_t index[ISTHMUS_MAX_RANK];
  for (int64_t e = 0; e < total; ++e) {
    unravel(e, indices.dims, p.i_rank, index);
    int64_t y_at = 0, u_at = 0, i_at = 0;
    for (int d = 0; d < p.i_rank; ++d) {
      i_at += index[d] * indices.strides[d];
      u_at += index[d] * updates.strides[d];
      if (d != p.axis) y_at += index[d] * y.strides[d];
    }
    const int64_t i = index_at(p, run, i_at, y.dims[p.axis]);
    if (i < 0) continue;
    update(p, run.data<unsigned char>(3) + (y_at + i * y.strides[p.axis]) * p.bytes,
           run.data<unsigned char>(2) + u_at * p.bytes);
  }
}

void run_scatter_nd(const Run& run, const Team& team) {
  const IndexPlan& p = plan_data<IndexPlan>(*run.plan);
  if (run.phase == 0) return copy_x(p, run, team);
  if (team.index() != 0) return;
  const isthmus_tensor_arg_t &indices = run.operands[1], &updates = run.operands[2], &y = run.operands[3];
  const int lead = p.i_rank - 1, depth = (int)indices.dims[lead], u_rank = lead + p.y_rank - depth;
  const int64_t total = count(updates.dims, u_rank);
  int64_t index[ISTHMUS_MAX_RANK];
  for (int64_t e = 0; e < total; ++e) {
    unravel(e, updates.dims, u_rank, index);
    int64_t y_at = 0, u_at = 0, i_at = 0;
    for (int d = 0; d < u_rank; ++d) u_at += index[d] * updates.strides[d];
    for (int d = 0; d < lead; ++d) i_at += index[d] * indices.strides[d];
    bool inside = true;
    for (int k = 0; k < depth; ++k) {
      const int64_t i = index_at(p, run, i_at + k * indices.strides[lead], y.dims[k]);
      inside &= i >= 0;
      y_at += i * y.strides[k];
    }
    if (!inside) continue;
    for (int d = depth; d < p.y_rank; ++d) y_at += index[lead + d - depth] * y.strides[d];
    update(p, run.data<unsigned char>(3) + y_at * p.bytes, run.data<unsigned char>(2) + u_at * p.bytes);
  }
}

}  // namespace

ISTHMUS_CPU_KERNELS(gather, {"gather", "slices", prepare, run_gather, nullptr},
                    {"gather_elements", "elements", prepare, run_gather_elements, nullptr},
                    {"gather_nd", "slices", prepare, run_gather_nd, nullptr},
                    {"scatter_elements", "in order", prepare_scatter, run_scatter_elements, nullptr},
                    {"scatter_nd", "in order", prepare_scatter, run_scatter_nd, nullptr})

}  // namespace isthmus::cpu::ISTHMUS_ISA
