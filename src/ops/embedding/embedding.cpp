// SPDX-License-Identifier: Apache-2.0
// embedding: rows of a table, in any weight format, as F32.
#include <algorithm>
#include "base/block_formats.h"

#include "ops/reference.h"
#include "ops/samples.h"
#include "ops/shape_rules.h"

namespace isthmus {
namespace {

Status infer(const InferCall& call) {
  const TensorType& ids = call.inputs[0];
  const TensorType& table = call.inputs[1];
  if (table.rank() != 2)
    return invalid_argument("the table must be [rows, width], not {}", shape_to_string(table.shape));
  Shape shape = ids.shape;
  shape.push_back(table.shape[1]);
  if (shape.size() > kMaxRank) return invalid_argument("the output would have rank {}", shape.size());
  call.outputs[0] = {Dtype::kF32, std::move(shape)};
  return ok();
}

// Ids outside the table are data, known only at run: they give NaN, so that a mistake shows.
Status run(const ReferenceCall& call) {
  const Tensor& ids = call.inputs[0];
  const Tensor& table = call.inputs[1];
  const Tensor& y = call.outputs[0];
  const int64_t rows = table.dims[0], width = table.dims[1];
  std::vector<float> row(static_cast<size_t>(width));
  reference::for_each_index(ids.dims, ids.rank, [&](const int64_t* index) {
    const int64_t id = reference::load_i64(ids, ids.offset(index));
    if (id < 0 || id >= rows) {
      std::fill(row.begin(), row.end(), std::numeric_limits<float>::quiet_NaN());
    } else if (is_block(table.dtype)) {
      // The stride of a block dtype counts elements; a row is whole blocks.
      const auto* bytes = table.as<const unsigned char>() + dtype_bytes(table.dtype, id * table.strides[0]);
      dequantize(table.dtype, bytes, row.data(), width);
    } else {
      for (int64_t i = 0; i < width; ++i)
        row[i] = reference::load_f32(table, id * table.strides[0] + i * table.strides[1]);
    }
    int64_t at = 0;
    for (int i = 0; i < ids.rank; ++i) at += index[i] * y.strides[i];
    for (int64_t i = 0; i < width; ++i) y.as<float>()[at + i * y.strides[ids.rank]] = row[i];
  });
  return ok();
}

std::vector<Sample> samples() {
  std::vector<Sample> out;
  for (Dtype dtype : dtypes::floats) {
    out.push_back(
        {{sample_indices(Dtype::kI32, {5}, 11), sample_operand(dtype, {11, 37}, Fill::kAwkward)}, {}});
    out.push_back(
        {{sample_indices(Dtype::kI64, {2, 3}, 7), sample_operand(dtype, {7, 64}, Fill::kNormal, 0, {1, 0})},
         {}});
  }
  for (Dtype dtype : dtypes::blocks) {
    out.push_back(
        {{sample_indices(Dtype::kI32, {9}, 13), sample_operand(dtype, {13, 512}, Fill::kWeight)}, {}});
    out.push_back(
        {{sample_indices(Dtype::kI64, {1, 2}, 3), sample_operand(dtype, {3, 256}, Fill::kWeight)}, {}});
  }
  out.push_back(
      {{sample_values(Dtype::kI32, {4}, {-1, 0, 3, 4}), sample_operand(Dtype::kQ8_0, {4, 32}, Fill::kWeight)},
       {}});
  out.push_back({{sample_indices(Dtype::kI32, {0}, 3), sample_operand(Dtype::kF32, {3, 8})}, {}});
  out.push_back({{sample_indices(Dtype::kI32, {}, 3), sample_operand(Dtype::kF32, {3, 8})}, {}});
  return out;
}

std::vector<OpDef> defs() {
  std::vector<Dtype> table = dtypes::floats;
  table.insert(table.end(), dtypes::blocks.begin(), dtypes::blocks.end());
  OpDef def;
  def.name = "embedding";
  def.family = "Gather and scatter";
  def.meaning = "rows of a table by number, dequantised; a number outside the table gives NaN";
  def.inputs = {{"ids", dtypes::indices, "[any...]"}, {"table", table, "[rows, width]"}};
  def.outputs = {{"y", dtypes::f32, "[any..., width]"}};
  def.order = "elementwise; block formats as base/block_formats.h defines them";
  def.infer = infer;
  def.reference = run;
  def.samples = samples;
  def.work = [](const WorkCall& call) {  // of the table only the rows named
    int64_t ids = 1;
    for (int64_t dim : call.dims[0]) ids *= dim;
    const int64_t width = call.dims[1][1];
    return OpWork{static_cast<double>(ids * dtype_bytes(call.types[1].dtype, width) + 4 * ids * width), 0};
  };
  def.aclnn = "aclnnEmbedding";
  return {def};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_REGISTER_OPS(embedding, defs)
