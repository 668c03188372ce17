// SPDX-License-Identifier: Apache-2.0
#include "llm/model_builder.h"

#include <cmath>

namespace isthmus {

ModelBuilder::ModelBuilder(std::shared_ptr<const ModelFile> file, const StepLimits& limits)
    : file_(std::move(file)), limits_(limits) {
  const Dim tokens = graph_.symbol("tokens", {1, limits.max_tokens});
  const Dim sequences = graph_.symbol("sequences", {1, limits.max_sequences});
  const Dim rows = graph_.symbol("output_rows", {0, limits.max_output_rows});
  tokens_ = graph_.input("tokens", Dtype::kI32, {tokens});
  positions_ = graph_.input("positions", Dtype::kI32, {tokens});
  slots_ = graph_.input("slots", Dtype::kI32, {tokens});
  sequences_ = graph_.input("sequences", Dtype::kI32, {tokens});
  block_table_ = graph_.input("block_table", Dtype::kI32, {sequences, limits.max_blocks});
  output_rows_ = graph_.input("output_rows", Dtype::kI32, {rows});
}

ValueId ModelBuilder::weight(const std::string& name, std::vector<int64_t> dims) {
  const std::optional<ModelTensor> tensor = file_->tensor(name);
  if (!tensor) {
    graph_.fail(
        data_loss("tensor '{}' is missing, which architecture '{}' needs", name, file_->architecture()));
    return kNoValue;
  }
  if (tensor->dims != dims) {
    graph_.fail(data_loss("tensor '{}' is [{}], expected [{}]", name, fmt::join(tensor->dims, ", "),
                          fmt::join(dims, ", ")));
    return kNoValue;
  }
  return graph_.constant(name, tensor->dtype, Shape(dims.begin(), dims.end()), tensor->data, file_,
                         tensor->source);
}

ValueId ModelBuilder::embed_tokens(const std::string& name) {
  const std::optional<ModelTensor> table = file_->tensor(name + ".weight");
  if (!table || table->dims.size() != 2) {
    graph_.fail(data_loss("tensor '{}.weight' of two dimensions is missing", name));
    return kNoValue;
  }
  vocabulary_ = table->dims[0];
  hidden_ = table->dims[1];
  return graph_.op("embedding", {tokens_, weight(name + ".weight", table->dims)});
}

ValueId ModelBuilder::rms_norm(ValueId x, const std::string& name, double eps) {
  if (!graph_.status().ok()) return kNoValue;
  return graph_.op("rms_norm", {x, weight(name + ".weight", {graph_.type(x).shape.back().offset})},
                   {{"eps", eps}});
}

ValueId ModelBuilder::linear(ValueId x, const std::string& name, int64_t out, int64_t in) {
  std::vector<ValueId> inputs = {x, weight(name + ".weight", {out, in})};
  if (file_->tensor(name + ".bias")) inputs.push_back(weight(name + ".bias", {out}));
  return graph_.op("linear", std::move(inputs));
}

ValueId ModelBuilder::frequencies(const Rotary& rotary) {
  if (rotary_ != &rotary) {
    rotary_ = &rotary;
    frequencies_ = graph_.constant_f32("rope.frequencies", {static_cast<int64_t>(rotary.frequencies.size())},
                                       rotary.frequencies);
  }
  return frequencies_;
}

ModelBuilder::Cache ModelBuilder::cache(const std::string& name, std::vector<int64_t> dims, size_t axis) {
  const auto state = [&](const std::string& of, Dtype dtype) {
    Shape shape = {limits_.cache_blocks};
    shape.insert(shape.end(), dims.begin(), dims.end());
    states_.push_back({StateDeclaration::kPaged, of, dtype, dims});
    return graph_.state(of, dtype, shape);
  };
  if (limits_.cache_dtype != Dtype::kQ8_0) return {state(name, limits_.cache_dtype), kNoValue};
  const ValueId numbers = state(name, Dtype::kI8);
  dims[axis] /= dtype_info(Dtype::kQ8_0).block_elements;
  return {numbers, state(name + "_scales", Dtype::kF16)};
}

ValueId ModelBuilder::attention(ValueId x, const std::string& prefix, const AttentionOptions& o) {
  const auto heads_of = [&](ValueId v, int64_t heads) {
    return graph_.op("reshape", {v}, {{"dims", std::vector<int64_t>{0, heads, o.head_dim}}});
  };
  ValueId q = heads_of(linear(x, prefix + "attn_q", o.heads * o.head_dim, hidden_), o.heads);
  ValueId k = heads_of(linear(x, prefix + "attn_k", o.kv_heads * o.head_dim, hidden_), o.kv_heads);
  const ValueId v = heads_of(linear(x, prefix + "attn_v", o.kv_heads * o.head_dim, hidden_), o.kv_heads);
  if (o.norm_heads) {
    q = rms_norm(q, prefix + "attn_q_norm", o.eps);
    k = rms_norm(k, prefix + "attn_k_norm", o.eps);
  }
  if (o.rotary) {
    const ValueId f = frequencies(*o.rotary);
    const Attributes turn = {{"style", o.rotary->style}, {"scale", o.rotary->scale}};
    q = graph_.op("rope", {q, positions_, f}, turn);
    k = graph_.op("rope", {k, positions_, f}, turn);
  }
  // Keys lie [block, head, element, position], so that scores of neighbouring positions share vector lanes;
  // values [block, head, position, element].
  const Cache keys = cache(prefix + "keys", {o.kv_heads, o.head_dim, kCacheBlock}, 1);
  const Cache values = cache(prefix + "values", {o.kv_heads, kCacheBlock, o.head_dim}, 2);
  graph_.op_all("cache_write", {k, slots_, keys.numbers, keys.scales}, {{"layout", "dims_major"}});
  graph_.op_all("cache_write", {v, slots_, values.numbers, values.scales}, {{"layout", "positions_major"}});
  const double scale = o.scale > 0 ? o.scale : 1.0 / std::sqrt(static_cast<double>(o.head_dim));
  ValueId y = graph_.op("attention",
                        {q, keys.numbers, values.numbers, block_table_, sequences_, positions_, kNoValue,
                         kNoValue, keys.scales, values.scales},
                        {{"scale", scale}, {"window", o.window}, {"soft_cap", o.soft_cap}});
  y = graph_.op("reshape", {y}, {{"dims", std::vector<int64_t>{0, o.heads * o.head_dim}}});
  return linear(y, prefix + "attn_output", hidden_, o.heads * o.head_dim);
}

ValueId ModelBuilder::gated_mlp(ValueId x, const std::string& prefix, int64_t width, const char* activation) {
  const ValueId gate = linear(x, prefix + "ffn_gate", width, hidden_);
  const ValueId up = linear(x, prefix + "ffn_up", width, hidden_);
  return linear(graph_.op(activation, {gate, up}), prefix + "ffn_down", hidden_, width);
}

void ModelBuilder::logits(ValueId x, const std::string& norm, double eps) {
  const ValueId rows = graph_.op("embedding", {output_rows_, x});
  const ValueId y = rms_norm(rows, norm, eps);
  const std::string output = file_->tensor("output.weight") ? "output" : "token_embd";
  graph_.output(linear(y, output, vocabulary_, hidden_), "logits");
}

}  // namespace isthmus
