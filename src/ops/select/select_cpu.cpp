// SPDX-License-Identifier: Apache-2.0
// CPU kernels of masked_select, nonzero and keep_front. Chunks of elements are counted by all threads, added
// up by one, and then each chunk knows where its elements go.
#include "devices/cpu/kernel.h"
#include "devices/cpu/simd.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

constexpr int64_t kChunk = 2048;

// Consecutive elements in row-major order, and where they lie in two operands.
struct Walk {
  int rank;
  int64_t dims[ISTHMUS_MAX_RANK], strides[2][ISTHMUS_MAX_RANK];
  int64_t index[ISTHMUS_MAX_RANK], at[2];

  ISTHMUS_SIMD int64_t elements() const {
    int64_t n = 1;
    for (int d = 0; d < rank; ++d) n *= dims[d];
    return n;
  }
  ISTHMUS_SIMD void go_to(int64_t i) {
    at[0] = at[1] = 0;
    for (int d = rank - 1; d >= 0; --d) {
      index[d] = i % dims[d];
      i /= dims[d];
      at[0] += index[d] * strides[0][d];
      at[1] += index[d] * strides[1][d];
    }
  }
  ISTHMUS_SIMD void next() {
    for (int d = rank - 1; d >= 0; --d) {
      at[0] += strides[0][d];
      at[1] += strides[1][d];
      if (++index[d] < dims[d]) return;
      index[d] = 0;
      at[0] -= dims[d] * strides[0][d];
      at[1] -= dims[d] * strides[1][d];
    }
  }
};

ISTHMUS_SIMD void move_element(unsigned char* y, const unsigned char* x, int bytes) {
  switch (bytes) {
    case 1: *y = *x; break;
    case 2: memcpy(y, x, 2); break;
    case 4: memcpy(y, x, 4); break;
    default: memcpy(y, x, 8); break;
  }
}
// Not zero but for the sign.
ISTHMUS_SIMD bool nonzero(const unsigned char* x, int bytes, uint64_t mask) {
  uint64_t bits = 0;
  move_element((unsigned char*)&bits, x, bytes);  // little endian
  return (bits & mask) != 0;
}

struct SelectPlan {
  int rank[2];       // of x and of the mask
  int bytes[2];      // of their elements
  uint64_t mask;     // the bits of an element that make it not zero
  bool coordinates;  // nonzero
};

const char* start(const isthmus_op_query_t& query, Plan& plan, bool coordinates) {
  SelectPlan& p = plan_data<SelectPlan>(plan);
  const isthmus_operand_t &x = query.operands[0], &chosen = query.operands[coordinates ? 0 : 1];
  p.rank[0] = x.rank;
  p.rank[1] = chosen.rank;
  p.bytes[0] = (int)bytes_of(x.dtype, 1);
  p.bytes[1] = (int)bytes_of(chosen.dtype, 1);
  p.coordinates = coordinates;
  const bool signed_zero = chosen.dtype == ISTHMUS_F32 || chosen.dtype == ISTHMUS_F16 ||
                           chosen.dtype == ISTHMUS_BF16 || chosen.dtype == ISTHMUS_F64;
  p.mask = signed_zero ? ~(1ull << (8 * p.bytes[1] - 1)) : ~0ull;
  const int64_t most = query.operands[query.input_count].dims[0];
  plan.workspace_bytes = 8 * (uint64_t)((most + kChunk - 1) / kChunk + 1);
  plan.phases = 3;
  return nullptr;
}
const char* prepare_masked_select(const isthmus_op_query_t& query, Plan& plan) {
  return start(query, plan, false);
}
const char* prepare_nonzero(const isthmus_op_query_t& query, Plan& plan) { return start(query, plan, true); }

Walk walk_of(const SelectPlan& p, const isthmus_tensor_arg_t* operands) {
  const isthmus_tensor_arg_t* both[2] = {&operands[0], &operands[p.coordinates ? 0 : 1]};
  Walk walk;
  walk.rank = p.rank[0] > p.rank[1] ? p.rank[0] : p.rank[1];
  for (int d = 0; d < walk.rank; ++d) {
    walk.dims[d] = 1;
    for (int k = 0; k < 2; ++k) {
      const int own = d + p.rank[k] - walk.rank;
      const int64_t dim = own < 0 ? 1 : both[k]->dims[own];
      walk.strides[k][d] = dim == 1 ? 0 : both[k]->strides[own];
      if (dim != 1) walk.dims[d] = dim;
    }
  }
  return walk;
}

void run_select(const Run& run, const Team& team) {
  const SelectPlan& p = plan_data<SelectPlan>(*run.plan);
  const int first = p.coordinates ? 1 : 2;  // output
  const isthmus_tensor_arg_t& out = run.operands[first];
  const unsigned char* x = run.data<unsigned char>(0);
  const unsigned char* chosen = run.data<unsigned char>(p.coordinates ? 0 : 1);
  Walk walk = walk_of(p, run.operands);
  const int64_t n = walk.elements(), chunks = (n + kChunk - 1) / kChunk;
  int64_t* starts = (int64_t*)run.workspace;
  int64_t begin, end;
  if (run.phase == 1) {
    if (team.index() != 0) return;
    int64_t count = 0;
    for (int64_t c = 0; c < chunks; ++c) {
      const int64_t more = starts[c];
      starts[c] = count;
      count += more;
    }
    starts[chunks] = count;
    *run.data<int64_t>(first + 1) = count;
    return;
  }
  team.split(chunks, 1, &begin, &end);
  for (int64_t c = begin; c < end; ++c) {
    const int64_t stop = (c + 1) * kChunk < n ? (c + 1) * kChunk : n;
    int64_t k = run.phase == 0 ? 0 : starts[c];
    walk.go_to(c * kChunk);
    for (int64_t i = c * kChunk; i < stop; ++i, walk.next()) {
      if (!nonzero(chosen + walk.at[1] * p.bytes[1], p.bytes[1], p.mask)) continue;
      if (run.phase == 2 && p.coordinates)
        for (int d = 0; d < walk.rank; ++d)
          run.data<int64_t>(first)[k * out.strides[0] + d * out.strides[1]] = walk.index[d];
      if (run.phase == 2 && !p.coordinates)
        move_element(run.data<unsigned char>(first) + k * out.strides[0] * p.bytes[0],
                     x + walk.at[0] * p.bytes[0], p.bytes[0]);
      ++k;
    }
    if (run.phase == 0) starts[c] = k;
  }
  if (run.phase == 0) return;
  team.split(n - starts[chunks], 64, &begin, &end);
  const uint64_t zero = 0;
  for (int64_t k = starts[chunks] + begin; k < starts[chunks] + end; ++k) {
    if (!p.coordinates)
      move_element(run.data<unsigned char>(first) + k * out.strides[0] * p.bytes[0],
                   (const unsigned char*)&zero, p.bytes[0]);
    for (int d = 0; p.coordinates && d < walk.rank; ++d)
      run.data<int64_t>(first)[k * out.strides[0] + d * out.strides[1]] = 0;
  }
}

struct FrontPlan {
  int rank, axis, bytes;
};

const char* prepare_front(const isthmus_op_query_t& query, Plan& plan) {
  const isthmus_operand_t& x = query.operands[0];
  const int64_t axis = attribute_int(query, "axis");
  plan_data<FrontPlan>(plan) = {x.rank, (int)(axis < 0 ? axis + x.rank : axis), (int)bytes_of(x.dtype, 1)};
  return nullptr;
}

void run_front(const Run& run, const Team& team) {
  const FrontPlan& p = plan_data<FrontPlan>(*run.plan);
  const isthmus_tensor_arg_t &x = run.operands[0], &y = run.operands[2];
  Walk from, to;
  from.rank = to.rank = p.rank;
  for (int d = 0; d < p.rank; ++d) {
    from.dims[d] = to.dims[d] = x.dims[d];
    from.strides[0][d] = from.strides[1][d] = x.strides[d];
    to.strides[0][d] = to.strides[1][d] = y.strides[d];
  }
  int64_t count = *run.data<int64_t>(1);
  if (count < 0) count = 0;
  if (count < x.dims[p.axis]) from.dims[p.axis] = count;
  const int64_t n = to.elements(), kept = from.elements();
  int64_t begin, end;
  team.split(n, 64, &begin, &end);
  if (begin >= end) return;
  to.go_to(begin);
  if (begin < kept) from.go_to(begin);
  const uint64_t zero = 0;
  for (int64_t i = begin; i < end; ++i, to.next()) {
    unsigned char* place = run.data<unsigned char>(2) + to.at[0] * p.bytes;
    if (i < kept) {
      move_element(place, run.data<unsigned char>(0) + from.at[0] * p.bytes, p.bytes);
      from.next();
    } else {
      move_element(place, (const unsigned char*)&zero, p.bytes);
    }
  }
}

}  // namespace

ISTHMUS_CPU_KERNELS(select, {"masked_select", "chunks", prepare_masked_select, run_select, nullptr},
                    {"nonzero", "chunks", prepare_nonzero, run_select, nullptr},
                    {"keep_front", "elements", prepare_front, run_front, nullptr})

}  // namespace isthmus::cpu::ISTHMUS_ISA
