// SPDX-License-Identifier: Apache-2.0
// Every declared operator, every sample, on a chip that builds portable kernels, against the reference: bit
// by bit, with fixed dims and with ranges, everything around the operands watched. Operators without a
// portable kernel are listed as "not yet", refused samples with their reason. ISTHMUS_TEST_DEVICE names the
// chip.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>

#include "ops/prepared_op.h"
#include "ops/registry.h"
#include "ops/samples.h"
#include "runtime/platform.h"

namespace isthmus::conformance {
namespace {

constexpr uint64_t kGuard = 256;
constexpr unsigned char kPattern = 0x5a;

struct Row {
  int cases = 0, ranged = 0;
  std::map<std::string, int> implementations, refusals;
};
std::map<std::string, Row>& report() {
  static std::map<std::string, Row> rows;
  return rows;
}

std::string device_name() {
  const char* name = std::getenv("ISTHMUS_TEST_DEVICE");
  return name ? name : "opencl";
}

// The chip under test, opened once; the reason why not otherwise.
const Result<DevicePtr>& device() {
  static const std::shared_ptr<Platform> platform = [] {
    setenv("ISTHMUS_PLUGIN_PATH", ISTHMUS_PLUGIN_DIR, 1);
    return Platform::discover().value();
  }();
  static const Result<DevicePtr> opened = platform->open(device_name());
  return opened;
}

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

// Outputs, then state inputs as they were left.
Result<std::vector<HostTensor>> run_on_device(const OpDef& def, const SampleCase& sample, PreparedOp& op) {
  const DevicePtr& on = *device();
  ASSIGN_OR_RETURN(const auto stream, on->create_stream());
  const std::vector<HostTensor> outputs = sample.make_outputs();
  std::vector<const HostTensor*> all;
  for (const HostTensor& input : sample.inputs) all.push_back(&input);
  for (const HostTensor& output : outputs) all.push_back(&output);
  std::vector<Memory> memory(all.size());
  std::vector<isthmus_tensor_arg_t> arguments(all.size());
  const size_t inputs = sample.inputs.size();
  for (size_t i = 0; i < all.size(); ++i) {
    const Tensor& t = all[i]->tensor();
    if (!t.present()) continue;
    ASSIGN_OR_RETURN(memory[i], Memory::make(*stream, i < inputs ? t.data : nullptr,
                                             static_cast<uint64_t>(all[i]->bytes())));
    arguments[i].address = memory[i].address();
    std::copy(t.dims, t.dims + t.rank, arguments[i].dims);
    std::copy(t.strides, t.strides + t.rank, arguments[i].strides);
  }
  ASSIGN_OR_RETURN(const Memory workspace, Memory::make(*stream, nullptr, op.workspace_bytes()));
  RETURN_IF_ERROR(op.run(arguments.data(), workspace.address(), *stream));
  RETURN_IF_ERROR(stream->wait());
  RETURN_IF_ERROR(workspace.read(*stream, "the workspace").status());
  std::vector<HostTensor> results, states;
  for (size_t i = 0; i < all.size(); ++i) {
    const Tensor& t = all[i]->tensor();
    if (!t.present()) {
      if (i >= inputs) results.push_back(all[i]->clone());
      continue;
    }
    ASSIGN_OR_RETURN(const std::vector<unsigned char> content,
                     memory[i].read(*stream, fmt::format("operand {}", i)));
    const bool state = i < inputs && state_port(def, i);
    if (i < inputs && !state) {
      if (!content.empty() && std::memcmp(content.data(), t.data, content.size()) != 0)
        return error(Code::kInternal, "input {} was overwritten", i);
      continue;
    }
    HostTensor result = all[i]->clone();
    if (!content.empty()) std::memcpy(result.tensor().data, content.data(), content.size());
    (state ? states : results).push_back(std::move(result));
  }
  for (HostTensor& state : states) results.push_back(std::move(state));
  return results;
}

class Portable : public testing::TestWithParam<const OpDef*> {};

TEST_P(Portable, GivesTheBitsOfItsReference) {
  if (!device().ok()) GTEST_SKIP() << device().status().to_string();
  const OpDef& def = *GetParam();
  Row& row = report()[def.name];
  uint64_t key = 0;
  for (const Sample& declared : def.samples()) {
    const SampleCase sample = make_case(def, declared, ++key).value();
    const std::string what = sample.describe(def) + ", sample " + std::to_string(key);
    const std::vector<HostTensor> expected = sample.run_reference(def).value();
    ++row.cases;
    for (const bool ranged : {false, true}) {
      std::vector<OperandSpec> specs;
      if (!make_specs(def, sample, ranged, specs)) continue;
      const int64_t actual = sample.input_types[0].rank() ? sample.input_types[0].shape[0].offset : 1;
      const SymbolRange range{std::min<int64_t>(actual, 1), actual + 7};
      PreparePolicy policy;
      policy.no_fallback = true;
      auto prepared =
          PreparedOp::prepare(*device(), def, sample.attributes, specs,
                              static_cast<int>(sample.inputs.size()), std::span(&range, 1), policy);
      if (!prepared.ok() && prepared.status().code() == Code::kUnimplemented) {
        if (!ranged) ++row.refusals[prepared.status().message()];
        continue;
      }
      ASSERT_TRUE(prepared.ok()) << what << ": " << prepared.status().to_string();
      const auto results = run_on_device(def, sample, **prepared);
      ASSERT_TRUE(results.ok()) << what << ": " << results.status().to_string();
      ++row.implementations[(*prepared)->implementation()];
      row.ranged += ranged;
      ASSERT_EQ(expected.size(), results->size()) << what;
      for (size_t i = 0; i < expected.size(); ++i)
        ASSERT_EQ(compare_bits(expected[i].tensor(), (*results)[i].tensor()), "")
            << what << (ranged ? ", dims as ranges" : "") << ", result " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, Portable, testing::ValuesIn(all_ops()),
                         [](const testing::TestParamInfo<const OpDef*>& info) { return info.param->name; });

void print_report() {
  int runs = 0, with = 0;
  std::string not_yet;
  for (const auto& [name, row] : report()) {
    if (!find_portable(name)) {
      not_yet += (not_yet.empty() ? "" : ", ") + name;
      continue;
    }
    ++with;
    std::string ran;
    for (const auto& [implementation, count] : row.implementations) {
      ran += fmt::format("{}{} x{}", ran.empty() ? "" : ", ", implementation, count);
      runs += count;
    }
    fmt::print("{:<28} {:>4} cases, {:>4} ranged: {}\n", name, row.cases, row.ranged,
               ran.empty() ? "none" : ran);
    for (const auto& [reason, count] : row.refusals) fmt::print("    {:>4} refused: {}\n", count, reason);
  }
  fmt::print("{} runs on {}; {} of {} operators have a portable kernel\nnot yet: {}\n", runs, device_name(),
             with, report().size(), not_yet);
}

}  // namespace
}  // namespace isthmus::conformance

int main(int argc, char** argv) {
  using namespace isthmus::conformance;
  testing::InitGoogleTest(&argc, argv);
  const bool listing = testing::GTEST_FLAG(list_tests);
  if (!listing && !device().ok()) fmt::print("skipped: {}\n", device().status().to_string());
  const int result = RUN_ALL_TESTS();
  if (!listing && device().ok()) print_report();
  return result;
}
