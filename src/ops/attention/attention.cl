// SPDX-License-Identifier: Apache-2.0
// attention: one group of 64 work items to a token and head, each item a position of a block, then a few of the dims.
// CACHE: dtype of keys and values; D, DV: dims of a head; QUANTIZED (CACHE is I8, with scales), CAPPED, SINKS: 0 or 1.
#include "base/elementary-inl.h"
#include "ops/attention/attention_arguments.cl"
#include "ops/attention/block_sum.cl"
#include "ops/portable/dtypes.cl"

#define BLOCK 64
#define DIMS ((DV + BLOCK - 1) / BLOCK)

KERNEL void attention(ADDRESS(q), ADDRESS(k), ADDRESS(v), ADDRESS(table), ADDRESS(sequence), ADDRESS(positions),
                      ADDRESS(lengths), ADDRESS(sinks), ADDRESS(k_scales), ADDRESS(v_scales), ADDRESS(y),
                      const Attention p) {
  LOCAL float query[D], scores[BLOCK], weights[BLOCK], lanes[16];
  const int j = LOCAL_ITEM(0);
  const long t = GROUP(0), h = GROUP(1), kv_head = h / p.group;
  const float infinity = as_float(0x7f800000u);
  for (int d = j; d < D; d += BLOCK) query[d] = POINTER(float, q)[t * p.q[0] + h * p.q[1] + d * p.q[2]];

  const Visible sees = visible(&p, POINTER(int, sequence)[t * p.sequence_step],
                               POINTER(int, positions)[t * p.position_step],
                               PRESENT(lengths) ? POINTER(int, lengths) : 0);
  float m = -infinity, l = 0, acc[DIMS];
  for (int i = 0; i < DIMS; ++i) acc[i] = 0;
  bool any_seen = false;
  BARRIER();
  for (long from = sees.begin / BLOCK * BLOCK; from < sees.end; from += BLOCK) {
    const long block = POINTER(int, table)[sees.row * p.table[0] + from / BLOCK * p.table[1]];
    if (block < 0 || block >= p.cache_blocks) continue;  // the same for every work item of the group
    any_seen = true;
    const int first = sees.begin > from ? (int)(sees.begin - from) : 0;
    const int last = sees.end - from < BLOCK ? (int)(sees.end - from) : BLOCK;
    float score = -infinity;
    if (j >= first && j < last) {
      GLOBAL const STORED(CACHE)* key =
          POINTER(STORED(CACHE), k) + block * p.k[0] + kv_head * p.k[1] + j * p.k[3];
#if QUANTIZED
      GLOBAL const uint16_t* scale =
          POINTER(uint16_t, k_scales) + block * p.k_scales[0] + kv_head * p.k_scales[1] + j * p.k_scales[3];
#endif
      score = 0;
      for (int d = 0; d < D; ++d)
        score = fma(query[d], CACHED(key[d * p.k[2]], scale[d / 32 * p.k_scales[2]]), score);
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
    l = fma(l, c, block_sum(weights, lanes, j));
    for (int i = 0; i < DIMS; ++i) {
      const int d = j + i * BLOCK;
      if (d >= DV) break;
      GLOBAL const STORED(CACHE)* value = POINTER(STORED(CACHE), v) + block * p.v[0] + kv_head * p.v[1] + d * p.v[3];
#if QUANTIZED
      GLOBAL const uint16_t* scale =
          POINTER(uint16_t, v_scales) + block * p.v_scales[0] + kv_head * p.v_scales[1] + d / 32 * p.v_scales[3];
#endif
      float sum = acc[i] * c;
      for (int at = first; at < last; ++at)
        sum = fma(weights[at], CACHED(value[at * p.v[2]], scale[at * p.v_scales[2]]), sum);
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
  any_seen = true;
#endif
  for (int i = 0; i < DIMS; ++i) {
    const int d = j + i * BLOCK;
    if (d < DV) POINTER(float, y)[t * p.y[0] + h * p.y[1] + d * p.y[2]] = any_seen ? acc[i] / l : 0.0f;
  }
}
