// SPDX-License-Identifier: Apache-2.0
// What attention and cache_write refuse, in words.
#include <gtest/gtest.h>

#include "ops/registry.h"

namespace isthmus {
namespace {

// The error of typing a call, or "ok".
std::string error_of(const char* op, const std::vector<TensorType>& inputs,
                     const Attributes& attributes = {}) {
  const OpDef* def = find_op(op);
  const Result<Attributes> complete = def->complete(attributes);
  if (!complete.ok()) return complete.status().message();
  const Result<std::vector<TensorType>> types = def->infer_types(inputs, *complete);
  return types.ok() ? "ok" : types.status().message();
}

std::vector<TensorType> good() {
  return {{Dtype::kF32, {5, 6, 32}},
          {Dtype::kF16, {9, 2, 32, 64}},
          {Dtype::kF16, {9, 2, 64, 48}},
          {Dtype::kI32, {3, 4}},
          {Dtype::kI32, {5}},
          {Dtype::kI32, {5}},
          {Dtype::kInvalid, {}},
          {Dtype::kInvalid, {}}};
}

TEST(Attention, TakesWhatItShould) {
  EXPECT_EQ(error_of("attention", good()), "ok");
  auto inputs = good();
  inputs[6] = {Dtype::kI32, {3}};
  inputs[7] = {Dtype::kF32, {6}};
  EXPECT_EQ(error_of("attention", inputs, {{"causal", int64_t{0}}}), "ok");
  // As many tokens as a run has.
  inputs = good();
  inputs[0].shape[0] = inputs[4].shape[0] = inputs[5].shape[0] = Dim::of_symbol(0);
  EXPECT_EQ(error_of("attention", inputs), "ok");
}

TEST(Attention, SaysWhatIsWrong) {
  const auto with = [](size_t i, TensorType type) {
    auto inputs = good();
    inputs[i] = std::move(type);
    return error_of("attention", inputs);
  };
  EXPECT_EQ(with(0, {Dtype::kF32, {5, 192}}), "attention: q must be [tokens, heads, d], not [5, 192]");
  EXPECT_EQ(with(0, {Dtype::kF32, {5, 5, 32}}), "attention: q's 5 heads must be a multiple of the cache's 2");
  EXPECT_EQ(with(1, {Dtype::kF16, {9, 2, 64, 32}}),
            "attention: k_cache must be [blocks, kv_heads, 32, 64], not [9, 2, 64, 32]");
  EXPECT_EQ(with(1, {Dtype::kF16, {9, 0, 32, 64}}).substr(0, 20), "attention: v_cache m");
  EXPECT_EQ(with(2, {Dtype::kBF16, {9, 2, 64, 48}}),
            "attention: k_cache and v_cache must have one dtype, not F16 and BF16");
  EXPECT_EQ(with(3, {Dtype::kI32, {12}}), "attention: block_table must be [sequences, max_blocks], not [12]");
  EXPECT_EQ(with(5, {Dtype::kI32, {4}}), "attention: positions must be [5], one per token, not [4]");
  EXPECT_EQ(with(6, {Dtype::kI32, {3}}), "attention: lengths is for causal = 0 only");
  EXPECT_EQ(with(7, {Dtype::kF32, {2}}), "attention: sinks must be [6], one per head, not [2]");
  EXPECT_EQ(error_of("attention", good(), {{"causal", int64_t{0}}}), "attention: causal = 0 needs lengths");
  EXPECT_EQ(error_of("attention", good(), {{"window", int64_t{-1}}}),
            "attention: window must not be negative");
}

TEST(Attention, CachesOfI8NeedScales) {
  auto inputs = good();
  inputs[1].dtype = inputs[2].dtype = Dtype::kI8;
  inputs[2].shape[3] = 64;
  EXPECT_EQ(error_of("attention", inputs), "attention: an I8 cache needs k_scales");
  inputs.push_back({Dtype::kF16, {9, 2, 1, 64}});
  inputs.push_back({Dtype::kF16, {9, 2, 64, 1}});
  EXPECT_EQ(error_of("attention", inputs), "attention: v_scales must be [9, 2, 64, 2], not [9, 2, 64, 1]");
  inputs[9].shape[3] = 2;
  EXPECT_EQ(error_of("attention", inputs), "ok");
  inputs[2].shape[3] = 48;
  EXPECT_EQ(error_of("attention", inputs),
            "attention: v_scales are for heads of a multiple of 32 numbers, not 48");
  inputs[1].dtype = inputs[2].dtype = Dtype::kF16;
  EXPECT_EQ(error_of("attention", inputs), "attention: k_scales are for an I8 cache, not F16");
}

TEST(Attention, NoKeyHeadsAreRefused) {
  auto inputs = good();
  inputs[1] = {Dtype::kF16, {9, 0, 32, 64}};
  inputs[2] = {Dtype::kF16, {9, 0, 64, 48}};
  EXPECT_EQ(error_of("attention", inputs), "attention: q's 6 heads must be a multiple of the cache's 0");
}

TEST(CacheWrite, SaysWhatIsWrong) {
  const TensorType x{Dtype::kF32, {5, 2, 32}}, slots{Dtype::kI32, {5}};
  const TensorType keys{Dtype::kF16, {9, 2, 32, 64}}, values{Dtype::kF16, {9, 2, 64, 32}};
  EXPECT_EQ(error_of("cache_write", {x, slots, keys}), "ok");
  EXPECT_EQ(error_of("cache_write", {x, slots, values}, {{"layout", std::string("positions_major")}}), "ok");
  EXPECT_EQ(error_of("cache_write", {x, slots, values}),
            "cache_write: cache must be [blocks, 2, 32, 64] for x [5, 2, 32], not [9, 2, 64, 32]");
  EXPECT_EQ(error_of("cache_write", {x, slots, keys}, {{"layout", std::string("rows")}}),
            "cache_write: layout must be 'dims_major' or 'positions_major', not 'rows'");
  const TensorType numbers{Dtype::kI8, {9, 2, 32, 64}}, scales{Dtype::kF16, {9, 2, 1, 64}};
  EXPECT_EQ(error_of("cache_write", {x, slots, numbers, scales}), "ok");
  EXPECT_EQ(error_of("cache_write", {x, slots, numbers}), "cache_write: an I8 cache needs scales");
  EXPECT_EQ(error_of("cache_write", {x, slots, keys, scales}),
            "cache_write: scales are for an I8 cache, not F16");
  EXPECT_EQ(error_of("cache_write", {x, {Dtype::kI32, {6}}, keys}),
            "cache_write: slots must be [5], one per token, not [6]");
}

TEST(Rope, SaysWhatIsWrong) {
  const TensorType x{Dtype::kF32, {5, 2, 32}}, positions{Dtype::kI32, {5}};
  EXPECT_EQ(error_of("rope", {x, positions, {Dtype::kF32, {16}}}), "ok");
  EXPECT_EQ(error_of("rope", {x, positions, {Dtype::kF32, {17}}}),
            "rope: inv_freq has 17 frequencies, but heads of 32 numbers take at most 16");
  EXPECT_EQ(error_of("rope", {x, positions, {Dtype::kF32, {16}}}, {{"style", std::string("gptj")}}),
            "rope: style must be 'neox' or 'interleaved', not 'gptj'");
  EXPECT_EQ(error_of("rope", {x, {Dtype::kI32, {4}}, {Dtype::kF32, {16}}}),
            "rope: positions must be [5], one per token, not [4]");
}

}  // namespace
}  // namespace isthmus
