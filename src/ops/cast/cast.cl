// SPDX-License-Identifier: Apache-2.0
// cast to Y from the dtype whose number in base/dtype.h is `from`: an argument, since a program for every pair would
// be many. An integer Y (TO_INTEGER) ends at LOWEST for floats from BELOW down, at HIGHEST for those from ABOVE up.
#include "ops/portable/dtypes.cl"
#include "ops/portable/loops.cl"

#define TO(NUMBER) ((COMPUTED(Y))(NUMBER))
#define VALUE(X) const COMPUTED(X) value = GET(X, POINTER(STORED(X), x)[p.at[0]])

#if TO_BOOL
#define FROM_EXACT(X) case NUMBER_##X: { VALUE(X); *to = value != 0; break; }
#define FROM_FLOAT FROM_EXACT
#else
#define FROM_EXACT(X) case NUMBER_##X: { VALUE(X); *to = PUT(Y, TO(value)); break; }
#if TO_INTEGER  // the limits are powers of two, exact in every float
#define FROM_FLOAT(X)                                                                                     \
  case NUMBER_##X: {                                                                                      \
    VALUE(X);                                                                                             \
    *to = value != value ? TO(0) : value >= ABOVE ? TO(HIGHEST) : value <= BELOW ? TO(LOWEST) : TO(value); \
    break;                                                                                                \
  }
#else
#define FROM_FLOAT FROM_EXACT
#endif
#endif

KERNEL void cast(ADDRESS(x), ADDRESS(y), const Loops loops, long n, int from) {
  const long i = ITEM(0);
  if (i >= n) return;
  const Places p = places_of(&loops, i);
  GLOBAL STORED(Y)* to = POINTER(STORED(Y), y) + p.at[1];
  switch (from) {
    FROM_FLOAT(F32)
    FROM_FLOAT(F16)
    FROM_FLOAT(BF16)
#ifdef ISTHMUS_F64
    FROM_FLOAT(F64)
#endif
    FROM_EXACT(I8)
    FROM_EXACT(I16)
    FROM_EXACT(I32)
    FROM_EXACT(I64)
    FROM_EXACT(U8)
    FROM_EXACT(U16)
    FROM_EXACT(U32)
    FROM_EXACT(U64)
    FROM_EXACT(BOOL)
  }
}
