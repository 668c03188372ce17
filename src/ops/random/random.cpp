// SPDX-License-Identifier: Apache-2.0
// random_uniform and random_normal: numbers of a stated generator, whose state is an operand.
#include "ops/random/philox-inl.h"
#include "ops/reference.h"
#include "ops/samples.h"
#include "ops/shape_rules.h"

namespace isthmus {
namespace {

using namespace reference;

Status infer(const InferCall& call) {
  const TensorType &state = call.inputs[0], &like = call.inputs[1];
  if (state.rank() != 1 || !state.shape[0].is(2))
    return invalid_argument("the state must be [2], seed and counter, not {}", shape_to_string(state.shape));
  Shape shape;
  for (int64_t dim : call.attributes.ints("shape")) {
    if (dim < 0) return invalid_argument("shape has the dimension {}", dim);
    shape.push_back(dim);
  }
  if (like.present() && !shape.empty()) return invalid_argument("give either shape or like");
  if (shape.size() > kMaxRank) return invalid_argument("shape has rank {}", shape.size());
  call.outputs[0] = {Dtype::kF32, like.present() ? like.shape : shape};
  return ok();
}

template <bool normal>
Status run(const ReferenceCall& call) {
  uint64_t* state = call.inputs[0].as<uint64_t>();
  uint64_t& counter = state[call.inputs[0].strides[0]];
  const Tensor& y = call.outputs[0];
  const float low = static_cast<float>(call.attributes.f(normal ? "mean" : "low"));
  const float spread = normal ? static_cast<float>(call.attributes.f("scale"))
                              : static_cast<float>(call.attributes.f("high")) - low;
  int64_t i = 0;
  for_each_index(y.dims, y.rank, [&](const int64_t* index) {
    const formulas::RandomWords words = formulas::philox(state[0], counter + static_cast<uint64_t>(i / 4));
    const formulas::FourFloats four = normal ? formulas::four_normal(words) : formulas::four_uniform(words);
    y.as<float>()[y.offset(index)] = std::fma(four.value[i % 4], spread, low);
    ++i;
  });
  counter += static_cast<uint64_t>((y.elements() + 3) / 4);
  return ok();
}

std::vector<Sample> samples(const Attributes& other) {
  const auto state = [](double seed, double counter) {
    return sample_values(Dtype::kU64, {2}, {seed, counter});
  };
  Attributes shaped = other;
  shaped.set("shape", std::vector<int64_t>{3, 411});
  return {{{state(1234567, 0), sample_absent()}, {{"shape", std::vector<int64_t>{5, 333}}}},
          {{state(9e15, 5e9), sample_absent()}, shaped},
          {{state(1, 2), sample_operand(Dtype::kF16, {7, 9})}, {}},
          {{state(1, 2), sample_absent()}, {{"shape", std::vector<int64_t>{3, 0}}}},
          {{state(0, 18446744073709549568.0), sample_absent()}, {{"shape", std::vector<int64_t>{20000}}}}};
}

OpDef make(const char* name, const char* meaning, const char* aclnn) {
  OpDef def;
  def.name = name;
  def.family = "Random";
  def.meaning = meaning;
  def.inputs = {{"state",
                 {Dtype::kU64},
                 "[2]: seed, counter; advanced by a quarter of the elements, rounded up",
                 false,
                 true},
                {"like", dtypes::plain, "gives the shape instead of the attribute", true}};
  def.outputs = {{"y", dtypes::f32, "like.shape or shape"}};
  def.infer = infer;
  def.aclnn = aclnn;
  return def;
}

std::vector<OpDef> defs() {
  const AttributeDef shape = {"shape", std::vector<int64_t>{}, "of the output"};
  OpDef uniform = make("random_uniform", "numbers evenly spread over [low, high)", "aclnnInplaceUniform");
  uniform.attributes = {shape, {"low", 0.0, "smallest"}, {"high", 1.0, "above the largest"}};
  uniform.order =
      "Philox4x32-10: element i is word i mod 4 of counter + i / 4; fma(its upper 24 bits * 2^-24, high - "
      "low, low)";
  uniform.reference = run<false>;
  uniform.samples = [] { return samples({{"low", -3.0}, {"high", 0.5}}); };
  OpDef normal = make("random_normal", "numbers of a normal distribution", "aclnnInplaceNormal");
  normal.attributes = {shape, {"mean", 0.0, "the mean"}, {"scale", 1.0, "the standard deviation"}};
  normal.order =
      "Philox4x32-10 as in random_uniform; each pair of words by Box and Muller; fma(z, scale, mean)";
  normal.reference = run<true>;
  normal.samples = [] { return samples({{"mean", 2.0}, {"scale", 0.25}}); };
  return {uniform, normal};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_REGISTER_OPS(random, defs)
