// SPDX-License-Identifier: Apache-2.0
// Rows in lane order (docs/decisions/0001-numerics.md), shared by work items. ROW_ITEMS items do a row, each WIDTH elements
// of a tile, which is TILE elements: one item of 16, where items have vectors, or 16 and more (a power of two) that share
// local memory. A group does ROWS rows.
//   ROW, ROW_ITEM             this item's row, its number among the items of the row; PART what it begins with in a tile
//   SHARED_TILE(T, name)      at the top of a kernel: TILE numbers of the row's items, for the functions below
//   Part                      this item's elements of a tile as floats; beyond the row they are zeros
#include "ops/portable/stored_vectors.cl"

#define ROW (GROUP(0) * ROWS + LOCAL_ITEM(0) / ROW_ITEMS)
#define ROW_ITEM (LOCAL_ITEM(0) % ROW_ITEMS)
#define TILE (ROW_ITEMS * WIDTH)
#define PART (ROW_ITEM * WIDTH)

typedef VECTOR(float, WIDTH) Part;
#if ROW_ITEMS == 1
typedef Part Lanes;
#define IN_SHARED
#define SHARED_TILE(T, NAME) T NAME[TILE]
#else
typedef float Lanes;  // of the first 16 items, one each
#define IN_SHARED IN_LOCAL
#define SHARED_TILE(T, NAME)       \
  LOCAL T NAME##_all[ROWS * TILE]; \
  IN_LOCAL T* NAME = NAME##_all + LOCAL_ITEM(0) / ROW_ITEMS * TILE
#endif

// NAME(from, step, left, rest): the part of a row of dtype D that begins at `from`, of which `left` elements are there;
// others are `rest`.
#define PART_READER(NAME, D)                                                                     \
  FUNCTION Part NAME(GLOBAL const STORED(D)* from, long step, long left, float rest) {            \
    if (step == 1 && left >= WIDTH) return LOAD_STORED(D, WIDTH, from);                          \
    float parts[WIDTH];                                                                          \
    for (int j = 0; j < WIDTH; ++j) parts[j] = j < left ? GET(D, from[j * step]) : rest;          \
    return LOAD(WIDTH, parts);                                                                   \
  }
#define PART_WRITER(NAME, D)                                                            \
  FUNCTION void NAME(Part part, GLOBAL STORED(D)* to, long step, long left) {           \
    if (step == 1 && left >= WIDTH) {                                                   \
      STORE_STORED(D, WIDTH, part, to);                                                 \
      return;                                                                           \
    }                                                                                   \
    float parts[WIDTH];                                                                 \
    STORE(WIDTH, part, parts);                                                          \
    for (int j = 0; j < WIDTH; ++j)                                                     \
      if (j < left) to[j * step] = PUT(D, parts[j]);                                    \
  }

// The part with zeros from element `left` on.
FUNCTION Part cut(Part part, long left) {
  if (left >= WIDTH) return part;
  float parts[WIDTH];
  STORE(WIDTH, part, parts);
  for (int j = 0; j < WIDTH; ++j)
    if (j >= left) parts[j] = 0;
  return LOAD(WIDTH, parts);
}

// The lanes with one more tile.
#if ROW_ITEMS == 1
FUNCTION Lanes add_part(Lanes lanes, Part part, IN_SHARED float* shared) { return lanes + part; }
FUNCTION Lanes add_squares(Lanes lanes, Part part, IN_SHARED float* shared) { return fma(part, part, lanes); }
#else
FUNCTION Lanes add_part(Lanes lanes, Part part, IN_SHARED float* shared) {
  STORE(WIDTH, part, shared + PART);
  BARRIER();
  if (ROW_ITEM < 16)
    for (int i = ROW_ITEM; i < TILE; i += 16) lanes = lanes + shared[i];
  BARRIER();
  return lanes;
}
FUNCTION Lanes add_squares(Lanes lanes, Part part, IN_SHARED float* shared) {
  STORE(WIDTH, part, shared + PART);
  BARRIER();
  if (ROW_ITEM < 16)
    for (int i = ROW_ITEM; i < TILE; i += 16) lanes = fma(shared[i], shared[i], lanes);
  BARRIER();
  return lanes;
}
#endif

// The sum of the lanes, for every item of the row.
FUNCTION float sum_lanes(Lanes lanes, IN_SHARED float* shared) {
#if ROW_ITEMS == 1
  STORE(WIDTH, lanes, shared);
  UNROLL
  for (int i = 0; i < 8; ++i) shared[i] = shared[i] + shared[i + 8];
  UNROLL
  for (int i = 0; i < 4; ++i) shared[i] = shared[i] + shared[i + 4];
  return (shared[0] + shared[2]) + (shared[1] + shared[3]);
#else
  const int lane = ROW_ITEM;
  if (lane < 16) shared[lane] = lanes;
  BARRIER();
  for (int step = 8; step > 0; step /= 2) {
    if (lane < step) shared[lane] = shared[lane] + shared[lane + step];
    BARRIER();
  }
  const float sum = shared[0];
  BARRIER();
  return sum;
#endif
}

// The larger of the numbers of both; a NaN does not count.
FUNCTION Part larger(Part top, Part part) { return CHOOSE(float, WIDTH, part > top, part, top); }
// The largest of them all, for every item of the row.
FUNCTION float largest(Part top, IN_SHARED float* shared) {
  float tops[WIDTH];
  STORE(WIDTH, top, tops);
  UNROLL
  for (int j = 1; j < WIDTH; ++j) tops[0] = tops[j] > tops[0] ? tops[j] : tops[0];
#if ROW_ITEMS == 1
  return tops[0];
#else
  shared[ROW_ITEM] = tops[0];
  BARRIER();
  for (int step = ROW_ITEMS / 2; step > 0; step /= 2) {
    if (ROW_ITEM < step && shared[ROW_ITEM + step] > shared[ROW_ITEM]) shared[ROW_ITEM] = shared[ROW_ITEM + step];
    BARRIER();
  }
  const float result = shared[0];
  BARRIER();
  return result;
#endif
}
