// SPDX-License-Identifier: Apache-2.0
// Products of quantised activations over block formats in panels of 16 columns: panel by panel, and in each for every
// 32 steps 16 * 32 codes, k by k, the columns side by side, then the scales. The integers are small enough for sums of
// floats to be exact, and a fused multiply-add is what every chip has most of. A work item makes C vectors of WIDTH columns
// in the rows of its group, whose activations lie in local memory as floats.
// NIBBLES: two codes to a byte, the later half of 32 in the high ones; else bytes. SCALE: dtype of the scales; HALVES: one
// for each 16; HAS_MIN; LEAST: what is taken from the codes; FP4: codes are the bits of MXFP4. MANY: rows of a group.
#include "ops/portable/dtypes.cl"
#include "ops/portable/stored_vectors.cl"
#include "ops/portable/loops.cl"

#define PANEL 16
#define CHUNK 8  // blocks of 32 at a time
#ifdef NIBBLES
#define CODE_BYTES (16 * PANEL)
#else
#define CODE_BYTES (32 * PANEL)
#endif
#ifdef HALVES
#define SCALES 2
#else
#define SCALES 1
#endif
#ifdef HAS_MIN
#define SCALE_VECTORS (2 * SCALES)
#else
#define SCALE_VECTORS SCALES
#endif
#define BLOCK_BYTES (CODE_BYTES + SCALE_VECTORS * PANEL * (int)sizeof(STORED(SCALE)))

typedef VECTOR(float, WIDTH) floats;

typedef struct {
  Loops rows;  // of q, scale, sum, y
  long count, columns, blocks;
  long q_step, scale_step, sum_step, y_step, bias_step;
} ProductQuantized;

// The activations of a group's rows: q, and for each 16 of them scale and sum.
typedef struct {
  IN_LOCAL float *q, *scale, *sum;
} Staged;

// `n` blocks of the group's rows from block `from` on into local memory; rows that are not there as zero.
FUNCTION void stage(ADDRESS(q), ADDRESS(scale), ADDRESS(sum), const ProductQuantized* p, const int rows, long first,
                    long from, int n, Staged to) {
  for (int unit = LOCAL_ITEM(0); unit < rows * CHUNK * 2; unit += LOCAL_ITEMS(0)) {
    const int r = unit / (CHUNK * 2), half_block = unit % (CHUNK * 2);
    if (half_block >= 2 * n) continue;
    IN_LOCAL float* values = to.q + unit * 16;
    if (first + r >= p->count) {
      for (int i = 0; i < 16; ++i) values[i] = 0.0f;
      to.scale[unit] = 0.0f;
      to.sum[unit] = 0.0f;
      continue;
    }
    const Places at = places_of(&p->rows, first + r);
    const long number = 2 * from + half_block;
    GLOBAL const char* numbers = POINTER(char, q) + at.at[0] + number * 16 * p->q_step;
    if (p->q_step == 1)
      STORE(16, CONVERT(float, 16, LOAD(16, numbers)), values);
    else
      for (int i = 0; i < 16; ++i) values[i] = (float)numbers[i * p->q_step];
    to.scale[unit] = POINTER(float, scale)[at.at[1] + number * p->scale_step];
    to.sum[unit] = (float)POINTER(int, sum)[at.at[2] + number * p->sum_step];
  }
}

#ifdef FP4
// Twice the FP4 value: 0 and 1, then by exponent and mantissa as an F32 has them; no subnormals, which are slow.
#define NUMBERS(CODES) fp4_numbers(CODES)
FUNCTION floats fp4_numbers(VECTOR(uint, WIDTH) code) {
  const VECTOR(uint, WIDTH) magnitude = code & 7u;
  const floats large = AS(float, WIDTH, (magnitude << 22) + (127u << 23));
  const floats value = CHOOSE(float, WIDTH, magnitude < (VECTOR(uint, WIDTH))(2u), CONVERT(float, WIDTH, magnitude), large);
  return AS(float, WIDTH, AS(uint, WIDTH, value) | ((code & 8u) << 28));
}
#else
#define NUMBERS(CODES) CONVERT(float, WIDTH, AS(int, WIDTH, CODES))
#endif

// The products of both halves of a block with the activations of all rows.
FUNCTION void add_products(floats* dot0, floats* dot1, const int rows, IN_LOCAL const float* q, GLOBAL const uchar* codes) {
  UNROLL
  for (int r = 0; r < rows; ++r) {
    dot0[r] = (floats)(0.0f);
    dot1[r] = (floats)(0.0f);
  }
#ifdef NIBBLES
  for (int i = 0; i < 16; ++i) {
    const VECTOR(uint, WIDTH) both = CONVERT(uint, WIDTH, LOAD(WIDTH, codes + i * PANEL));
    const floats w0 = NUMBERS(both & 15u), w1 = NUMBERS(both >> 4);
    UNROLL
    for (int r = 0; r < rows; ++r) {
      dot0[r] = fma((floats)(q[r * CHUNK * 32 + i]), w0, dot0[r]);
      dot1[r] = fma((floats)(q[r * CHUNK * 32 + 16 + i]), w1, dot1[r]);
    }
  }
#else
  for (int i = 0; i < 16; ++i) {
    const floats w = CONVERT(float, WIDTH, LOAD(WIDTH, (GLOBAL const char*)codes + i * PANEL));
    UNROLL
    for (int r = 0; r < rows; ++r) dot0[r] = fma((floats)(q[r * CHUNK * 32 + i]), w, dot0[r]);
  }
  for (int i = 16; i < 32; ++i) {
    const floats w = CONVERT(float, WIDTH, LOAD(WIDTH, (GLOBAL const char*)codes + i * PANEL));
    UNROLL
    for (int r = 0; r < rows; ++r) dot1[r] = fma((floats)(q[r * CHUNK * 32 + i]), w, dot1[r]);
  }
#endif
}

FUNCTION floats scales_at(GLOBAL const uchar* block, int number) {
  return LOAD_STORED(SCALE, WIDTH, (GLOBAL const STORED(SCALE)*)(block + CODE_BYTES) + number * PANEL);
}

// One block of 32 for all rows and one vector of columns, which `block` already points at in the scales' case.
FUNCTION void add_block(floats* acc, const int rows, Staged x, int at, GLOBAL const uchar* block, int column) {
  floats dot[2][MANY];
  add_products(dot[0], dot[1], rows, x.q + 32 * at, block + column);
  GLOBAL const uchar* scales = block + column * (int)sizeof(STORED(SCALE));
  const floats d0 = scales_at(scales, 0);
#ifdef HALVES
  const floats d1 = scales_at(scales, 1);
#endif
#ifdef HAS_MIN
  const floats min0 = scales_at(scales, SCALES);
#ifdef HALVES
  const floats min1 = scales_at(scales, SCALES + 1);
#endif
#endif
  UNROLL
  for (int r = 0; r < rows; ++r) {
    const int unit = r * CHUNK * 2 + 2 * at;
    const float s0 = x.scale[unit], s1 = x.scale[unit + 1], t0 = x.sum[unit], t1 = x.sum[unit + 1];
    floats v0 = dot[0][r], v1 = dot[1][r];
#if LEAST != 0
    v0 = fma((floats)(t0), (floats)((float)(LEAST)), v0);  // exact, as the sum of integers that it is
    v1 = fma((floats)(t1), (floats)((float)(LEAST)), v1);
#endif
    floats sum = acc[r];
#ifdef HALVES
    sum = fma(v0 * (floats)(s0), d0, sum);
    sum = fma(v1 * (floats)(s1), d1, sum);
#ifdef HAS_MIN
    sum = fma((floats)(t0 * s0), min0, sum);
    sum = fma((floats)(t1 * s1), min1, sum);
#endif
#else
    sum = fma(fma(v1, (floats)(s1), v0 * (floats)(s0)), d0, sum);
#ifdef HAS_MIN
    sum = fma((floats)(fma(t1, s1, t0 * s0)), min0, sum);
#endif
#endif
    acc[r] = sum;
  }
}

FUNCTION void write_row(floats sum, GLOBAL const float* bias, GLOBAL float* y, const ProductQuantized* p, long column) {
  float value[WIDTH];
  STORE(WIDTH, sum, value);
  for (int i = 0; i < WIDTH; ++i) {
    if (column + i >= p->columns) return;
    if (bias) value[i] = value[i] + bias[(column + i) * p->bias_step];
    y[(column + i) * p->y_step] = value[i];
  }
}

FUNCTION void product(const int rows, ADDRESS(q), ADDRESS(scale), ADDRESS(sum), GLOBAL const uchar* panels,
                      GLOBAL const float* bias, GLOBAL float* y, const ProductQuantized* p, Staged staged) {
  const long first = GROUP(0) * rows, column = (GROUP(1) * LOCAL_ITEMS(0) + LOCAL_ITEM(0)) * (WIDTH * C);
  floats acc[C][MANY];
  for (int c = 0; c < C; ++c)
    for (int r = 0; r < rows; ++r) acc[c][r] = (floats)(0.0f);
  for (long from = 0; from < p->blocks; from += CHUNK) {
    const int n = p->blocks - from < CHUNK ? (int)(p->blocks - from) : CHUNK;
    stage(q_base, q_offset, scale_base, scale_offset, sum_base, sum_offset, p, rows, first, from, n, staged);
    BARRIER();
    for (int c = 0; c < C; ++c) {
      const long at = column + c * WIDTH;
      if (at >= p->columns) break;
      GLOBAL const uchar* block = panels + (at / PANEL * p->blocks + from) * BLOCK_BYTES;
      for (int b = 0; b < n; ++b) add_block(acc[c], rows, staged, b, block + b * BLOCK_BYTES, (int)(at % PANEL));
    }
    BARRIER();
  }
  for (int r = 0; r < rows; ++r) {
    if (first + r >= p->count) break;
    GLOBAL float* to = y + places_of(&p->rows, first + r).at[3];
    for (int c = 0; c < C; ++c) write_row(acc[c][r], bias, to, p, column + c * WIDTH);
  }
}

#define PRODUCT(ROWS)                                                                                                  \
  LOCAL float values[ROWS * CHUNK * 32], scales[ROWS * CHUNK * 2], sums[ROWS * CHUNK * 2];                             \
  Staged staged;                                                                                                       \
  staged.q = values;                                                                                                   \
  staged.scale = scales;                                                                                               \
  staged.sum = sums;                                                                                                   \
  product(ROWS, q_base, q_offset, scale_base, scale_offset, sum_base, sum_offset, POINTER(uchar, panels),              \
          PRESENT(bias) ? POINTER(float, bias) : 0, POINTER(float, y), &p, staged);

KERNEL void product_quantized_one(ADDRESS(q), ADDRESS(scale), ADDRESS(sum), ADDRESS(panels), ADDRESS(bias), ADDRESS(y),
                                  const ProductQuantized p) {
  PRODUCT(1)
}
KERNEL void product_quantized_many(ADDRESS(q), ADDRESS(scale), ADDRESS(sum), ADDRESS(panels), ADDRESS(bias), ADDRESS(y),
                                   const ProductQuantized p) {
  PRODUCT(MANY)
}
