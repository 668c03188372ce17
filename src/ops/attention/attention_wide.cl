// SPDX-License-Identifier: Apache-2.0
// attention for chips whose work items have vectors: an item to a token and up to HEADS query heads that share a key
// head and so every key and value it loads. WIDTH: floats of a vector; CACHE: dtype of keys and values, whose
// positions and dims lie side by side; D, DV: dims of a head; QUANTIZED (CACHE is I8, with scales), CAPPED, SINKS: 0
// or 1.
#include "base/elementary-inl.h"
#include "ops/attention/attention_arguments.cl"
#include "ops/portable/dtypes.cl"
#include "ops/portable/stored_vectors.cl"

#define BLOCK 64
#define SPAN (4 * WIDTH)  // positions or dims at a time
#define VECTORS 4
#if DV % SPAN == 0
#define VALUES 4
#elif DV % (2 * WIDTH) == 0
#define VALUES 2
#else
#define VALUES 1
#endif

typedef VECTOR(float, WIDTH) floats;

// WIDTH numbers of the cache; SCALES are read for I8 only.
#if QUANTIZED
#define CACHED_VECTOR(NUMBERS, SCALES) (CONVERT(float, WIDTH, LOAD(WIDTH, NUMBERS)) * (SCALES))
#else
#define CACHED_VECTOR(NUMBERS, SCALES) LOAD_STORED(CACHE, WIDTH, NUMBERS)
#endif

// score[r * BLOCK + j] = chain over the dims of query r and key j, for SPAN keys from `key` and `scale` on.
FUNCTION void dot_keys(float* score, GLOBAL const float* const* query, long query_step, GLOBAL const STORED(CACHE)* key,
                       long key_step, GLOBAL const uint16_t* scale, long scale_step) {
  floats sum[HEADS * VECTORS];
  UNROLL
  for (int i = 0; i < HEADS * VECTORS; ++i) sum[i] = (floats)(0.0f);
#if QUANTIZED
  floats scales[VECTORS];
#endif
  for (int d = 0; d < D; ++d) {
#if QUANTIZED
    if (d % 32 == 0) {
      UNROLL
      for (int i = 0; i < VECTORS; ++i) scales[i] = LOAD_STORED(F16, WIDTH, scale + d / 32 * scale_step + i * WIDTH);
    }
#endif
    floats k[VECTORS];
    UNROLL
    for (int i = 0; i < VECTORS; ++i) k[i] = CACHED_VECTOR(key + d * key_step + i * WIDTH, scales[i]);
    UNROLL
    for (int r = 0; r < HEADS; ++r) {
      const floats q = (floats)(query[r][d * query_step]);
      UNROLL
      for (int i = 0; i < VECTORS; ++i) sum[r * VECTORS + i] = fma(q, k[i], sum[r * VECTORS + i]);
    }
  }
  UNROLL
  for (int r = 0; r < HEADS; ++r) {
    UNROLL
    for (int i = 0; i < VECTORS; ++i) STORE(WIDTH, sum[r * VECTORS + i], score + r * BLOCK + i * WIDTH);
  }
}

// acc = acc * c, then the chain over positions first … last of weight and value, for some dims from d on.
FUNCTION void add_values(float* acc, const float* weight, const float* c, int d, GLOBAL const STORED(CACHE)* value,
                         long value_step, GLOBAL const uint16_t* scale, long scale_step, int first, int last) {
  floats sum[HEADS * VALUES];
  UNROLL
  for (int r = 0; r < HEADS; ++r) {
    UNROLL
    for (int i = 0; i < VALUES; ++i) sum[r * VALUES + i] = LOAD(WIDTH, acc + r * DV + i * WIDTH) * c[r];
  }
  for (int j = first; j < last; ++j) {
    floats v[VALUES];
    UNROLL
    for (int i = 0; i < VALUES; ++i)
      v[i] = CACHED_VECTOR(value + j * value_step + d + i * WIDTH,
                           (floats)(get_F16(scale[j * scale_step + (d + i * WIDTH) / 32])));
    UNROLL
    for (int r = 0; r < HEADS; ++r) {
      const floats w = (floats)(weight[r * BLOCK + j]);
      UNROLL
      for (int i = 0; i < VALUES; ++i) sum[r * VALUES + i] = fma(w, v[i], sum[r * VALUES + i]);
    }
  }
  UNROLL
  for (int r = 0; r < HEADS; ++r) {
    UNROLL
    for (int i = 0; i < VALUES; ++i) STORE(WIDTH, sum[r * VALUES + i], acc + r * DV + i * WIDTH);
  }
}

// The largest of m and the scores; a NaN among them makes the sum NaN, whatever this is.
FUNCTION float largest(const float* score, float m) {
  floats top = (floats)(m);
  for (int j = 0; j < BLOCK; j += WIDTH) {
    const floats s = LOAD(WIDTH, score + j);
    top = CHOOSE(float, WIDTH, s > top, s, top);
  }
  float lanes[WIDTH];
  STORE(WIDTH, top, lanes);
  for (int i = 0; i < WIDTH; ++i) m = lanes[i] > m ? lanes[i] : m;
  return m;
}

FUNCTION float lane_order_sum(const float* x) {
  float lanes[16];
  for (int i = 0; i < 16; ++i) lanes[i] = (((0.0f + x[i]) + x[i + 16]) + x[i + 32]) + x[i + 48];
  for (int i = 0; i < 8; ++i) lanes[i] = lanes[i] + lanes[i + 8];
  for (int i = 0; i < 4; ++i) lanes[i] = lanes[i] + lanes[i + 4];
  return (lanes[0] + lanes[2]) + (lanes[1] + lanes[3]);
}

KERNEL void attention_wide(ADDRESS(q), ADDRESS(k), ADDRESS(v), ADDRESS(table), ADDRESS(sequence), ADDRESS(positions),
                           ADDRESS(lengths), ADDRESS(sinks), ADDRESS(k_scales), ADDRESS(v_scales), ADDRESS(y),
                           const Attention p) {
  const long t = ITEM(0), kv_head = ITEM(1), from_head = kv_head * p.group + ITEM(2) * HEADS;
  const int heads = (kv_head + 1) * p.group - from_head < HEADS ? (int)((kv_head + 1) * p.group - from_head) : HEADS;
  const float infinity = as_float(0x7f800000u);
  float score[HEADS * BLOCK], acc[HEADS * DV], m[HEADS], l[HEADS], c[HEADS];
  GLOBAL const float* query[HEADS];
  for (int r = 0; r < HEADS; ++r) {
    // Heads that are not there do the last again.
    query[r] = POINTER(float, q) + t * p.q[0] + (from_head + (r < heads ? r : heads - 1)) * p.q[1];
    m[r] = -infinity;
    l[r] = 0;
  }
  for (int i = 0; i < HEADS * DV; ++i) acc[i] = 0;

  const Visible sees = visible(&p, POINTER(int, sequence)[t * p.sequence_step],
                               POINTER(int, positions)[t * p.position_step],
                               PRESENT(lengths) ? POINTER(int, lengths) : 0);
  bool any_seen = false;
  for (long from = sees.begin / BLOCK * BLOCK; from < sees.end; from += BLOCK) {
    const long block = POINTER(int, table)[sees.row * p.table[0] + from / BLOCK * p.table[1]];
    if (block < 0 || block >= p.cache_blocks) continue;
    any_seen = true;
    const int first = sees.begin > from ? (int)(sees.begin - from) : 0;
    const int last = sees.end - from < BLOCK ? (int)(sees.end - from) : BLOCK;
    GLOBAL const STORED(CACHE)* key = POINTER(STORED(CACHE), k) + block * p.k[0] + kv_head * p.k[1];
#if QUANTIZED
    GLOBAL const uint16_t* key_scale =
        POINTER(uint16_t, k_scales) + block * p.k_scales[0] + kv_head * p.k_scales[1];
    GLOBAL const uint16_t* value_scale =
        POINTER(uint16_t, v_scales) + block * p.v_scales[0] + kv_head * p.v_scales[1];
#else
    GLOBAL const uint16_t *key_scale = 0, *value_scale = 0;
#endif
    for (int j = 0; j < BLOCK; j += SPAN)
      dot_keys(score + j, query, p.q[2], key + j, p.k[2], key_scale + j, p.k_scales[2]);
    for (int r = 0; r < HEADS; ++r) {
      float* s = score + r * BLOCK;
      for (int j = 0; j < BLOCK; ++j) s[j] = s[j] * p.scale;
#if CAPPED
      for (int j = 0; j < BLOCK; ++j) s[j] = p.cap * tanh(s[j] / p.cap);
#endif
      for (int j = 0; j < first; ++j) s[j] = -infinity;
      for (int j = last; j < BLOCK; ++j) s[j] = -infinity;
      const float top = largest(s, m[r]);
      for (int j = 0; j < BLOCK; ++j) s[j] = exp(s[j] - top);
      for (int j = 0; j < first; ++j) s[j] = 0;
      for (int j = last; j < BLOCK; ++j) s[j] = 0;
      c[r] = exp(m[r] - top);
      l[r] = fma(l[r], c[r], lane_order_sum(s));
      m[r] = top;
    }
    GLOBAL const STORED(CACHE)* value = POINTER(STORED(CACHE), v) + block * p.v[0] + kv_head * p.v[1];
    for (int d = 0; d < DV; d += VALUES * WIDTH)
      add_values(acc + d, score, c, d, value, p.v[2], value_scale, p.v_scales[2], first, last);
  }
  for (int r = 0; r < heads; ++r) {
    const long h = from_head + r;
    float scaled = 1;
#if SINKS
    const float sink = POINTER(float, sinks)[h * p.sink_step];
    const float top = sink > m[r] ? sink : m[r];
    scaled = exp(m[r] - top);
    l[r] = fma(l[r], scaled, exp(sink - top));
    any_seen = true;
#endif
    for (int d = 0; d < DV; ++d)
      POINTER(float, y)[t * p.y[0] + h * p.y[1] + d * p.y[2]] =
          any_seen ? acc[r * DV + d] * scaled / l[r] : 0.0f;
  }
}
