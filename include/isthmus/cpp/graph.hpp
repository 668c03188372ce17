// SPDX-License-Identifier: Apache-2.0
// Graphs and executables as C++ values. graph.h says what each function does.
#pragma once

#include "isthmus/cpp/ops.hpp"
#include "isthmus/graph.h"

namespace isthmus {
inline namespace v0 {

// Numbers and symbols: {tokens, 64} with tokens from Graph::symbol.
struct Dim : isthmus_dim_t {
  Dim(int64_t number)
      : isthmus_dim_t(isthmus_dim_fixed(number)) {}  // NOLINT: implicit, a number is a dimension
  Dim(isthmus_dim_t dim) : isthmus_dim_t(dim) {}     // NOLINT: implicit
};

inline isthmus_type_t make_type(isthmus_dtype_t dtype, std::initializer_list<Dim> dims) {
  isthmus_type_t type = {};
  type.size = sizeof type;
  type.dtype = dtype;
  type.rank = static_cast<int32_t>(dims.size());  // A rank above the limit is refused where the type is used.
  int32_t i = 0;
  for (const Dim& dim : dims)
    if (i < ISTHMUS_MAX_RANK) type.dims[i++] = dim;
  return type;
}

inline std::vector<isthmus_report_row_t> read_report(auto* of, auto* function) {
  std::vector<isthmus_report_row_t> rows;
  isthmus_report_row_t row = {};
  row.size = sizeof row;
  while (function(of, static_cast<int32_t>(rows.size()), &row) == ISTHMUS_OK) rows.push_back(row);
  return rows;
}

// One thread at a time.
class Executable : public Handle<isthmus_executable_t, isthmus_executable_destroy> {
 public:
  using Handle::Handle;
  Result<isthmus_tensor_t> input(const std::string& name) const {
    return ask(isthmus_executable_input, name);
  }
  Result<isthmus_tensor_t> output(const std::string& name) const {
    return ask(isthmus_executable_output, name);
  }
  Status bind_state(const std::string& name, isthmus_address_t address) {
    return Status::of(isthmus_executable_bind_state(get(), name.c_str(), address));
  }
  Status run(Stream& stream, const std::vector<int64_t>& symbols = {}) {
    return Status::of(
        isthmus_executable_run(get(), symbols.data(), static_cast<int32_t>(symbols.size()), stream.get()));
  }
  // Strings live as long as the executable.
  std::vector<isthmus_report_row_t> report() const { return read_report(get(), isthmus_executable_report); }

 private:
  template <typename F>
  Result<isthmus_tensor_t> ask(F* function, const std::string& name) const {
    isthmus_tensor_t tensor = {};
    tensor.size = sizeof tensor;
    if (const auto code = function(get(), name.c_str(), &tensor)) return last_error(code);
    return tensor;
  }
};

class Graph : public Handle<isthmus_graph_t, isthmus_graph_destroy> {
 public:
  using Handle::Handle;
  static Result<Graph> create() {
    isthmus_graph_t* c = nullptr;
    if (const auto code = isthmus_graph_create(&c)) return last_error(code);
    return Graph(c);
  }
  Result<Dim> symbol(const std::string& name, int64_t min, int64_t max) {
    isthmus_dim_t dim = {};
    if (const auto code = isthmus_graph_symbol(get(), name.c_str(), min, max, &dim)) return last_error(code);
    return Dim(dim);
  }
  Result<isthmus_value_t> input(const std::string& name, isthmus_dtype_t dtype,
                                std::initializer_list<Dim> dims) {
    return given(isthmus_graph_input, name, make_type(dtype, dims));
  }
  Result<isthmus_value_t> state(const std::string& name, isthmus_dtype_t dtype,
                                std::initializer_list<Dim> dims) {
    return given(isthmus_graph_state, name, make_type(dtype, dims));
  }
  // The bytes are copied; isthmus_graph_constant keeps the caller's instead.
  template <typename T>
  Result<isthmus_value_t> constant(const std::string& name, isthmus_dtype_t dtype,
                                   std::initializer_list<Dim> dims, const std::vector<T>& values) {
    const isthmus_type_t type = make_type(dtype, dims);
    isthmus_value_t value = ISTHMUS_NO_VALUE;
    if (const auto code =
            isthmus_graph_constant(get(), name.c_str(), &type, values.data(), nullptr, nullptr, &value))
      return last_error(code);
    return value;
  }
  // The first output of an operator; isthmus_graph_op gives all.
  Result<isthmus_value_t> op(const std::string& name, const std::vector<isthmus_value_t>& inputs,
                             const AttributeList& attributes = {}) {
    isthmus_value_t value = ISTHMUS_NO_VALUE;
    if (const auto code =
            isthmus_graph_op(get(), name.c_str(), attributes.data(), static_cast<int32_t>(attributes.size()),
                             inputs.data(), static_cast<int32_t>(inputs.size()), &value, 1))
      return last_error(code);
    return value;
  }
  // The first output_count outputs.
  Result<std::vector<isthmus_value_t>> if_else(isthmus_value_t condition,
                                               const std::vector<isthmus_value_t>& operands,
                                               const Graph& then_region, const Graph& else_region,
                                               size_t output_count) {
    std::vector<isthmus_value_t> outputs(output_count, ISTHMUS_NO_VALUE);
    if (const auto code = isthmus_graph_if(
            get(), condition, operands.data(), static_cast<int32_t>(operands.size()), then_region.get(),
            else_region.get(), outputs.data(), static_cast<int32_t>(output_count)))
      return last_error(code);
    return outputs;
  }
  Result<std::vector<isthmus_value_t>> loop(isthmus_value_t trip_count, isthmus_value_t condition,
                                            const std::vector<isthmus_value_t>& operands, const Graph& body,
                                            size_t output_count) {
    std::vector<isthmus_value_t> outputs(output_count, ISTHMUS_NO_VALUE);
    if (const auto code = isthmus_graph_loop(get(), trip_count, condition, operands.data(),
                                             static_cast<int32_t>(operands.size()), body.get(),
                                             outputs.data(), static_cast<int32_t>(output_count)))
      return last_error(code);
    return outputs;
  }
  Status output(const std::string& name, isthmus_value_t value) {
    return Status::of(isthmus_graph_output(get(), name.c_str(), value));
  }
  Result<Executable> compile(Device& device, isthmus_op_options_t options = {}) const {
    options.size = sizeof options;
    isthmus_executable_t* c = nullptr;
    if (const auto code = isthmus_graph_compile(get(), device.get(), &options, &c)) return last_error(code);
    return Executable(c);
  }

 private:
  template <typename F>
  Result<isthmus_value_t> given(F* function, const std::string& name, const isthmus_type_t& type) {
    isthmus_value_t value = ISTHMUS_NO_VALUE;
    if (const auto code = function(get(), name.c_str(), &type, &value)) return last_error(code);
    return value;
  }
};

}  // namespace v0
}  // namespace isthmus
