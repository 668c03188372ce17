// SPDX-License-Identifier: Apache-2.0
// Writing keys or values of new tokens into a paged cache.
#include <array>

#include "ops/attention/quantized_cache.h"
#include "ops/op_def.h"
#include "ops/reference.h"

namespace isthmus {
namespace {

using namespace reference;

constexpr int64_t kBlock = 64;  // positions per cache block, part of the canonical order of attention

Status infer_cache_write(const InferCall& call) {
  const TensorType &x = call.inputs[0], &slots = call.inputs[1], &cache = call.inputs[2];
  if (x.rank() != 3)
    return invalid_argument("x must be [tokens, heads, d], not {}", shape_to_string(x.shape));
  if (slots.rank() != 1 || slots.shape[0] != x.shape[0])
    return invalid_argument("slots must be [{}], one per token, not {}", x.shape[0].to_string(),
                            shape_to_string(slots.shape));
  const std::string& layout = call.attributes.s("layout");
  if (layout != "dims_major" && layout != "positions_major")
    return invalid_argument("layout must be 'dims_major' or 'positions_major', not '{}'", layout);
  const bool dims_major = layout == "dims_major";
  if (cache.rank() != 4 || cache.shape[1] != x.shape[1] || cache.shape[dims_major ? 2 : 3] != x.shape[2] ||
      !cache.shape[dims_major ? 3 : 2].is(kBlock))
    return invalid_argument("cache must be [blocks, {}, {}] for x {}, not {}", x.shape[1].to_string(),
                            dims_major ? x.shape[2].to_string() + ", 64" : "64, " + x.shape[2].to_string(),
                            shape_to_string(x.shape), shape_to_string(cache.shape));
  return check_cache_scales("scales", cache, call.inputs[3], dims_major ? 2 : 3);
}

Status cache_write_reference(const ReferenceCall& call) {
  const Tensor &x = call.inputs[0], &slots = call.inputs[1], &cache = call.inputs[2];
  const Tensor& scales = call.inputs[3];
  const bool dims_major = call.attributes.s("layout") == "dims_major";
  for (int64_t t = 0; t < x.dims[0]; ++t) {
    const int64_t slot = slots.as<int32_t>()[t * slots.strides[0]];
    if (slot < 0 || slot >= cache.dims[0] * kBlock) continue;
    const auto place = [&](int64_t h, int64_t d) -> std::array<int64_t, 4> {
      return {slot / kBlock, h, dims_major ? d : slot % kBlock, dims_major ? slot % kBlock : d};
    };
    for (int64_t h = 0; h < x.dims[1]; ++h) {
      const auto number = [&](int64_t d) {
        return load_f32(x, t * x.strides[0] + h * x.strides[1] + d * x.strides[2]);
      };
      for (int64_t d = 0; !scales.present() && d < x.dims[2]; ++d)
        store_f32(cache, cache.offset(place(h, d).data()), number(d));
      for (int64_t d = 0; scales.present() && d < x.dims[2]; d += kCacheScaleBlock) {
        float numbers[kCacheScaleBlock];
        for (int i = 0; i < kCacheScaleBlock; ++i) numbers[i] = number(d + i);
        const QuantizedCacheBlock block = quantize_cache_block(numbers);
        scales.as<uint16_t>()[scales.offset(place(h, d / kCacheScaleBlock).data())] = block.scale;
        for (int i = 0; i < kCacheScaleBlock; ++i)
          cache.as<int8_t>()[cache.offset(place(h, d + i).data())] = block.q[i];
      }
    }
  }
  return ok();
}

std::vector<Sample> cache_write_samples() {
  std::vector<Sample> samples;
  const auto add = [&](SampleOperand x, Dtype cache, std::vector<double> slots) {
    for (const bool dims_major : {true, false}) {
      SampleOperand state{cache,
                          {4, x.dims[1], dims_major ? x.dims[2] : kBlock, dims_major ? kBlock : x.dims[2]}};
      SampleOperand where{Dtype::kI32, {x.dims[0]}};
      where.values = slots;
      const Attributes layout = {{"layout", std::string(dims_major ? "dims_major" : "positions_major")}};
      if (cache != Dtype::kI8) {
        samples.push_back({{x, where, state}, layout});
        continue;
      }
      SampleOperand scales = {Dtype::kF16, state.dims};
      scales.dims[dims_major ? 2 : 3] /= kCacheScaleBlock;
      samples.push_back({{x, where, state, scales}, layout});
    }
  };
  for (const Dtype cache : {Dtype::kF32, Dtype::kF16, Dtype::kBF16}) {
    add({Dtype::kF32, {5, 3, 64}}, cache, {0, 1, 63, 64, 255});
    add({Dtype::kF32, {4, 2, 37}, Fill::kAwkward}, cache, {200, -1, 7, 256});
    add({Dtype::kF16, {3, 1, 20}}, cache, {10, 70, 130});
    add({Dtype::kF32, {3, 2, 16}, Fill::kNormal, 0, {2, 0, 1}}, cache, {10, 70, 130});
    add({Dtype::kF32, {0, 2, 16}}, cache, {});
  }
  std::vector<double> run(80);
  for (size_t i = 0; i < run.size(); ++i) run[i] = 50.0 + static_cast<double>(i);
  add({Dtype::kF32, {80, 3, 24}}, Dtype::kF16, run);

  // Q8_0.
  add({Dtype::kF32, {5, 3, 64}}, Dtype::kI8, {0, 1, 63, 64, 255});
  add({Dtype::kF32, {4, 2, 96}, Fill::kAwkward}, Dtype::kI8, {200, -1, 7, 256});
  add({Dtype::kF16, {3, 1, 32}}, Dtype::kI8, {10, 70, 130});
  add({Dtype::kBF16, {3, 2, 64}, Fill::kNormal, 0, {2, 0, 1}}, Dtype::kI8, {10, 70, 130});
  add({Dtype::kF32, {80, 3, 32}}, Dtype::kI8, run);
  add({Dtype::kF32, {0, 2, 32}}, Dtype::kI8, {});
  // Ties; scales that F16 rounds, makes subnormal, zero or infinite; blocks too small for an inverse.
  SampleOperand exact{Dtype::kF32, {7, 1, 32}};
  for (const double top : {127.0, 0.3, 0x1p-12, 0x1p-20, 0x1p-127, 0x1p24, 0x1.fffffep127})
    for (int i = 0; i < 32; ++i) exact.values.push_back(i == 7 ? -top : top / 127.0 * (i * 4 - 63.5));
  add(exact, Dtype::kI8, {3, 2, 1, 0, 100, 101, 102});
  // Neighbours, written together.
  for (const Dtype cache : {Dtype::kF32, Dtype::kBF16})
    add({Dtype::kF32, {80, 3, 24}, Fill::kAwkward, 0, {1, 2, 0}}, cache, run);
  return samples;
}

std::vector<OpDef> defs() {
  OpDef write;
  write.name = "cache_write";
  write.family = "Attention";
  write.meaning = "stores each token's heads at its slot of a paged cache of blocks of 64 positions";
  write.inputs = {{"x", dtypes::floats, "[tokens, heads, d]"},
                  {"slots",
                   {Dtype::kI32},
                   "[tokens]: block * 64 + offset; outside of the cache: not stored. "
                   "Tokens with equal slots leave one of them, which is not fixed"},
                  {"cache", cache_dtypes(), "[blocks, heads, d, 64] or [blocks, heads, 64, d]", false, true},
                  {"scales",
                   {Dtype::kF16},
                   "[blocks, heads, d / 32, 64] or [blocks, heads, 64, d / 32]: of an I8 cache, which holds "
                   "Q8_0, and only of it",
                   true,
                   true}};
  write.attributes = {{"layout", std::string("dims_major"),
                       "'dims_major': positions are innermost (keys); 'positions_major': dims are (values)"}};
  write.order =
      "elementwise; rounded once to the cache's dtype. Q8_0: docs/decisions/0001-numerics.md, Attention";
  write.infer = infer_cache_write;
  write.reference = cache_write_reference;
  write.samples = cache_write_samples;
  write.work = [](const WorkCall& call) {  // of the cache only what is written
    int64_t elements = 1;
    for (int64_t dim : call.dims[0]) elements *= dim;
    const Dtype stored = call.types[2].dtype == Dtype::kI8 ? Dtype::kQ8_0 : call.types[2].dtype;
    return OpWork{
        static_cast<double>(dtype_bytes(call.types[0].dtype, elements) + dtype_bytes(stored, elements)), 0};
  };
  return {write};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_REGISTER_OPS(cache_write, isthmus::defs)
