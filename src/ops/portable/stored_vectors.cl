// SPDX-License-Identifier: Apache-2.0
// LOAD_STORED(D, N, p): N numbers of dtype D (F32, F16 or BF16) at p in device memory as VECTOR(float, N), exactly.
// STORE_STORED(D, N, v, p): the other way, rounded to nearest even.
#include "ops/portable/dtypes.cl"
#include "ops/portable/vectors.cl"

#define LOAD_STORED(D, N, P) ISTHMUS_GLUE(LOAD_, D)(N, P)
#define LOAD_F32(N, P) LOAD(N, P)
#define LOAD_BF16(N, P) AS(float, N, CONVERT(uint, N, LOAD(N, P)) << 16)
#ifdef __OPENCL_C_VERSION__
#define LOAD_F16(N, P) ISTHMUS_GLUE(vload_half, N)(0, (GLOBAL const half*)(P))
#else
// Its bits, widened, are those of an F32 2^112 too small, subnormals included; infinities and NaN get their exponent
// afterwards.
#define LOAD_F16(N, P) isthmus_from_f16(CONVERT(uint, N, LOAD(N, P)))
template <int N>
FUNCTION VECTOR(float, N) isthmus_from_f16(VECTOR(uint, N) h) {
  const VECTOR(uint, N) number = AS(uint, N, AS(float, N, (h & 0x7fffu) << 13) * 0x1p112f) | ((h & 0x8000u) << 16);
  return AS(float, N, number | (AS(uint, N, (h & 0x7c00u) == VECTOR(uint, N)(0x7c00u)) & 0x7f800000u));
}
#endif

#define STORE_STORED(D, N, V, P) ISTHMUS_GLUE(STORE_, D)(N, V, P)
#define STORE_F32(N, V, P) STORE(N, V, P)
#define STORE_F16(N, V, P) ISTHMUS_STORE_EACH(F16, N, V, P)
#define STORE_BF16(N, V, P) ISTHMUS_STORE_EACH(BF16, N, V, P)
#define ISTHMUS_STORE_EACH(D, N, V, P)                          \
  {                                                             \
    float each[N];                                              \
    STORE(N, V, each);                                          \
    for (int i = 0; i < N; ++i) (P)[i] = put_##D(each[i]);       \
  }
