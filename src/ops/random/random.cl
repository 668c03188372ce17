// SPDX-License-Identifier: Apache-2.0
// random_uniform and random_normal (NORMAL): one work item to the four elements of one counter.
#include "ops/portable/loops.cl"
#include "ops/random/philox-inl.h"

KERNEL void random(ADDRESS(state), ADDRESS(y), const Loops loops, long state_step, long n, float low, float spread) {
  const long first = 4 * ITEM(0);
  if (first >= n) return;
  GLOBAL const ulong* s = POINTER(ulong, state);
  const struct RandomWords words = philox(s[0], s[state_step] + (ulong)ITEM(0));
#if NORMAL
  const struct FourFloats four = four_normal(words);
#else
  const struct FourFloats four = four_uniform(words);
#endif
  for (int i = 0; i < 4 && first + i < n; ++i)
    POINTER(float, y)[places_of(&loops, first + i).at[0]] = fma(four.value[i], spread, low);
}

KERNEL void advance(ADDRESS(state), long state_step, long counters) {
  if (ITEM(0) == 0) POINTER(ulong, state)[state_step] += (ulong)counters;
}
