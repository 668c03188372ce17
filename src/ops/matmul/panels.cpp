// SPDX-License-Identifier: Apache-2.0
#include "ops/matmul/panels.h"

#include <algorithm>
#include <cstring>

#include "base/block_integers.h"

namespace isthmus {
namespace {

template <typename T>
void pack_words(const T* src, T* dst, int64_t columns, int64_t depth, int64_t steps) {
  for (int64_t panel = 0; panel < panel_count(columns); ++panel)
    for (int64_t k = 0; k < steps; ++k)
      for (int64_t j = 0; j < kPanel; ++j) {
        const int64_t column = panel * kPanel + j;
        *dst++ = column < columns && k < depth ? src[column * depth + k] : T{0};
      }
}

// How a block format lies in panels; product_quantized.cl says what each is.
struct BlockPanels {
  bool nibbles, f16_scales, halves, has_min;
  int least;
};
BlockPanels block_panels(Dtype dtype) {
  switch (dtype) {
    case Dtype::kQ4_0: return {true, true, false, false, -8};
    case Dtype::kQ4_1: return {true, true, false, true, 0};
    case Dtype::kQ5_0:
    case Dtype::kQ8_0:
    case Dtype::kIQ4_NL: return {false, true, false, false, 0};
    case Dtype::kQ5_1: return {false, true, false, true, 0};
    case Dtype::kQ2_K: return {true, false, true, true, 0};
    case Dtype::kQ3_K: return {true, false, true, false, -4};
    case Dtype::kQ4_K: return {true, false, false, true, 0};
    case Dtype::kQ5_K: return {false, false, false, true, 0};
    case Dtype::kQ6_K: return {false, false, true, false, 0};
    default:  // MXFP4
      return {true, false, false, false, 0};
  }
}

int64_t code_bytes(const BlockPanels& form) { return kPanel * (form.nibbles ? 16 : 32); }
int64_t block_bytes(const BlockPanels& form) {
  const int64_t scales = (form.halves ? 2 : 1) * (form.has_min ? 2 : 1);
  return code_bytes(form) + kPanel * scales * (form.f16_scales ? 2 : 4);
}

// One block of 32 of one column.
void pack_block(Dtype dtype, const BlockPanels& form, const BlockIntegers& block, unsigned char* to,
                int64_t column) {
  if (form.nibbles) {
    for (int i = 0; i < 16; ++i)
      to[i * kPanel + column] = static_cast<unsigned char>(block.code[i] | block.code[i + 16] << 4);
  } else {
    for (int i = 0; i < 32; ++i) to[i * kPanel + column] = static_cast<unsigned char>(block.w[i]);
  }
  unsigned char* scales = to + code_bytes(form);
  const auto put = [&](int64_t number, const auto& value) {
    std::memcpy(scales + (number * kPanel + column) * static_cast<int64_t>(sizeof value), &value,
                sizeof value);
  };
  if (form.f16_scales) {
    put(0, block.d_bits);
    if (form.has_min) put(1, block.m_bits);
    return;
  }
  const int halves = form.halves ? 2 : 1;
  for (int h = 0; h < halves; ++h) {
    put(h, block.d * (dtype == Dtype::kMXFP4 ? 1.0f : static_cast<float>(block.scale[h])));
    if (form.has_min) put(halves + h, -(block.m * static_cast<float>(block.min[h])));
  }
}

}  // namespace

PortablePacking pack_plain(Dtype dtype, int64_t columns, int64_t depth) {
  const int64_t steps = panel_steps(dtype, depth);
  PortablePacking packing;
  packing.layout = "panels 16";
  packing.bytes = static_cast<uint64_t>(panel_count(columns) * kPanel * dtype_bytes(dtype, steps));
  packing.pack = [=](const void* src, void* dst) {
    if (dtype == Dtype::kF32)
      pack_words(static_cast<const uint32_t*>(src), static_cast<uint32_t*>(dst), columns, depth, steps);
    else
      pack_words(static_cast<const uint16_t*>(src), static_cast<uint16_t*>(dst), columns, depth, steps);
  };
  return packing;
}

PortablePacking pack_blocks(Dtype dtype, int64_t columns, int64_t depth) {
  const BlockPanels form = block_panels(dtype);
  const int64_t blocks = depth / 32, row_bytes = dtype_bytes(dtype, depth), bytes = block_bytes(form);
  PortablePacking packing;
  packing.layout = "block panels 16";
  packing.bytes = static_cast<uint64_t>(panel_count(columns) * blocks * bytes);
  packing.pack = [=](const void* src, void* dst) {
    auto* to = static_cast<unsigned char*>(dst);
    std::memset(to, 0, static_cast<size_t>(panel_count(columns) * blocks * bytes));
    BlockIntegers block;
    for (int64_t column = 0; column < columns; ++column) {
      const auto* row = static_cast<const unsigned char*>(src) + column * row_bytes;
      for (int64_t b = 0; b < blocks; ++b) {
        read_block_integers(dtype, row, b, &block);
        pack_block(dtype, form, block, to + (column / kPanel * blocks + b) * bytes, column % kPanel);
      }
    }
  };
  return packing;
}

void define_block_panels(PortablePlan& plan, Dtype dtype) {
  const BlockPanels form = block_panels(dtype);
  plan.define("SCALE", form.f16_scales ? "F16" : "F32").define("LEAST", fmt::format("({})", form.least));
  for (const auto& [name, wanted] :
       {std::pair("NIBBLES", form.nibbles), std::pair("HALVES", form.halves),
        std::pair("HAS_MIN", form.has_min), std::pair("FP4", dtype == Dtype::kMXFP4)})
    if (wanted) plan.define(name, int64_t{1});
}

}  // namespace isthmus
