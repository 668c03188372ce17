// SPDX-License-Identifier: Apache-2.0
// dense_attention: one group of 64 work items to a row of a head, each item a position of a block, then a few of the dims.
// Q, KV: dtypes; D, DV: dims of a head; MASK: a dtype, where there is one, MASK_ADDS: 0 for Bool; CAPPED, SINKS: 0 or 1.
#include "base/elementary-inl.h"
#include "ops/attention/block_sum.cl"
#include "ops/portable/dtypes.cl"

#define BLOCK 64
#define DIMS ((DV + BLOCK - 1) / BLOCK)

typedef struct {
  long rows, heads, group, positions, before, after, align_end;
  long q[4], k[4], v[4], mask[4], y[4];
  long length_step, sink_step;
  float scale, cap;
} DenseAttention;

KERNEL void dense_attention(ADDRESS(q), ADDRESS(k), ADDRESS(v), ADDRESS(mask), ADDRESS(lengths), ADDRESS(sinks),
                            ADDRESS(y), const DenseAttention p) {
  LOCAL float query[D > 0 ? D : 1], scores[BLOCK], weights[BLOCK], lanes[16];
  const int j = LOCAL_ITEM(0);
  const long row = GROUP(0), h = GROUP(1), b = GROUP(2), kv_head = h / p.group;
  const float unseen = -as_float(0x7f800000u);
  for (int d = j; d < D; d += BLOCK)
    query[d] = GET(Q, POINTER(STORED(Q), q)[b * p.q[0] + h * p.q[1] + row * p.q[2] + d * p.q[3]]);
  long length = p.positions;
  if (PRESENT(lengths)) {
    const long given = POINTER(int, lengths)[b * p.length_step];
    length = given < 0 ? 0 : given < length ? given : length;
  }
  const long position = row + (p.align_end ? length - p.rows : 0);
  const long begin = p.before < 0 || position < p.before ? 0 : position - p.before;
  const long end = p.after < 0 || position + p.after + 1 > length ? length : position + p.after + 1;
  GLOBAL const STORED(KV)* keys = POINTER(STORED(KV), k) + b * p.k[0] + kv_head * p.k[1];
  GLOBAL const STORED(KV)* values = POINTER(STORED(KV), v) + b * p.v[0] + kv_head * p.v[1];
  float m = unseen, l = 0, acc[DIMS > 0 ? DIMS : 1];
  for (int i = 0; i < DIMS; ++i) acc[i] = 0;
  bool sees = false;
  BARRIER();
  for (long from = begin / BLOCK * BLOCK; from < end; from += BLOCK) {
    const long at = from + j;
    const int count = length - from < BLOCK ? (int)(length - from) : BLOCK;
    float score = unseen, add = 0;
    bool visible = at >= begin && at < end;
#ifdef MASK
    if (visible) {
      const STORED(MASK) stored =
          POINTER(STORED(MASK), mask)[b * p.mask[0] + h * p.mask[1] + row * p.mask[2] + at * p.mask[3]];
#if MASK_ADDS
      add = GET(MASK, stored);
      visible = !(add == unseen);
#else
      visible = stored != 0;
#endif
    }
#endif
    if (visible) {
      score = 0;
      for (int d = 0; d < D; ++d) score = fma(query[d], GET(KV, keys[at * p.k[2] + d * p.k[3]]), score);
      score = score * p.scale;
#if CAPPED
      score = p.cap * tanh(score / p.cap);
#endif
#if MASK_ADDS
      score = score + add;
#endif
    }
    scores[j] = score;
    BARRIER();
    float top = m;
    bool any = false;
    for (int i = 0; i < BLOCK; ++i) {
      top = scores[i] > top ? scores[i] : top;
      any = any || !(scores[i] == unseen);
    }
    if (any) {  // the same for every work item of the group
      const float c = exp(m - top);
      weights[j] = score == unseen ? 0.0f : exp(score - top);
      l = fma(l, c, block_sum(weights, lanes, j));
      for (int i = 0; i < DIMS; ++i) {
        const int d = j + i * BLOCK;
        if (d >= DV) break;
        float sum = acc[i] * c;
        for (int n = 0; n < count; ++n)
          sum = fma(weights[n], GET(KV, values[(from + n) * p.v[2] + d * p.v[3]]), sum);
        acc[i] = sum;
      }
      m = top;
      sees = true;
    }
    BARRIER();  // scores, weights and lanes may be written again
  }
#if SINKS
  const float sink = POINTER(float, sinks)[h * p.sink_step];
  const float top = sink > m ? sink : m, c = exp(m - top);
  l = fma(l, c, exp(sink - top));
  for (int i = 0; i < DIMS; ++i) acc[i] = acc[i] * c;
  sees = true;
#endif
  for (int i = 0; i < DIMS; ++i) {
    const int d = j + i * BLOCK;
    if (d < DV)
      POINTER(STORED(Q), y)[b * p.y[0] + h * p.y[1] + row * p.y[2] + d * p.y[3]] = PUT(Q, sees ? acc[i] / l : 0.0f);
  }
}
