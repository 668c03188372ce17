// SPDX-License-Identifier: Apache-2.0
// dense_attention: attention over keys and values that lie in plain tensors. The order is that of attention.
#include <algorithm>
#include <cmath>

#include "ops/attention/online_softmax.h"
#include "ops/reference.h"
#include "ops/samples.h"
#include "ops/shape_rules.h"

namespace isthmus {
namespace {

using namespace reference;

constexpr int64_t kBlock = OnlineSoftmax::kBlock;
constexpr float kUnseen = OnlineSoftmax::kUnseen;
enum { kQ, kK, kV, kMask, kLengths, kSinks };

Status infer(const InferCall& call) {
  const auto& in = call.inputs;
  const TensorType &q = in[kQ], &k = in[kK], &v = in[kV], &mask = in[kMask];
  if (q.rank() != 4 || k.rank() != 4 || v.rank() != 4)
    return invalid_argument("q, k and v must have rank 4, not {}, {} and {}", q.rank(), k.rank(), v.rank());
  if (k.dtype != v.dtype)
    return invalid_argument("k and v must have one dtype, not {} and {}", dtype_name(k.dtype),
                            dtype_name(v.dtype));
  ASSIGN_OR_RETURN(const int64_t heads, fixed_dim(q.shape[1], "q's number of heads"));
  ASSIGN_OR_RETURN(const int64_t kv_heads, fixed_dim(k.shape[1], "k's number of heads"));
  if (k.shape[0] != q.shape[0] || k.shape[3] != q.shape[3] || kv_heads < 1 || heads % kv_heads != 0)
    return invalid_argument("k must be [{}, a divisor of {}, positions, {}], not {}", q.shape[0].to_string(),
                            heads, q.shape[3].to_string(), shape_to_string(k.shape));
  if (!q.shape[3].fixed() || !v.shape[3].fixed())
    return invalid_argument("the sizes of heads have to be fixed numbers");
  for (int d = 0; d < 3; ++d)
    if (v.shape[d] != k.shape[d])
      return invalid_argument("v {} does not fit k {}", shape_to_string(v.shape), shape_to_string(k.shape));
  call.outputs[0] = {q.dtype, {q.shape[0], q.shape[1], q.shape[2], v.shape[3]}};
  if (mask.present()) {
    const Shape scores = {q.shape[0], q.shape[1], q.shape[2], k.shape[2]};
    const Result<Shape> together = broadcast_shapes(mask.shape, scores);
    if (!together.ok() || *together != scores)
      return invalid_argument("mask {} does not broadcast to {}", shape_to_string(mask.shape),
                              shape_to_string(scores));
  }
  if (in[kLengths].present() && in[kLengths].shape != Shape{q.shape[0]})
    return invalid_argument("lengths must be [{}], not {}", q.shape[0].to_string(),
                            shape_to_string(in[kLengths].shape));
  if (in[kSinks].present() && in[kSinks].shape != Shape{q.shape[1]})
    return invalid_argument("sinks must be [{}], not {}", heads, shape_to_string(in[kSinks].shape));
  for (const char* name : {"before", "after"})
    if (call.attributes.i(name) < -1 || call.attributes.i(name) > int64_t{1} << 40)
      return invalid_argument("{} is {}, not -1 to 2^40", name, call.attributes.i(name));
  const std::string& align = call.attributes.s("align");
  if (align != "end" && align != "start") return invalid_argument("align is '{}', not end or start", align);
  return ok();
}

// One row of one head.
struct Row {
  const ReferenceCall& call;
  const int64_t* index;  // batch, head, row
  int64_t kv_head, position;
  ScoreScale scaled;
  OnlineSoftmax sums = {};

  float score(int64_t j) const {
    const Tensor &q = call.inputs[kQ], &k = call.inputs[kK], &mask = call.inputs[kMask];
    const int64_t before = call.attributes.i("before"), after = call.attributes.i("after");
    if ((before >= 0 && j < position - before) || (after >= 0 && j > position + after)) return kUnseen;
    float add = 0;
    if (mask.present()) {
      const int64_t at_scores[] = {index[0], index[1], index[2], j};
      const int64_t at = broadcast_offset(mask, at_scores, 4);
      if (mask.dtype == Dtype::kBool && mask.as<uint8_t>()[at] == 0) return kUnseen;
      if (mask.dtype != Dtype::kBool) add = load_f32(mask, at);
      if (add == kUnseen) return kUnseen;
    }
    const int64_t q_index[] = {index[0], index[1], index[2], 0}, k_index[] = {index[0], kv_head, j, 0};
    const int64_t q_at = q.offset(q_index), k_at = k.offset(k_index);
    float dot = 0;
    for (int64_t d = 0; d < q.dims[3]; ++d)
      dot = std::fma(load_f32(q, q_at + d * q.strides[3]), load_f32(k, k_at + d * k.strides[3]), dot);
    dot = scaled(dot);
    if (mask.present() && mask.dtype != Dtype::kBool) dot = dot + add;
    return dot;
  }
  // Positions from … from + count - 1.
  void add_block(int64_t from, int64_t count) {
    const Tensor& v = call.inputs[kV];
    float p[kBlock];
    bool any = false;
    for (int64_t j = 0; j < kBlock; ++j) {
      p[j] = j < count ? score(from + j) : kUnseen;
      any |= p[j] != kUnseen;
    }
    if (!any) return;
    sums.add_block(
        p, 0, count, [&](int64_t j) { return p[j] != kUnseen; },
        [&](int64_t j, int64_t d) {
          const int64_t at[] = {index[0], kv_head, from + j, d};
          return load_f32(v, v.offset(at));
        });
  }
};

Status run(const ReferenceCall& call) {
  const auto& in = call.inputs;
  const Tensor &q = in[kQ], &k = in[kK], &y = call.outputs[0];
  const ScoreScale scaled(call.attributes, q.dims[3]);
  const int64_t group = q.dims[1] / k.dims[1];
  for_each_index(q.dims, 3, [&](const int64_t* index) {
    int64_t length = k.dims[2];
    if (in[kLengths].present())
      length = std::clamp<int64_t>(load_i64(in[kLengths], index[0] * in[kLengths].strides[0]), 0, length);
    const int64_t first = call.attributes.s("align") == "end" ? length - q.dims[2] : 0;
    Row row{call, index, index[1] / group, first + index[2], scaled};
    row.sums.acc.resize(static_cast<size_t>(y.dims[3]));
    for (int64_t from = 0; from < length; from += kBlock)
      row.add_block(from, std::min(length - from, kBlock));
    if (in[kSinks].present()) row.sums.add_sink(load_f32(in[kSinks], index[1] * in[kSinks].strides[0]));
    for (int64_t d = 0; d < y.dims[3]; ++d) {
      const int64_t at[] = {index[0], index[1], index[2], d};
      store_f32(y, y.offset(at), row.sums.result(d));
    }
  });
  return ok();
}

std::vector<Sample> samples() {
  std::vector<Sample> out;
  struct Case {
    int64_t batch, heads, kv_heads, rows, positions, d, dv;
    Attributes attributes = {};
    Dtype q = Dtype::kF32, kv = Dtype::kF32, mask = Dtype::kInvalid;
    std::vector<int64_t> mask_dims = {};
    std::vector<double> lengths = {};
    bool sinks = false;
    std::vector<int64_t> order = {};
    std::vector<double> mask_values = {};
    Fill fill = Fill::kNormal;
  };
  const auto add = [&](const Case& c) {
    Sample sample{{sample_operand(c.q, {c.batch, c.heads, c.rows, c.d}, c.fill, 0, c.order),
                   sample_operand(c.kv, {c.batch, c.kv_heads, c.positions, c.d}, c.fill, 0, c.order),
                   sample_operand(c.kv, {c.batch, c.kv_heads, c.positions, c.dv}, c.fill, 0, c.order),
                   c.mask == Dtype::kInvalid ? sample_absent() : sample_operand(c.mask, c.mask_dims),
                   c.lengths.empty() ? sample_absent() : sample_values(Dtype::kI32, {c.batch}, c.lengths),
                   c.sinks ? sample_operand(Dtype::kF32, {c.heads}) : sample_absent()},
                  c.attributes};
    sample.inputs[kMask].values = c.mask_values;
    out.push_back(std::move(sample));
  };
  const Attributes causal = {{"after", int64_t{0}}};
  for (const Dtype dtype : dtypes::floats) {
    add({2, 6, 2, 5, 70, 16, 16, causal, dtype, dtype});
    add({2, 3, 3, 6, 30, 16, 16, causal, dtype, dtype, Dtype::kInvalid, {}, {}, false, {0, 2, 1, 3}});
    add({1, 3, 1, 40, 40, 16, 16, {}, dtype, dtype, Dtype::kBool, {1, 1, 40, 40}});
    add({2, 4, 2, 1, 130, 16, 16, {}, dtype, dtype, dtype, {2, 1, 1, 130}, {64, 129}});
  }
  add({1, 4, 4, 3, 65, 40, 33, {}, Dtype::kF32, Dtype::kF16, Dtype::kF16, {3, 65}});
  add({2, 2, 1, 9, 20, 16, 16, {{"after", int64_t{0}}, {"align", std::string("start")}}});
  add({1, 8, 2, 37, 200, 16, 16, {{"before", int64_t{70}}, {"after", int64_t{5}}}});
  add({1, 6, 2, 33, 150, 80, 130, causal, Dtype::kF32, Dtype::kBF16});
  add({3, 2, 2, 7, 90, 16, 16, causal, Dtype::kF32, Dtype::kF32, Dtype::kInvalid, {}, {90, 3, 0}, true});
  add({1,
       2,
       2,
       4,
       70,
       8,
       8,
       {{"soft_cap", 3.0}, {"scale", 0.7}},
       Dtype::kF16,
       Dtype::kBF16,
       Dtype::kF32,
       {70}});
  add({1, 2, 1, 4, 70, 16, 16, {}, Dtype::kF32, Dtype::kF32, Dtype::kInvalid, {}, {}, true, {3, 1, 2, 0}});
  // Rows that see nothing, of a whole block or at all.
  std::vector<double> hidden(3 * 130, -INFINITY);
  for (int i = 0; i < 130; ++i) hidden[130 + i] = i == 100 ? 0.5 : -INFINITY;
  for (int i = 0; i < 130; ++i) hidden[260 + i] = i % 3 == 0 ? -0.25 * i : -INFINITY;
  add({1, 2, 1, 3, 130, 16, 16, {}, Dtype::kF32, Dtype::kF32, Dtype::kF32, {3, 130}, {}, false, {}, hidden});
  add({1,
       2,
       1,
       3,
       80,
       8,
       8,
       causal,
       Dtype::kF32,
       Dtype::kF32,
       Dtype::kInvalid,
       {},
       {},
       false,
       {},
       {},
       Fill::kAwkward});
  add({2, 2, 1, 0, 10, 16, 16});
  add({2, 2, 1, 3, 0, 16, 16});
  add({1, 1, 1, 3, 4, 0, 8});
  return out;
}

std::vector<OpDef> defs() {
  OpDef def;
  def.name = "dense_attention";
  def.family = "Attention";
  def.meaning = "softmax(scale * q k + mask) v over plain tensors; heads share keys and values in groups";
  def.inputs = {
      {"q", dtypes::floats, "[batch, heads, rows, d]"},
      {"k", dtypes::floats, "[batch, kv_heads, positions, d]"},
      {"v", dtypes::floats, "[batch, kv_heads, positions, dv]; dtype of k"},
      {"mask",
       {Dtype::kF32, Dtype::kF16, Dtype::kBF16, Dtype::kBool},
       "broadcast to [batch, heads, rows, positions]: added, -infinity hides; Bool: whether a row sees",
       true},
      {"lengths", {Dtype::kI32}, "[batch]: how many positions there are; absent: all", true},
      {"sinks", dtypes::f32, "[heads]: a score each head sees beside those of the positions", true}};
  def.outputs = {
      {"y", dtypes::floats, "[batch, heads, rows, dv]; dtype of q; zeros for a row that sees nothing"}};
  def.attributes = {
      {"scale", 0.0, "factor of the scores, as F32; 0: 1 / sqrt(d)"},
      {"soft_cap", 0.0, "scores become cap * tanh(score / cap) before the mask; 0: they stay"},
      {"before", int64_t{-1}, "a row sees so many positions before its own; -1: all"},
      {"after", int64_t{-1}, "and so many after it; 0: causal; -1: all"},
      {"align", std::string("end"),
       "'end': the last row's own position is the last one; 'start': the first row's is the first"}};
  def.order =
      "docs/decisions/0001-numerics.md, Attention: chains over d and positions, blocks of 64 ascending";
  def.infer = infer;
  def.reference = run;
  def.samples = samples;
  def.work = [](const WorkCall& call) {
    OpWork work = bytes_of_operands(call);
    const auto dim = [&](size_t operand, size_t i) { return static_cast<double>(call.dims[operand][i]); };
    work.operations = 2 * dim(kQ, 0) * dim(kQ, 1) * dim(kQ, 2) * dim(kK, 2) * (dim(kQ, 3) + dim(kV, 3));
    return work;
  };
  def.onnx = "Attention";
  def.aclnn = "aclnnFusedInferAttentionScoreV2";
  return {def};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_REGISTER_OPS(dense_attention, isthmus::defs)
