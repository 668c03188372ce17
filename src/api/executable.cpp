// SPDX-License-Identifier: Apache-2.0
// Graphs compiled for a device, and their runs.
#include "api/convert.h"
#include "api/handles.h"
#include "api/report.h"

using namespace isthmus;
using namespace isthmus::api;

namespace isthmus::api {

Status write_report(const std::vector<Executable::ReportRow>& rows, int32_t index,
                    isthmus_report_row_t* row) {
  if (index < 0 || static_cast<size_t>(index) >= rows.size())
    return error(Code::kOutOfRange, "the report has {} rows, there is no {}", rows.size(), index);
  const Executable::ReportRow& from = rows[static_cast<size_t>(index)];
  isthmus_report_row_t c = {};
  c.op = from.op.c_str();
  c.implementation = from.implementation.c_str();
  c.refusal = from.fallback ? from.refusal.c_str() : nullptr;
  c.nodes = from.nodes;
  c.fallback = from.fallback;
  return write_struct(row, c, "row");
}

}  // namespace isthmus::api

namespace {

// Every value, at the largest its symbols get, must be a size that can be: shapes come from outside.
Status check_sizes(const Graph& graph, const std::vector<int64_t>& largest) {
  for (const Node& node : graph.nodes) {
    for (const auto& region : node.regions) RETURN_IF_ERROR(check_sizes(*region, largest));
    for (ValueId v : node.outputs) {
      if (v == kNoValue) continue;
      const TensorType& type = graph.type(v);
      int64_t dims[kMaxRank] = {};
      for (int d = 0; d < type.rank(); ++d) dims[d] = type.shape[static_cast<size_t>(d)].at(largest);
      RETURN_IF_ERROR(tensor_bytes(type.dtype, type.rank(), dims).status(), "an output of {}", node.op->name);
    }
  }
  return ok();
}

// A dense tensor of a value's type for these symbols.
Tensor tensor_of(const TensorType& type, const std::vector<int64_t>& symbols, isthmus_address_t address) {
  Tensor tensor;
  tensor.data = reinterpret_cast<void*>(address);
  tensor.dtype = type.dtype;
  tensor.rank = type.rank();
  for (int d = 0; d < tensor.rank; ++d) tensor.dims[d] = type.shape[static_cast<size_t>(d)].at(symbols);
  contiguous_strides(tensor.dims, tensor.rank, tensor.strides);
  return tensor;
}

Result<std::unique_ptr<isthmus_executable_t>> compile(const isthmus_graph_s& graph, const DevicePtr& device,
                                                      const PreparePolicy& policy) {
  auto handle = std::make_unique<isthmus_executable_t>();
  handle->device = device;
  handle->outputs = graph.outputs;
  for (const SymbolRange& range : graph.symbols) handle->largest.push_back(range.max);
  handle->symbols = handle->largest;
  ASSIGN_OR_RETURN(Graph finished, graph.finish());
  RETURN_IF_ERROR(check_sizes(finished, handle->largest));
  handle->weights = std::make_shared<WeightStore>(device);
  CompileOptions options;
  options.policy = policy;
  ASSIGN_OR_RETURN(handle->executable,
                   Executable::compile(std::move(finished), device, handle->weights, options));
  handle->report = handle->executable->report();
  return handle;
}

}  // namespace

isthmus_status_t isthmus_graph_compile(const isthmus_graph_t* graph, isthmus_device_t* device,
                                       const isthmus_op_options_t* options,
                                       isthmus_executable_t** executable) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_graph_compile", ISTHMUS_POINTER(graph), ISTHMUS_POINTER(device),
                            ISTHMUS_POINTER(executable)));
    ASSIGN_OR_RETURN(const PreparePolicy policy, read_policy(options));
    ASSIGN_OR_RETURN(auto handle, compile(*graph, device->device, policy));
    *executable = handle.release();
    return ok();
  });
}

void isthmus_executable_destroy(isthmus_executable_t* executable) { delete executable; }

isthmus_status_t isthmus_executable_input(const isthmus_executable_t* executable, const char* name,
                                          isthmus_tensor_t* tensor) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_executable_input", ISTHMUS_POINTER(executable), ISTHMUS_POINTER(name)));
    ASSIGN_OR_RETURN(const isthmus_address_t address, executable->executable->input(name));
    const Graph& graph = executable->executable->graph();
    for (ValueId v : graph.inputs)
      if (graph.values[static_cast<size_t>(v)].name == name)
        return write_struct(tensor, from_tensor(tensor_of(graph.type(v), executable->largest, address)),
                            "tensor");
    return error(Code::kInternal, "input '{}' is lost", name);
  });
}

isthmus_status_t isthmus_executable_output(const isthmus_executable_t* executable, const char* name,
                                           isthmus_tensor_t* tensor) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_executable_output", ISTHMUS_POINTER(executable), ISTHMUS_POINTER(name)));
    const auto found = std::find(executable->outputs.begin(), executable->outputs.end(), name);
    if (found == executable->outputs.end())
      return error(Code::kNotFound, "the graph has no output '{}'", name);
    const Graph& graph = executable->executable->graph();
    const ValueId v = graph.outputs[static_cast<size_t>(found - executable->outputs.begin())];
    const isthmus_address_t address = executable->executable->address_of(v);
    return write_struct(tensor, from_tensor(tensor_of(graph.type(v), executable->symbols, address)),
                        "tensor");
  });
}

isthmus_status_t isthmus_executable_bind_state(isthmus_executable_t* executable, const char* name,
                                               isthmus_address_t address) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(
        require("isthmus_executable_bind_state", ISTHMUS_POINTER(executable), ISTHMUS_POINTER(name)));
    if (!address) return invalid_argument("state '{}': its address is 0", name);
    return executable->executable->bind_state(name, address);
  });
}

isthmus_status_t isthmus_executable_run(isthmus_executable_t* executable, const int64_t* symbols,
                                        int32_t symbol_count, isthmus_stream_t* stream) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_executable_run", ISTHMUS_POINTER(executable), ISTHMUS_POINTER(stream)));
    if (symbol_count < 0 || (symbol_count > 0 && !symbols))
      return invalid_argument("{} symbols given", symbol_count);
    if (&stream->stream->device() != executable->device.get())
      return invalid_argument("the executable is of {}, the stream of {}", executable->device->id(),
                              stream->stream->device().id());
    const std::span<const int64_t> numbers(symbols, static_cast<size_t>(symbol_count));
    RETURN_IF_ERROR(executable->executable->run(numbers, *stream->stream));
    executable->symbols.assign(numbers.begin(), numbers.end());
    return ok();
  });
}

isthmus_status_t isthmus_executable_report(const isthmus_executable_t* executable, int32_t index,
                                           isthmus_report_row_t* row) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_executable_report", ISTHMUS_POINTER(executable)));
    return write_report(executable->report, index, row);
  });
}
