// SPDX-License-Identifier: Apache-2.0
// linear_quantized and its groups on the CPU: packed panels of 32 columns, tiles of rows by vectors of
// columns. The panels of a group are one row of work: threads meet once, and reading does not stop between
// weights.
#include "base/block_integers.h"
#include "devices/cpu/kernel.h"
#include "ops/gated/activations-inl.h"
#include "ops/matmul/block_tile-inl.h"
#include "ops/quantize/quantize_blocks-inl.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

// The columns of a tile in vectors: of one row, and of more.
#if defined(__AVX512F__)
constexpr int kMaxRows = 4, kManyGroups = 2, kFewGroups = 2;
#elif defined(__AVX2__)
constexpr int kMaxRows = 4, kManyGroups = 1, kFewGroups = 4;
#else
constexpr int kMaxRows = 2, kManyGroups = 2, kFewGroups = 2;
#endif
// Tuned (base/cpu_choices.h): kPanelRows rows are multiplied with one panel before the next. From kUnpackRows
// on it pays to unpack a panel first, kUnpackBlocks blocks at a time, so that they stay in the first caches;
// passes resume from y, which changes no bit. These bound the buffers.
constexpr int64_t kMostRows = 384, kMostUnpackBlocks = 32, kRowBlocks = 96 * kMostUnpackBlocks;

using TileFunction = void (*)(const unsigned char* panel, int column, int64_t blocks, const RowBlock* x,
                              bool resume, float* y, int64_t y_stride, int valid, Fetch fetch);

constexpr int kMaxProducts = 3;
struct Product {
  int64_t n;
  int64_t panels;
  int64_t panel_bytes;
  int32_t format;
};
struct LinearPlan {
  int64_t blocks;
  int32_t activation;  // of a gated pair, in kGatedKernels
  int32_t rank;
  int32_t count;
  Product products[kMaxProducts];
};

// Operands: q, scale, sum, a weight and a bias for each product, then the outputs.
int weight_operand(int product) { return 3 + 2 * product; }
int bias_operand(int product) { return 4 + 2 * product; }
int output_operand(const LinearPlan& plan, int product) { return 3 + 2 * plan.count + product; }

template <typename Weights>
void run_tile(int rows, const unsigned char* panel, int64_t blocks, const RowBlock* x, bool resume, float* y,
              int64_t y_stride, int valid, const Fetch& fetch) {
  TileFunction tile = block_tile<Weights, 1, kFewGroups>;
  const int step = (rows == 1 ? kFewGroups : kManyGroups) * kLanes;
  if (rows == 2) tile = block_tile<Weights, 2, kManyGroups>;
  if constexpr (kMaxRows > 2) {
    if (rows == 3) tile = block_tile<Weights, 3, kManyGroups>;
    if (rows == 4) tile = block_tile<Weights, 4, kManyGroups>;
  }
  for (int c = 0; c < valid; c += step) tile(panel, c, blocks, x, resume, y, y_stride, valid, fetch);
}

void add_bias(const float* bias, int64_t rows, int columns, float* y, int64_t y_stride) {
  for (int64_t r = 0; r < rows; ++r)
    for (int c = 0; c < columns; ++c) y[r * y_stride + c] += bias[c];
}

// `blocks` blocks of a panel times rows. One tile fetches `stream` bytes ahead of itself; several together
// fetch what is needed after them.
template <typename Weights>
void run_tiles(const unsigned char* panel, int64_t blocks, const RowBlock* x, int64_t rows, bool resume,
               float* y, int64_t y_stride, int valid, int64_t stream, const unsigned char* next,
               int64_t next_bytes) {
  const int64_t tiles = (rows + kMaxRows - 1) / kMaxRows;
  Fetch fetch = {tiles == 1 ? stream : 0, next, 0};
  if (tiles > 1) fetch.step = (next_bytes / (tiles * blocks + 1) + 63) / 64 * 64;
  for (int64_t row = 0; row < rows; row += kMaxRows) {
    const int count = static_cast<int>(rows - row < kMaxRows ? rows - row : kMaxRows);
    // Rows of y are far apart: what the next tile adds to is fetched while this one computes.
    for (int64_t r = row + kMaxRows; r < row + 2 * kMaxRows && r < rows; ++r)
      for (int c = 0; c < kPanelColumns; c += 16) __builtin_prefetch(y + r * y_stride + c, 1);
    run_tile<Weights>(count, panel, blocks, x + row * blocks, resume, y + row * y_stride, y_stride, valid,
                      fetch);
    fetch.from += fetch.step * blocks;
    if (fetch.from - next >= next_bytes) fetch.step = 0;
  }
}

// Panels p to p + panels - 1 of a product, and where their columns go: y is the first of the first row.
struct Target {
  int number;
  int64_t p, panels;
  float* y;
  int64_t y_stride;
};

// Rows first to first + count - 1 by the panels of all targets, whose weights are of one format.
template <int kFormat>
void run_panels(const Run& run, int64_t first, int64_t count, const Target* targets, int target_count) {
  constexpr BlockFormat f = kBlockFormats[kFormat];
  using Many = Unpacked<kFormat>;
  const LinearPlan& plan = plan_data<LinearPlan>(*run.plan);
  const CpuTuning& tuning = *run.plan->tuning;
  const bool unpack = count >= tuning[kUnpackRows];
  const int64_t fit = kRowBlocks / count / 8 * 8, some = tuning[kUnpackBlocks] / 8 * 8;
  const int64_t pass = unpack && fit > some ? some : fit;
  alignas(64) RowBlock x[kRowBlocks];
  alignas(64) unsigned char weights[kMostUnpackBlocks * Many::kBlockBytes];
  for (int64_t b = 0; b < plan.blocks || b == 0; b += pass) {
    const int64_t blocks = plan.blocks - b < pass ? plan.blocks - b : pass;
    for (int64_t row = 0; row < count; row += kMaxRows) {
      const int64_t at = (first + row) * plan.blocks + b;
      const QuantizedRows rows = {run.data<int8_t>(0) + 32 * at, run.data<float>(1) + 2 * at,
                                  run.data<int32_t>(2) + 2 * at, 32 * plan.blocks, 2 * plan.blocks};
      pack_rows(f, DotTraits<kFormat>::kOffset, rows,
                static_cast<int>(count - row < kMaxRows ? count - row : kMaxRows), blocks, x + row * blocks);
    }
    const int64_t bytes = f.panel_bytes(blocks);
    for (int64_t i = 0, t = 0; t < target_count; ++i) {
      const Target& target = targets[t];
      if (i == target.panels) {
        i = -1;
        ++t;
        continue;
      }
      const Product& product = plan.products[target.number];
      const int64_t p = target.p + i;
      const unsigned char* at = run.data<unsigned char>(weight_operand(target.number)) +
                                p * product.panel_bytes + b / f.super * f.group_bytes();
      float* to = target.y + i * kPanelColumns;
      const int64_t left = product.n - p * kPanelColumns;
      const int valid = left < kPanelColumns ? static_cast<int>(left) : kPanelColumns;
      if (unpack) {
        unpack_panel<kFormat>(at, blocks, weights);
        run_tiles<Many>(weights, blocks, x, count, b > 0, to, target.y_stride, valid, 0,
                        at + product.panel_bytes, bytes);
      } else {
        // One row of 8-bit weights reads byte after byte, which the processor fetches better by itself.
        const int64_t stream = count > 1 ? tuning[kFetchFewRows] : f.low_bits == 8 ? 0 : tuning[kFetchOneRow];
        run_tiles<PackedWeights<kFormat>>(at, blocks, x, count, b > 0, to, target.y_stride, valid, stream,
                                          at + product.panel_bytes, bytes);
      }
      const float* bias = run.data<float>(bias_operand(target.number));
      if (bias && b + pass >= plan.blocks)
        add_bias(bias + p * kPanelColumns, count, valid, to, target.y_stride);
    }
  }
}

using PanelsFunction = void (*)(const Run& run, int64_t first, int64_t count, const Target* targets,
                                int target_count);
constexpr PanelsFunction kRunPanels[] = {run_panels<0>, run_panels<1>, run_panels<2>,  run_panels<3>,
                                         run_panels<4>, run_panels<5>, run_panels<6>,  run_panels<7>,
                                         run_panels<8>, run_panels<9>, run_panels<10>, run_panels<11>};

// Rows are cut into chunks, each multiplied with one panel after the other.
struct Chunks {
  int64_t rows, count, size;
};
Chunks chunks_of(const Run& run, int64_t bound) {
  Chunks c = {1, 0, 0};
  for (int i = 0; i + 1 < plan_data<LinearPlan>(*run.plan).rank; ++i) c.rows *= run.operands[0].dims[i];
  const int64_t wanted = (*run.plan->tuning)[kPanelRows], most = wanted < bound ? wanted : bound;
  c.count = (c.rows + most - 1) / most;
  c.size = c.count ? (c.rows + c.count * kMaxRows - 1) / (c.count * kMaxRows) * kMaxRows : 0;
  return c;
}

void run(const Run& run, const Team& team) {
  const LinearPlan& plan = plan_data<LinearPlan>(*run.plan);
  const Chunks chunks = chunks_of(run, kMostRows);
  int64_t panels = 0;
  for (int i = 0; i < plan.count; ++i) panels += plan.products[i].panels;
  // Taken as threads get to it: a thread that the system holds up delays no other. A few panels at a time are
  // one stream, and share the packing of the rows.
  const int64_t items = chunks.count * panels,
                share = items / ((chunks.rows > kMaxRows ? 8 : 4) * team.count()) + 1;
  int64_t begin, end;
  while (team.take(items, share, &begin, &end))
    while (begin < end) {
      const int64_t first = begin / panels * chunks.size;
      const int64_t count = chunks.rows - first < chunks.size ? chunks.rows - first : chunks.size;
      int64_t p = begin % panels;
      int number = 0;
      while (p >= plan.products[number].panels) p -= plan.products[number++].panels;
      const Product& product = plan.products[number];
      const int64_t left = product.panels - p, take = end - begin < left ? end - begin : left;
      float* y = run.data<float>(output_operand(plan, number)) + first * product.n + p * kPanelColumns;
      const Target target = {number, p, take, y, product.n};
      if (count > 0) kRunPanels[product.format](run, first, count, &target, 1);
      begin += take;
    }
}

// ---- linear_quantized_gated: groups of panels of gate and up, whose columns stay in the caches until they
// are integers ----

// The caller's thread may be anybody's: both buffers are 192 KiB of its stack.
constexpr int kGatedRows = 96, kGatedPanels = 8, kGatedColumns = kGatedPanels * kPanelColumns;

template <typename F>
void gate_rows(const float* gate, const float* up, int64_t rows, int columns, const Run& run, int64_t at,
               int64_t stride) {
  for (int64_t r = 0; r < rows; ++r, at += stride) {
    alignas(64) float y[kGatedColumns];
    for (int c = 0; c < columns; c += 16)
      store(y + c, F{}(load(gate + r * kGatedColumns + c)) * load(up + r * kGatedColumns + c));
    quantize_blocks(y, columns / 16, run.data<int8_t>(7) + at, run.data<float>(8) + at / 16,
                    run.data<int32_t>(9) + at / 16);
  }
}

template <typename F>
void run_gated(const Run& run, const Team& team) {
  const LinearPlan& plan = plan_data<LinearPlan>(*run.plan);
  const Product& product = plan.products[0];
  const Chunks chunks = chunks_of(run, kGatedRows);
  // Of few rows groups may have to be small, so that threads share them out evenly.
  const int64_t even = product.panels / (4 * team.count());
  const int64_t size = chunks.size > kMaxRows || even > kGatedPanels ? kGatedPanels : even < 2 ? 2 : even;
  const int64_t groups = (product.panels + size - 1) / size;
  const int64_t items = chunks.count * groups, share = items / (8 * team.count()) + 1;
  int64_t begin, end;
  while (team.take(items, share, &begin, &end))
    for (; begin < end; ++begin) {
      const int64_t first = begin / groups * chunks.size, p = begin % groups * size;
      const int64_t count = chunks.rows - first < chunks.size ? chunks.rows - first : chunks.size;
      const int64_t panels = product.panels - p < size ? product.panels - p : size;
      if (count <= 0) continue;
      alignas(64) float gate[kGatedRows * kGatedColumns], up[kGatedRows * kGatedColumns];
      const Target targets[2] = {{0, p, panels, gate, kGatedColumns}, {1, p, panels, up, kGatedColumns}};
      const int other = plan.products[1].format;
      const bool together = other == product.format;
      kRunPanels[product.format](run, first, count, targets, together ? 2 : 1);
      if (!together) kRunPanels[other](run, first, count, targets + 1, 1);
      gate_rows<F>(gate, up, count, static_cast<int>(panels) * kPanelColumns, run,
                   first * product.n + p * kPanelColumns, product.n);
    }
}

struct GatedKernel {
  const char* activation;
  void (*run)(const Run& run, const Team& team);
};
constexpr GatedKernel kGatedKernels[] = {{"swiglu", run_gated<Silu>},
                                         {"geglu", run_gated<GeluErf>},
                                         {"geglu_tanh", run_gated<GeluTanh>},
                                         {"reglu", run_gated<Relu>},
                                         {"glu", run_gated<Sigmoid>}};

void run_any_gated(const Run& run, const Team& team) {
  kGatedKernels[plan_data<LinearPlan>(*run.plan).activation].run(run, team);
}

const char* prepare(const isthmus_op_query_t& query, Plan& plan) {
  if (!all_contiguous(query)) return "operands must be contiguous";
  LinearPlan& p = plan_data<LinearPlan>(plan);
  p.rank = query.operands[0].rank;
  p.count = (query.input_count - 3) / 2;
  for (int i = 0; i < p.count; ++i) {
    const isthmus_operand_t& weight = query.operands[weight_operand(i)];
    const int format = block_format_index(weight.dtype);
    if (format < 0) return "not a block format";
    if (weight.role != ISTHMUS_ROLE_CONSTANT) return "packed panels need a constant weight";
    p.blocks = weight.dims[1] / 32;
    const int64_t panels = (weight.dims[0] + kPanelColumns - 1) / kPanelColumns;
    p.products[i] = {weight.dims[0], panels, kBlockFormats[format].panel_bytes(p.blocks), format};
    plan.packed_layout[weight_operand(i)] = kBlockFormats[format].layout;
    plan.packed_bytes[weight_operand(i)] = panels * p.products[i].panel_bytes;
  }
  plan.heavy = true;
  return nullptr;
}

const char* prepare_gated(const isthmus_op_query_t& query, Plan& plan) {
  if (const char* reason = prepare(query, plan)) return reason;
  LinearPlan& p = plan_data<LinearPlan>(plan);
  const char* activation = attribute_string(query, "activation");
  while (__builtin_strcmp(kGatedKernels[p.activation].activation, activation) != 0) ++p.activation;
  return nullptr;
}

// ---- packing ----

// One plane of a column's block: `bits` bits from `shift` on of each code, four codes (a lane's bytes) at a
// time.
void put_plane(int bits, int shift, const uint8_t* codes, unsigned char* plane) {
  const uint32_t mask = ((1u << bits) - 1) * 0x01010101u;
  const int per_vector = 8 / bits;
  for (int j = 0; j < 8; ++j) {
    unsigned char* at = plane + 64 * (bits == 4 ? j % 4 : j / per_vector);
    uint32_t four, lane;
    __builtin_memcpy(&four, codes + 4 * j, sizeof four);
    __builtin_memcpy(&lane, at, sizeof lane);
    lane |= (four >> shift & mask) << (bits == 4 ? j / 4 * 4 : j % per_vector * bits);
    __builtin_memcpy(at, &lane, sizeof lane);
  }
}

void put_codes(const BlockFormat& f, int column, const uint8_t* codes, unsigned char* quants) {
  const int half = column / 16, lane = column % 16 * 4;
  put_plane(f.low_bits, 0, codes, quants + half * (f.low_bytes() / 2) + lane);
  if (f.high_bits)
    put_plane(f.high_bits, f.low_bits, codes, quants + f.low_bytes() + half * (f.high_bits * 64) + lane);
}

void put_scales(const BlockFormat& f, int64_t b, int c, const BlockIntegers& block,
                unsigned char* super_header, unsigned char* header) {
  if (f.dtype == ISTHMUS_MXFP4) {
    super_header[32 * (b % 2) + c] = static_cast<unsigned char>(block.d_bits);
    return;
  }
  __builtin_memcpy(super_header + 2 * c, &block.d_bits, 2);
  if (f.has_min) __builtin_memcpy(super_header + 64 + 2 * c, &block.m_bits, 2);
  if (f.header == 0) return;
  for (int h = 0; h < 2; ++h) header[32 * h + c] = static_cast<unsigned char>(block.scale[h]);
  if (f.dtype == ISTHMUS_Q2_K)
    for (int h = 0; h < 2; ++h) header[32 * h + c] |= static_cast<unsigned char>(block.min[h] << 4);
  else if (f.has_min)
    header[32 + c] = static_cast<unsigned char>(block.min[0]);
}

// Blocks `first` to first + count - 1 of up to 32 rows of the weight, as they follow each other in a panel.
void pack_blocks(const BlockFormat& f, const unsigned char* rows, int64_t row_bytes, int columns,
                 int64_t first, int64_t count, unsigned char* to) {
  __builtin_memset(to, 0, f.panel_bytes(count));
  for (int c = 0; c < columns; ++c) {
    for (int64_t b = 0; b < count; ++b) {
      BlockIntegers block;
      read_block_integers(static_cast<Dtype>(f.dtype), rows + c * row_bytes, first + b, &block);
      const BlockPlace place = block_place(f, b);
      put_codes(f, c, block.code, to + place.quants);
      put_scales(f, b, c, block, to + place.super_header, to + place.header);
    }
  }
}

void pack(const Plan& plan, int input, const void* src, void* dst) {
  const int64_t blocks = plan_data<LinearPlan>(plan).blocks;
  const Product& p = plan_data<LinearPlan>(plan).products[(input - weight_operand(0)) / 2];
  const BlockFormat& f = kBlockFormats[p.format];
  const int64_t row_bytes = bytes_of(f.dtype, blocks * 32);
  unsigned char* panel = static_cast<unsigned char*>(dst);
  for (int64_t first = 0; first < p.n; first += kPanelColumns, panel += p.panel_bytes) {
    const int columns = p.n - first < kPanelColumns ? static_cast<int>(p.n - first) : kPanelColumns;
    pack_blocks(f, static_cast<const unsigned char*>(src) + first * row_bytes, row_bytes, columns, 0, blocks,
                panel);
  }
}

// ---- weights that change, and any strides: packed group by group on the stack ----

const char* prepare_strided(const isthmus_op_query_t& query, Plan& plan) {
  LinearPlan& p = plan_data<LinearPlan>(plan);
  p.rank = query.operands[0].rank;
  p.count = query.output_count;
  for (int i = 0; i < p.count; ++i) {
    p.products[i].format = block_format_index(query.operands[weight_operand(i)].dtype);
    if (p.products[i].format < 0) return "not a block format";
  }
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

constexpr int kPieceRows = 4 * kMaxRows, kPieceBlocks = 8;

// The blocks from `first` on of rows `row` and following, side by side.
struct Piece {
  alignas(64) int8_t q[kPieceRows * kPieceBlocks * 32];
  float scale[kPieceRows * kPieceBlocks * 2];
  int32_t sum[kPieceRows * kPieceBlocks * 2];

  void load(const Run& run, int rank, int64_t row, int rows, int64_t first, int count) {
    const isthmus_tensor_arg_t *tq = run.operands, *ts = tq + 1, *tm = tq + 2;
    for (int r = 0; r < rows; ++r) {
      const int8_t* q_row = run.data<int8_t>(0) + row_offset(*tq, rank, row + r);
      const float* scale_row = run.data<float>(1) + row_offset(*ts, rank, row + r);
      const int32_t* sum_row = run.data<int32_t>(2) + row_offset(*tm, rank, row + r);
      for (int i = 0; i < 32 * count; ++i)
        q[r * kPieceBlocks * 32 + i] = q_row[(32 * first + i) * tq->strides[rank - 1]];
      for (int b = 0; b < 2 * count; ++b) {
        scale[r * kPieceBlocks * 2 + b] = scale_row[(2 * first + b) * ts->strides[rank - 1]];
        sum[r * kPieceBlocks * 2 + b] = sum_row[(2 * first + b) * tm->strides[rank - 1]];
      }
    }
  }
};

template <int kFormat>
void run_piece(const Run& run, int number, int rank, int64_t row, int rows, int64_t column, int columns,
               float* out) {
  constexpr BlockFormat f = kBlockFormats[kFormat];
  const isthmus_tensor_arg_t& weight = run.operands[weight_operand(number)];
  const int64_t blocks = weight.dims[1] / 32, row_bytes = bytes_of(f.dtype, weight.strides[0]);
  alignas(64) unsigned char panel[f.panel_bytes(kPieceBlocks)];
  Piece piece;
  RowBlock x[kMaxRows * kPieceBlocks];
  for (int i = 0; i < rows * kPanelColumns; ++i) out[i] = 0;
  for (int64_t b = 0; b < blocks; b += kPieceBlocks) {
    const int count = blocks - b < kPieceBlocks ? static_cast<int>(blocks - b) : kPieceBlocks;
    pack_blocks(f, run.data<unsigned char>(weight_operand(number)) + column * row_bytes, row_bytes, columns,
                b, count, panel);
    piece.load(run, rank, row, rows, b, count);
    for (int r = 0; r < rows; r += kMaxRows) {
      const int tile_rows = rows - r < kMaxRows ? rows - r : kMaxRows;
      pack_rows(f, DotTraits<kFormat>::kOffset,
                {piece.q + r * kPieceBlocks * 32, piece.scale + r * kPieceBlocks * 2,
                 piece.sum + r * kPieceBlocks * 2, kPieceBlocks * 32, kPieceBlocks * 2},
                tile_rows, count, x);
      run_tile<PackedWeights<kFormat>>(tile_rows, panel, count, x, true, out + r * kPanelColumns,
                                       kPanelColumns, kPanelColumns, {});
    }
  }
}

using PieceFunction = void (*)(const Run& run, int number, int rank, int64_t row, int rows, int64_t column,
                               int columns, float* out);
constexpr PieceFunction kRunPieces[] = {run_piece<0>, run_piece<1>, run_piece<2>,  run_piece<3>,
                                        run_piece<4>, run_piece<5>, run_piece<6>,  run_piece<7>,
                                        run_piece<8>, run_piece<9>, run_piece<10>, run_piece<11>};

void run_strided_product(const Run& run, const Team& team, int number) {
  const LinearPlan& plan = plan_data<LinearPlan>(*run.plan);
  const int rank = plan.rank, bias_at = bias_operand(number), y_at = output_operand(plan, number);
  int64_t rows = 1;
  for (int i = 0; i + 1 < rank; ++i) rows *= run.operands[0].dims[i];
  const int64_t n = run.operands[weight_operand(number)].dims[0];
  const int64_t panels = (n + kPanelColumns - 1) / kPanelColumns;
  const isthmus_tensor_arg_t &bias = run.operands[bias_at], &y = run.operands[y_at];
  int64_t begin, end;
  team.split((rows + kPieceRows - 1) / kPieceRows * panels, 1, &begin, &end);
  for (int64_t item = begin; item < end; ++item) {
    const int64_t row = item / panels * kPieceRows, column = item % panels * kPanelColumns;
    const int count = rows - row < kPieceRows ? static_cast<int>(rows - row) : kPieceRows;
    const int columns = n - column < kPanelColumns ? static_cast<int>(n - column) : kPanelColumns;
    alignas(64) float out[kPieceRows * kPanelColumns];
    kRunPieces[plan.products[number].format](run, number, rank, row, count, column, columns, out);
    for (int r = 0; r < count; ++r) {
      float* to = run.data<float>(y_at) + row_offset(y, rank, row + r);
      for (int c = 0; c < columns; ++c) {
        float value = out[r * kPanelColumns + c];
        if (bias.address) value += run.data<float>(bias_at)[(column + c) * bias.strides[0]];
        to[(column + c) * y.strides[rank - 1]] = value;
      }
    }
  }
}

void run_strided(const Run& run, const Team& team) {
  for (int i = 0; i < plan_data<LinearPlan>(*run.plan).count; ++i) run_strided_product(run, team, i);
}

}  // namespace

ISTHMUS_CPU_KERNELS(linear_quantized, {"linear_quantized", "panels of 32 columns", prepare, run, pack},
                    {"linear_quantized", "strided pieces", prepare_strided, run_strided, nullptr},
                    {"linear_quantized_pair", "panels of 32 columns", prepare, run, pack},
                    {"linear_quantized_pair", "strided pieces", prepare_strided, run_strided, nullptr},
                    {"linear_quantized_triple", "panels of 32 columns", prepare, run, pack},
                    {"linear_quantized_gated", "panels of 32 columns", prepare_gated, run_any_gated, pack},
                    {"linear_quantized_triple", "strided pieces", prepare_strided, run_strided, nullptr})

}  // namespace isthmus::cpu::ISTHMUS_ISA
