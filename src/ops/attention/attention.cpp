// SPDX-License-Identifier: Apache-2.0
// Attention over a paged cache: the shape rule and the meaning, as plain loops.
#include <algorithm>
#include <cmath>

#include "ops/attention/attention_samples.h"
#include "ops/attention/online_softmax.h"
#include "ops/attention/quantized_cache.h"
#include "ops/op_def.h"
#include "ops/reference.h"

namespace isthmus {
namespace {

using namespace reference;

constexpr int64_t kBlock = OnlineSoftmax::kBlock;  // positions per cache block, too
enum { kQ, kK, kV, kTable, kSequence, kPositions, kLengths, kSinks, kKScales, kVScales };

Status expect(bool holds, const char* what, const std::string& expected, const TensorType& found) {
  if (holds) return ok();
  return invalid_argument("{} must be {}, not {}", what, expected, shape_to_string(found.shape));
}

Status infer_attention(const InferCall& call) {
  const auto& in = call.inputs;
  const TensorType &q = in[kQ], &k = in[kK], &v = in[kV];
  RETURN_IF_ERROR(expect(q.rank() == 3, "q", "[tokens, heads, d]", q));
  const std::string d = q.shape[2].to_string();
  RETURN_IF_ERROR(expect(k.rank() == 4 && k.shape[2] == q.shape[2] && k.shape[3].is(kBlock) &&
                             k.shape[1].fixed() && q.shape[1].fixed() && q.shape[2].fixed(),
                         "k_cache", "[blocks, kv_heads, " + d + ", 64]", k));
  RETURN_IF_ERROR(expect(v.rank() == 4 && v.shape[0] == k.shape[0] && v.shape[1] == k.shape[1] &&
                             v.shape[2].is(kBlock) && v.shape[3].fixed(),
                         "v_cache", "[blocks, kv_heads, 64, dv] with k_cache's blocks and kv_heads", v));
  if (k.dtype != v.dtype)
    return invalid_argument("k_cache and v_cache must have one dtype, not {} and {}", dtype_name(k.dtype),
                            dtype_name(v.dtype));
  RETURN_IF_ERROR(check_cache_scales("k_scales", k, in[kKScales], 2));
  RETURN_IF_ERROR(check_cache_scales("v_scales", v, in[kVScales], 3));
  const int64_t heads = q.shape[1].offset, kv_heads = k.shape[1].offset;
  if (kv_heads <= 0 || heads % kv_heads != 0)
    return invalid_argument("q's {} heads must be a multiple of the cache's {}", heads, kv_heads);
  RETURN_IF_ERROR(expect(in[kTable].rank() == 2, "block_table", "[sequences, max_blocks]", in[kTable]));
  for (const int i : {kSequence, kPositions})
    RETURN_IF_ERROR(expect(in[i].rank() == 1 && in[i].shape[0] == q.shape[0],
                           i == kSequence ? "sequence" : "positions",
                           "[" + q.shape[0].to_string() + "], one per token", in[i]));
  const bool causal = call.attributes.i("causal") != 0;
  if (causal && in[kLengths].present()) return invalid_argument("lengths is for causal = 0 only");
  if (!causal && !in[kLengths].present()) return invalid_argument("causal = 0 needs lengths");
  if (!causal && call.attributes.i("window") != 0) return invalid_argument("a window needs causal = 1");
  if (call.attributes.i("window") < 0) return invalid_argument("window must not be negative");
  if (in[kLengths].present())
    RETURN_IF_ERROR(expect(in[kLengths].rank() == 1 && in[kLengths].shape[0] == in[kTable].shape[0],
                           "lengths", "[" + in[kTable].shape[0].to_string() + "], one per sequence",
                           in[kLengths]));
  if (in[kSinks].present())
    RETURN_IF_ERROR(expect(in[kSinks].rank() == 1 && in[kSinks].shape[0] == q.shape[1], "sinks",
                           "[" + q.shape[1].to_string() + "], one per head", in[kSinks]));
  call.outputs[0] = {Dtype::kF32, {q.shape[0], q.shape[1], v.shape[3]}};
  return ok();
}

int32_t index_at(const Tensor& x, int64_t i) { return x.as<int32_t>()[i * x.strides[0]]; }

// One query row and head.
struct Walk {
  const ReferenceCall& call;
  int64_t t, h, kv_head;
  ScoreScale scaled;
  OnlineSoftmax row = {};

  float score(int64_t block, int64_t j) const {
    const Tensor &q = call.inputs[kQ], &k = call.inputs[kK];
    float dot = 0;
    for (int64_t d = 0; d < q.dims[2]; ++d) {
      const int64_t at[4] = {block, kv_head, d, j};
      dot = std::fma(load_f32(q, t * q.strides[0] + h * q.strides[1] + d * q.strides[2]),
                     cached_f32(k, call.inputs[kKScales], at, 2), dot);
    }
    return scaled(dot);
  }
  // Positions [first, last) of the block are visible.
  void add_block(int64_t block, int64_t first, int64_t last) {
    const auto visible = [&](int64_t j) { return j >= first && j < last; };
    float p[kBlock];
    for (int64_t j = 0; j < kBlock; ++j) p[j] = visible(j) ? score(block, j) : OnlineSoftmax::kUnseen;
    row.add_block(p, first, last, visible, [&](int64_t j, int64_t d) {
      const int64_t at[4] = {block, kv_head, j, d};
      return cached_f32(call.inputs[kV], call.inputs[kVScales], at, 3);
    });
  }
};

Status attention_reference(const ReferenceCall& call) {
  const auto& in = call.inputs;
  const Tensor &q = in[kQ], &k = in[kK], &table = in[kTable], &y = call.outputs[0];
  const ScoreScale scaled(call.attributes, q.dims[2]);
  const int64_t window = call.attributes.i("window");
  const bool causal = call.attributes.i("causal") != 0;
  const int64_t group = k.dims[1] > 0 ? q.dims[1] / k.dims[1] : 1;
  for (int64_t t = 0; t < q.dims[0]; ++t) {
    const int64_t sequence = index_at(in[kSequence], t), position = index_at(in[kPositions], t);
    int64_t end = 0;
    if (sequence >= 0 && sequence < table.dims[0])
      end = std::min(causal ? position + 1 : index_at(in[kLengths], sequence), table.dims[1] * kBlock);
    const int64_t begin = window > 0 ? std::max<int64_t>(0, position + 1 - window) : 0;
    for (int64_t h = 0; h < q.dims[1]; ++h) {
      Walk walk{call, t, h, h / group, scaled};
      walk.row.acc.resize(static_cast<size_t>(y.dims[2]));
      for (int64_t from = begin / kBlock * kBlock; from < end; from += kBlock) {
        const int64_t block =
            table.as<int32_t>()[sequence * table.strides[0] + from / kBlock * table.strides[1]];
        if (block < 0 || block >= k.dims[0]) continue;
        walk.add_block(block, std::max<int64_t>(begin - from, 0), std::min(end - from, kBlock));
      }
      if (in[kSinks].present()) walk.row.add_sink(in[kSinks].as<float>()[h * in[kSinks].strides[0]]);
      for (int64_t d = 0; d < y.dims[2]; ++d)
        y.as<float>()[t * y.strides[0] + h * y.strides[1] + d * y.strides[2]] = walk.row.result(d);
    }
  }
  return ok();
}

std::vector<OpDef> defs() {
  OpDef attention;
  attention.name = "attention";
  attention.family = "Attention";
  attention.meaning =
      "softmax(scale * q k) v over the cached positions a row may see; heads share keys and values in groups";
  attention.inputs = {
      {"q", dtypes::f32, "[tokens, heads, d]"},
      {"k_cache", cache_dtypes(), "[blocks, kv_heads, d, 64]", false, true},
      {"v_cache", cache_dtypes(), "[blocks, kv_heads, 64, dv]", false, true},
      {"block_table",
       {Dtype::kI32},
       "[sequences, max_blocks]: cache block of each 64 positions; an entry outside of "
       "the cache hides its positions"},
      {"sequence", {Dtype::kI32}, "[tokens]: row of block_table; a token outside of the table sees nothing"},
      {"positions", {Dtype::kI32}, "[tokens]"},
      {"lengths", {Dtype::kI32}, "[sequences]: positions of each sequence, where causal is 0", true},
      {"sinks", dtypes::f32, "[heads]: a score each head sees beside those of the positions", true},
      {"k_scales", {Dtype::kF16}, "[blocks, kv_heads, d / 32, 64]: of I8 keys, and only of them", true, true},
      {"v_scales", {Dtype::kF16}, "[blocks, kv_heads, 64, dv / 32]: of I8 values", true, true}};
  attention.outputs = {{"y", dtypes::f32, "[tokens, heads, dv]; zeros for a row that sees nothing"}};
  attention.attributes = {
      {"scale", 0.0, "factor of the scores, as F32; 0: 1 / sqrt(d)"},
      {"window", int64_t{0}, "a row sees its last `window` positions; 0: all"},
      {"soft_cap", 0.0, "scores become cap * tanh(score / cap); 0: they stay"},
      {"causal", int64_t{1}, "1: a row sees positions 0 to its own; 0: all of its sequence"}};
  attention.order =
      "docs/decisions/0001-numerics.md, Attention: chains over d and positions, blocks of 64 ascending";
  attention.infer = infer_attention;
  attention.reference = attention_reference;
  attention.samples = attention_samples;
  // Two products of each position a row sees; of the caches what the sequences hold.
  attention.work = [](const WorkCall& call) {
    const auto dim = [&](size_t operand, size_t i) { return static_cast<double>(call.dims[operand][i]); };
    const bool quantized = call.types[1].dtype == Dtype::kI8;
    const double element = quantized ? 34.0 / 32 : static_cast<double>(dtype_bytes(call.types[1].dtype, 1));
    OpWork work;
    work.operations = 2 * call.load.visible * dim(0, 1) * (dim(1, 2) + dim(2, 3));
    work.bytes = call.load.cached * dim(1, 1) * (dim(1, 2) + dim(2, 3)) * element +
                 4 * dim(0, 0) * dim(0, 1) * (dim(1, 2) + dim(2, 3));
    return work;
  };
  attention.aclnn = "aclnnFusedInferAttentionScore";
  return {attention};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_REGISTER_OPS(attention, isthmus::defs)
