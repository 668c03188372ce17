// SPDX-License-Identifier: Apache-2.0
// Plain dtypes in kernels. For a dtype D, given as a definition ("#define X F16"): STORED(X) is what lies in
// memory, COMPUTED(X) what one computes in, GET(X, stored) and PUT(X, computed) lead from one to the other,
// rounding once to nearest even. The bits are those of base/half.h.

#define ISTHMUS_JOIN2(A, B) A##B
#define ISTHMUS_JOIN(A, B) ISTHMUS_JOIN2(A, B)
#define STORED(D) ISTHMUS_JOIN(stored_, D)
#define COMPUTED(D) ISTHMUS_JOIN(computed_, D)
#define GET(D, X) ISTHMUS_JOIN(get_, D)(X)
#define PUT(D, X) ISTHMUS_JOIN(put_, D)(X)

#define ISTHMUS_PLAIN_DTYPE(D, T)                \
  typedef T stored_##D;                          \
  typedef T computed_##D;                        \
  FUNCTION T get_##D(T x) { return x; }          \
  FUNCTION T put_##D(T x) { return x; }
ISTHMUS_PLAIN_DTYPE(F32, float)
ISTHMUS_PLAIN_DTYPE(I8, int8_t)
ISTHMUS_PLAIN_DTYPE(I16, int16_t)
ISTHMUS_PLAIN_DTYPE(I32, int32_t)
ISTHMUS_PLAIN_DTYPE(I64, int64_t)
ISTHMUS_PLAIN_DTYPE(U8, uint8_t)
ISTHMUS_PLAIN_DTYPE(U16, uint16_t)
ISTHMUS_PLAIN_DTYPE(U32, uint32_t)
ISTHMUS_PLAIN_DTYPE(U64, uint64_t)
#ifdef ISTHMUS_F64
ISTHMUS_PLAIN_DTYPE(F64, double)
#endif

typedef uint8_t stored_BOOL;
typedef uint8_t computed_BOOL;
FUNCTION uint8_t get_BOOL(uint8_t x) { return x != 0; }
FUNCTION uint8_t put_BOOL(uint8_t x) { return x != 0; }

typedef uint16_t stored_BF16;
typedef float computed_BF16;
FUNCTION float get_BF16(uint16_t x) { return as_float((uint32_t)x << 16); }
FUNCTION uint16_t put_BF16(float x) {
  const uint32_t b = as_uint(x);
  if ((b & 0x7fffffffu) > 0x7f800000u) return (uint16_t)((b >> 16) | 0x40u);
  return (uint16_t)((b + 0x7fffu + ((b >> 16) & 1u)) >> 16);
}

typedef uint16_t stored_F16;
typedef float computed_F16;
FUNCTION float get_F16(uint16_t x) {
  const uint32_t sign = (uint32_t)(x & 0x8000u) << 16, exponent = (x >> 10) & 0x1fu, mantissa = x & 0x3ffu;
  if (exponent == 0x1f) return as_float(sign | 0x7f800000u | (mantissa != 0 ? 0x00400000u : 0u) | (mantissa << 13));
  if (exponent == 0) return as_float(sign | as_uint((float)mantissa * 0x1p-24f));
  return as_float(sign | ((exponent + 112) << 23) | (mantissa << 13));
}
FUNCTION uint16_t put_F16(float x) {
  const uint32_t b = as_uint(x), sign = (b >> 16) & 0x8000u, magnitude = b & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return (uint16_t)(sign | 0x7e00u | ((magnitude >> 13) & 0x3ffu));
  if (magnitude >= 0x47800000u) return (uint16_t)(sign | 0x7c00u);
  if (magnitude < 0x38800000u)  // units of 2^-24, rounded by the addition
    return (uint16_t)(sign | (as_uint(as_float(magnitude) + 0.5f) - 0x3f000000u));
  return (uint16_t)(sign | ((magnitude + 0xfffu + ((magnitude >> 13) & 1u) - (112u << 23)) >> 13));
}
