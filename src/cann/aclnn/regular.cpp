// SPDX-License-Identifier: Apache-2.0
// The adapter of every regular row: inputs in order, one Isthmus operator, outputs in order.
#include <algorithm>

#include "cann/aclnn/builder.h"
#include "ops/registry.h"

namespace isthmus::cann {
namespace {

bool takes(const Port& port, Dtype dtype) {
  return std::find(port.dtypes.begin(), port.dtypes.end(), dtype) != port.dtypes.end();
}

// What an operand of this dtype is computed in: itself, or what PyTorch makes of it for a port that has no
// such dtype: whole numbers become the output's float or F32, Bool with a whole output I32.
Dtype computed_in(const Port& port, Dtype dtype, Dtype output) {
  if (takes(port, dtype)) return dtype;
  if (is_float(output) && takes(port, output)) return output;
  if (dtype == Dtype::kBool && !is_float(output) && takes(port, Dtype::kI32)) return Dtype::kI32;
  for (Dtype candidate : {Dtype::kF32, Dtype::kI32, Dtype::kI64, Dtype::kBool, Dtype::kU64})
    if (takes(port, candidate)) return candidate;
  return dtype;
}

// Whether x broadcasts to the shape of the place.
bool broadcasts(const Value& x, const Value& place) {
  if (x.rank > place.rank) return false;
  for (int i = 1; i <= x.rank; ++i)
    if (x.dims[x.rank - i] != 1 && x.dims[x.rank - i] != place.dims[place.rank - i]) return false;
  return true;
}

}  // namespace

Status build_regular(Builder& b, const Operator& op) {
  ASSIGN_OR_RETURN(const OpDef* def, require_op(op.regular));
  std::vector<Value> inputs, outputs;
  Attributes attributes;
  for (const Parameter& parameter : op.parameters) {
    switch (parameter.kind) {
      case Kind::kIn: inputs.push_back(b.optional(parameter.name)); break;
      case Kind::kInOut: inputs.push_back(b.tensor(parameter.name)); [[fallthrough]];
      case Kind::kOut: outputs.push_back(b.output(parameter.name)); break;
      case Kind::kInList:
        for (const Value& value : b.tensor_list(parameter.name)) inputs.push_back(value);
        break;
      case Kind::kInts:
        if (parameter.attribute) attributes.set(parameter.attribute, b.ints(parameter.name));
        break;
      case Kind::kInteger:
        if (parameter.attribute) attributes.set(parameter.attribute, b.integer(parameter.name));
        break;
      case Kind::kNumber:
      case Kind::kScalar:
        if (parameter.attribute && b.has(parameter.name))
          attributes.set(parameter.attribute, b.number(parameter.name));
        break;
      case Kind::kText:
        if (parameter.attribute) attributes.set(parameter.attribute, b.text(parameter.name));
        break;
      default: break;
    }
  }
  if (b.failed()) return b.status();
  if (outputs.empty() || inputs.empty())
    return error(Code::kInternal, "the row of {} has no {}", op.name, inputs.empty() ? "input" : "output");
  // Inputs whose ports take the same dtypes as the first one's are promoted together.
  const Dtype output = outputs[0].dtype;
  const auto port = [&](size_t i) -> const Port& { return def->inputs[std::min(i, def->inputs.size() - 1)]; };
  Dtype common = Dtype::kInvalid;
  for (size_t i = 0; i < inputs.size(); ++i)
    if (port(i).dtypes == port(0).dtypes) common = Builder::promote(common, inputs[i].dtype);
  common = computed_in(port(0), common, output);
  for (size_t i = 0; i < inputs.size(); ++i) {
    const bool together = port(i).dtypes == port(0).dtypes;
    const Dtype dtype = together ? common : computed_in(port(i), inputs[i].dtype, output);
    if (inputs[i].present() &&
        !b.require(!is_float(inputs[i].dtype) || is_float(dtype),
                   "an operand is {}, and only whole numbers have a meaning here", to_string(inputs[i])))
      return b.status();
    // Cast in the output's shape, the operand can lie in the output: no workspace, which ggml's slopes of
    // attention would not survive.
    if (inputs[i].present() && inputs[i].dtype != dtype && dtype == output && outputs.size() == 1 &&
        def->family.starts_with("Elementwise") && broadcasts(inputs[i], outputs[0]))
      inputs[i] = b.expand(inputs[i], outputs[0].shape());
    inputs[i] = b.cast(inputs[i], dtype);
  }
  const std::vector<Value> results = b.ops(op.regular, inputs, std::move(attributes));
  for (size_t i = 0; i < outputs.size() && i < results.size(); ++i) b.store(results[i], outputs[i]);
  return b.status();
}

}  // namespace isthmus::cann
