/* SPDX-License-Identifier: Apache-2.0 */
/* What the chip computes: plain loops in the order that docs/decisions/0001-numerics.md fixes. Compiled with
 * -ffp-contract=off: every fused multiply-add is written out. */
#include <stddef.h>

#include "chip.h"
#include "elementary.h"
#include "isthmus/dtype.h"

/* An operand with its bytes at hand. */
struct view {
  char* data;
  int32_t dtype, rank;
  const int64_t *dims, *strides;
};

static int64_t element_bytes(int32_t dtype) {
  switch (dtype) {
    case ISTHMUS_F64:
    case ISTHMUS_I64:
    case ISTHMUS_U64: return 8;
    case ISTHMUS_F32:
    case ISTHMUS_I32:
    case ISTHMUS_U32: return 4;
    case ISTHMUS_F16:
    case ISTHMUS_BF16:
    case ISTHMUS_I16:
    case ISTHMUS_U16: return 2;
    default: return 1;
  }
}

static float get(const struct view* t, int64_t at) {
  switch (t->dtype) {
    case ISTHMUS_F16: return from_f16(((const uint16_t*)t->data)[at]);
    case ISTHMUS_BF16: return from_bits((uint32_t)((const uint16_t*)t->data)[at] << 16);
    default: return ((const float*)t->data)[at];
  }
}
static void put(const struct view* t, int64_t at, float value) {
  switch (t->dtype) {
    case ISTHMUS_F16: ((uint16_t*)t->data)[at] = to_f16(value); break;
    case ISTHMUS_BF16: ((uint16_t*)t->data)[at] = to_bf16(value); break;
    default: ((float*)t->data)[at] = value;
  }
}
static int64_t get_index(const struct view* t, int64_t at) {
  return t->dtype == ISTHMUS_I64 ? ((const int64_t*)t->data)[at] : ((const int32_t*)t->data)[at];
}

/* How many elements there are, not counting along axis `skip` (-1: none). */
static int64_t count_of(const struct view* shape, int skip) {
  int64_t count = 1;
  for (int i = 0; i < shape->rank; ++i)
    if (i != skip) count *= shape->dims[i];
  return count;
}
/* Where t has the element that is number `index` of `shape` in row-major order, not counting along axis
 * `skip`. t may lack leading dimensions or have 1 where shape has more: it is broadcast. */
static int64_t at(const struct view* t, const struct view* shape, int skip, int64_t index) {
  int64_t offset = 0;
  for (int i = shape->rank - 1; i >= 0; --i) {
    if (i == skip) continue;
    const int own = i - (shape->rank - t->rank);
    if (own >= 0 && t->dims[own] != 1) offset += index % shape->dims[i] * t->strides[own];
    index /= shape->dims[i];
  }
  return offset;
}
static int64_t last_stride(const struct view* t) { return t->rank > 0 ? t->strides[t->rank - 1] : 1; }

/* The order of every sum over a row: 16 lanes, added in halves. */
static float sum_lanes(float* lanes) {
  for (int half = 8; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  return lanes[0];
}

/* ---- Elementwise ---- */

static void copy(const struct view* x, const struct view* y) {
  const int64_t size = element_bytes(x->dtype);
  for (int64_t i = 0; i < count_of(y, -1); ++i)
    memcpy(y->data + at(y, y, -1, i) * size, x->data + at(x, y, -1, i) * size, (size_t)size);
}

static void elementwise(uint32_t code, const struct view* a, const struct view* b, const struct view* y) {
  for (int64_t i = 0; i < count_of(y, -1); ++i) {
    const float x = get(a, at(a, y, -1, i));
    const float z = b != NULL ? get(b, at(b, y, -1, i)) : 0;
    float value = x; /* cast */
    if (code == TOY_ADD) value = x + z;
    if (code == TOY_MUL) value = x * z;
    if (code == TOY_SILU) value = exact_silu(x);
    if (code == TOY_SWIGLU) value = exact_silu(x) * z;
    put(y, at(y, y, -1, i), value);
  }
}

/* ---- Rows ---- */

static void softmax(const struct view* x, const struct view* y, int axis) {
  const int64_t n = x->dims[axis], xs = x->strides[axis], ys = y->strides[axis];
  for (int64_t row = 0; n > 0 && row < count_of(x, axis); ++row) {
    const int64_t from = at(x, x, axis, row), to = at(y, x, axis, row);
    float top = get(x, from), lanes[16] = {0};
    for (int64_t i = 1; i < n; ++i)
      if (get(x, from + i * xs) > top) top = get(x, from + i * xs);
    for (int64_t i = 0; i < n; ++i) lanes[i % 16] += exact_exp(get(x, from + i * xs) - top);
    const float sum = sum_lanes(lanes);
    for (int64_t i = 0; i < n; ++i) put(y, to + i * ys, exact_exp(get(x, from + i * xs) - top) / sum);
  }
}

static void rms_norm(const struct view* x, const struct view* weight, const struct view* y, float eps) {
  const int axis = x->rank - 1;
  const int64_t n = x->dims[axis], xs = x->strides[axis], ys = y->strides[axis];
  for (int64_t row = 0; row < count_of(x, axis); ++row) {
    const int64_t from = at(x, x, axis, row), to = at(y, x, axis, row);
    float lanes[16] = {0};
    for (int64_t i = 0; i < n; ++i) {
      const float value = get(x, from + i * xs);
      lanes[i % 16] = fmaf(value, value, lanes[i % 16]);
    }
    const float factor = 1.0f / sqrtf(sum_lanes(lanes) / (float)n + eps);
    for (int64_t i = 0; i < n; ++i) {
      float value = get(x, from + i * xs) * factor;
      if (weight->dtype != 0) value = value * get(weight, i * weight->strides[0]);
      put(y, to + i * ys, value);
    }
  }
}

static void rope(const struct view* x, const struct view* positions, const struct view* inv_freq,
                 const struct view* y, float scale, int interleaved) {
  const int64_t pairs = inv_freq->dims[0], xs = x->strides[2], ys = y->strides[2];
  for (int64_t t = 0; t < x->dims[0]; ++t)
    for (int64_t h = 0; h < x->dims[1]; ++h) {
      const int64_t from = t * x->strides[0] + h * x->strides[1], to = t * y->strides[0] + h * y->strides[1];
      for (int64_t i = 0; i < pairs; ++i) {
        const float position = (float)get_index(positions, t * positions->strides[0]);
        float s, c;
        exact_sincos(position * get(inv_freq, i * inv_freq->strides[0]), &s, &c);
        s = s * scale, c = c * scale;
        const int64_t one = interleaved ? 2 * i : i, two = interleaved ? 2 * i + 1 : i + pairs;
        const float a = get(x, from + one * xs), b = get(x, from + two * xs);
        put(y, to + one * ys, fmaf(a, c, -(b * s)));
        put(y, to + two * ys, fmaf(b, c, a * s));
      }
      for (int64_t i = 2 * pairs; i < x->dims[2]; ++i) put(y, to + i * ys, get(x, from + i * xs));
    }
}

static void cache_write(const struct view* x, const struct view* slots, const struct view* cache,
                        int dims_major) {
  const int64_t* s = cache->strides;
  for (int64_t t = 0; t < x->dims[0]; ++t) {
    const int64_t slot = get_index(slots, t * slots->strides[0]);
    if (slot < 0 || slot >= cache->dims[0] * 64) continue;
    for (int64_t h = 0; h < x->dims[1]; ++h)
      for (int64_t d = 0; d < x->dims[2]; ++d)
        put(cache,
            slot / 64 * s[0] + h * s[1] + (dims_major ? d : slot % 64) * s[2] +
                (dims_major ? slot % 64 : d) * s[3],
            get(x, t * x->strides[0] + h * x->strides[1] + d * x->strides[2]));
  }
}

/* ---- Quantised weights: Q8_0 (a scale and 32 int8) and Q4_1 (scale, minimum, 32 nibbles, low ones first)
 * ---- */

struct block {
  float d, m;
  int32_t w[32];
};

static void read_block(const struct view* t, int64_t row, int64_t number, struct block* block) {
  const int64_t bytes = t->dtype == ISTHMUS_Q8_0 ? 34 : 20;
  const unsigned char* from = (unsigned char*)t->data + (row * t->strides[0] / 32 + number) * bytes;
  uint16_t halves[2];
  memcpy(halves, from, sizeof halves);
  block->d = from_f16(halves[0]);
  block->m = t->dtype == ISTHMUS_Q8_0 ? 0 : from_f16(halves[1]);
  for (int i = 0; i < 32; ++i)
    block->w[i] = t->dtype == ISTHMUS_Q8_0 ? (signed char)from[2 + i]
                  : i < 16                 ? from[4 + i] & 15
                                           : from[4 + i - 16] >> 4;
}

static void embedding(const struct view* ids, const struct view* table, const struct view* y) {
  const int64_t width = table->dims[1], ys = last_stride(y);
  const int quantized = table->dtype == ISTHMUS_Q8_0 || table->dtype == ISTHMUS_Q4_1;
  for (int64_t row = 0; row < count_of(ids, -1); ++row) {
    const int64_t id = get_index(ids, at(ids, ids, -1, row)), to = at(y, y, y->rank - 1, row);
    struct block block = {0};
    for (int64_t i = 0; i < width; ++i) {
      float value = NAN;
      if (id >= 0 && id < table->dims[0]) {
        if (quantized && i % 32 == 0) read_block(table, id, i / 32, &block);
        value = quantized ? block.d * (float)block.w[i % 32]
                          : get(table, id * table->strides[0] + i * table->strides[1]);
        if (table->dtype == ISTHMUS_Q4_1) value = value + block.m;
      }
      put(y, to + i * ys, value);
    }
  }
}

static void quantize_rows(const struct view* x, const struct view* q, const struct view* scale,
                          const struct view* sum) {
  const int axis = x->rank - 1;
  for (int64_t row = 0; row < count_of(x, axis); ++row)
    for (int64_t b = 0; b < x->dims[axis] / 16; ++b) {
      const int64_t from = at(x, x, axis, row), to = at(q, x, axis, row);
      float amax = 0;
      int finite = 1;
      for (int64_t i = 16 * b; i < 16 * b + 16; ++i) {
        const float magnitude = fabsf(get(x, from + i * x->strides[axis]));
        if (!isfinite(magnitude)) finite = 0;
        if (magnitude > amax) amax = magnitude;
      }
      const float inverse = 127.0f / amax;
      const int plain = finite && isfinite(inverse);
      int32_t total = 0;
      for (int64_t i = 16 * b; i < 16 * b + 16; ++i) {
        const int value = plain ? (int)nearbyintf(get(x, from + i * x->strides[axis]) * inverse) : 0;
        ((signed char*)q->data)[to + i * q->strides[axis]] = (signed char)value;
        total += value;
      }
      ((float*)scale->data)[at(scale, x, axis, row) + b * last_stride(scale)] = plain    ? amax / 127.0f
                                                                                : finite ? 0.0f
                                                                                         : NAN;
      ((int32_t*)sum->data)[at(sum, x, axis, row) + b * last_stride(sum)] = total;
    }
}

/* ---- Products ---- */

static void linear(const struct view* x, const struct view* weight, const struct view* bias,
                   const struct view* y) {
  const int axis = x->rank - 1;
  const int64_t k = weight->dims[1], xs = x->strides[axis];
  for (int64_t row = 0; row < count_of(x, axis); ++row) {
    const int64_t from = at(x, x, axis, row), to = at(y, x, axis, row);
    for (int64_t n = 0; n < weight->dims[0]; ++n) {
      float acc = 0;
      for (int64_t i = 0; i < k; ++i)
        acc = fmaf(((const float*)x->data)[from + i * xs],
                   get(weight, n * weight->strides[0] + i * weight->strides[1]), acc);
      if (bias->dtype != 0) acc += get(bias, n * bias->strides[0]);
      put(y, to + n * y->strides[axis], acc);
    }
  }
}

static void linear_quantized(const struct view* q, const struct view* scale, const struct view* sum,
                             const struct view* weight, const struct view* bias, const struct view* y) {
  const int axis = q->rank - 1;
  const int64_t qs = q->strides[axis];
  for (int64_t n = 0; n < weight->dims[0]; ++n)
    for (int64_t row = 0; row < count_of(q, axis); ++row) {
      const signed char* numbers = (signed char*)q->data + at(q, q, axis, row);
      const float* scales = (float*)scale->data + at(scale, q, axis, row);
      const int32_t* sums = (int32_t*)sum->data + at(sum, q, axis, row);
      float acc = 0;
      for (int64_t b = 0; b < weight->dims[1] / 32; ++b) {
        struct block block;
        read_block(weight, n, b, &block);
        int32_t dot[2] = {0, 0};
        for (int i = 0; i < 32; ++i) dot[i / 16] += block.w[i] * numbers[(32 * b + i) * qs];
        const int64_t one = 2 * b * last_stride(scale), two = one + last_stride(scale);
        acc = fmaf(fmaf((float)dot[1], scales[two], (float)dot[0] * scales[one]), block.d, acc);
        if (weight->dtype == ISTHMUS_Q8_0) continue;
        const int64_t first = 2 * b * last_stride(sum), second = first + last_stride(sum);
        acc = fmaf(fmaf((float)sums[second], scales[two], (float)sums[first] * scales[one]), block.m, acc);
      }
      if (bias->dtype != 0) acc += get(bias, n * bias->strides[0]);
      put(y, at(y, q, axis, row) + n * last_stride(y), acc);
    }
}

/* ---- Which it is ---- */

/* Finds the operand's bytes. False when some lie outside of the chip's memory. */
static int find(const struct toy_tensor* tensor, struct view* v) {
  *v = (struct view){NULL, tensor->dtype, tensor->rank, tensor->dims, tensor->strides};
  if (tensor->rank < 0 || tensor->rank > TOY_RANK) return 0;
  int64_t first = 0, last = 0;
  for (int i = 0; i < tensor->rank; ++i) {
    if (tensor->dims[i] <= 0) return tensor->dims[i] == 0; /* nothing to find */
    const int64_t reach = (tensor->dims[i] - 1) * tensor->strides[i];
    *(reach < 0 ? &first : &last) += reach;
  }
  int64_t bytes = element_bytes(tensor->dtype), begin = first * bytes;
  bytes = (last - first + 1) * bytes;
  if (tensor->dtype == ISTHMUS_Q8_0) bytes = (last + 1) / 32 * 34;
  if (tensor->dtype == ISTHMUS_Q4_1) bytes = (last + 1) / 32 * 20;
  if (tensor->dtype != 0) {
    v->data = chip_memory(tensor->address + (uint64_t)begin, (uint64_t)bytes);
    if (v->data == NULL) return 0;
    v->data -= begin;
  }
  return 1;
}

const char* chip_run_operator(const struct toy_command* command) {
  struct view v[TOY_OPERANDS];
  if (command->operands < 1 || command->operands > TOY_OPERANDS) return "a command has too many operands";
  for (int i = 0; i < command->operands; ++i)
    if (!find(&command->operand[i], &v[i])) return "an operand reaches outside of the chip's memory";
  switch (command->code) {
    case TOY_COPY: copy(&v[0], &v[1]); return NULL;
    case TOY_CAST:
    case TOY_SILU: elementwise(command->code, &v[0], NULL, &v[1]); return NULL;
    case TOY_ADD:
    case TOY_MUL:
    case TOY_SWIGLU: elementwise(command->code, &v[0], &v[1], &v[2]); return NULL;
    case TOY_SOFTMAX: softmax(&v[0], &v[1], command->flag); return NULL;
    case TOY_RMS_NORM: rms_norm(&v[0], &v[1], &v[2], command->number); return NULL;
    case TOY_ROPE: rope(&v[0], &v[1], &v[2], &v[3], command->number, command->flag); return NULL;
    case TOY_EMBEDDING: embedding(&v[0], &v[1], &v[2]); return NULL;
    case TOY_CACHE_WRITE: cache_write(&v[0], &v[1], &v[2], command->flag); return NULL;
    case TOY_QUANTIZE_ROWS: quantize_rows(&v[0], &v[1], &v[2], &v[3]); return NULL;
    case TOY_LINEAR: linear(&v[0], &v[1], &v[2], &v[3]); return NULL;
    case TOY_LINEAR_QUANTIZED: linear_quantized(&v[0], &v[1], &v[2], &v[3], &v[4], &v[5]); return NULL;
    default: return "the chip has no such operator";
  }
}
