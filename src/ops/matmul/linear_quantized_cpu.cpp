// SPDX-License-Identifier: Apache-2.0
// linear_quantized on the CPU: packed panels of 32 columns, tiles of rows by vectors of columns.
#include "base/block_integers.h"
#include "devices/cpu/kernel.h"
#include "ops/matmul/block_tile-inl.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

#if defined(__AVX512F__)
constexpr int kMaxRows = 6, kManyGroups = 2, kFewGroups = 2;
#elif defined(__AVX2__)
constexpr int kMaxRows = 4, kManyGroups = 1, kFewGroups = 4;
#else
constexpr int kMaxRows = 2, kManyGroups = 2, kFewGroups = 2;
#endif
// Rows that one panel is multiplied with before the next: their activations stay in the second-level cache. A
// pass is as much of a panel as stays in the first-level cache beside a tile's rows; passes resume from y,
// which changes no bit.
constexpr int64_t kChunkRows = 96;
constexpr int64_t kPassBytes = 24576;
constexpr int64_t kFetchOneRow = 4608, kFetchFewRows = 9216;

using TileFunction = void (*)(const unsigned char* panel, int column, int64_t blocks, const QuantizedRows& x,
                              bool resume, float* y, int64_t y_stride, int valid, int64_t ahead);

struct LinearPlan {
  int64_t n;
  int64_t blocks;
  int64_t panel_bytes;
  int32_t format;
  int32_t rank;
};

template <int kFormat>
void run_tile(int rows, const unsigned char* panel, int64_t blocks, const QuantizedRows& x, bool resume,
              float* y, int64_t y_stride, int valid, int64_t ahead) {
  TileFunction tile = block_tile<kFormat, 1, kFewGroups>;
  int step = (rows == 1 ? kFewGroups : kManyGroups) * kLanes;
  if (rows == 2) tile = block_tile<kFormat, 2, kManyGroups>;
  if constexpr (kMaxRows > 2) {
    if (rows == 3) tile = block_tile<kFormat, 3, kManyGroups>;
    if (rows == 4) tile = block_tile<kFormat, 4, kManyGroups>;
  }
  if constexpr (kMaxRows > 4) {
    if (rows == 5) tile = block_tile<kFormat, 5, kManyGroups>;
    if (rows == 6) tile = block_tile<kFormat, 6, kManyGroups>;
  }
  for (int c = 0; c < valid; c += step) tile(panel, c, blocks, x, resume, y, y_stride, valid, ahead);
}

void add_bias(const float* bias, int64_t rows, int columns, float* y, int64_t y_stride) {
  for (int64_t r = 0; r < rows; ++r)
    for (int c = 0; c < columns; ++c) y[r * y_stride + c] += bias[c];
}

// How far ahead of its reading a tile fetches. Many rows take their panel from the cache.
int64_t fetch_distance(int64_t rows) {
  return rows == 1 ? kFetchOneRow : rows <= 2 * kMaxRows ? kFetchFewRows : 0;
}

template <int kFormat>
void run_format(const Run& run, const Team& team) {
  constexpr BlockFormat f = kBlockFormats[kFormat];
  const LinearPlan& plan = plan_data<LinearPlan>(*run.plan);
  int64_t rows = 1;
  for (int i = 0; i + 1 < plan.rank; ++i) rows *= run.operands[0].dims[i];
  const int64_t panels = (plan.n + kPanelColumns - 1) / kPanelColumns;
  const int64_t chunks = (rows + kChunkRows - 1) / kChunkRows;
  const int64_t k = plan.blocks * 32;
  const float* bias = run.data<float>(4);
  const int64_t ahead = fetch_distance(rows);
  const int64_t pass = rows <= kMaxRows ? plan.blocks + f.super
                                        : (kPassBytes / f.block_bytes() + f.super - 1) / f.super * f.super;
  // Taken as threads get to it: a thread that the system holds up delays no other. A few panels at a time are
  // one stream.
  const int64_t items = chunks * panels, share = items / (8 * team.count()) + 1;
  int64_t begin, end;
  while (team.take(items, share, &begin, &end))
    for (int64_t item = begin; item < end; ++item) {
      const int64_t chunk = item / panels, p = item % panels;
      const int64_t first = rows * chunk / chunks, count = rows * (chunk + 1) / chunks - first;
      const int64_t tiles = (count + kMaxRows - 1) / kMaxRows;
      const int64_t left = plan.n - p * kPanelColumns;
      const int valid = left < kPanelColumns ? static_cast<int>(left) : kPanelColumns;
      const unsigned char* panel = run.data<unsigned char>(3) + p * plan.panel_bytes;
      float* y = run.data<float>(5) + first * plan.n + p * kPanelColumns;
      for (int64_t b = 0; b < plan.blocks || b == 0; b += pass) {
        const int64_t blocks = plan.blocks - b < pass ? plan.blocks - b : pass;
        for (int64_t t = 0; t < tiles; ++t) {
          const int64_t row = count * t / tiles, next = count * (t + 1) / tiles,
                        at = (first + row) * plan.blocks + b;
          const QuantizedRows x = {run.data<int8_t>(0) + 32 * at, run.data<float>(1) + 2 * at,
                                   run.data<int32_t>(2) + 2 * at, k, 2 * plan.blocks};
          run_tile<kFormat>(static_cast<int>(next - row), panel + b / f.super * f.group_bytes(), blocks, x,
                            b > 0, y + row * plan.n, plan.n, valid, ahead);
        }
      }
      if (bias) add_bias(bias + p * kPanelColumns, count, valid, y, plan.n);
    }
}

using RunFunction = void (*)(const Run& run, const Team& team);
constexpr RunFunction kRunFormats[] = {run_format<0>, run_format<1>, run_format<2>,  run_format<3>,
                                       run_format<4>, run_format<5>, run_format<6>,  run_format<7>,
                                       run_format<8>, run_format<9>, run_format<10>, run_format<11>};

const char* prepare(const isthmus_op_query_t& query, Plan& plan) {
  const isthmus_operand_t& weight = query.operands[3];
  const int format = block_format_index(weight.dtype);
  if (format < 0) return "not a block format";
  if (weight.role != ISTHMUS_ROLE_CONSTANT) return "packed panels need a constant weight";
  if (!all_contiguous(query)) return "operands must be contiguous";
  LinearPlan& p = plan_data<LinearPlan>(plan);
  p.n = weight.dims[0];
  p.blocks = weight.dims[1] / 32;
  p.panel_bytes = kBlockFormats[format].panel_bytes(p.blocks);
  p.format = format;
  p.rank = query.operands[0].rank;
  plan.packed_layout[3] = kBlockFormats[format].layout;
  plan.packed_bytes[3] = (p.n + kPanelColumns - 1) / kPanelColumns * p.panel_bytes;
  plan.heavy = true;
  return nullptr;
}

void run(const Run& run, const Team& team) {
  kRunFormats[plan_data<LinearPlan>(*run.plan).format](run, team);
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

void pack(const Plan& plan, int, const void* src, void* dst) {
  const LinearPlan& p = plan_data<LinearPlan>(plan);
  const BlockFormat& f = kBlockFormats[p.format];
  const int64_t row_bytes = bytes_of(f.dtype, p.blocks * 32);
  unsigned char* panel = static_cast<unsigned char*>(dst);
  for (int64_t first = 0; first < p.n; first += kPanelColumns, panel += p.panel_bytes) {
    const int columns = p.n - first < kPanelColumns ? static_cast<int>(p.n - first) : kPanelColumns;
    pack_blocks(f, static_cast<const unsigned char*>(src) + first * row_bytes, row_bytes, columns, 0,
                p.blocks, panel);
  }
}

// ---- weights that change, and any strides: packed group by group on the stack ----

const char* prepare_strided(const isthmus_op_query_t& query, Plan& plan) {
  const int format = block_format_index(query.operands[3].dtype);
  if (format < 0) return "not a block format";
  plan_data<LinearPlan>(plan) = {0, 0, 0, format, query.operands[0].rank};
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
void run_piece(const Run& run, int rank, int64_t row, int rows, int64_t column, int columns, float* out) {
  constexpr BlockFormat f = kBlockFormats[kFormat];
  const isthmus_tensor_arg_t& weight = run.operands[3];
  const int64_t blocks = weight.dims[1] / 32, row_bytes = bytes_of(f.dtype, weight.strides[0]);
  alignas(64) unsigned char panel[f.panel_bytes(kPieceBlocks)];
  Piece piece;
  for (int i = 0; i < rows * kPanelColumns; ++i) out[i] = 0;
  for (int64_t b = 0; b < blocks; b += kPieceBlocks) {
    const int count = blocks - b < kPieceBlocks ? static_cast<int>(blocks - b) : kPieceBlocks;
    pack_blocks(f, run.data<unsigned char>(3) + column * row_bytes, row_bytes, columns, b, count, panel);
    piece.load(run, rank, row, rows, b, count);
    for (int r = 0; r < rows; r += kMaxRows) {
      const QuantizedRows x = {piece.q + r * kPieceBlocks * 32, piece.scale + r * kPieceBlocks * 2,
                               piece.sum + r * kPieceBlocks * 2, kPieceBlocks * 32, kPieceBlocks * 2};
      run_tile<kFormat>(rows - r < kMaxRows ? rows - r : kMaxRows, panel, count, x, true,
                        out + r * kPanelColumns, kPanelColumns, kPanelColumns, 0);
    }
  }
}

using PieceFunction = void (*)(const Run& run, int rank, int64_t row, int rows, int64_t column, int columns,
                               float* out);
constexpr PieceFunction kRunPieces[] = {run_piece<0>, run_piece<1>, run_piece<2>,  run_piece<3>,
                                        run_piece<4>, run_piece<5>, run_piece<6>,  run_piece<7>,
                                        run_piece<8>, run_piece<9>, run_piece<10>, run_piece<11>};

void run_strided(const Run& run, const Team& team) {
  const LinearPlan& plan = plan_data<LinearPlan>(*run.plan);
  const int rank = plan.rank;
  int64_t rows = 1;
  for (int i = 0; i + 1 < rank; ++i) rows *= run.operands[0].dims[i];
  const int64_t n = run.operands[3].dims[0], panels = (n + kPanelColumns - 1) / kPanelColumns;
  const isthmus_tensor_arg_t &bias = run.operands[4], &y = run.operands[5];
  int64_t begin, end;
  team.split((rows + kPieceRows - 1) / kPieceRows * panels, 1, &begin, &end);
  for (int64_t item = begin; item < end; ++item) {
    const int64_t row = item / panels * kPieceRows, column = item % panels * kPanelColumns;
    const int count = rows - row < kPieceRows ? static_cast<int>(rows - row) : kPieceRows;
    const int columns = n - column < kPanelColumns ? static_cast<int>(n - column) : kPanelColumns;
    alignas(64) float out[kPieceRows * kPanelColumns];
    kRunPieces[plan.format](run, rank, row, count, column, columns, out);
    for (int r = 0; r < count; ++r) {
      float* to = run.data<float>(5) + row_offset(y, rank, row + r);
      for (int c = 0; c < columns; ++c) {
        float value = out[r * kPanelColumns + c];
        if (bias.address) value += run.data<float>(4)[(column + c) * bias.strides[0]];
        to[(column + c) * y.strides[rank - 1]] = value;
      }
    }
  }
}

}  // namespace

ISTHMUS_CPU_KERNELS(linear_quantized, {"linear_quantized", "panels of 32 columns", prepare, run, pack},
                    {"linear_quantized", "strided pieces", prepare_strided, run_strided, nullptr})

}  // namespace isthmus::cpu::ISTHMUS_ISA
