// SPDX-License-Identifier: Apache-2.0
// attention: one group of 64 work items to a token and head, each item a position of a block, then a few of the dims.
// CACHE: dtype of keys and values; D, DV: dims of a head; CAPPED, SINKS: 0 or 1.
#include "base/elementary-inl.h"
#include "ops/portable/dtypes.cl"

#define BLOCK 64
#define DIMS ((DV + BLOCK - 1) / BLOCK)

typedef struct {
  long heads, group, sequences, max_blocks, cache_blocks, window;
  long q[3], k[4], v[4], y[3], table[2];  // strides
  long sequence_step, position_step, length_step, sink_step;
  float scale, cap;
} Attention;

KERNEL void attention(ADDRESS(q), ADDRESS(k), ADDRESS(v), ADDRESS(table), ADDRESS(sequence), ADDRESS(positions),
                      ADDRESS(lengths), ADDRESS(sinks), ADDRESS(y), const Attention p) {
  LOCAL float query[D], scores[BLOCK], weights[BLOCK], lanes[16];
  const int j = LOCAL_ITEM(0);
  const long t = GROUP(0), h = GROUP(1), kv_head = h / p.group;
  const float infinity = as_float(0x7f800000u);
  for (int d = j; d < D; d += BLOCK) query[d] = POINTER(float, q)[t * p.q[0] + h * p.q[1] + d * p.q[2]];

  const long row = POINTER(int, sequence)[t * p.sequence_step];
  const long position = POINTER(int, positions)[t * p.position_step];
  long end = 0;
  if (row >= 0 && row < p.sequences) {
    end = PRESENT(lengths) ? POINTER(int, lengths)[row * p.length_step] : position + 1;
    if (end > p.max_blocks * BLOCK) end = p.max_blocks * BLOCK;
  }
  const long begin = p.window > 0 && position + 1 > p.window ? position + 1 - p.window : 0;

  float m = -infinity, l = 0, acc[DIMS];
  for (int i = 0; i < DIMS; ++i) acc[i] = 0;
  int sees = 0;
  BARRIER();
  for (long from = begin / BLOCK * BLOCK; from < end; from += BLOCK) {
    const long block = POINTER(int, table)[row * p.table[0] + from / BLOCK * p.table[1]];
    if (block < 0 || block >= p.cache_blocks) continue;  // the same for every work item of the group
    sees = 1;
    const int first = begin > from ? (int)(begin - from) : 0, last = end - from < BLOCK ? (int)(end - from) : BLOCK;
    float score = -infinity;
    if (j >= first && j < last) {
      GLOBAL const STORED(CACHE)* key =
          POINTER(STORED(CACHE), k) + block * p.k[0] + kv_head * p.k[1] + j * p.k[3];
      score = 0;
      for (int d = 0; d < D; ++d) score = fma(query[d], GET(CACHE, key[d * p.k[2]]), score);
      score = score * p.scale;
#if CAPPED
      score = p.cap * tanh(score / p.cap);
#endif
    }
    scores[j] = score;
    BARRIER();
    float top = m;
    for (int i = 0; i < BLOCK; ++i) top = scores[i] > top ? scores[i] : top;
    const float c = exp(m - top);
    weights[j] = j >= first && j < last ? exp(score - top) : 0.0f;
    BARRIER();
    if (j < 16) lanes[j] = (((0.0f + weights[j]) + weights[j + 16]) + weights[j + 32]) + weights[j + 48];
    BARRIER();
    for (int step = 8; step > 0; step /= 2) {
      if (j < step) lanes[j] = lanes[j] + lanes[j + step];
      BARRIER();
    }
    l = fma(l, c, lanes[0]);
    for (int i = 0; i < DIMS; ++i) {
      const int d = j + i * BLOCK;
      if (d >= DV) break;
      GLOBAL const STORED(CACHE)* value = POINTER(STORED(CACHE), v) + block * p.v[0] + kv_head * p.v[1] + d * p.v[3];
      float sum = acc[i] * c;
      for (int at = first; at < last; ++at) sum = fma(weights[at], GET(CACHE, value[at * p.v[2]]), sum);
      acc[i] = sum;
    }
    m = top;
    BARRIER();  // scores, weights and lanes may be written again
  }
#if SINKS
  const float sink = POINTER(float, sinks)[h * p.sink_step];
  const float top = sink > m ? sink : m, c = exp(m - top);
  l = fma(l, c, exp(sink - top));
  for (int i = 0; i < DIMS; ++i) acc[i] = acc[i] * c;
  sees = 1;
#endif
  for (int i = 0; i < DIMS; ++i) {
    const int d = j + i * BLOCK;
    if (d < DV) POINTER(float, y)[t * p.y[0] + h * p.y[1] + d * p.y[2]] = sees ? acc[i] / l : 0.0f;
  }
}
