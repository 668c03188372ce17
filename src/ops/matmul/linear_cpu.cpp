// SPDX-License-Identifier: Apache-2.0
// linear on the CPU for F32, F16 and BF16 weights: packed panels, or any strides by pieces. Block formats are
// refused, so that the graph makes quantize_rows and linear_quantized of them and shares the first.
#include "devices/cpu/kernel.h"
#include "ops/matmul/strided_product-inl.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

// Rows that one panel is multiplied with before the next, and the depth of a pass: so much of a panel and of
// the rows stays in the second-level cache. Passes resume from y, which changes no bit.
constexpr int64_t kChunkRows = 96;
constexpr int64_t kPassBytes = 131072;

struct DensePlan {
  int64_t n;
  int64_t k;
  int64_t steps;
  int32_t rank;
  int32_t format;
};

int dense_format(isthmus_dtype_t dtype) {
  return dtype == ISTHMUS_F32    ? kDenseF32
         : dtype == ISTHMUS_F16  ? kDenseF16
         : dtype == ISTHMUS_BF16 ? kDenseBf16
                                 : -1;
}

const char* prepare(const isthmus_op_query_t& query, Plan& plan) {
  const isthmus_operand_t &x = query.operands[0], &weight = query.operands[1];
  const int format = dense_format(weight.dtype);
  if (format < 0) return "a block format: quantize_rows and linear_quantized do it";
  if (weight.role != ISTHMUS_ROLE_CONSTANT) return "packed panels need a constant weight";
  if (!all_contiguous(query)) return "operands must be contiguous";
  DensePlan& p = plan_data<DensePlan>(plan);
  p.n = weight.dims[0];
  p.k = weight.dims[1];
  p.steps = (p.k + dense_step_elements(format) - 1) / dense_step_elements(format);
  p.rank = x.rank;
  p.format = format;
  static const char* const kLayouts[] = {"f32 panel32 v1", "f16 panel32 v1", "bf16 panel32 v1"};
  plan.packed_layout[1] = kLayouts[format];
  plan.packed_bytes[1] = (p.n + kDenseColumns - 1) / kDenseColumns * p.steps * dense_step_bytes(format);
  plan.heavy = true;
  if (format == kDenseBf16) {
    int64_t rows = 1;
    for (int i = 0; i + 1 < x.rank; ++i) rows *= x.dims[i];
    plan.workspace_bytes = rows * p.steps * 4;
    plan.phases = 2;
  }
  return nullptr;
}

int64_t row_count(const Run& run, int rank) {
  int64_t rows = 1;
  for (int i = 0; i + 1 < rank; ++i) rows *= run.operands[0].dims[i];
  return rows;
}

// Phase 0 of BF16 weights: the activations as BF16 in the workspace.
void round_rows(const Run& run, const Team& team) {
  const DensePlan& plan = plan_data<DensePlan>(*run.plan);
  const int64_t k = plan.k, width = 2 * plan.steps, grain = 256;
  const int64_t pieces = (width + grain - 1) / grain;
  int64_t begin, end;
  team.split(row_count(run, plan.rank) * pieces, 1, &begin, &end);
  for (int64_t item = begin; item < end; ++item) {
    const int64_t row = item / pieces, from = item % pieces * grain;
    const int64_t to = from + grain < k ? from + grain : k;
    const float* x = run.data<float>(0) + row * k;
    uint16_t* out = reinterpret_cast<uint16_t*>(run.workspace) + row * width;
    for (int64_t i = from; i < to; ++i) out[i] = to_bf16_flushed(x[i]);
    if (to == k && width > k) out[k] = 0;
  }
}

void add_bias(const float* bias, int64_t rows, int columns, float* y, int64_t y_stride) {
  for (int64_t r = 0; r < rows; ++r)
    for (int c = 0; c < columns; ++c) y[r * y_stride + c] += bias[c];
}

template <int kFormat>
void run_panels(const Run& run, const Team& team) {
  const DensePlan& plan = plan_data<DensePlan>(*run.plan);
  const int64_t rows = row_count(run, plan.rank);
  const int64_t x_stride = kFormat == kDenseBf16 ? 2 * plan.steps : plan.k;
  const unsigned char* x = kFormat == kDenseBf16 ? run.workspace : run.data<unsigned char>(0);
  const int64_t panels = (plan.n + kDenseColumns - 1) / kDenseColumns;
  const int64_t chunks = (rows + kChunkRows - 1) / kChunkRows;
  const float* bias = run.data<float>(2);
  // Taken as threads get to it: a thread that the system holds up delays no other. A few panels at a time are
  // one stream.
  const int64_t items = chunks * panels, share = items / (8 * team.count()) + 1;
  int64_t begin, end;
  while (team.take(items, share, &begin, &end))
    for (int64_t item = begin; item < end; ++item) {
      const int64_t chunk = item / panels, p = item % panels;
      const int64_t first = rows * chunk / chunks, count = rows * (chunk + 1) / chunks - first;
      const int64_t left = plan.n - p * kDenseColumns;
      const int valid = left < kDenseColumns ? static_cast<int>(left) : kDenseColumns;
      const unsigned char* panel = run.data<unsigned char>(1) + p * plan.steps * dense_step_bytes(kFormat);
      float* y = run.data<float>(3) + first * plan.n + p * kDenseColumns;
      const int64_t pass = count <= kDenseRows ? plan.steps : kPassBytes / dense_step_bytes(kFormat);
      const unsigned before = kFormat == kDenseBf16 ? begin_flush() : 0;
      for (int64_t s = 0; s < plan.steps || s == 0; s += pass > 0 ? pass : 1) {
        const int64_t steps = plan.steps - s < pass ? plan.steps - s : pass;
        dense_panel<kFormat>(count, panel + s * dense_step_bytes(kFormat), steps,
                             x + (first * x_stride * dense_x_bytes(kFormat) + s * 4), x_stride, s > 0, y,
                             plan.n, valid, panel + (s + steps) * dense_step_bytes(kFormat));
      }
      if (kFormat == kDenseBf16) end_flush(before);
      if (bias) add_bias(bias + p * kDenseColumns, count, valid, y, plan.n);
    }
}

void run(const Run& run, const Team& team) {
  switch (plan_data<DensePlan>(*run.plan).format) {
    case kDenseF32: return run_panels<kDenseF32>(run, team);
    case kDenseF16: return run_panels<kDenseF16>(run, team);
    default: return run.phase == 0 ? round_rows(run, team) : run_panels<kDenseBf16>(run, team);
  }
}

template <typename T>
void pack_columns(const T* src, int64_t columns, int64_t k, T* dst) {
  for (int64_t i = 0; i < k; ++i)
    for (int64_t c = 0; c < kDenseColumns; ++c)
      dst[i * kDenseColumns + c] = c < columns ? src[c * k + i] : T{};
}

void pack_pairs(const uint16_t* src, int64_t columns, int64_t k, uint16_t* dst) {
  for (int64_t i = 0; i < (k + 1) / 2 * 2; ++i)
    for (int64_t c = 0; c < kDenseColumns; ++c)
      dst[(i / 2 * kDenseColumns + c) * 2 + i % 2] = c < columns && i < k ? flushed_bf16(src[c * k + i]) : 0;
}

void pack(const Plan& plan, int, const void* src, void* dst) {
  const DensePlan& p = plan_data<DensePlan>(plan);
  for (int64_t first = 0; first < p.n; first += kDenseColumns) {
    const int64_t columns = p.n - first < kDenseColumns ? p.n - first : kDenseColumns;
    unsigned char* to =
        static_cast<unsigned char*>(dst) + first / kDenseColumns * p.steps * dense_step_bytes(p.format);
    if (p.format == kDenseF32)
      pack_columns(static_cast<const float*>(src) + first * p.k, columns, p.k, reinterpret_cast<float*>(to));
    else if (p.format == kDenseF16)
      pack_columns(static_cast<const uint16_t*>(src) + first * p.k, columns, p.k,
                   reinterpret_cast<uint16_t*>(to));
    else
      pack_pairs(static_cast<const uint16_t*>(src) + first * p.k, columns, p.k,
                 reinterpret_cast<uint16_t*>(to));
  }
}

// ---- weights that change, and any strides ----

struct StridedPlan {
  int32_t rank;
  isthmus_dtype_t dtype;
};

const char* prepare_strided(const isthmus_op_query_t& query, Plan& plan) {
  if (dense_format(query.operands[1].dtype) < 0)
    return "a block format: quantize_rows and linear_quantized do it";
  plan_data<StridedPlan>(plan) = {query.operands[0].rank, query.operands[1].dtype};
  plan.heavy = true;
  return nullptr;
}

int64_t row_offset(const isthmus_tensor_arg_t& t, int rank, int64_t row) {
  int64_t offset = 0;
  for (int i = rank - 2; i >= 0; --i) {
    offset += row % t.dims[i] * t.strides[i];
    row /= t.dims[i];
  }
  return offset;
}

void run_strided(const Run& run, const Team& team) {
  const StridedPlan& plan = plan_data<StridedPlan>(*run.plan);
  const int rank = plan.rank;
  const isthmus_tensor_arg_t &xt = run.operands[0], &wt = run.operands[1], &bt = run.operands[2],
                             &yt = run.operands[3];
  const StridedMatrix weight = {run.data<void>(1), plan.dtype, wt.strides[1], wt.strides[0]};
  const int64_t rows = row_count(run, rank), n = wt.dims[0], k = wt.dims[1];
  const int64_t panels = (n + kDenseColumns - 1) / kDenseColumns;
  // Rows whose distance is the same are taken together; with more than one outer dimension, one by one.
  const int64_t step = rank == 2 ? kPieceRows : 1;
  const int64_t row_stride = rank == 2 ? xt.strides[0] : 0;
  // Of few rows each panel fetches the next one, which therefore should be the same thread's.
  const int64_t items = (rows + step - 1) / step * panels;
  const int64_t share = items / ((rows <= kTurnedRows ? 1 : 8) * team.count()) + 1;
  int64_t begin, end;
  while (team.take(items, share, &begin, &end)) {
    // Nobody fetched the first one.
    if (rows <= kTurnedRows && weight.row_stride == 1 && weight.column_stride == k) {
      const int64_t column = begin % panels * kDenseColumns;
      const unsigned char* first = weight.at(column * weight.column_stride);
      const int64_t bytes = weight.at(kDenseColumns * weight.column_stride) - weight.at(0);
      for (int64_t at = 0; at < bytes; at += 64) __builtin_prefetch(first + at, 0, 3);
    }
    for (int64_t item = begin; item < end; ++item) {
      const int64_t row = item / panels * step, column = item % panels * kDenseColumns;
      const int64_t count = rows - row < step ? rows - row : step;
      const int64_t columns = n - column < kDenseColumns ? n - column : kDenseColumns;
      const StridedMatrix x = {run.data<void>(0), ISTHMUS_F32, row_stride, xt.strides[rank - 1]};
      alignas(64) float out[kPieceRows * kDenseColumns];
      strided_piece(x, row_offset(xt, rank, row), weight, column * weight.column_stride, count, columns, k,
                    plan.dtype == ISTHMUS_BF16, out);
      for (int64_t r = 0; r < count; ++r) {
        float* y = run.data<float>(3) + row_offset(yt, rank, row + r);
        for (int64_t c = 0; c < columns; ++c) {
          float value = out[r * kDenseColumns + c];
          if (run.data<float>(2)) value += run.data<float>(2)[(column + c) * bt.strides[0]];
          y[(column + c) * yt.strides[rank - 1]] = value;
        }
      }
    }
  }
}

}  // namespace

ISTHMUS_CPU_KERNELS(linear, {"linear", "dense panels of 32 columns", prepare, run, pack},
                    {"linear", "strided pieces", prepare_strided, run_strided, nullptr})

}  // namespace isthmus::cpu::ISTHMUS_ISA
