// SPDX-License-Identifier: Apache-2.0
// What the attention kernels are launched with, which positions a token sees, and numbers of a cache. CACHE: dtype of
// keys and values; I8 has scales.
#include "ops/portable/dtypes.cl"

typedef struct {
  long heads, group, sequences, max_blocks, cache_blocks, window;
  long q[3], k[4], v[4], k_scales[4], v_scales[4], y[3], table[2];  // strides
  long sequence_step, position_step, length_step, sink_step;
  float scale, cap;
} Attention;

// Positions begin … end of row `row` of the table.
typedef struct {
  long row, begin, end;
} Visible;

FUNCTION Visible visible(const Attention* p, long row, long position, GLOBAL const int* lengths) {
  Visible sees;
  sees.row = row;
  sees.end = 0;
  if (row >= 0 && row < p->sequences) {
    sees.end = lengths ? lengths[row * p->length_step] : position + 1;
    if (sees.end > p->max_blocks * 64) sees.end = p->max_blocks * 64;
  }
  sees.begin = p->window > 0 && position + 1 > p->window ? position + 1 - p->window : 0;
  return sees;
}

// A number of the cache; SCALE, where its F16 scale lies, is read for I8 only.
#if QUANTIZED
#define CACHED(NUMBER, SCALE) (get_F16(SCALE) * (float)(NUMBER))
#else
#define CACHED(NUMBER, SCALE) GET(CACHE, NUMBER)
#endif
