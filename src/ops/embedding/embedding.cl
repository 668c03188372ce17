// SPDX-License-Identifier: Apache-2.0
// embedding: rows of a table; a work item to a block of 32 numbers of a block format, or to a number of a plain one (W).
#include "ops/portable/dtypes.cl"
#include "ops/portable/loops.cl"
#ifdef FORMAT
#include "ops/portable/blocks.cl"
#endif

typedef struct {
  Loops rows;  // of ids and y
  long count, width, table_rows;
  long table_row, table_step, y_step;  // table_row of a block format in bytes
} Embedding;

KERNEL void embedding(ADDRESS(ids), ADDRESS(table), ADDRESS(y), const Embedding p) {
  const long item = ITEM(0), parts = p.width / PART;
  if (item >= p.count * parts) return;
  const Places at = places_of(&p.rows, item / parts);
  const long first = item % parts * PART;
  const long id = (long)GET(ID, POINTER(STORED(ID), ids)[at.at[0]]);
  GLOBAL float* to = POINTER(float, y) + at.at[1] + first * p.y_step;
  if (id < 0 || id >= p.table_rows) {
    for (int i = 0; i < PART; ++i) to[i * p.y_step] = as_float(0x7fc00000u);
    return;
  }
#ifdef FORMAT
  BlockIntegers b;
  read_block(POINTER(uint8_t, table) + id * p.table_row, first / 32, &b);
  for (int i = 0; i < 32; ++i) {
    const float value = b.d[i / 16] * (float)b.w[i];
#ifdef BLOCK_HAS_MIN
    to[i * p.y_step] = value + b.min[i / 16];
#else
    to[i * p.y_step] = value;
#endif
  }
#else
  to[0] = GET(W, POINTER(STORED(W), table)[id * p.table_row + first * p.table_step]);
#endif
}
