// SPDX-License-Identifier: Apache-2.0
// Dense products over a right side in panels of 16 columns: panel by panel, k by k, the columns side by side. A work
// item makes C vectors of WIDTH columns in the rows of its group, whose left sides lie in local memory as floats.
// A, W, Y: dtypes of left side, panels and result; MANY: rows of a group where there are many; PAIRS for BF16.
#include "ops/portable/dtypes.cl"
#include "ops/portable/stored_vectors.cl"
#include "ops/matmul/pairs.cl"
#include "ops/portable/loops.cl"

#define PANEL 16
#define CHUNK 256  // of the depth at a time

typedef VECTOR(float, WIDTH) floats;

typedef struct {
  Loops rows;     // of left side and result
  Loops batches;  // of left side, panels (counted in right sides) and result
  long count, columns, depth;
  long a_step, y_step, bias_step;
} Product;

// Depth as the panels have it.
#ifdef PAIRS
#define STEPS(DEPTH) (((DEPTH) + 1) / 2 * 2)
#define STEP(I) ((I) ^ 1)  // odd, then even
#define TAKE(STORED_VALUE) flushed(get_BF16(put_BF16(GET(A, STORED_VALUE))))
#else
#define STEPS(DEPTH) (DEPTH)
#define STEP(I) (I)
#define TAKE(STORED_VALUE) GET(A, STORED_VALUE)
#endif

// Results that are tiny become zero in pairs, but to look at each takes four times as long. Numbers of 8 bits and at least
// 2^a and 2^b have products that are multiples of 2^(a + b - 14), and so are sums of them, rounded or not: where that is
// 2^-126 or more, no result is tiny. SIZE orders the bits of floats by magnitude, zeros last; its top 8 bits are the biased
// exponent or, of powers of two, one less, so those of both sides must come to 2 * 127 + 14 - 126 = 142.
#define SIZE(BITS) (((BITS) << 1) - 1u)

FUNCTION float flushed(float x) { return zero_if_subnormal(x); }

// Columns of the left side's rows first … from `from` on into local memory; what is not there as zero. The least size that
// this item stages.
FUNCTION uint stage(GLOBAL const STORED(A)* a, const Product* p, const int rows, long first, long from, int n,
                    IN_LOCAL float* staged) {
  uint least = ~0u;
  for (int unit = LOCAL_ITEM(0); unit < rows * (CHUNK / 16); unit += LOCAL_ITEMS(0)) {
    const int r = unit / (CHUNK / 16), k = unit % (CHUNK / 16) * 16;
    IN_LOCAL float* to = staged + r * CHUNK + k;
    if (k >= n) continue;
    const int there = first + r >= p->count ? 0 : p->depth - from - k < 16 ? (int)(p->depth - from - k) : 16;
    GLOBAL const STORED(A)* row = a + (there > 0 ? places_of(&p->rows, first + r).at[0] : 0) + (from + k) * p->a_step;
    if (there == 16 && p->a_step == 1) {
      for (int i = 0; i < 16; ++i) to[i] = TAKE(row[i]);
    } else {
      for (int i = 0; i < 16; ++i) to[i] = i < there ? TAKE(row[i * p->a_step]) : 0.0f;
    }
#ifdef PAIRS
    for (int i = 0; i < 16; ++i) least = SIZE(as_uint(to[i])) < least ? SIZE(as_uint(to[i])) : least;
#endif
  }
  return least;
}

#ifdef PAIRS
FUNCTION floats flushed_weights(floats w) {
  return CHOOSE(float, WIDTH, fabs(w) < (floats)(0x1p-126f), AS(float, WIDTH, AS(uint, WIDTH, w) & 0x80000000u), w);
}
// fma(x, w, acc) of operands that are no subnormals, as in pair_step.
FUNCTION floats flushed_step(floats x, floats w, floats acc) {
  const floats result = fma(x, w, acc);
  const VECTOR(int, WIDTH) small = fabs(result) <= (floats)(0x1p-126f);
  if (!ANY(WIDTH, small)) return result;
  const VECTOR(int, WIDTH) zero = fabs(fma(x * 0x1p60f, w, acc * 0x1p60f)) < (floats)(0x1p-66f);
  return CHOOSE(float, WIDTH, small & zero, AS(float, WIDTH, AS(uint, WIDTH, result) & 0x80000000u), result);
}
// multiply, looking at each result.
FUNCTION void multiply_tiny(floats* acc, const int rows, IN_LOCAL const float* a, GLOBAL const STORED(W)* w, long apart,
                            int n) {
  for (int r = 0; r < rows; ++r)
    for (int c = 0; c < C; ++c) {
      floats sum = acc[r * C + c];
      for (int k = 0; k < n; k += 2)
        for (int odd = 1; odd >= 0; --odd)
          sum = flushed_step((floats)(a[r * CHUNK + k + odd]),
                             flushed_weights(LOAD_STORED(W, WIDTH, w + c * apart + (k + odd) * PANEL)), sum);
      acc[r * C + c] = sum;
    }
}
#endif

// n steps of the chains of all rows; vector c of the columns is at w + c * apart. Pairs: `least` is the least size of the
// left side's numbers; once results may be tiny, *tiny is true.
FUNCTION void multiply(floats* acc, const int rows, IN_LOCAL const float* a, GLOBAL const STORED(W)* w, long apart,
                       int n, uint least, bool* tiny) {
  floats sum[MANY * C];
  UNROLL
  for (int i = 0; i < rows * C; ++i) sum[i] = acc[i];
#ifdef PAIRS
  VECTOR(uint, WIDTH) least_weight = (VECTOR(uint, WIDTH))(~0u);
#endif
  for (int step = 0; step < n; ++step) {
    const int k = STEP(step);
    floats b[C];
    UNROLL
    for (int c = 0; c < C; ++c) b[c] = LOAD_STORED(W, WIDTH, w + c * apart + k * PANEL);
#ifdef PAIRS
    UNROLL
    for (int c = 0; c < C; ++c) {
      const VECTOR(uint, WIDTH) size = SIZE(AS(uint, WIDTH, b[c]));
      least_weight = CHOOSE(uint, WIDTH, size < least_weight, size, least_weight);
    }
#endif
    UNROLL
    for (int r = 0; r < rows; ++r) {
      const floats x = (floats)(a[r * CHUNK + k]);
      UNROLL
      for (int c = 0; c < C; ++c) sum[r * C + c] = fma(x, b[c], sum[r * C + c]);
    }
  }
#ifdef PAIRS
  uint sizes[WIDTH];
  STORE(WIDTH, least_weight, sizes);
  for (int i = 1; i < WIDTH; ++i) sizes[0] = sizes[i] < sizes[0] ? sizes[i] : sizes[0];
  *tiny = *tiny || (least >> 24) + (sizes[0] >> 24) < 142;
  if (*tiny) {
    multiply_tiny(acc, rows, a, w, apart, n);
    return;
  }
#endif
  UNROLL
  for (int i = 0; i < rows * C; ++i) acc[i] = sum[i];
}

FUNCTION void write_row(floats sum, GLOBAL const float* bias, GLOBAL STORED(Y)* y, const Product* p, long column) {
  float value[WIDTH];
  STORE(WIDTH, sum, value);
  for (int i = 0; i < WIDTH; ++i) {
    if (column + i >= p->columns) return;
    if (bias) value[i] = value[i] + bias[(column + i) * p->bias_step];
    y[(column + i) * p->y_step] = PUT(Y, value[i]);
  }
}

FUNCTION void product(const int rows, GLOBAL const STORED(A)* a, GLOBAL const STORED(W)* panels,
                      GLOBAL const float* bias, GLOBAL STORED(Y)* y, const Product* p, IN_LOCAL float* staged,
                      IN_LOCAL uint* leasts) {
  const long first = GROUP(0) * rows, column = (GROUP(1) * LOCAL_ITEMS(0) + LOCAL_ITEM(0)) * (WIDTH * C);
  const long steps = STEPS(p->depth), panel_count = (p->columns + PANEL - 1) / PANEL;
  const Places batch = places_of(&p->batches, GROUP(2));
  GLOBAL const STORED(W)* w =
      panels + (batch.at[1] * panel_count + column / PANEL) * steps * PANEL + column % PANEL;
  // The vector beside; where there is none the first again.
  const long apart = WIDTH < PANEL ? WIDTH : column + PANEL < p->columns ? steps * PANEL : 0;
  bool tiny = false;
  floats acc[MANY * C];
  for (int i = 0; i < rows * C; ++i) acc[i] = (floats)(0.0f);
  for (long from = 0; from < steps; from += CHUNK) {
    const int n = steps - from < CHUNK ? (int)(steps - from) : CHUNK;
    leasts[LOCAL_ITEM(0)] = stage(a + batch.at[0], p, rows, first, from, n, staged);
    BARRIER();
    uint least = ~0u;
#ifdef PAIRS
    for (int i = 0; i < LOCAL_ITEMS(0); ++i) least = leasts[i] < least ? leasts[i] : least;
#endif
    if (column < p->columns) multiply(acc, rows, staged, w + from * PANEL, apart, n, least, &tiny);
    BARRIER();
  }
  for (int r = 0; r < rows; ++r) {
    if (first + r >= p->count) break;
    GLOBAL STORED(Y)* to = y + batch.at[2] + places_of(&p->rows, first + r).at[1];
    for (int c = 0; c < C; ++c) write_row(acc[r * C + c], bias, to, p, column + c * WIDTH);
  }
}

#define PRODUCT(ROWS)                                                                                     \
  LOCAL float staged[ROWS * CHUNK];                                                                       \
  LOCAL uint leasts[GROUP_ITEMS];                                                                         \
  product(ROWS, POINTER(STORED(A), a), POINTER(STORED(W), panels), PRESENT(bias) ? POINTER(float, bias) : 0, \
          POINTER(STORED(Y), y), &p, staged, leasts);

KERNEL void product_one(ADDRESS(a), ADDRESS(panels), ADDRESS(bias), ADDRESS(y), const Product p) { PRODUCT(1) }
KERNEL void product_many(ADDRESS(a), ADDRESS(panels), ADDRESS(bias), ADDRESS(y), const Product p) { PRODUCT(MANY) }

#ifdef PACKS
// Panels of right sides in device memory: a work item makes 16 steps of a panel.
typedef struct {
  Loops sides;  // where each right side begins
  long columns, depth, column_step, depth_step;
} Pack;
KERNEL void pack_panels(ADDRESS(b), ADDRESS(panels), const Pack p) {
  const long steps = STEPS(p.depth), k = ITEM(0) * 16, panel = ITEM(1), panel_count = ITEMS(1);
  if (k >= steps) return;
  const int n = steps - k < 16 ? (int)(steps - k) : 16;
  GLOBAL const STORED(W)* from = POINTER(STORED(W), b) + places_of(&p.sides, ITEM(2)).at[0];
  GLOBAL STORED(W)* to = POINTER(STORED(W), panels) + ((ITEM(2) * panel_count + panel) * steps + k) * PANEL;
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < PANEL; ++j) {
      const long column = panel * PANEL + j;
      to[i * PANEL + j] = column < p.columns && k + i < p.depth
                              ? from[column * p.column_step + (k + i) * p.depth_step]
                              : (STORED(W))0;
    }
}
#endif
