// SPDX-License-Identifier: Apache-2.0
// Building graphs. Running them: executable.cpp.
#include "isthmus/graph.h"

#include "api/convert.h"
#include "api/handles.h"
#include "ops/registry.h"

using namespace isthmus;
using namespace isthmus::api;

namespace {

constexpr int64_t kLargestSymbol = int64_t{1} << 40;

Status add_name(std::vector<std::string>& names, const char* name, const char* kind) {
  if (std::find(names.begin(), names.end(), name) != names.end())
    return invalid_argument("the graph already has {} '{}'", kind, name);
  names.emplace_back(name);
  return ok();
}

Result<TensorType> read_type(const isthmus_graph_s& graph, const isthmus_type_t* type, const char* name) {
  ASSIGN_OR_RETURN(const isthmus_type_t given, read_struct(type, "type"), "'{}'", name);
  RETURN_IF_ERROR(check_dtype(given.dtype), "'{}'", name);
  ASSIGN_OR_RETURN(TensorType result, to_type(given, graph.symbols.size()), "'{}'", name);
  // The largest it gets must be a size that can be.
  int64_t dims[kMaxRank] = {};
  for (int d = 0; d < result.rank(); ++d) {
    const Dim& dim = result.shape[static_cast<size_t>(d)];
    dims[d] = dim.offset;
    if (dim.fixed()) continue;
    const SymbolRange& range = graph.symbols[static_cast<size_t>(dim.symbol)];
    if (dim.scale > 0 && range.max > (int64_t{1} << 58) / dim.scale)
      return invalid_argument("'{}': dimension {} grows to {} * {}", name, d, dim.scale, range.max);
    dims[d] += dim.scale * range.max;
    if (dim.offset + dim.scale * range.min < 0)
      return invalid_argument("'{}': dimension {} may be negative", name, d);
  }
  RETURN_IF_ERROR(tensor_bytes(result.dtype, result.rank(), dims).status(), "'{}'", name);
  return result;
}

Status require_fixed(const TensorType& type, const char* name) {
  for (const Dim& dim : type.shape)
    if (!dim.fixed()) return invalid_argument("'{}': its dims must be numbers, not symbols", name);
  return ok();
}

void add_given(isthmus_graph_s& graph, isthmus_value_t value) {
  graph.given.push_back(value);
  graph.value_count = value + 1;
}

bool has(const std::vector<ValueId>& list, ValueId value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

// The bytes of a constant: the caller's with its release function, or a copy.
std::shared_ptr<const void> own(const void*& data, uint64_t bytes, void (*release)(void*), void* context) {
  if (release)
    return std::shared_ptr<const void>(data, [release, context](const void*) { release(context); });
  auto copy = std::make_shared<std::vector<std::byte>>(static_cast<size_t>(std::max<uint64_t>(bytes, 1)));
  if (bytes) std::memcpy(copy->data(), data, bytes);
  data = copy->data();
  return copy;
}

}  // namespace

Status isthmus_graph_s::check_value(ValueId value) const {
  if (value < 0 || value >= value_count) return invalid_argument("the graph has no value {}", value);
  return ok();
}

Result<Graph> isthmus_graph_s::finish() const {
  GraphBuilder copy = builder;
  for (size_t i = 0; i < outputs.size(); ++i) copy.output(output_values[i], outputs[i]);
  return copy.finish();
}

isthmus_status_t isthmus_graph_create(isthmus_graph_t** graph) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_graph_create", ISTHMUS_POINTER(graph)));
    *graph = new isthmus_graph_t;
    return ok();
  });
}

void isthmus_graph_destroy(isthmus_graph_t* graph) { delete graph; }

isthmus_status_t isthmus_graph_symbol(isthmus_graph_t* graph, const char* name, int64_t min, int64_t max,
                                      isthmus_dim_t* dim) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(
        require("isthmus_graph_symbol", ISTHMUS_POINTER(graph), ISTHMUS_POINTER(name), ISTHMUS_POINTER(dim)));
    if (min < 0 || max < min || max > kLargestSymbol)
      return invalid_argument("symbol '{}': from {} to {}; 0 to 2^40 is possible", name, min, max);
    const Dim made = graph->builder.symbol(name, {min, max});
    graph->symbols.push_back({min, max});
    *dim = {made.offset, made.scale, made.symbol};
    return ok();
  });
}

isthmus_status_t isthmus_graph_input(isthmus_graph_t* graph, const char* name, const isthmus_type_t* type,
                                     isthmus_value_t* value) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_graph_input", ISTHMUS_POINTER(graph), ISTHMUS_POINTER(name),
                            ISTHMUS_POINTER(value)));
    ASSIGN_OR_RETURN(TensorType own_type, read_type(*graph, type, name));
    RETURN_IF_ERROR(add_name(graph->inputs, name, "an input"));
    *value = graph->builder.input(name, own_type.dtype, std::move(own_type.shape));
    add_given(*graph, *value);
    return ok();
  });
}

isthmus_status_t isthmus_graph_state(isthmus_graph_t* graph, const char* name, const isthmus_type_t* type,
                                     isthmus_value_t* value) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_graph_state", ISTHMUS_POINTER(graph), ISTHMUS_POINTER(name),
                            ISTHMUS_POINTER(value)));
    ASSIGN_OR_RETURN(TensorType own_type, read_type(*graph, type, name));
    RETURN_IF_ERROR(require_fixed(own_type, name));
    RETURN_IF_ERROR(add_name(graph->states, name, "a state"));
    *value = graph->builder.state(name, own_type.dtype, std::move(own_type.shape));
    add_given(*graph, *value);
    graph->state_values.push_back(*value);
    return ok();
  });
}

isthmus_status_t isthmus_graph_constant(isthmus_graph_t* graph, const char* name, const isthmus_type_t* type,
                                        const void* data, void (*release)(void* context), void* context,
                                        isthmus_value_t* value) {
  const isthmus_status_t code = guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_graph_constant", ISTHMUS_POINTER(graph), ISTHMUS_POINTER(name),
                            ISTHMUS_POINTER(value)));
    ASSIGN_OR_RETURN(TensorType own_type, read_type(*graph, type, name));
    RETURN_IF_ERROR(require_fixed(own_type, name));
    int64_t dims[kMaxRank] = {};
    for (int d = 0; d < own_type.rank(); ++d) dims[d] = own_type.shape[static_cast<size_t>(d)].offset;
    ASSIGN_OR_RETURN(const uint64_t bytes, tensor_bytes(own_type.dtype, own_type.rank(), dims), "'{}'", name);
    if (bytes) RETURN_IF_ERROR(require("isthmus_graph_constant", ISTHMUS_POINTER(data)));
    const void* bytes_at = data;
    std::shared_ptr<const void> owner = own(bytes_at, bytes, release, context);
    release = nullptr;  // The owner calls it now.
    *value =
        graph->builder.constant(name, own_type.dtype, std::move(own_type.shape), bytes_at, std::move(owner));
    add_given(*graph, *value);
    return ok();
  });
  if (code != ISTHMUS_OK && release) release(context);
  return code;
}

isthmus_status_t isthmus_graph_op(isthmus_graph_t* graph, const char* name,
                                  const isthmus_attribute_t* attributes, int32_t attribute_count,
                                  const isthmus_value_t* inputs, int32_t input_count,
                                  isthmus_value_t* outputs, int32_t output_count) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_graph_op", ISTHMUS_POINTER(graph), ISTHMUS_POINTER(name)));
    ASSIGN_OR_RETURN(const OpDef* def, require_op(name));
    ASSIGN_OR_RETURN(Attributes given, to_attributes(attributes, attribute_count), "{}", name);
    if (input_count < 0 || input_count > ISTHMUS_MAX_OPERANDS || (input_count > 0 && !inputs))
      return invalid_argument("{}: {} inputs", name, input_count);
    if (output_count < 0 || static_cast<size_t>(output_count) > def->outputs.size() ||
        (output_count > 0 && !outputs))
      return invalid_argument("{}: {} outputs, it has {}", name, output_count, def->outputs.size());
    std::vector<ValueId> values(inputs, inputs + input_count);
    for (size_t i = 0; i < values.size(); ++i) {
      if (values[i] == kNoValue) continue;
      RETURN_IF_ERROR(graph->check_value(values[i]), "{}: input {}", name, i);
      if (!def->inputs.empty() && def->inputs[std::min(i, def->inputs.size() - 1)].state &&
          !has(graph->state_values, values[i]))
        return invalid_argument("{}: input {} is written in place, so it must be a state", name, i);
    }
    ASSIGN_OR_RETURN(const auto made, graph->builder.emit(name, std::move(values), std::move(given)));
    for (ValueId v : made) graph->value_count = std::max(graph->value_count, v + 1);
    std::copy_n(made.begin(), output_count, outputs);
    return ok();
  });
}

isthmus_status_t isthmus_graph_type(const isthmus_graph_t* graph, isthmus_value_t value,
                                    isthmus_type_t* type) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_graph_type", ISTHMUS_POINTER(graph)));
    RETURN_IF_ERROR(graph->check_value(value));
    return write_struct(type, from_type(graph->builder.type(value)), "type");
  });
}

isthmus_status_t isthmus_graph_output(isthmus_graph_t* graph, const char* name, isthmus_value_t value) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_graph_output", ISTHMUS_POINTER(graph), ISTHMUS_POINTER(name)));
    RETURN_IF_ERROR(graph->check_value(value));
    if (has(graph->given, value))
      return invalid_argument("output '{}' is not computed but given; apply the operator identity to it",
                              name);
    RETURN_IF_ERROR(add_name(graph->outputs, name, "an output"));
    graph->output_values.push_back(value);
    return ok();
  });
}
