/* SPDX-License-Identifier: Apache-2.0 */
/* The elementary functions this chip needs, in C: the formulas of share/isthmus/elementary-inl.h, which fix
 * every bit. */
#ifndef TOY_ELEMENTARY_H
#define TOY_ELEMENTARY_H

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t bits_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}
static inline float from_bits(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* c[0] + x * (c[1] + x * (c[2] + …)), each step one fma. */
static inline float polynomial(float x, const float* c, int count) {
  float sum = c[count - 1];
  for (int i = count - 2; i >= 0; --i) sum = fmaf(x, sum, c[i]);
  return sum;
}

/* Adding it leaves the nearest integer in the low bits of the sum. */
static const float kRounder = 0x1.8p23f;
static const uint32_t kRounderBits = 0x4b400000;

static inline float exact_exp(float x) {
  static const float c[] = {0.5f, 0x1.555490p-3f, 0x1.5554cep-5f, 0x1.123ab8p-7f, 0x1.6d6bccp-10f};
  x = x > 89.0f ? 89.0f : x < -104.0f ? -104.0f : x; /* NaN stays */
  const float t = fmaf(x, 0x1.715476p+0f, kRounder), n = t - kRounder;
  const float r = fmaf(n, 0x1.05c61p-29f, fmaf(n, -0x1.62e43p-1f, x));
  const float e = fmaf(r * r, polynomial(r, c, 5), r) + 1.0f;
  const int32_t power = (int32_t)(bits_of(t) - kRounderBits), halved = power >> 1;
  return e * from_bits((uint32_t)(halved + 127) << 23) * from_bits((uint32_t)(power - halved + 127) << 23);
}

static inline float exact_silu(float x) {
  const float e = exact_exp(-fabsf(x));
  return x * ((x >= 0.0f ? 1.0f : e) / (e + 1.0f));
}

/* x less quarter turns: for |x| >= 2^20 the mantissa times the 96 bits of 2/pi that matter modulo four of
 * them. */
static inline float less_quarter_turns(float x, uint32_t* quarters) {
  static const uint32_t two_over_pi[8] = {0,           0xa2f9836eu, 0x4e441529u, 0xfc2757d1u,
                                          0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe5163abu};
  const uint32_t magnitude = bits_of(x) & 0x7fffffffu;
  if (magnitude < 0x49800000u) {
    const float t = fmaf(x, 0x1.45f306p-1f, kRounder), n = t - kRounder;
    *quarters = bits_of(t) - kRounderBits;
    if (x == 0.0f) return x; /* -0 stays */
    return fmaf(n, 0x1.ee59dap-50f, fmaf(n, 0x1.777a5cp-25f, fmaf(n, -0x1.921fb6p+0f, x)));
  }
  *quarters = 0;
  if (magnitude >= 0x7f800000u) return NAN;
  const uint64_t mantissa = (magnitude & 0x7fffffu) | 0x800000u;
  const int offset = (int)(magnitude >> 23) - 120;
  uint64_t w[3];
  for (int i = 0; i < 3; ++i) {
    const uint64_t two = (uint64_t)two_over_pi[offset / 32 + i] << 32 | two_over_pi[offset / 32 + i + 1];
    w[i] = (uint32_t)((two << offset % 32) >> 32);
  }
  const uint64_t sum = ((mantissa * w[0]) << 32) + mantissa * w[1] + ((mantissa * w[2]) >> 32);
  const uint64_t q = (sum + ((uint64_t)1 << 61)) >> 62;
  const float r = (float)((double)(int64_t)(sum - (q << 62)) * 0x1.921fb54442d18p-62);
  *quarters = x < 0 ? -(uint32_t)q : (uint32_t)q;
  return x < 0 ? -r : r;
}

static inline void exact_sincos(float x, float* sine, float* cosine) {
  static const float cs[] = {-0x1.555556p-3f, 0x1.111176p-7f, -0x1.a05bbap-13f, 0x1.7cd836p-19f};
  static const float cc[] = {0x1.555556p-5f, -0x1.6c1762p-10f, 0x1.a075e8p-16f, -0x1.372432p-22f};
  uint32_t q;
  const float r = less_quarter_turns(x, &q), z = r * r;
  const float s = r == 0.0f ? r : fmaf(r * z, polynomial(z, cs, 4), r);
  const float c = fmaf(z * z, polynomial(z, cc, 4), fmaf(z, -0.5f, 1.0f));
  *sine = from_bits(bits_of(q & 1 ? c : s) ^ ((q & 2) << 30));
  *cosine = from_bits(bits_of(q & 1 ? s : c) ^ (((q + 1) & 2) << 30));
}

/* F16 and BF16, rounded to nearest even. */
static inline float from_f16(uint16_t h) {
  _Float16 x;
  memcpy(&x, &h, sizeof x);
  return (float)x;
}
static inline uint16_t to_f16(float x) {
  const _Float16 rounded = (_Float16)x;
  uint16_t h;
  memcpy(&h, &rounded, sizeof h);
  return h;
}
static inline uint16_t to_bf16(float x) {
  const uint32_t b = bits_of(x);
  if (x != x) return (uint16_t)(b >> 16 | 0x40);
  return (uint16_t)((b + 0x7fff + (b >> 16 & 1)) >> 16);
}

#endif
