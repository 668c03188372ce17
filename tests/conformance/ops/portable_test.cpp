// SPDX-License-Identifier: Apache-2.0
// Every declared operator, every sample, on a chip that builds portable kernels, against the reference: bit
// by bit, with fixed dims and with ranges, everything around the operands watched. Operators without a
// portable kernel are listed as "not yet", refused samples with their reason. ISTHMUS_TEST_DEVICE names the
// chip. With ISTHMUS_TEST_FEW=1 one sample of each combination of dtypes and attributes runs, of moderate
// size and also where the chip's arithmetic is not known to be exact: for simulators that look for races.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <map>
#include <random>

#include "conform/operator_case.h"
#include "ops/registry.h"
#include "ops/samples.h"
#include "runtime/platform.h"

namespace isthmus::conformance {
namespace {

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

bool few() { return std::getenv("ISTHMUS_TEST_FEW") != nullptr; }

// What the kernels of a sample depend on, about: dtypes, which operands are there and contiguous, attributes.
std::string kind_of(const SampleCase& sample) {
  std::string kind;
  for (size_t i = 0; i < sample.inputs.size(); ++i) {
    const Tensor& t = sample.inputs[i].tensor();
    kind += fmt::format("{}{} ", dtype_name(sample.input_types[i].dtype), t.present() && is_contiguous(t));
  }
  for (const TensorType& type : sample.output_types) kind += std::string(dtype_name(type.dtype)) + " ";
  for (const auto& [name, value] : sample.attributes.values())
    if (const auto* text = std::get_if<std::string>(&value)) kind += *text + " ";
  return kind;
}

int64_t elements_of(const SampleCase& sample) {
  int64_t n = 0;
  for (const HostTensor& input : sample.inputs)
    if (input.tensor().present()) n += input.tensor().elements();
  return n;
}

// An operand of numbers of 8 bits times 2^power, of 2^later from element 300 of a row on.
SampleOperand small_numbers(Dtype dtype, int64_t rows, int64_t width, int power, int later) {
  std::mt19937 random(static_cast<unsigned>(rows));
  std::uniform_int_distribution<int> bits(128, 255);
  std::vector<double> values;
  for (int64_t i = 0; i < rows * width; ++i)
    values.push_back(
        std::ldexp(random() % 2 ? bits(random) : -bits(random), i % width < 300 ? power : later));
  return sample_values(dtype, {rows, width}, values);
}

// What the declared samples do not have: rows longer than what a kernel takes at a time, more of them side by
// side, and weights that are no constants.
std::vector<Sample> more_samples(const std::string& op) {
  using Ints = std::vector<int64_t>;
  if (op == "rms_norm" || op == "layer_norm") {
    Sample sample{{sample_operand(Dtype::kF32, {11, 2100}), sample_operand(Dtype::kF32, {2100})}, {}};
    if (op == "layer_norm") sample.inputs.push_back({Dtype::kInvalid, {}});
    return {sample};
  }
  if (op == "linear") {
    std::vector<Sample> samples;
    for (const Dtype weight : dtypes::floats)
      for (const int64_t rows : {2, 21})
        samples.push_back(
            {{sample_operand(Dtype::kF32, {rows, 301}),
              sample_operand(weight, {70, 301}, Fill::kNormal, 0, rows == 2 ? Ints{1, 0} : Ints{}),
              sample_operand(Dtype::kF32, {70})},
             {}});
    // Sums around the least normal number.
    for (const int power : {-66, -64, -63, -62})
      samples.push_back({{small_numbers(Dtype::kF32, 14, 600, power, power),
                          small_numbers(Dtype::kBF16, 35, 600, power, -63),
                          {Dtype::kInvalid, {}}},
                         {}});
    return samples;
  }
  if (op == "softmax" || op == "log_softmax") return {{{sample_operand(Dtype::kF32, {11, 2100})}, {}}};
  if (op == "argmax" || op == "argmin") {
    std::vector<Sample> samples;
    for (const int64_t last : {0, 1})
      for (const Fill values : {Fill::kNormal, Fill::kAwkward})
        samples.push_back({{sample_operand(Dtype::kF32, {11, 2100}, values)},
                           {{"axis", int64_t{1}}, {"select_last_index", last}}});
    samples.push_back({{sample_operand(Dtype::kI8, {11, 2100})}, {{"axis", int64_t{1}}}});
    return samples;
  }
  if (!op.starts_with("reduce_")) return {};
  return {{{sample_operand(Dtype::kF32, {11, 2100})}, {{"axes", Ints{1}}}},
          {{sample_operand(Dtype::kF32, {50, 75})}, {{"axes", Ints{0}}}},
          {{sample_operand(Dtype::kF32, {3, 37, 75}, Fill::kAwkward)},
           {{"axes", Ints{1}}, {"keep_dims", int64_t{0}}}},
          {{sample_operand(Dtype::kF32, {5, 6, 7, 40})}, {{"axes", Ints{0, 2}}}}};
}

// The samples to run, by number: all, or of each kind the largest of moderate size.
std::vector<uint64_t> chosen_samples(const OpDef& def, const std::vector<Sample>& samples) {
  constexpr int64_t kModerate = 6000;
  std::map<std::string, std::pair<int64_t, uint64_t>> best;
  std::vector<uint64_t> chosen;
  uint64_t key = 0;
  for (const Sample& declared : samples) {
    ++key;
    if (!few()) {
      chosen.push_back(key);
      continue;
    }
    const SampleCase sample = make_case(def, declared, key).value();
    const int64_t elements = elements_of(sample);
    auto& [most, number] = best[kind_of(sample)];
    const bool better = elements <= kModerate ? most > kModerate || elements > most : elements < most;
    if (number == 0 || better) most = elements, number = key;
  }
  for (const auto& [kind, sample] : best) chosen.push_back(sample.second);
  return chosen;
}

class Portable : public testing::TestWithParam<const OpDef*> {};

TEST_P(Portable, GivesTheBitsOfItsReference) {
  if (!device().ok()) GTEST_SKIP() << device().status().to_string();
  const OpDef& def = *GetParam();
  Row& row = report()[def.name];
  const isthmus_numerics_t numerics = few() ? ISTHMUS_NUMERICS_FAST : ISTHMUS_NUMERICS_EXACT;
  std::vector<Sample> samples = def.samples();
  for (Sample& sample : more_samples(def.name)) samples.push_back(std::move(sample));
  for (const uint64_t key : chosen_samples(def, samples)) {
    const SampleCase sample = make_case(def, samples[key - 1], key).value();
    const std::string what = sample.describe(def) + ", sample " + std::to_string(key);
    const std::vector<HostTensor> expected = sample.run_reference(def).value();
    ++row.cases;
    for (const conform::Mode mode : {conform::Mode::kPlain, conform::Mode::kRanged}) {
      const bool ranged = mode == conform::Mode::kRanged;
      if (ranged && few()) continue;
      conform::CaseOptions options;
      options.mode = mode;
      options.numerics = numerics;
      const auto result = conform::run_case(*device(), def, sample, expected, options);
      if (!result.ok() && result.status().code() == Code::kUnimplemented) {
        if (!ranged) ++row.refusals[result.status().message()];
        continue;
      }
      ASSERT_TRUE(result.ok()) << what << (ranged ? ", dims as ranges: " : ": ")
                               << result.status().to_string();
      if (!result->tried) continue;
      ASSERT_EQ(result->difference, "") << what << (ranged ? ", dims as ranges" : "");
      ++row.implementations[result->implementation];
      row.ranged += ranged;
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
  if (few()) {
    std::fflush(stdout);
    std::_Exit(result);  // Oclgrind does not survive being unloaded
  }
  return result;
}
