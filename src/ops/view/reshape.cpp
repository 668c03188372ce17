// SPDX-License-Identifier: Apache-2.0
// reshape: the same elements in the same order under other dimensions. Executables make it a view, without
// work.
#include <cstring>

#include "ops/op_def.h"

namespace isthmus {
namespace {

// The product of the dimensions except `skip`; at most one may be symbolic.
Result<Dim> product(const Shape& shape, int skip = -1) {
  Dim total = 1;
  for (int i = 0; i < static_cast<int>(shape.size()); ++i) {
    if (i == skip) continue;
    if (shape[i].fixed()) {
      total = total.times(shape[i].offset);
    } else if (total.fixed()) {
      total = shape[i].times(total.offset);
    } else {
      return unimplemented("more than one symbolic dimension in {}", shape_to_string(shape));
    }
  }
  return total;
}

Status infer(const InferCall& call) {
  const TensorType& x = call.inputs[0];
  Shape shape;
  int unknown = -1;
  for (int64_t dim : call.attributes.ints("dims")) {
    if (dim == 0) {
      if (shape.size() >= x.shape.size())
        return invalid_argument("dims has 0 (keep) at place {}, but the input is {}", shape.size(),
                                shape_to_string(x.shape));
      shape.push_back(x.shape[shape.size()]);
    } else if (dim == -1) {
      if (unknown >= 0) return invalid_argument("dims has more than one -1");
      unknown = static_cast<int>(shape.size());
      shape.push_back(1);
    } else if (dim < 0) {
      return invalid_argument("dims has {}; only -1 (infer), 0 (keep) and positive numbers mean something",
                              dim);
    } else {
      shape.push_back(dim);
    }
  }
  ASSIGN_OR_RETURN(const Dim total, product(x.shape));
  ASSIGN_OR_RETURN(const Dim known, product(shape, unknown));
  if (unknown >= 0) {
    if (known.fixed()) {
      const int64_t by = known.offset;
      if (by == 0 || total.offset % by || total.scale % by)
        return invalid_argument("cannot make {} into whole rows of {}", shape_to_string(x.shape), by);
      Dim dim = total;
      dim.offset /= by;
      dim.scale /= by;
      shape[unknown] = dim;
    } else if (known.offset == 0 && total.offset == 0 && known.symbol == total.symbol &&
               total.scale % known.scale == 0) {
      shape[unknown] = total.scale / known.scale;
    } else {
      return invalid_argument("cannot infer a dimension of {} from {}", shape_to_string(shape),
                              shape_to_string(x.shape));
    }
  } else if (!(known == total)) {
    return invalid_argument("{} has {} elements, {} has {}", shape_to_string(x.shape), total.to_string(),
                            shape_to_string(shape), known.to_string());
  }
  call.outputs[0] = {x.dtype, shape};
  return ok();
}

Status reference(const ReferenceCall& call) {
  const Tensor &x = call.inputs[0], &y = call.outputs[0];
  const int64_t n = x.elements(), size = dtype_info(x.dtype).block_bytes;
  auto at = [&](const Tensor& t, int64_t linear) {
    int64_t offset = 0;
    for (int i = t.rank - 1; i >= 0; --i) {
      offset += linear % t.dims[i] * t.strides[i];
      linear /= t.dims[i];
    }
    return t.as<char>() + offset * size;
  };
  for (int64_t i = 0; i < n; ++i) std::memcpy(at(y, i), at(x, i), size);
  return ok();
}

std::vector<Sample> samples() {
  return {
      {{{Dtype::kF32, {2, 3, 4}}}, {{"dims", std::vector<int64_t>{6, 4}}}},
      {{{Dtype::kF16, {2, 3, 4}}}, {{"dims", std::vector<int64_t>{0, -1}}}},
      {{{Dtype::kI64, {5, 7}, Fill::kNormal, 0, {1, 0}}}, {{"dims", std::vector<int64_t>{35}}}},
      {{{Dtype::kF32, {0, 3}}}, {{"dims", std::vector<int64_t>{3, 0}}}},
      {{{Dtype::kBool, {1}}}, {{"dims", std::vector<int64_t>{}}}},
  };
}

std::vector<OpDef> defs() {
  OpDef def;
  def.name = "reshape";
  def.family = "movement";
  def.meaning = "the same elements, row-major, under other dimensions";
  def.inputs = {{"x", dtypes::plain, "any shape"}};
  def.outputs = {{"y", dtypes::plain, "the shape dims says"}};
  def.attributes = {
      {"dims", std::vector<int64_t>{-1}, "0 keeps the input's dimension at that place, -1 is inferred"}};
  def.order = "elementwise";
  def.infer = infer;
  def.reference = reference;
  def.samples = samples;
  def.aclnn = "";
  return {def};
}

}  // namespace
}  // namespace isthmus

ISTHMUS_REGISTER_OPS(reshape, defs)
