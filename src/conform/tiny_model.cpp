// SPDX-License-Identifier: Apache-2.0
#include "conform/tiny_model.h"

#include <map>

#include "base/block_formats.h"

namespace isthmus::conform {
namespace {

constexpr int64_t kHidden = 256, kHeads = 4, kKvHeads = 2, kHeadDim = 64, kWidth = 512, kVocabulary = 320;
constexpr int kLayers = 2;

// The finaliser of splitmix64 over a counter.
uint64_t random_bits(uint64_t counter) {
  uint64_t z = counter * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

// The sum of eight random bytes less its mean, with a deviation of 209: times 2^exponent, exactly.
float bell(uint64_t counter, float power) {
  const uint64_t bits = random_bits(counter);
  int sum = -1020;
  for (int shift = 0; shift < 64; shift += 8) sum += static_cast<int>(bits >> shift & 0xff);
  return static_cast<float>(sum) * power;
}

class TinyModelFile : public ModelFile {
 public:
  TinyModelFile() {
    // 2^-12 makes the deviation 0.05, near 1 / sqrt(kHidden); norms lie around 1.
    matrix("token_embd.weight", Dtype::kF16, kVocabulary, kHidden, 0x1p-12f);
    for (int i = 0; i < kLayers; ++i) {
      const std::string layer = fmt::format("blk.{}.", i);
      const Dtype dtype = i % 2 ? Dtype::kQ4_K : Dtype::kQ8_0;
      norm(layer + "attn_norm.weight");
      matrix(layer + "attn_q.weight", dtype, kHeads * kHeadDim, kHidden, 0x1p-12f);
      matrix(layer + "attn_k.weight", dtype, kKvHeads * kHeadDim, kHidden, 0x1p-12f);
      matrix(layer + "attn_v.weight", dtype, kKvHeads * kHeadDim, kHidden, 0x1p-12f);
      matrix(layer + "attn_output.weight", dtype, kHidden, kHeads * kHeadDim, 0x1p-13f);
      norm(layer + "ffn_norm.weight");
      matrix(layer + "ffn_gate.weight", dtype, kWidth, kHidden, 0x1p-12f);
      matrix(layer + "ffn_up.weight", dtype, kWidth, kHidden, 0x1p-12f);
      matrix(layer + "ffn_down.weight", dtype, kHidden, kWidth, 0x1p-13f);
    }
    norm("output_norm.weight");
  }

  const std::string& path() const override { return path_; }
  uint64_t bytes() const override { return tensor_bytes(); }
  const std::string& architecture() const override { return architecture_; }
  std::string name() const override { return path_; }
  Result<int64_t> integer(std::string_view key) const override {
    static const std::map<std::string_view, int64_t> values = {
        {"embedding_length", kHidden},      {"block_count", kLayers},
        {"attention.head_count", kHeads},   {"attention.head_count_kv", kKvHeads},
        {"attention.key_length", kHeadDim}, {"attention.value_length", kHeadDim},
        {"feed_forward_length", kWidth},    {"context_length", 512},
        {"rope.dimension_count", kHeadDim}, {"vocab_size", kVocabulary}};
    const auto found = values.find(key);
    if (found == values.end()) return error(Code::kNotFound, "{} has no {}", path_, key);
    return found->second;
  }
  Result<double> number(std::string_view key) const override {
    if (key == "attention.layer_norm_rms_epsilon") return 0x1p-17;
    if (key == "rope.freq_base") return 10000.0;
    return error(Code::kNotFound, "{} has no {}", path_, key);
  }
  Result<std::string> text(std::string_view key) const override {
    return error(Code::kNotFound, "{} has no {}", path_, key);
  }
  bool has(std::string_view key) const override { return integer(key).ok() || number(key).ok(); }
  std::optional<ModelTensor> tensor(std::string_view name) const override {
    const auto found = tensors_.find(name);
    if (found == tensors_.end()) return std::nullopt;
    const Held& held = found->second;
    return ModelTensor{held.dtype, held.dims, held.data.data(), held.data.size(), ""};
  }
  uint64_t tensor_bytes() const override {
    uint64_t total = 0;
    for (const auto& [name, held] : tensors_) total += held.data.size();
    return total;
  }
  uint64_t parameters() const override { return drawn_; }
  Result<TokenizerSource> tokenizer() const override {
    TokenizerSource source;
    source.pre = "gpt-2";
    for (int64_t i = 0; i < kVocabulary; ++i) source.tokens.push_back(fmt::format("t{}", i));
    return source;
  }
  Result<std::string> chat_template() const override { return std::string(); }

 private:
  struct Held {
    Dtype dtype;
    std::vector<int64_t> dims;
    std::vector<std::byte> data;
  };
  void add(const std::string& name, Dtype dtype, std::vector<int64_t> dims,
           const std::vector<float>& values) {
    const auto count = static_cast<int64_t>(values.size());
    Held held{dtype, std::move(dims), std::vector<std::byte>(static_cast<size_t>(dtype_bytes(dtype, count)))};
    quantize(dtype, values.data(), held.data.data(), count);
    tensors_.emplace(name, std::move(held));
  }
  void matrix(const std::string& name, Dtype dtype, int64_t rows, int64_t row, float power) {
    std::vector<float> values(static_cast<size_t>(rows * row));
    for (float& value : values) value = bell(++drawn_, power);
    add(name, dtype, {rows, row}, values);
  }
  void norm(const std::string& name) {
    std::vector<float> values(kHidden);
    for (float& value : values) value = 1 + bell(++drawn_, 0x1p-11f);
    add(name, Dtype::kF32, {kHidden}, values);
  }

  std::string path_ = "the conformance kit's tiny model", architecture_ = "llama";
  std::map<std::string, Held, std::less<>> tensors_;
  uint64_t drawn_ = 0;
};

}  // namespace

Result<std::shared_ptr<const Model>> make_tiny_model() {
  return Model::create(std::make_shared<TinyModelFile>());
}

}  // namespace isthmus::conform
