// SPDX-License-Identifier: Apache-2.0
// make_random_model: a GGUF file with random weights in the shape of a known model, to measure speed with. It
// says nothing sensible, but it loads and runs like the real one, here and in other programs that read GGUF.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numbers>
#include <optional>
#include <string>
#include <vector>

#include "base/block_formats.h"
#include "graph/import/gguf/gguf_file.h"
#include "graph/import/gguf/gguf_writer.h"

namespace isthmus {
namespace {

struct ModelShape {
  std::string name, architecture;
  uint32_t layers, embedding, feed_forward, heads, kv_heads, head_size, vocabulary, context;
  float rope_base, norm_epsilon;
};

// Facts of the published configurations; all of these models share the embedding with the output layer.
const ModelShape kShapes[] = {
    {"smollm2-135m", "llama", 30, 576, 1536, 9, 3, 64, 49152, 8192, 1e5f, 1e-5f},
    {"llama-3.2-1b", "llama", 16, 2048, 8192, 32, 8, 64, 128256, 131072, 5e5f, 1e-5f},
    {"qwen2.5-0.5b", "qwen2", 24, 896, 4864, 14, 2, 64, 151936, 32768, 1e6f, 1e-6f},
    {"qwen3-0.6b", "qwen3", 28, 1024, 3072, 16, 8, 128, 151936, 40960, 1e6f, 1e-6f},
    {"qwen3-4b", "qwen3", 36, 2560, 9728, 32, 8, 128, 151936, 40960, 1e6f, 1e-6f},
    {"tiny-llama", "llama", 2, 256, 512, 4, 2, 64, 512, 2048, 1e4f, 1e-5f},
    {"tiny-qwen2", "qwen2", 2, 256, 512, 4, 2, 64, 512, 2048, 1e6f, 1e-6f},
    {"tiny-qwen3", "qwen3", 2, 256, 512, 4, 2, 128, 512, 2048, 1e6f, 1e-6f},
};

struct WeightTensor {
  std::string name;
  Dtype dtype;
  std::vector<int64_t> dims;
  float mean, deviation;
  std::vector<float> values = {};  // given instead of random ones
};

// Bell-shaped numbers, mean 0 and deviation 1: the sum of eight uniform ones, the same on every machine.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  float next() {
    const uint64_t a = bits(), b = bits();
    int32_t sum = 0;
    for (int shift = 0; shift < 64; shift += 16)
      sum += static_cast<int32_t>((a >> shift) & 0xffff) + static_cast<int32_t>((b >> shift) & 0xffff);
    // A uniform 16-bit number has mean 32767.5 and variance 2^32 / 12; 53510 is sqrt(8 * 2^32 / 12).
    return (static_cast<float>(sum) - 8 * 32767.5f) / 53510.0f;
  }

 private:
  uint64_t bits() {  // SplitMix64
    uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  uint64_t state_;
};

// Super-blocks need rows of whole 256s; where a row is not, the format of 32-blocks nearest in size takes its
// place.
Dtype dtype_for_row(Dtype dtype, int64_t row) {
  if (row % dtype_info(dtype).block_elements == 0) return dtype;
  if (dtype == Dtype::kQ4_K) return Dtype::kQ5_0;
  if (dtype == Dtype::kQ5_K) return Dtype::kQ5_1;
  if (dtype == Dtype::kQ6_K) return Dtype::kQ8_0;
  return Dtype::kIQ4_NL;
}

// How Llama 3 stretches its rotary frequencies (factor 32, from 8192 positions, low 1, high 4): what to
// divide each frequency by.
std::vector<float> llama3_rope_divisors(const ModelShape& shape) {
  std::vector<float> out;
  for (uint32_t i = 0; i < shape.head_size; i += 2) {
    const double frequency = 1 / std::pow(static_cast<double>(shape.rope_base), double(i) / shape.head_size);
    const double wavelength = 2 * std::numbers::pi / frequency;
    const double smooth = (8192 / wavelength - 1) / (4 - 1);
    const double divisor = smooth >= 1 ? 1 : smooth <= 0 ? 32 : 1 / ((1 - smooth) / 32 + smooth);
    out.push_back(static_cast<float>(divisor));
  }
  return out;
}

// Deviations of 1 / sqrt(row) keep the size of what a layer passes on; the two that add to the residual
// stream are smaller by the number of additions, so that it does not grow with depth. Logits come out with
// deviation near 1.
std::vector<WeightTensor> list_tensors(const ModelShape& shape, Dtype dtype, Dtype embedding_dtype) {
  std::vector<WeightTensor> out;
  const int64_t width = shape.embedding, q = int64_t{shape.heads} * shape.head_size;
  const int64_t kv = int64_t{shape.kv_heads} * shape.head_size, inner = shape.feed_forward;
  const float residual = 1 / std::sqrt(2.0f * static_cast<float>(shape.layers));
  const auto matrix = [&](const std::string& name, int64_t rows, int64_t row, float scale = 1) {
    out.push_back({name + ".weight",
                   dtype_for_row(dtype, row),
                   {rows, row},
                   0,
                   scale / std::sqrt(static_cast<float>(row))});
  };
  const auto vector = [&](const std::string& name, int64_t size, float mean) {
    out.push_back({name, Dtype::kF32, {size}, mean, 0.1f});
  };
  out.push_back({"token_embd.weight",
                 dtype_for_row(embedding_dtype, width),
                 {int64_t{shape.vocabulary}, width},
                 0,
                 1 / std::sqrt(static_cast<float>(width))});
  if (shape.name == "llama-3.2-1b") {
    const std::vector<float> divisors = llama3_rope_divisors(shape);
    out.push_back(
        {"rope_freqs.weight", Dtype::kF32, {static_cast<int64_t>(divisors.size())}, 0, 0, divisors});
  }
  for (uint32_t i = 0; i < shape.layers; ++i) {
    const std::string block = fmt::format("blk.{}.", i);
    vector(block + "attn_norm.weight", width, 1);
    matrix(block + "attn_q", q, width);
    matrix(block + "attn_k", kv, width);
    matrix(block + "attn_v", kv, width);
    if (shape.architecture == "qwen2") {
      vector(block + "attn_q.bias", q, 0);
      vector(block + "attn_k.bias", kv, 0);
      vector(block + "attn_v.bias", kv, 0);
    }
    if (shape.architecture == "qwen3") {
      vector(block + "attn_q_norm.weight", shape.head_size, 1);
      vector(block + "attn_k_norm.weight", shape.head_size, 1);
    }
    matrix(block + "attn_output", width, q, residual);
    vector(block + "ffn_norm.weight", width, 1);
    matrix(block + "ffn_gate", inner, width);
    matrix(block + "ffn_up", inner, width);
    matrix(block + "ffn_down", width, inner, residual);
  }
  vector("output_norm.weight", width, 1);
  return out;
}

void add_model_keys(const ModelShape& shape, GgufWriter* writer) {
  const auto key = [&](const char* name) { return shape.architecture + "." + name; };
  writer->add_string("general.architecture", shape.architecture);
  writer->add_string("general.type", "model");
  writer->add_string("general.name", "random weights, shape of " + shape.name);
  writer->add_u32("general.quantization_version", 2);
  writer->add_u32(key("block_count"), shape.layers);
  writer->add_u32(key("context_length"), shape.context);
  writer->add_u32(key("embedding_length"), shape.embedding);
  writer->add_u32(key("feed_forward_length"), shape.feed_forward);
  writer->add_u32(key("attention.head_count"), shape.heads);
  writer->add_u32(key("attention.head_count_kv"), shape.kv_heads);
  writer->add_u32(key("attention.key_length"), shape.head_size);
  writer->add_u32(key("attention.value_length"), shape.head_size);
  writer->add_f32(key("attention.layer_norm_rms_epsilon"), shape.norm_epsilon);
  writer->add_f32(key("rope.freq_base"), shape.rope_base);
  writer->add_u32(key("rope.dimension_count"), shape.head_size);
  writer->add_u32(key("vocab_size"), shape.vocabulary);
}

// Copies the tokenizer of another model; unused tokens fill it up to the vocabulary of the shape, which grows
// if it is the smaller of the two. `source` must outlive this call only.
Status add_tokenizer(const GgufFile& source, ModelShape* shape, GgufWriter* writer) {
  ASSIGN_OR_RETURN(std::vector<std::string_view> tokens, source.get_strings("tokenizer.ggml.tokens"));
  const size_t have = tokens.size();
  shape->vocabulary = std::max(shape->vocabulary, static_cast<uint32_t>(have));
  std::vector<std::string> padding;
  for (size_t i = have; i < shape->vocabulary; ++i) padding.push_back(fmt::format("[PAD{}]", i));
  tokens.insert(tokens.end(), padding.begin(), padding.end());
  for (const GgufEntry& entry : source.metadata()) {
    if (entry.key == "tokenizer.ggml.tokens") {
      writer->add_strings(entry.key, tokens);
    } else if (entry.key == "tokenizer.ggml.token_type") {
      ASSIGN_OR_RETURN(std::vector<int32_t> types, source.get_i32s(entry.key));
      constexpr int32_t kUnused = 5;
      types.resize(shape->vocabulary, kUnused);
      writer->add_i32s(entry.key, types);
    } else if (entry.key == "tokenizer.ggml.scores") {
      ASSIGN_OR_RETURN(std::vector<float> scores, source.get_f32s(entry.key));
      scores.resize(shape->vocabulary, -1000.0f);
      writer->add_f32s(entry.key, scores);
    } else if (entry.key.starts_with("tokenizer.")) {
      writer->add_value(entry.key, entry.value);
    }
  }
  return ok();
}

Status write_tensor(const WeightTensor& tensor, uint64_t seed, GgufWriter* writer) {
  Random random(seed);
  int64_t left = 1;
  for (const int64_t dim : tensor.dims) left *= dim;
  constexpr int64_t kChunk = 1 << 20;  // a multiple of every block
  std::vector<float> values = tensor.values;
  std::vector<std::byte> packed;
  for (; left > 0; left -= kChunk) {
    const int64_t count = std::min(left, kChunk);
    if (tensor.values.empty()) {
      values.resize(static_cast<size_t>(count));
      for (float& value : values) value = tensor.mean + tensor.deviation * random.next();
    }
    packed.resize(static_cast<size_t>(dtype_bytes(tensor.dtype, count)));
    quantize(tensor.dtype, values.data(), packed.data(), count);
    RETURN_IF_ERROR(writer->append(packed), "{}", tensor.name);
  }
  return ok();
}

Status make_model(ModelShape shape, Dtype dtype, Dtype embedding_dtype, uint64_t seed,
                  const std::string& tokenizer_path, const std::string& out) {
  GgufWriter writer;
  if (tokenizer_path.empty()) {
    writer.add_string("tokenizer.ggml.model", "no_vocab");
  } else {
    ASSIGN_OR_RETURN(const GgufFile source, GgufFile::open(tokenizer_path));
    RETURN_IF_ERROR(add_tokenizer(source, &shape, &writer));
  }
  add_model_keys(shape, &writer);
  const std::vector<WeightTensor> tensors = list_tensors(shape, dtype, embedding_dtype);
  for (const WeightTensor& tensor : tensors) writer.add_tensor(tensor.name, tensor.dtype, tensor.dims);
  RETURN_IF_ERROR(writer.create(out));
  for (const WeightTensor& tensor : tensors)
    RETURN_IF_ERROR(
        write_tensor(tensor, seed * 1000003 + static_cast<uint64_t>(&tensor - tensors.data()), &writer));
  RETURN_IF_ERROR(writer.finish());
  ASSIGN_OR_RETURN(const GgufFile written, GgufFile::open(out));
  fmt::print("{}: {} tensors, {:.1f} MB\n", out, written.tensors().size(),
             double(written.size_bytes()) / 1e6);
  return ok();
}

}  // namespace
}  // namespace isthmus

int main(int argc, char** argv) {
  using namespace isthmus;
  CLI::App app("Writes a GGUF model with random weights in the shape of a known one.");
  std::string shape_name, dtype_text = "Q8_0", embedding_text, tokenizer_path, out;
  uint64_t seed = 1;
  std::vector<std::string> shape_names;
  for (const ModelShape& shape : kShapes) shape_names.push_back(shape.name);
  app.add_option("--shape", shape_name, "Model to take the shape of")
      ->required()
      ->check(CLI::IsMember(shape_names));
  app.add_option("--dtype", dtype_text,
                 "Format of the matrices: F32, F16, BF16, Q4_0, …, Q6_K, IQ4_NL, MXFP4");
  app.add_option("--embedding-dtype", embedding_text,
                 "Format of the embedding and output; as --dtype if not given");
  app.add_option("--tokenizer-from", tokenizer_path,
                 "GGUF file to copy the tokenizer from; none if not given");
  app.add_option("--seed", seed, "Seed of the random numbers");
  app.add_option("--out", out, "File to write")->required();
  CLI11_PARSE(app, argc, argv);

  const std::optional<Dtype> dtype = dtype_from_name(dtype_text);
  const std::optional<Dtype> embedding = embedding_text.empty() ? dtype : dtype_from_name(embedding_text);
  if (!dtype || !embedding || !is_weight_format(*dtype) || !is_weight_format(*embedding)) {
    fmt::print(stderr, "error: no weight format is named '{}'; see --help\n",
               dtype && is_weight_format(*dtype) ? embedding_text : dtype_text);
    return 2;
  }
  for (const ModelShape& shape : kShapes) {
    if (shape.name != shape_name) continue;
    const Status status = make_model(shape, *dtype, *embedding, seed, tokenizer_path, out);
    if (status.ok()) return 0;
    fmt::print(stderr, "error: {}\n", status.to_string());
  }
  return 1;
}
