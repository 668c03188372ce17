// SPDX-License-Identifier: Apache-2.0
// pad and tile, which is padding by wrapping around. W is an unsigned integer of an element's size.

typedef struct {
  long rank, mode;
  long dims[8], size[8];  // of y and x
  long before[8];
  long x_strides[8], y_strides[8];
} Pad;

#define MODE_CONSTANT 0
#define MODE_EDGE 1
#define MODE_REFLECT 2
#define MODE_WRAP 3

KERNEL void pad(ADDRESS(x), ADDRESS(y), const Pad p, W value, long n) {
  long rest = ITEM(0);
  if (rest >= n) return;
  long from = 0, to = 0;
  bool outside = false;
  for (int d = (int)p.rank - 1; d >= 0; --d) {
    const long index = rest % p.dims[d], size = p.size[d];
    rest /= p.dims[d];
    long i = index - p.before[d];
    if (i < 0 || i >= size) {
      if (p.mode == MODE_CONSTANT) outside = true;
      if (p.mode == MODE_EDGE) i = i < 0 ? 0 : size - 1;
      if (p.mode == MODE_REFLECT) i = i < 0 ? -i : 2 * (size - 1) - i;
      if (p.mode == MODE_WRAP) i = (i % size + size) % size;
    }
    from += i * p.x_strides[d];
    to += index * p.y_strides[d];
  }
  POINTER(W, y)[to] = outside ? value : POINTER(W, x)[from];
}
