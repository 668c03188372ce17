// SPDX-License-Identifier: Apache-2.0
// masked_select, nonzero and keep_front. Chunks of CHUNK elements are counted, the counts added up, and then each
// chunk knows where its elements go. W: an unsigned integer of an element's size; M: the dtype that is asked whether
// it is zero; COORDINATES: 1 for nonzero.
#include "ops/portable/dtypes.cl"
#include "ops/portable/loops.cl"

KERNEL void tally(ADDRESS(mask), ADDRESS(starts), const Loops in, long n, long chunks) {
  const long c = ITEM(0);
  if (c >= chunks) return;
  const long end = (c + 1) * CHUNK < n ? (c + 1) * CHUNK : n;
  long count = 0;
  for (long i = c * CHUNK; i < end; ++i)
    if (GET(M, POINTER(STORED(M), mask)[places_of(&in, i).at[1]]) != 0) ++count;
  POINTER(long, starts)[c] = count;
}

KERNEL void totals(ADDRESS(starts), ADDRESS(count), long chunks) {
  if (ITEM(0) != 0) return;
  long sum = 0;
  for (long c = 0; c < chunks; ++c) {
    const long more = POINTER(long, starts)[c];
    POINTER(long, starts)[c] = sum;
    sum += more;
  }
  POINTER(long, count)[0] = sum;
}

KERNEL void choose(ADDRESS(x), ADDRESS(mask), ADDRESS(starts), ADDRESS(out), const Loops in, long step, long next,
                   long n, long chunks) {
  const long c = ITEM(0);
  if (c >= chunks) return;
  const long end = (c + 1) * CHUNK < n ? (c + 1) * CHUNK : n;
  long k = POINTER(long, starts)[c];
  for (long i = c * CHUNK; i < end; ++i) {
    const Places p = places_of(&in, i);
    if (GET(M, POINTER(STORED(M), mask)[p.at[1]]) == 0) continue;
#if COORDINATES
    long rest = i;
    for (int d = (int)in.rank - 1; d >= 0; --d) {
      POINTER(long, out)[k * step + d * next] = rest % in.dims[d];
      rest /= in.dims[d];
    }
#else
    POINTER(W, out)[k * step] = POINTER(W, x)[p.at[0]];
#endif
    ++k;
  }
}

// What lies behind the result: `width` numbers in each of n rows.
KERNEL void clear(ADDRESS(count), ADDRESS(out), long step, long next, long width, long n) {
  const long k = ITEM(0);
  if (k >= n || k < POINTER(long, count)[0]) return;
  for (long d = 0; d < width; ++d) POINTER(W, out)[k * step + d * next] = 0;
}

// `from` walks x; the dimension that is cut has number `axis` in it.
KERNEL void front(ADDRESS(x), ADDRESS(count), ADDRESS(y), const Loops from, const Loops to, long axis, long n) {
  const long i = ITEM(0);
  if (i >= n) return;
  Loops kept = from;
  const long most = from.dims[axis], wanted = POINTER(long, count)[0];
  const long size = wanted < 0 ? 0 : wanted < most ? wanted : most;
  kept.dims[axis] = size;
  POINTER(W, y)[places_of(&to, i).at[0]] =
      i < n / most * size ? POINTER(W, x)[places_of(&kept, i).at[0]] : (W)0;
}
