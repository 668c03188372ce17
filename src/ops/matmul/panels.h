// SPDX-License-Identifier: Apache-2.0
// Right sides of products in panels of 16 columns, as product.cl and product_quantized.cl read them.
#pragma once

#include <cstdint>

#include "base/dtype.h"
#include "ops/portable/portable.h"

namespace isthmus {

inline constexpr int64_t kPanel = 16;

inline int64_t panel_count(int64_t columns) { return (columns + kPanel - 1) / kPanel; }

// Steps of k that panels of a plain dtype have: BF16 goes in pairs.
inline int64_t panel_steps(Dtype dtype, int64_t depth) {
  return dtype == Dtype::kBF16 ? (depth + 1) / 2 * 2 : depth;
}

// The layout of a weight [columns, depth], whose rows lie one after the other.
PortablePacking pack_plain(Dtype dtype, int64_t columns, int64_t depth);
PortablePacking pack_blocks(Dtype dtype, int64_t columns, int64_t depth);

// How product_quantized.cl is to read a block format.
void define_block_panels(PortablePlan& plan, Dtype dtype);

// The groups of work items of a product: an item makes two vectors of columns in some rows (MANY), or in one.
struct ProductShape {
  int64_t vector, many, items;
  ProductShape(int vector_floats, int64_t many_rows)
      : vector(vector_floats), many(many_rows), items(vector_floats >= 8 ? 8 : 32) {}
  void define(PortablePlan& plan) const {
    plan.define("WIDTH", vector).define("C", int64_t{2}).define("MANY", many);
    plan.define("GROUP_ITEMS", items);
  }
  Grid grid(int64_t rows, int64_t columns, int64_t batches) const {
    const int64_t of_group = rows > 1 ? many : 1, columns_of_group = 2 * vector * items;
    return Grid::of_groups((rows + of_group - 1) / of_group,
                           (columns + columns_of_group - 1) / columns_of_group, batches,
                           static_cast<uint32_t>(items));
  }
};

}  // namespace isthmus
