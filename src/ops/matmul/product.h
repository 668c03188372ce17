// SPDX-License-Identifier: Apache-2.0
// What product.cl is launched with.
#pragma once

#include "ops/matmul/panels.h"
#include "ops/portable/loops.h"

namespace isthmus {

// Of a dtype: as many rows as leave registers for the sums. BF16 needs them twice, to look for tiny results.
inline ProductShape product_shape(Dtype dtype, int vector_floats) {
  return ProductShape(vector_floats, dtype == Dtype::kBF16 ? 4 : 12);
}

// Passed to the kernel by value: the same struct stands in product.cl.
struct Product {
  Loops rows, batches;
  int64_t count, columns, depth;
  int64_t a_step, y_step, bias_step;
};

// The plan's entries 0 and 1 are product_one and product_many.
inline Status launch_product(const PortableRun& run, const ProductShape& shape, const Product& p,
                             int64_t batches, isthmus_address_t a, isthmus_address_t panels,
                             isthmus_address_t bias, isthmus_address_t y) {
  KernelArguments arguments;
  arguments.address(a).address(panels).address(bias).address(y).value(p);
  return run.launch(p.count > 1, shape.grid(p.count, p.columns, batches), arguments);
}

}  // namespace isthmus
