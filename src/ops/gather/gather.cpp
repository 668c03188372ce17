// SPDX-License-Identifier: Apache-2.0
// Reading and writing at indices: gather, gather_elements, gather_nd, scatter_elements, scatter_nd.
//
// Indices are data, known only at run. Negative ones count from the end; one that is still outside reads zero
// and writes nothing, on every chip.
#include <algorithm>

#include "ops/elementwise/vocabulary-inl.h"
#include "ops/reference.h"
#include "ops/samples.h"
#include "ops/shape_rules.h"

namespace isthmus {
namespace {

using namespace reference;

// The index as 0 … size - 1, or -1.
int64_t resolve(int64_t index, int64_t size) {
  if (index < 0) index += size;
  return index >= 0 && index < size ? index : -1;
}

// x_at < 0: zero.
void read_element(const Tensor& y, int64_t y_at, const Tensor& x, int64_t x_at, bool inside) {
  visit_size(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    y.as<T>()[y_at] = inside ? x.as<T>()[x_at] : T(0);
  });
}

Status infer_gather(const InferCall& call) {
  const TensorType &x = call.inputs[0], &indices = call.inputs[1];
  ASSIGN_OR_RETURN(const int axis, check_axis(call.attributes.i("axis"), x.rank()));
  Shape shape(x.shape.begin(), x.shape.begin() + axis);
  shape.insert(shape.end(), indices.shape.begin(), indices.shape.end());
  shape.insert(shape.end(), x.shape.begin() + axis + 1, x.shape.end());
  if (shape.size() > kMaxRank) return invalid_argument("the output would have rank {}", shape.size());
  call.outputs[0] = {x.dtype, std::move(shape)};
  return ok();
}

Status run_gather(const ReferenceCall& call) {
  const Tensor &x = call.inputs[0], &indices = call.inputs[1], &y = call.outputs[0];
  ASSIGN_OR_RETURN(const int axis, check_axis(call.attributes.i("axis"), x.rank));
  for_each_index(y.dims, y.rank, [&](const int64_t* index) {
    const int64_t i = resolve(load_i64(indices, indices.offset(index + axis)), x.dims[axis]);
    int64_t at = i * x.strides[axis];
    for (int d = 0; d < axis; ++d) at += index[d] * x.strides[d];
    for (int d = axis + 1; d < x.rank; ++d) at += index[d - 1 + indices.rank] * x.strides[d];
    read_element(y, y.offset(index), x, at, i >= 0);
  });
  return ok();
}

Status infer_gather_elements(const InferCall& call) {
  const TensorType &x = call.inputs[0], &indices = call.inputs[1];
  ASSIGN_OR_RETURN(const int axis, check_axis(call.attributes.i("axis"), x.rank()));
  if (indices.rank() != x.rank())
    return invalid_argument("indices have rank {}, x {}", indices.rank(), x.rank());
  for (int d = 0; d < x.rank(); ++d) {
    const Dim &have = x.shape[d], &want = indices.shape[d];
    if (d != axis && !(have == want || (have.fixed() && want.fixed() && want.offset <= have.offset)))
      return invalid_argument("indices {} reach beyond x {}", shape_to_string(indices.shape),
                              shape_to_string(x.shape));
  }
  call.outputs[0] = {x.dtype, indices.shape};
  return ok();
}

Status run_gather_elements(const ReferenceCall& call) {
  const Tensor &x = call.inputs[0], &indices = call.inputs[1], &y = call.outputs[0];
  ASSIGN_OR_RETURN(const int axis, check_axis(call.attributes.i("axis"), x.rank));
  for_each_index(y.dims, y.rank, [&](const int64_t* index) {
    const int64_t i = resolve(load_i64(indices, indices.offset(index)), x.dims[axis]);
    const int64_t at = x.offset(index) + (i - index[axis]) * x.strides[axis];
    read_element(y, y.offset(index), x, at, i >= 0);
  });
  return ok();
}

Status infer_gather_nd(const InferCall& call) {
  const TensorType &x = call.inputs[0], &indices = call.inputs[1];
  const int64_t batch = call.attributes.i("batch_dims");
  if (indices.rank() < 1) return invalid_argument("indices have rank 0");
  ASSIGN_OR_RETURN(const int64_t depth, fixed_dim(indices.shape.back(), "the last dimension of indices"));
  if (batch < 0 || batch >= indices.rank() || depth > kMaxRank || batch + depth > x.rank())
    return invalid_argument("batch_dims {} and indices of {} dimensions do not fit x {}", batch, depth,
                            shape_to_string(x.shape));
  for (int64_t d = 0; d < batch; ++d)
    if (x.shape[d] != indices.shape[d]) return invalid_argument("batch dimension {} differs", d);
  Shape shape(indices.shape.begin(), indices.shape.end() - 1);
  shape.insert(shape.end(), x.shape.begin() + batch + depth, x.shape.end());
  if (shape.size() > kMaxRank) return invalid_argument("the output would have rank {}", shape.size());
  call.outputs[0] = {x.dtype, std::move(shape)};
  return ok();
}

// Offset in x of the slice an index vector names; false when outside.
bool slice_at(const Tensor& x, int64_t first, const Tensor& indices, int64_t vector_at, int64_t depth,
              int64_t* at) {
  bool inside = true;
  for (int64_t k = 0; k < depth; ++k) {
    const int64_t i =
        resolve(load_i64(indices, vector_at + k * indices.strides[indices.rank - 1]), x.dims[first + k]);
    inside &= i >= 0;
    *at += i * x.strides[first + k];
  }
  return inside;
}

Status run_gather_nd(const ReferenceCall& call) {
  const Tensor &x = call.inputs[0], &indices = call.inputs[1], &y = call.outputs[0];
  const int64_t batch = call.attributes.i("batch_dims"), depth = indices.dims[indices.rank - 1];
  for_each_index(y.dims, y.rank, [&](const int64_t* index) {
    int64_t vector_at = 0, at = 0;
    for (int d = 0; d < indices.rank - 1; ++d) vector_at += index[d] * indices.strides[d];
    for (int64_t d = 0; d < batch; ++d) at += index[d] * x.strides[d];
    const bool inside = slice_at(x, batch, indices, vector_at, depth, &at);
    for (int64_t d = batch + depth; d < x.rank; ++d)
      at += index[indices.rank - 1 + d - batch - depth] * x.strides[d];
    read_element(y, y.offset(index), x, at, inside);
  });
  return ok();
}

// ---- scatter

Result<int> reduction(const Attributes& attributes) {
  static constexpr const char* kNames[] = {"none", "add", "mul", "max", "min"};
  for (int i = 0; i < 5; ++i)
    if (attributes.s("reduction") == kNames[i]) return i;
  return invalid_argument("reduction is '{}', not none, add, mul, max or min", attributes.s("reduction"));
}

Status check_reduction(const InferCall& call) {
  ASSIGN_OR_RETURN(const int how, reduction(call.attributes));
  if (how != 0 && call.inputs[0].dtype == Dtype::kBool)
    return invalid_argument("Bool elements are not reduced");
  if (call.inputs[2].dtype != call.inputs[0].dtype)
    return invalid_argument("updates are {}, x is {}", dtype_name(call.inputs[2].dtype),
                            dtype_name(call.inputs[0].dtype));
  call.outputs[0] = call.inputs[0];
  return ok();
}

void write_element(const Tensor& y, int64_t y_at, const Tensor& updates, int64_t at, int how) {
  visit(y.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_same_v<T, Bool>) {
      y.as<T>()[y_at] = updates.as<T>()[at];
    } else {
      const auto old = get(y.as<T>()[y_at]), update = get(updates.as<T>()[at]);
      if (how == 0) y.as<T>()[y_at] = updates.as<T>()[at];
      if (how == 1) put(y.as<T>()[y_at], formulas::add(old, update));
      if (how == 2) put(y.as<T>()[y_at], formulas::multiply(old, update));
      if (how == 3) put(y.as<T>()[y_at], formulas::maximum(old, update));
      if (how == 4) put(y.as<T>()[y_at], formulas::minimum(old, update));
    }
  });
}

void copy_all(const Tensor& y, const Tensor& x) {
  for_each_index(x.dims, x.rank,
                 [&](const int64_t* index) { read_element(y, y.offset(index), x, x.offset(index), true); });
}

Status infer_scatter_elements(const InferCall& call) {
  const TensorType &x = call.inputs[0], &indices = call.inputs[1], &updates = call.inputs[2];
  ASSIGN_OR_RETURN(const int axis, check_axis(call.attributes.i("axis"), x.rank()));
  if (indices.rank() != x.rank() || updates.shape != indices.shape)
    return invalid_argument("indices {} and updates {} do not fit x {}", shape_to_string(indices.shape),
                            shape_to_string(updates.shape), shape_to_string(x.shape));
  for (int d = 0; d < x.rank(); ++d) {
    const Dim &have = x.shape[d], &want = indices.shape[d];
    if (d != axis && !(have == want || (have.fixed() && want.fixed() && want.offset <= have.offset)))
      return invalid_argument("indices {} reach beyond x {}", shape_to_string(indices.shape),
                              shape_to_string(x.shape));
  }
  return check_reduction(call);
}

Status run_scatter_elements(const ReferenceCall& call) {
  const Tensor &indices = call.inputs[1], &updates = call.inputs[2], &y = call.outputs[0];
  ASSIGN_OR_RETURN(const int axis, check_axis(call.attributes.i("axis"), y.rank));
  ASSIGN_OR_RETURN(const int how, reduction(call.attributes));
  copy_all(y, call.inputs[0]);
  for_each_index(indices.dims, indices.rank, [&](const int64_t* index) {
    const int64_t i = resolve(load_i64(indices, indices.offset(index)), y.dims[axis]);
    if (i < 0) return;
    write_element(y, y.offset(index) + (i - index[axis]) * y.strides[axis], updates, updates.offset(index),
                  how);
  });
  return ok();
}

Status infer_scatter_nd(const InferCall& call) {
  const TensorType &x = call.inputs[0], &indices = call.inputs[1], &updates = call.inputs[2];
  if (indices.rank() < 1) return invalid_argument("indices have rank 0");
  ASSIGN_OR_RETURN(const int64_t depth, fixed_dim(indices.shape.back(), "the last dimension of indices"));
  if (depth > x.rank()) return invalid_argument("indices of {} dimensions for x of rank {}", depth, x.rank());
  Shape expected(indices.shape.begin(), indices.shape.end() - 1);
  expected.insert(expected.end(), x.shape.begin() + depth, x.shape.end());
  if (updates.shape != expected)
    return invalid_argument("updates are {}, not {}", shape_to_string(updates.shape),
                            shape_to_string(expected));
  return check_reduction(call);
}

Status run_scatter_nd(const ReferenceCall& call) {
  const Tensor &indices = call.inputs[1], &updates = call.inputs[2], &y = call.outputs[0];
  const int64_t depth = indices.dims[indices.rank - 1];
  ASSIGN_OR_RETURN(const int how, reduction(call.attributes));
  copy_all(y, call.inputs[0]);
  for_each_index(updates.dims, updates.rank, [&](const int64_t* index) {
    int64_t vector_at = 0, at = 0;
    for (int d = 0; d < indices.rank - 1; ++d) vector_at += index[d] * indices.strides[d];
    if (!slice_at(y, 0, indices, vector_at, depth, &at)) return;
    for (int64_t d = depth; d < y.rank; ++d) at += index[indices.rank - 1 + d - depth] * y.strides[d];
    write_element(y, at, updates, updates.offset(index), how);
  });
  return ok();
}

// ---- declarations

OpDef make(const char* name, const char* meaning, const char* onnx, const char* aclnn) {
  OpDef def;
  def.name = name;
  def.family = "Gather and scatter";
  def.meaning = meaning;
  def.inputs = {{"x", dtypes::plain, "[...]"},
                {"indices", dtypes::indices, "outside: reads 0, writes nothing"}};
  def.outputs = {{"y", dtypes::plain, "dtype of x"}};
  def.order = "elementwise";
  def.onnx = onnx;
  def.aclnn = aclnn;
  return def;
}

SampleOperand values(Dtype dtype, std::vector<int64_t> dims, bool strided = false) {
  std::vector<int64_t> order;
  for (size_t i = 0; strided && i < dims.size(); ++i)
    order.push_back(static_cast<int64_t>((i + 1) % dims.size()));
  return sample_operand(dtype, std::move(dims), Fill::kAwkward, 0, order);
}

std::vector<OpDef> defs() {
  const std::vector<AttributeDef> axis = {{"axis", int64_t{0}, "which the indices count along"}};
  const AttributeDef how = {"reduction", std::string("none"), "none, add, mul, max, min"};

  OpDef gather = make("gather", "slices of x at indices along an axis", "Gather", "aclnnGatherV2");
  gather.attributes = axis;
  gather.infer = infer_gather;
  gather.reference = run_gather;
  gather.samples = [] {
    std::vector<Sample> out;
    for (Dtype dtype : dtypes::plain) {
      out.push_back({{values(dtype, {7, 45}), sample_indices(Dtype::kI32, {3, 4}, 7)}, {}});
      out.push_back(
          {{values(dtype, {3, 7, 5}, true), sample_indices(Dtype::kI64, {6}, 7)}, {{"axis", int64_t{1}}}});
      out.push_back(
          {{values(dtype, {3, 9}), sample_indices(Dtype::kI64, {2, 2}, 9)}, {{"axis", int64_t{-1}}}});
    }
    out.push_back({{values(Dtype::kF32, {4, 3}), sample_values(Dtype::kI32, {5}, {-1, -4, -5, 4, 0})}, {}});
    out.push_back({{values(Dtype::kF32, {4, 3}), sample_indices(Dtype::kI32, {}, 4)}, {}});
    out.push_back({{values(Dtype::kF32, {4, 0}), sample_indices(Dtype::kI32, {2}, 4)}, {}});
    return out;
  };

  OpDef elements =
      make("gather_elements", "y[i, j, …] = x with the axis' coordinate replaced by indices[i, j, …]",
           "GatherElements", "aclnnGather");
  elements.attributes = axis;
  elements.infer = infer_gather_elements;
  elements.reference = run_gather_elements;
  elements.samples = [] {
    std::vector<Sample> out;
    for (Dtype dtype : dtypes::plain)
      out.push_back(
          {{values(dtype, {3, 7, 50}), sample_indices(Dtype::kI64, {3, 9, 50}, 7)}, {{"axis", int64_t{1}}}});
    out.push_back({{values(Dtype::kF16, {5, 6}, true), sample_indices(Dtype::kI32, {2, 6}, 5)}, {}});
    out.push_back({{values(Dtype::kF32, {4}), sample_values(Dtype::kI64, {4}, {-1, -5, 4, 3})}, {}});
    return out;
  };

  OpDef nd = make("gather_nd", "slices of x at the coordinates in the last dimension of indices", "GatherND",
                  "aclnnGatherNd");
  nd.attributes = {{"batch_dims", int64_t{0}, "leading dimensions walked together"}};
  nd.infer = infer_gather_nd;
  nd.reference = run_gather_nd;
  nd.samples = [] {
    std::vector<Sample> out;
    for (Dtype dtype : dtypes::plain)
      out.push_back({{values(dtype, {5, 6, 30}), sample_indices(Dtype::kI64, {4, 3, 2}, 5)}, {}});
    out.push_back({{values(Dtype::kF32, {3, 6, 7}, true), sample_indices(Dtype::kI32, {3, 4, 1}, 6)},
                   {{"batch_dims", int64_t{1}}}});
    out.push_back(
        {{values(Dtype::kF32, {3, 6}), sample_values(Dtype::kI64, {3, 2}, {0, -1, 3, 0, -3, 5})}, {}});
    return out;
  };

  OpDef scatter = make("scatter_elements",
                       "x with updates written or combined at indices along an axis, in row-major order",
                       "ScatterElements", "aclnnScatter");
  scatter.inputs.push_back({"updates", dtypes::plain, "shape of indices"});
  scatter.attributes = {axis[0], how};
  scatter.order = "row-major order of indices; F16 and BF16 are rounded at every update";
  scatter.infer = infer_scatter_elements;
  scatter.reference = run_scatter_elements;
  scatter.samples = [] {
    std::vector<Sample> out;
    for (Dtype dtype : dtypes::plain) {
      for (const char* name : {"none", "add", "mul", "max", "min"}) {
        if (dtype == Dtype::kBool && *name != 'n') continue;
        out.push_back(
            {{values(dtype, {5, 40}), sample_indices(Dtype::kI64, {9, 33}, 5), values(dtype, {9, 33})},
             {{"reduction", std::string(name)}}});
      }
    }
    out.push_back({{values(Dtype::kF32, {5, 6}, true), sample_indices(Dtype::kI32, {5, 4}, 6),
                    values(Dtype::kF32, {5, 4}, true)},
                   {{"axis", int64_t{1}}}});
    out.push_back({{values(Dtype::kF32, {5}), sample_values(Dtype::kI32, {4}, {-1, 5, -6, 2}),
                    values(Dtype::kF32, {4})},
                   {}});
    return out;
  };

  OpDef scatter_nd = make(
      "scatter_nd", "x with updates written or combined at the coordinates in indices, in row-major order",
      "ScatterND", "aclnnScatterNd");
  scatter_nd.inputs.push_back({"updates", dtypes::plain, "[indices..., rest of x]"});
  scatter_nd.attributes = {how};
  scatter_nd.order = scatter.order;
  scatter_nd.infer = infer_scatter_nd;
  scatter_nd.reference = run_scatter_nd;
  scatter_nd.samples = [] {
    std::vector<Sample> out;
    for (Dtype dtype : dtypes::plain)
      out.push_back(
          {{values(dtype, {5, 6, 30}), sample_indices(Dtype::kI64, {4, 3, 2}, 5), values(dtype, {4, 3, 30})},
           {}});
    for (const char* name : {"add", "mul", "max", "min"})
      out.push_back({{values(Dtype::kF16, {5, 6}, true), sample_indices(Dtype::kI32, {9, 1}, 5),
                      values(Dtype::kF16, {9, 6})},
                     {{"reduction", std::string(name)}}});
    out.push_back({{values(Dtype::kF32, {5}), sample_values(Dtype::kI32, {4, 1}, {-1, 5, -6, 2}),
                    values(Dtype::kF32, {4})},
                   {}});
    return out;
  };
  return {gather, elements, nd, scatter, scatter_nd};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_REGISTER_OPS(gather, defs)
