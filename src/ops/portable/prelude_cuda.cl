// SPDX-License-Identifier: Apache-2.0
// The dialect's words in CUDA C++ as NVRTC compiles it, without any header. docs/guide/portable-kernels.md explains
// them; the compiler's options that exactness needs are in devices/cuda/nvrtc.cpp.

#define KERNEL extern "C" __global__
#define FUNCTION static __device__ inline
#define GLOBAL
#define LOCAL __shared__
#define IN_LOCAL
// constexpr, so that numbers become part of the instructions.
#define CONSTANT static __constant__ constexpr
#define RESTRICT __restrict__

typedef signed char int8_t;
typedef short int16_t;
typedef int int32_t;
typedef long int64_t;
typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef unsigned int uint32_t;
typedef unsigned long uint64_t;
typedef unsigned char uchar;
typedef unsigned short ushort;
typedef unsigned int uint;
typedef unsigned long ulong;

// An operand as parameter, and as a pointer to its element 0.
#define ADDRESS(NAME) uint8_t *NAME##_base, uint64_t NAME##_offset
#define POINTER(TYPE, NAME) ((TYPE*)(NAME##_base + NAME##_offset))
#define PRESENT(NAME) (NAME##_base != 0)

// Work items and groups, dimension 0, 1 or 2.
#define ISTHMUS_AXIS(OF, D) ((D) == 0 ? (OF).x : (D) == 1 ? (OF).y : (OF).z)
#define GROUP(D) ((long)ISTHMUS_AXIS(blockIdx, D))
#define GROUPS(D) ((long)ISTHMUS_AXIS(gridDim, D))
#define LOCAL_ITEM(D) ((int)ISTHMUS_AXIS(threadIdx, D))
#define LOCAL_ITEMS(D) ((int)ISTHMUS_AXIS(blockDim, D))
#define ITEM(D) (GROUP(D) * LOCAL_ITEMS(D) + LOCAL_ITEM(D))
#define ITEMS(D) (GROUPS(D) * LOCAL_ITEMS(D))
#define BARRIER() __syncthreads()
#define UNROLL _Pragma("unroll")

FUNCTION float as_float(uint x) { return __uint_as_float(x); }
FUNCTION uint as_uint(float x) { return __float_as_uint(x); }
FUNCTION int as_int(float x) { return __float_as_int(x); }
FUNCTION double as_double(ulong x) { return __longlong_as_double((long long)x); }
FUNCTION ulong as_ulong(double x) { return (ulong)__double_as_longlong(x); }
FUNCTION long as_long(double x) { return (long)__double_as_longlong(x); }
#define INFINITY __int_as_float(0x7f800000)
#define NAN __int_as_float(0x7fc00000)

// Each by the name that says how it rounds, for F32 and F64.
FUNCTION float isthmus_fma(float a, float b, float c) { return __fmaf_rn(a, b, c); }
FUNCTION double isthmus_fma(double a, double b, double c) { return __fma_rn(a, b, c); }
FUNCTION float isthmus_sqrt(float x) { return __fsqrt_rn(x); }
FUNCTION double isthmus_sqrt(double x) { return __dsqrt_rn(x); }
#define ISTHMUS_BOTH(NAME)                                              \
  FUNCTION float isthmus_##NAME(float x) { return ::NAME##f(x); }       \
  FUNCTION double isthmus_##NAME(double x) { return ::NAME(x); }
ISTHMUS_BOTH(fabs)
ISTHMUS_BOTH(floor)
ISTHMUS_BOTH(ceil)
ISTHMUS_BOTH(trunc)
ISTHMUS_BOTH(rint)
// Long division, since CUDA's own goes by an approximate quotient. y has units of 2^(y_exponent - 150).
FUNCTION float isthmus_fmod(float x, float y) {
  const uint a = as_uint(x) & 0x7fffffffu, b = as_uint(y) & 0x7fffffffu;
  if (a >= 0x7f800000u || b > 0x7f800000u || b == 0) return NAN;
  if (a < b) return x;
  const int x_exponent = a >> 23 ? a >> 23 : 1, y_exponent = b >> 23 ? b >> 23 : 1;
  const uint divisor = b >> 23 ? (b & 0x7fffffu) | 0x800000u : b;
  uint rest = (a >> 23 ? (a & 0x7fffffu) | 0x800000u : a) % divisor;
  for (int left = x_exponent - y_exponent; left > 0; left -= 32)
    rest = (uint)(((ulong)rest << (left < 32 ? left : 32)) % divisor);
  int shift = __clz((int)rest) - 8;
  shift = rest == 0 || shift > y_exponent - 1 ? y_exponent - 1 : shift;
  return as_float((as_uint(x) & 0x80000000u) | (((uint)(y_exponent - 1 - shift) << 23) + (rest << shift)));
}
FUNCTION double isthmus_fmod(double x, double y) { return ::fmod(x, y); }
#define fma isthmus_fma
#define sqrt isthmus_sqrt
#define fabs isthmus_fabs
#define floor isthmus_floor
#define ceil isthmus_ceil
#define trunc isthmus_trunc
#define rint isthmus_rint
#define fmod isthmus_fmod
#define select(MASK, A, B) ((MASK) ? (A) : (B))
#define any(MASK) (MASK)
