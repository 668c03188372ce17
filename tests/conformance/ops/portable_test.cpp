// SPDX-License-Identifier: Apache-2.0
// Every declared operator, every sample, on a chip that builds portable kernels, against the reference: bit
// by bit, with fixed dims and with ranges, everything around the operands watched. Operators without a
// portable kernel are listed as "not yet", refused samples with their reason. ISTHMUS_TEST_DEVICE names the
// chip.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

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
    for (const conform::Mode mode : {conform::Mode::kPlain, conform::Mode::kRanged}) {
      const bool ranged = mode == conform::Mode::kRanged;
      const auto result = conform::run_case(*device(), def, sample, expected, mode);
      if (!result.ok() && result.status().code() == Code::kUnimplemented) {
        if (!ranged) ++row.refusals[result.status().message()];
        continue;
      }
      ASSERT_TRUE(result.ok()) << what << (ranged ? ", dims as ranges: " : ": ")
                               << result.status().to_string();
      if (!result->tried) continue;
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
  return result;
}
