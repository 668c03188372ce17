// SPDX-License-Identifier: Apache-2.0
#include "conform/operator_case.h"

#include <algorithm>

#include "conform/case_memory.h"
#include "conform/hold.h"

namespace isthmus::conform {
namespace {

constexpr unsigned char kPattern = 0x5a, kOtherPattern = 0xff;  // the second makes NaN of every float
constexpr double kHoldSeconds = 2;

// What prepare is told: the case's types, the first dimension of the first input as a symbol where `ranged`.
// False when the case has none to vary.
bool make_specs(const OpDef& def, const SampleCase& sample, bool ranged, std::vector<OperandSpec>& specs) {
  std::vector<TensorType> inputs = sample.input_types, outputs = sample.output_types;
  if (ranged) {
    if (inputs.empty() || inputs[0].rank() == 0) return false;
    const int64_t actual = inputs[0].shape[0].offset;
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (inputs[i].present() && !is_contiguous(sample.inputs[i].tensor())) return false;
      if (inputs[i].rank() > 0 && inputs[i].shape[0].is(actual) && !sample.constant[i] &&
          !is_state_port(def, i))
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
                     is_state_port(def, i) ? ISTHMUS_ROLE_STATE
                     : sample.constant[i]  ? ISTHMUS_ROLE_CONSTANT
                                           : ISTHMUS_ROLE_ACTIVATION,
                     {}};
    const Tensor& t = sample.inputs[i].tensor();
    if (t.present() && !is_contiguous(t)) spec.strides.assign(t.strides, t.strides + t.rank);
    specs.push_back(spec);
  }
  for (const TensorType& type : outputs) specs.push_back({type, ISTHMUS_ROLE_ACTIVATION, {}});
  return true;
}

bool has_state(const OpDef& def) {
  return std::any_of(def.inputs.begin(), def.inputs.end(), [](const Port& port) { return port.state; });
}

// Whether the mode means something for the operator, on this chip.
bool applies(const DevicePtr& device, const OpDef& def, const CaseOptions& options) {
  switch (options.mode) {
    case Mode::kReplayed: return device->has(ISTHMUS_FEATURE_CAPTURE) && options.other && !has_state(def);
    case Mode::kRefilled: return options.other != nullptr;
    case Mode::kHeld: return device->api().call_host && options.other;
    default: return true;
  }
}

// One case in one mode; each function puts the operator on the stream and reads what came of it.
struct Trial {
  const DevicePtr& device;
  const OpDef& def;
  const SampleCase& sample;
  const std::vector<HostTensor>& expected;
  const CaseOptions& options;
  std::span<const OperandSpec> specs;
  Stream& stream;
  PreparedOp& op;
  CaseResult& result;

  Result<std::unique_ptr<PreparedOp>> prepare_again() const;
  Status compare(std::vector<HostTensor> results) const;
  Status run_and_compare(CaseMemory& memory) const {
    RETURN_IF_ERROR(op.run(memory.arguments(), memory.workspace(), stream));
    ASSIGN_OR_RETURN(std::vector<HostTensor> results, memory.read(sample, stream));
    return compare(std::move(results));
  }
  Status once(CaseMemory& memory) const {
    RETURN_IF_ERROR(memory.fill(sample, op, kPattern, stream));
    return run_and_compare(memory);
  }
  Status replayed(CaseMemory& memory) const;
  Status refilled(CaseMemory& memory) const;
  Status repeated(CaseMemory& memory) const;
  Status held(CaseMemory& memory) const;
};

Result<std::unique_ptr<PreparedOp>> prepare(const DevicePtr& device, const OpDef& def,
                                            const SampleCase& sample, std::span<const OperandSpec> specs,
                                            isthmus_numerics_t numerics) {
  const bool has_rows = !sample.input_types.empty() && sample.input_types[0].rank() > 0;
  const int64_t actual = has_rows ? sample.input_types[0].shape[0].offset : 1;
  const SymbolRange range{std::min<int64_t>(actual, 1), actual + 7};
  PreparePolicy policy;
  policy.no_fallback = true;
  policy.numerics = numerics;
  return PreparedOp::prepare(device, def, sample.attributes, specs, static_cast<int>(sample.inputs.size()),
                             std::span(&range, 1), policy);
}

Result<std::unique_ptr<PreparedOp>> Trial::prepare_again() const {
  return prepare(device, def, sample, specs, options.numerics);
}

Status Trial::compare(std::vector<HostTensor> results) const {
  if (results.size() != expected.size())
    return error(Code::kInternal, "{} results, not {}", results.size(), expected.size());
  result.difference.clear();
  const bool exact = options.numerics == ISTHMUS_NUMERICS_EXACT;
  for (size_t i = 0; i < expected.size() && exact && result.difference.empty(); ++i)
    if (const std::string text = compare_bits(expected[i].tensor(), results[i].tensor()); !text.empty())
      result.difference = fmt::format("result {}: {}", i, text);
  result.results = std::move(results);
  return ok();
}

Status Trial::replayed(CaseMemory& memory) const {
  RETURN_IF_ERROR(memory.fill(*options.other, op, kOtherPattern, stream));
  RETURN_IF_ERROR(stream.wait());
  RETURN_IF_ERROR(Capture::begin(stream));
  const Status status = op.run(memory.arguments(), memory.workspace(), stream);
  Result<std::unique_ptr<Capture>> capture = Capture::end(stream);
  RETURN_IF_ERROR(Status(status));
  if (!capture.ok()) return capture.status();
  for (int i = 0; i < 2; ++i) {
    RETURN_IF_ERROR(memory.fill(sample, op, kPattern, stream));
    RETURN_IF_ERROR((*capture)->replay(stream));
    ASSIGN_OR_RETURN(std::vector<HostTensor> results, memory.read(sample, stream));
    result.run = i;
    RETURN_IF_ERROR(compare(std::move(results)));
    if (!result.difference.empty()) break;
  }
  return ok();
}

Status Trial::refilled(CaseMemory& memory) const {
  // Other constants need an operator of their own, which is gone by the time this one runs.
  ASSIGN_OR_RETURN(const auto earlier, prepare_again());
  RETURN_IF_ERROR(memory.fill(*options.other, *earlier, kPattern, stream));
  RETURN_IF_ERROR(earlier->run(memory.arguments(), memory.workspace(), stream));
  RETURN_IF_ERROR(stream.wait());
  // This one first runs over other activations, with the constants it keeps for its life.
  SampleCase mixed = *options.other;
  for (size_t i = 0; i < mixed.inputs.size(); ++i)
    mixed.inputs[i] = (mixed.constant[i] ? sample : *options.other).inputs[i].clone();
  RETURN_IF_ERROR(memory.fill(mixed, op, kPattern, stream));
  RETURN_IF_ERROR(op.run(memory.arguments(), memory.workspace(), stream));
  RETURN_IF_ERROR(stream.wait());
  return once(memory);
}

Status Trial::repeated(CaseMemory& memory) const {
  for (int i = 0; i < options.repeats; ++i) {
    RETURN_IF_ERROR(memory.fill(sample, op, i % 2 ? kOtherPattern : kPattern, stream));
    result.run = i;
    RETURN_IF_ERROR(run_and_compare(memory));
    if (!result.difference.empty()) break;
  }
  return ok();
}

Status Trial::held(CaseMemory& memory) const {
  ASSIGN_OR_RETURN(CaseMemory later, CaseMemory::allocate(device, def, sample, op, /*shifted=*/false));
  RETURN_IF_ERROR(later.fill(sample, op, kPattern, stream));
  RETURN_IF_ERROR(memory.fill(*options.other, op, kPattern, stream));
  RETURN_IF_ERROR(stream.wait());
  ASSIGN_OR_RETURN(Hold hold, Hold::put(stream, kHoldSeconds));
  RETURN_IF_ERROR(memory.copy(later, stream));
  if (hold.expired()) return error(Code::kInternal, "copying on the device waited for the work before it");
  RETURN_IF_ERROR(op.run(memory.arguments(), memory.workspace(), stream));
  if (hold.expired())
    return error(Code::kInternal,
                 "op_run came back only after all work before it was done, {:.0f} s later: it waits for the "
                 "stream, as a chip does that copies back and computes on the host",
                 kHoldSeconds);
  hold.release();
  ASSIGN_OR_RETURN(std::vector<HostTensor> results, memory.read(sample, stream));
  return compare(std::move(results));
}

}  // namespace

const char* mode_name(Mode mode) {
  switch (mode) {
    case Mode::kPlain: return "";
    case Mode::kRanged: return "prepared for larger dims";
    case Mode::kReplayed: return "captured and replayed";
    case Mode::kUnaligned: return "operands one element into their memory";
    case Mode::kRefilled: return "other contents at the same addresses before";
    case Mode::kRepeated: return "many times";
    case Mode::kHeld: return "behind work that is held up";
  }
  return "";
}

Result<CaseResult> run_case(const DevicePtr& device, const OpDef& def, const SampleCase& sample,
                            const std::vector<HostTensor>& expected, const CaseOptions& options) {
  CaseResult result;
  const Mode mode = options.mode;
  std::vector<OperandSpec> specs;
  result.tried = applies(device, def, options) && make_specs(def, sample, mode == Mode::kRanged, specs);
  if (!result.tried) return result;
  ASSIGN_OR_RETURN(const auto op, prepare(device, def, sample, specs, options.numerics));
  result.implementation = op->implementation();
  ASSIGN_OR_RETURN(const auto stream, device->create_stream());
  ASSIGN_OR_RETURN(CaseMemory memory,
                   CaseMemory::allocate(device, def, sample, *op, mode == Mode::kUnaligned));
  const Trial trial{device, def, sample, expected, options, specs, *stream, *op, result};
  Status status;
  switch (mode) {
    case Mode::kReplayed: status = trial.replayed(memory); break;
    case Mode::kRefilled: status = trial.refilled(memory); break;
    case Mode::kRepeated: status = trial.repeated(memory); break;
    case Mode::kHeld: status = trial.held(memory); break;
    default: status = trial.once(memory); break;
  }
  if (!status.ok()) {
    (void)stream->wait();  // what it still does, it does to memory that is about to go
    return status;
  }
  return result;
}

}  // namespace isthmus::conform
