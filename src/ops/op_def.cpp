// SPDX-License-Identifier: Apache-2.0
#include "ops/op_def.h"

#include <algorithm>
#include <cassert>

namespace isthmus {

Dim Dim::times(int64_t factor) const {
  Dim d = *this;
  d.offset *= factor;
  d.scale *= factor;
  return d;
}

Dim Dim::plus(int64_t amount) const {
  Dim d = *this;
  d.offset += amount;
  return d;
}

std::string Dim::to_string() const {
  if (fixed()) return fmt::format("{}", offset);
  std::string text = scale == 1 ? fmt::format("s{}", symbol) : fmt::format("{}*s{}", scale, symbol);
  return offset == 0 ? text : fmt::format("{}{:+}", text, offset);
}

std::string shape_to_string(const Shape& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + shape[i].to_string();
  return text + "]";
}

void Attributes::set(std::string_view name, AttributeValue value) {
  for (auto& [key, old] : values_) {
    if (key == name) {
      old = std::move(value);
      return;
    }
  }
  values_.emplace_back(std::string(name), std::move(value));
}

const AttributeValue* Attributes::find(std::string_view name) const {
  for (const auto& [key, value] : values_)
    if (key == name) return &value;
  return nullptr;
}

Result<Attributes> OpDef::complete(const Attributes& given) const {
  static constexpr const char* kTypeNames[] = {"an integer", "a float", "a string", "integers", "floats"};
  Attributes complete;
  for (const AttributeDef& def : attributes) {
    const AttributeValue* value = given.find(def.name);
    if (!value) {
      complete.set(def.name, def.default_value);
    } else if (value->index() == def.default_value.index()) {
      complete.set(def.name, *value);
    } else if (std::holds_alternative<double>(def.default_value) && std::holds_alternative<int64_t>(*value)) {
      complete.set(def.name, static_cast<double>(std::get<int64_t>(*value)));
    } else {
      return invalid_argument("{}: attribute '{}' must be {}, not {}", name, def.name,
                              kTypeNames[def.default_value.index()], kTypeNames[value->index()]);
    }
  }
  for (const auto& [key, value] : given.values())
    if (!complete.find(key)) return invalid_argument("{}: there is no attribute '{}'", name, key);
  return complete;
}

namespace {

Status check_port(const std::string& op, const Port& port, const TensorType& type) {
  if (!type.present()) {
    if (port.optional) return ok();
    return invalid_argument("{}: input '{}' is missing", op, port.name);
  }
  if (std::find(port.dtypes.begin(), port.dtypes.end(), type.dtype) == port.dtypes.end()) {
    std::string list;
    for (Dtype d : port.dtypes) list += fmt::format("{}{}", list.empty() ? "" : ", ", dtype_name(d));
    return invalid_argument("{}: input '{}' is {}, but takes {}", op, port.name, dtype_name(type.dtype),
                            list);
  }
  if (type.rank() > kMaxRank)
    return invalid_argument("{}: input '{}' has rank {}, at most {} is supported", op, port.name, type.rank(),
                            kMaxRank);
  return ok();
}

}  // namespace

Result<std::vector<TensorType>> OpDef::infer_types(std::span<const TensorType> types,
                                                   const Attributes& complete) const {
  const bool variadic = !inputs.empty() && inputs.back().variadic;
  if (types.size() > inputs.size() && !variadic)
    return invalid_argument("{}: takes at most {} inputs, got {}", name, inputs.size(), types.size());
  std::vector<TensorType> padded(types.begin(), types.end());
  if (padded.size() < inputs.size()) padded.resize(inputs.size());
  for (size_t i = 0; i < padded.size(); ++i)
    RETURN_IF_ERROR(check_port(name, inputs[std::min(i, inputs.size() - 1)], padded[i]));
  std::vector<TensorType> result(outputs.size());
  RETURN_IF_ERROR(infer(InferCall{padded, complete, result}), "{}", name);
  return result;
}

OpWork bytes_of_operands(const WorkCall& call) {
  OpWork work;
  for (size_t i = 0; i < call.types.size(); ++i) {
    if (!call.types[i].present()) continue;
    int64_t elements = 1;
    for (int64_t dim : call.dims[i]) elements *= dim;
    work.bytes += static_cast<double>(dtype_bytes(call.types[i].dtype, elements));
  }
  return work;
}

OpWork work_of_products(const WorkCall& call, std::initializer_list<size_t> outputs) {
  OpWork work = bytes_of_operands(call);
  const double k = call.dims[0].empty() ? 1 : static_cast<double>(call.dims[0].back());
  for (size_t output : outputs) {
    double elements = 1;
    for (int64_t dim : call.dims[output]) elements *= static_cast<double>(dim);
    work.operations += 2 * elements * k;
  }
  return work;
}

}  // namespace isthmus
