// SPDX-License-Identifier: Apache-2.0
// convolution and transposed_convolution on the CPU: what 32 neighbouring outputs cover is gathered into a
// panel of the dense tiles, all outputs of a group are its rows.
#include "ops/elementwise/blocks-inl.h"
#include "ops/matmul/dense_tile-inl.h"
#include "ops/windows/phases-inl.h"
#include "ops/windows/windows_cpu.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

constexpr int64_t kRows = 128, kDepth = 128;  // of a piece, and of a panel at a time

struct ConvolutionPlan {
  Windows windows;  // without sizes
  int32_t transposed;
  int64_t groups;
  isthmus_dtype_t dtype;
  GatherFn gather;
  ScatterFn scatter;
};

// The dims of one run, and steps in elements. Spatial axes are always three.
struct Geometry {
  Windows windows;
  int64_t out[kMaxWindowAxes];
  int64_t batch, groups, channels, rows;  // channels and outputs of a group
  int64_t in[3], x_steps[3], y_steps[3], w_steps[3];
  int64_t x_batch, x_channel, y_batch, y_channel, w_group, w_row, w_channel;
  int64_t phases;
  bool in_place;  // weights are read as they lie
};

Geometry geometry_of(const Run& run) {
  const ConvolutionPlan& plan = plan_data<ConvolutionPlan>(*run.plan);
  const isthmus_tensor_arg_t &x = run.operands[0], &w = run.operands[1], &y = run.operands[3];
  Geometry g;
  g.windows = plan.windows;
  const int axes = g.windows.axes;
  for (int d = 0; d < axes; ++d) {
    g.windows.size[d] = w.dims[d + 2];
    g.out[d] = y.dims[d + 2];
  }
  g.groups = plan.groups;
  g.batch = x.dims[0];
  g.channels = x.dims[1] / g.groups;
  g.rows = y.dims[1] / g.groups;
  for (int i = 0; i < 3; ++i) {
    const int d = i - (3 - axes);
    g.in[i] = d < 0 ? 1 : x.dims[d + 2];
    g.x_steps[i] = d < 0 ? 0 : x.strides[d + 2];
    g.y_steps[i] = d < 0 ? 0 : y.strides[d + 2];
    g.w_steps[i] = d < 0 ? 0 : w.strides[d + 2];
  }
  g.x_batch = x.strides[0];
  g.x_channel = x.strides[1];
  g.y_batch = y.strides[0];
  g.y_channel = y.strides[1];
  g.w_row = plan.transposed ? w.strides[1] : w.strides[0];
  g.w_channel = plan.transposed ? w.strides[0] : w.strides[1];
  g.w_group = plan.transposed ? g.channels * w.strides[0] : g.rows * w.strides[0];
  g.phases = phase_count(g.windows, plan.transposed, g.out);
  g.in_place = !plan.transposed && plan.dtype == ISTHMUS_F32;
  int64_t step = 1;
  for (int d = axes + 1; d >= 1; step *= w.dims[d--])
    if (w.dims[d] != 1 && w.strides[d] != step) g.in_place = false;
  return g;
}

// Steps of a phase's products; BF16 in whole pairs.
int64_t depth_of(const Geometry& g, const Phase& phase) { return g.channels * phase.places(); }
int64_t padded(int64_t depth) { return (depth + 1) / 2 * 2; }

const char* prepare(const isthmus_op_query_t& query, Plan& plan) {
  ConvolutionPlan& p = plan_data<ConvolutionPlan>(plan);
  const isthmus_operand_t &x = query.operands[0], &w = query.operands[1];
  p.windows = windows_of_query(query, x.rank - 2);
  p.transposed = strcmp(query.name, "transposed_convolution") == 0;
  p.groups = attribute_int(query, "groups");
  p.dtype = x.dtype;
  p.gather = p.dtype == ISTHMUS_F16   ? gather_half
             : p.dtype == ISTHMUS_F32 ? gather_plain<float>
                                      : gather_plain<uint16_t>;
  p.scatter = p.dtype == ISTHMUS_F16    ? scatter_half
              : p.dtype == ISTHMUS_BF16 ? scatter_bfloat
                                        : scatter_plain<float>;
  int64_t places = 1;
  for (int d = 0; d < p.windows.axes; ++d) places *= w.dims[d + 2];
  // Weights as rows of F32, or of pairs of BF16. Each phase with places may pad a row's depth by one.
  const int64_t rows = p.transposed ? w.dims[1] * p.groups : w.dims[0];
  const int64_t channels = x.dims[1] / p.groups;
  plan.workspace_bytes = (uint64_t)(rows * places * (channels + 1) * (p.dtype == ISTHMUS_BF16 ? 2 : 4));
  plan.phases = 2;
  plan.heavy = true;
  return nullptr;
}

// The weights of one output row in a phase: channel by channel, the phase's places in row-major order.
void copy_weights(const Run& run, const Geometry& g, const Phase& phase, int64_t group, int64_t row,
                  unsigned char* to) {
  const ConvolutionPlan& plan = plan_data<ConvolutionPlan>(*run.plan);
  const int bytes = element_bytes(plan.dtype);
  const PhaseAxis* axes = phase.axes;
  const unsigned char* from = run.data<unsigned char>(1);
  int64_t at = group * g.w_group + row * g.w_row;
  for (int i = 0; i < 3; ++i) at += axes[i].place * g.w_steps[i];
  const int64_t last_step = axes[2].place_step * g.w_steps[2], n = axes[2].places;
  unsigned char* next = to;
  for (int64_t c = 0; c < g.channels; ++c)
    for (int64_t j0 = 0; j0 < axes[0].places; ++j0)
      for (int64_t j1 = 0; j1 < axes[1].places; ++j1) {
        const int64_t line = at + c * g.w_channel + j0 * axes[0].place_step * g.w_steps[0] +
                             j1 * axes[1].place_step * g.w_steps[1];
        plan.gather(next, from + line * bytes, last_step, n);
        next += n * (plan.dtype == ISTHMUS_BF16 ? 2 : 4);
      }
  if (plan.dtype != ISTHMUS_BF16) return;
  const int64_t depth = depth_of(g, phase);
  uint16_t* pairs = (uint16_t*)to;
  for (int64_t i = 0; i < depth; ++i) pairs[i] = flushed_bf16(pairs[i]);
  if (depth % 2) pairs[depth] = 0;
}

// Outputs of a piece that follow each other along the last axis.
struct Segment {
  int64_t column, count;
  int64_t x_at, y_at;  // of the batch and, in y, the first output
  int64_t at[3];       // where place 0 of the first output lies in x
};

struct Piece {
  const Geometry& g;
  const Phase& phase;
  Segment segments[kDenseColumns];
  int count, columns;

  Piece(const Geometry& geometry, const Phase& of, int64_t first, int64_t total)
      : g(geometry), phase(of), count(0) {
    const PhaseAxis* axes = phase.axes;
    columns = (int)(total - first < kDenseColumns ? total - first : kDenseColumns);
    for (int64_t column = 0; column < columns;) {
      int64_t rest = first + column;
      int64_t i[3];
      for (int d = 2; d >= 0; --d) {
        i[d] = rest % axes[d].count;
        rest /= axes[d].count;
      }
      Segment& s = segments[count++];
      s.column = column;
      s.count = axes[2].count - i[2] < columns - column ? axes[2].count - i[2] : columns - column;
      s.x_at = rest * g.x_batch;
      s.y_at = rest * g.y_batch;
      for (int d = 0; d < 3; ++d) {
        s.at[d] = axes[d].base + i[d] * axes[d].x_step;
        s.y_at += (axes[d].first + i[d] * axes[d].step) * g.y_steps[d];
      }
      column += s.count;
    }
  }

  // What the outputs cover at place (j0, j1, j2) of channel x_channel: `to` gets a value for each column, F32
  // or the bits of a BF16.
  template <typename T>
  void gather(const ConvolutionPlan& plan, const unsigned char* x, int64_t channel_at, const int64_t* j,
              T* to) const {
    const PhaseAxis* axes = phase.axes;
    const int bytes = element_bytes(plan.dtype);
    for (int k = 0; k < count; ++k) {
      const Segment& s = segments[k];
      T* values = to + s.column;
      int64_t at = s.x_at + channel_at;
      bool inside = true;
      for (int d = 0; d < 2; ++d) {
        const int64_t coordinate = s.at[d] + j[d] * axes[d].x_place_step;
        inside &= coordinate >= 0 && coordinate < g.in[d];
        at += coordinate * g.x_steps[d];
      }
      // Outputs low … high - 1 are inside along the last axis.
      const int64_t start = s.at[2] + j[2] * axes[2].x_place_step, step = axes[2].x_step;
      int64_t low, high;
      windows_inside(start, step, inside ? g.in[2] : 0, s.count, &low, &high);
      for (int64_t i = 0; i < low; ++i) values[i] = 0;
      if (low < high)
        plan.gather(values + low, x + (at + (start + low * step) * g.x_steps[2]) * bytes, step * g.x_steps[2],
                    high - low);
      for (int64_t i = high; i < s.count; ++i) values[i] = 0;
    }
  }
};

// `rows` outputs of a group from row0 on, times the columns of a piece.
void run_piece(const Run& run, const Geometry& g, const Piece& piece, int64_t group, int64_t row0,
               int64_t rows, const unsigned char* left, int64_t left_stride) {
  const ConvolutionPlan& plan = plan_data<ConvolutionPlan>(*run.plan);
  const bool pairs = plan.dtype == ISTHMUS_BF16;
  const PhaseAxis* axes = piece.phase.axes;
  const int64_t depth = depth_of(g, piece.phase), places = piece.phase.places();
  const unsigned char* x = run.data<unsigned char>(0);
  alignas(64) float panel[kDepth * kDenseColumns];
  alignas(64) float out[kRows * kDenseColumns];
  for (int64_t i = 0; i < rows * kDenseColumns; ++i) out[i] = 0;
  const int64_t used = depth < kDepth ? depth + 1 : kDepth;
  for (int64_t i = 0; i < used * kDenseColumns; ++i) panel[i] = 0;  // for columns that are not there
  int64_t channel = 0, j[3] = {};
  for (int64_t k0 = 0; k0 < depth && places > 0; k0 += kDepth) {
    const int64_t steps = depth - k0 < kDepth ? depth - k0 : kDepth;
    for (int64_t i = 0; i < steps; ++i) {
      const int64_t channel_at = (group * g.channels + channel) * g.x_channel;
      if (pairs) {
        uint16_t values[kDenseColumns];
        piece.gather(plan, x, channel_at, j, values);
        uint16_t* to = (uint16_t*)panel + i / 2 * kDenseColumns * 2 + i % 2;
        for (int c = 0; c < piece.columns; ++c) to[2 * c] = flushed_bf16(values[c]);
      } else {
        piece.gather(plan, x, channel_at, j, panel + i * kDenseColumns);
      }
      for (int d = 2; d >= 0; --d) {
        if (++j[d] < axes[d].places) break;
        j[d] = 0;
        if (d == 0) ++channel;
      }
    }
    if (pairs) {
      if (steps % 2)
        for (int c = 0; c < kDenseColumns; ++c)
          ((uint16_t*)panel)[(steps / 2 * kDenseColumns + c) * 2 + 1] = 0;
      const unsigned before = begin_flush();
      dense_panel<kDenseBf16>(rows, (const unsigned char*)panel, (steps + 1) / 2, left + k0 * 2, left_stride,
                              true, out, kDenseColumns, kDenseColumns);
      end_flush(before);
    } else {
      dense_panel<kDenseF32>(rows, (const unsigned char*)panel, steps, left + k0 * 4, left_stride, true, out,
                             kDenseColumns, kDenseColumns);
    }
  }
  const isthmus_tensor_arg_t& bias = run.operands[2];
  const int bytes = element_bytes(plan.dtype);
  for (int64_t r = 0; r < rows; ++r) {
    float* sums = out + r * kDenseColumns;
    const int64_t output = group * g.rows + row0 + r;
    if (bias.address) {
      uint16_t half;
      float b;
      const unsigned char* from = run.data<unsigned char>(2) + output * bias.strides[0] * bytes;
      if (bytes == 2) {
        memcpy(&half, from, 2);
        b = pairs ? bfloat_to_float(half) : half_to_float(half);
      } else {
        memcpy(&b, from, 4);
      }
      for (int c = 0; c < kDenseColumns; ++c) sums[c] = sums[c] + b;
    }
    for (int k = 0; k < piece.count; ++k) {
      const Segment& s = piece.segments[k];
      plan.scatter(run.data<unsigned char>(3) + (s.y_at + output * g.y_channel) * bytes,
                   axes[2].step * g.y_steps[2], sums + s.column, s.count);
    }
  }
}

void run_convolution(const Run& run, const Team& team) {
  const ConvolutionPlan& plan = plan_data<ConvolutionPlan>(*run.plan);
  const Geometry g = geometry_of(run);
  if (run.phase == 0 && g.in_place) return;
  const int weight_bytes = plan.dtype == ISTHMUS_BF16 ? 2 : 4;
  const int64_t all_rows = g.groups * g.rows, blocks = (g.rows + kRows - 1) / kRows;
  // Items of all phases in one row; this thread has [begin, end).
  int64_t total = 0;
  for (int64_t number = 0; number < g.phases; ++number) {
    const int64_t columns = g.batch * phase_of(g.windows, plan.transposed, g.out, number).outputs();
    total += run.phase == 0 ? all_rows : g.groups * blocks * ((columns + kDenseColumns - 1) / kDenseColumns);
  }
  int64_t begin, end, before = 0;
  team.split(total, 1, &begin, &end);
  unsigned char* weights = run.workspace;
  for (int64_t number = 0; number < g.phases && before < end; ++number) {
    const Phase phase = phase_of(g.windows, plan.transposed, g.out, number);
    const int64_t columns = g.batch * phase.outputs(), panels = (columns + kDenseColumns - 1) / kDenseColumns;
    const int64_t row_stride = g.in_place ? g.w_row : padded(depth_of(g, phase));
    const int64_t items = run.phase == 0 ? all_rows : g.groups * blocks * panels;
    for (int64_t item = begin > before ? begin : before; item < end && item < before + items; ++item) {
      const int64_t i = item - before;
      if (run.phase == 0) {
        copy_weights(run, g, phase, i / g.rows, i % g.rows, weights + i * row_stride * weight_bytes);
        continue;
      }
      const int64_t group = i / (blocks * panels), row0 = i / panels % blocks * kRows;
      const int64_t rows = g.rows - row0 < kRows ? g.rows - row0 : kRows;
      const unsigned char* left = g.in_place
                                      ? run.data<unsigned char>(1) + (group * g.w_group + row0 * g.w_row) * 4
                                      : weights + (group * g.rows + row0) * row_stride * weight_bytes;
      const Piece piece(g, phase, i % panels * kDenseColumns, columns);
      run_piece(run, g, piece, group, row0, rows, left, row_stride);
    }
    before += items;
    weights += all_rows * row_stride * weight_bytes;
  }
}

}  // namespace

ISTHMUS_CPU_KERNELS(convolution, {"convolution", "gathered panels", prepare, run_convolution, nullptr},
                    {"transposed_convolution", "gathered panels", prepare, run_convolution, nullptr})

}  // namespace isthmus::cpu::ISTHMUS_ISA
