// SPDX-License-Identifier: Apache-2.0
#include "conform/operator_case.h"

#include <algorithm>
#include <cstring>

namespace isthmus::conform {
namespace {

constexpr uint64_t kGuard = 256;
constexpr unsigned char kPattern = 0x5a;

// Device memory for a tensor, with a guarded border.
struct Memory {
  Buffer buffer;
  uint64_t bytes = 0;
  isthmus_address_t address() const { return buffer.address() + kGuard; }

  static Result<Memory> make(Stream& stream, const void* content, uint64_t bytes) {
    Memory memory;
    ASSIGN_OR_RETURN(memory.buffer, stream.device().allocate(bytes + 2 * kGuard));
    memory.bytes = bytes;
    RETURN_IF_ERROR(stream.fill(memory.buffer.address(), kPattern, bytes + 2 * kGuard));
    if (content && bytes > 0) RETURN_IF_ERROR(stream.upload(memory.address(), content, bytes));
    return memory;
  }
  Result<std::vector<unsigned char>> read(Stream& stream, const std::string& what) const {
    std::vector<unsigned char> all(bytes + 2 * kGuard);
    RETURN_IF_ERROR(stream.download(all.data(), buffer.address(), all.size()));
    RETURN_IF_ERROR(stream.wait());
    const auto intact = [](auto begin, auto end) {
      return std::all_of(begin, end, [](unsigned char byte) { return byte == kPattern; });
    };
    if (!intact(all.begin(), all.begin() + kGuard) || !intact(all.end() - kGuard, all.end()))
      return error(Code::kInternal, "bytes around {} were overwritten", what);
    return std::vector<unsigned char>(all.begin() + kGuard, all.end() - kGuard);
  }
};

bool state_port(const OpDef& def, size_t input) {
  return !def.inputs.empty() && def.inputs[std::min(input, def.inputs.size() - 1)].state;
}

// What prepare is told: the case's types, the first dimension of the first input as a symbol where `ranged`.
// False when the case has none to vary.
bool make_specs(const OpDef& def, const SampleCase& sample, bool ranged, std::vector<OperandSpec>& specs) {
  std::vector<TensorType> inputs = sample.input_types, outputs = sample.output_types;
  if (ranged) {
    if (inputs.empty() || inputs[0].rank() == 0) return false;
    const int64_t actual = inputs[0].shape[0].offset;
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (inputs[i].present() && !is_contiguous(sample.inputs[i].tensor())) return false;
      if (inputs[i].rank() > 0 && inputs[i].shape[0].is(actual) && !sample.constant[i] && !state_port(def, i))
        inputs[i].shape[0] = Dim::of_symbol(0);
    }
    Result<std::vector<TensorType>> inferred = def.infer_types(inputs, sample.attributes);
    if (!inferred.ok()) return false;
    for (size_t i = 0; i < outputs.size(); ++i) {
      const TensorType& type = (*inferred)[i];
      if (type.rank() != outputs[i].rank()) return false;
      for (int d = 0; d < type.rank(); ++d)
        if (type.shape[d].at(std::span(&actual, 1)) != outputs[i].shape[d].offset) return false;
    }
    outputs = std::move(inferred).value();
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    OperandSpec spec{inputs[i],
                     state_port(def, i)   ? ISTHMUS_ROLE_STATE
                     : sample.constant[i] ? ISTHMUS_ROLE_CONSTANT
                                          : ISTHMUS_ROLE_ACTIVATION,
                     {}};
    const Tensor& t = sample.inputs[i].tensor();
    if (t.present() && !is_contiguous(t)) spec.strides.assign(t.strides, t.strides + t.rank);
    specs.push_back(spec);
  }
  for (const TensorType& type : outputs) specs.push_back({type, ISTHMUS_ROLE_ACTIVATION, {}});
  return true;
}

// Puts the operator on the stream: directly, or by capturing it and replaying that twice.
Status launch(PreparedOp& op, const isthmus_tensor_arg_t* arguments, isthmus_address_t workspace,
              Stream& stream, bool replayed) {
  if (!replayed) return op.run(arguments, workspace, stream);
  RETURN_IF_ERROR(Capture::begin(stream));
  const Status status = op.run(arguments, workspace, stream);
  Result<std::unique_ptr<Capture>> capture = Capture::end(stream);
  RETURN_IF_ERROR(Status(status));
  if (!capture.ok()) return capture.status();
  RETURN_IF_ERROR((*capture)->replay(stream));
  return stream.wait();
}

// A constant operand as the operator wants it.
Result<std::vector<unsigned char>> packed(const PreparedOp& op, int input, const HostTensor& tensor) {
  const auto* bytes = static_cast<const unsigned char*>(tensor.tensor().data);
  if (!op.packed_layout(input)) return std::vector<unsigned char>(bytes, bytes + tensor.bytes());
  std::vector<unsigned char> result(op.packed_bytes(input));
  RETURN_IF_ERROR(op.pack(input, bytes, result.data()));
  return result;
}

// Outputs, then state inputs as they were left.
Result<std::vector<HostTensor>> run_on(const DevicePtr& device, const OpDef& def, const SampleCase& sample,
                                       PreparedOp& op, bool replayed) {
  ASSIGN_OR_RETURN(const auto stream, device->create_stream());
  const std::vector<HostTensor> outputs = sample.make_outputs();
  std::vector<const HostTensor*> all;
  for (const HostTensor& input : sample.inputs) all.push_back(&input);
  for (const HostTensor& output : outputs) all.push_back(&output);
  const size_t inputs = sample.inputs.size();
  std::vector<Memory> memory(all.size());
  std::vector<std::vector<unsigned char>> given(inputs);
  std::vector<isthmus_tensor_arg_t> arguments(all.size());
  for (size_t i = 0; i < all.size(); ++i) {
    const Tensor& t = all[i]->tensor();
    if (!t.present()) continue;
    if (i < inputs) {
      ASSIGN_OR_RETURN(given[i], packed(op, static_cast<int>(i), *all[i]));
      ASSIGN_OR_RETURN(memory[i], Memory::make(*stream, given[i].data(), given[i].size()));
    } else {
      ASSIGN_OR_RETURN(memory[i], Memory::make(*stream, nullptr, static_cast<uint64_t>(all[i]->bytes())));
    }
    arguments[i].address = memory[i].address();
    std::copy(t.dims, t.dims + t.rank, arguments[i].dims);
    std::copy(t.strides, t.strides + t.rank, arguments[i].strides);
  }
  ASSIGN_OR_RETURN(const Memory workspace, Memory::make(*stream, nullptr, op.workspace_bytes()));
  RETURN_IF_ERROR(launch(op, arguments.data(), workspace.address(), *stream, replayed));
  RETURN_IF_ERROR(stream->wait());
  RETURN_IF_ERROR(workspace.read(*stream, "the workspace").status());
  std::vector<HostTensor> results, states;
  for (size_t i = 0; i < all.size(); ++i) {
    if (!all[i]->tensor().present()) {
      if (i >= inputs) results.push_back(all[i]->clone());
      continue;
    }
    ASSIGN_OR_RETURN(const std::vector<unsigned char> content,
                     memory[i].read(*stream, fmt::format("operand {}", i)));
    const bool state = i < inputs && state_port(def, i);
    if (i < inputs && !state) {
      if (content != given[i]) return error(Code::kInternal, "input {} was overwritten", i);
      continue;
    }
    HostTensor result = all[i]->clone();
    if (!content.empty()) std::memcpy(result.tensor().data, content.data(), content.size());
    (state ? states : results).push_back(std::move(result));
  }
  for (HostTensor& state : states) results.push_back(std::move(state));
  return results;
}

}  // namespace

Result<CaseResult> run_case(const DevicePtr& device, const OpDef& def, const SampleCase& sample,
                            const std::vector<HostTensor>& expected, Mode mode, isthmus_numerics_t numerics) {
  CaseResult result;
  std::vector<OperandSpec> specs;
  result.tried = make_specs(def, sample, mode == Mode::kRanged, specs) &&
                 (mode != Mode::kReplayed || (device->has(ISTHMUS_FEATURE_CAPTURE) &&
                                              std::none_of(def.inputs.begin(), def.inputs.end(),
                                                           [](const auto& port) { return port.state; })));
  if (!result.tried) return result;
  const bool has_rows = !sample.input_types.empty() && sample.input_types[0].rank() > 0;
  const int64_t actual = has_rows ? sample.input_types[0].shape[0].offset : 1;
  const SymbolRange range{std::min<int64_t>(actual, 1), actual + 7};
  PreparePolicy policy;
  policy.no_fallback = true;
  policy.numerics = numerics;
  ASSIGN_OR_RETURN(const auto op,
                   PreparedOp::prepare(device, def, sample.attributes, specs,
                                       static_cast<int>(sample.inputs.size()), std::span(&range, 1), policy));
  result.implementation = op->implementation();
  ASSIGN_OR_RETURN(const auto results, run_on(device, def, sample, *op, mode == Mode::kReplayed));
  if (results.size() != expected.size())
    return error(Code::kInternal, "{} results, not {}", results.size(), expected.size());
  for (size_t i = 0; i < expected.size() && numerics == ISTHMUS_NUMERICS_EXACT; ++i)
    if (const std::string difference = compare_bits(expected[i].tensor(), results[i].tensor());
        !difference.empty())
      return error(Code::kInternal, "result {}: {}", i, difference);
  return result;
}

}  // namespace isthmus::conform
