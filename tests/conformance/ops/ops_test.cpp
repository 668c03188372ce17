// SPDX-License-Identifier: Apache-2.0
// Every declared operator, every sample: the reference against its decomposition and against the CPU chip,
// bit by bit, for each instruction set, on 1, 2 and 3 threads, with fixed dims and with ranges, and the
// digest of the results against digests.txt. Prints what ran how often and what is missing. Without
// ISTHMUS_CPU_ISA it runs itself once per instruction set; --print-digests prints what digests.txt should
// hold.
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <set>

#include "conform/operator_case.h"
#include "digest.h"
#include "ops/registry.h"
#include "runtime/device.h"

namespace isthmus::conformance {
namespace {

constexpr int kThreads[] = {1, 2, 3};
constexpr const char* kIsas[] = {"generic", "avx2", "avx512"};

struct Row {
  int cases = 0, decomposed = 0, ranged = 0;
  std::map<std::string, int> implementations;  // runs of each
  std::map<std::string, int> refusals;         // cases refused, by reason
  std::string digest;
};
std::map<std::string, Row>& report() {
  static std::map<std::string, Row> rows;
  return rows;
}

// The chip with each number of threads, or why it has no device.
const Result<std::vector<DevicePtr>>& devices() {
  static const Result<std::vector<DevicePtr>> opened = []() -> Result<std::vector<DevicePtr>> {
    std::vector<DevicePtr> devices;
    for (const int threads : kThreads) {
      HostOptions options;
      options.thread_count = threads;
      ASSIGN_OR_RETURN(const auto plugin, Plugin::load(ISTHMUS_PLUGIN_DIR "/isthmus_cpu.so", options));
      ASSIGN_OR_RETURN(devices.emplace_back(), Device::open(plugin, 0));
    }
    return devices;
  }();
  return opened;
}

void expect_same(const std::vector<HostTensor>& expected, const std::vector<HostTensor>& actual,
                 const std::string& what) {
  ASSERT_EQ(expected.size(), actual.size()) << what;
  for (size_t i = 0; i < expected.size(); ++i) {
    const std::string difference = compare_bits(expected[i].tensor(), actual[i].tensor());
    EXPECT_EQ(difference, "") << what << ", result " << i;
  }
}

class Operator : public testing::TestWithParam<const OpDef*> {};

TEST_P(Operator, GivesTheBitsOfItsReference) {
  const OpDef& def = *GetParam();
  Row& row = report()[def.name];
  const std::vector<Sample> samples = def.samples ? def.samples() : std::vector<Sample>{};
  ASSERT_FALSE(samples.empty()) << def.name << " declares no samples";
  Digest digest;
  uint64_t key = 0;
  for (const Sample& sample : samples) {
    Result<SampleCase> made = make_case(def, sample, ++key);
    ASSERT_TRUE(made.ok()) << "sample " << key << ": " << made.status().to_string();
    const std::string what = made->describe(def) + ", sample " + std::to_string(key);
    Result<std::vector<HostTensor>> expected = made->run_reference(def);
    ASSERT_TRUE(expected.ok()) << what << ": " << expected.status().to_string();
    for (const HostTensor& result : *expected)
      ASSERT_TRUE(result.guards_intact()) << what << ": the reference wrote outside of a result";
    ++row.cases;
    if (def.decompose) {
      Result<std::vector<HostTensor>> decomposed = run_decomposed(def, *made);
      // A form without simpler operators says so.
      const bool none = !decomposed.ok() && decomposed.status().code() == Code::kUnimplemented;
      ASSERT_TRUE(decomposed.ok() || none) << what << ", decomposed: " << decomposed.status().to_string();
      if (!none) {
        expect_same(*expected, *decomposed, what + ", decomposed");
        ++row.decomposed;
      }
    }
    bool digested = false;
    for (size_t which = 0; which < std::size(kThreads); ++which) {
      for (const conform::Mode mode : {conform::Mode::kPlain, conform::Mode::kRanged}) {
        conform::CaseOptions options;
        options.mode = mode;
        const std::string where = fmt::format("{}, {} threads, {}", what, kThreads[which], mode_name(mode));
        const auto result = conform::run_case((*devices())[which], def, *made, *expected, options);
        if (!result.ok() && result.status().code() == Code::kUnimplemented) {
          if (which == 0) ++row.refusals[result.status().message()];
          continue;
        }
        ASSERT_TRUE(result.ok()) << where << ": " << result.status().to_string();
        if (!result->tried) continue;
        ASSERT_EQ(result->difference, "") << where;
        row.ranged += mode == conform::Mode::kRanged;
        ++row.implementations[result->implementation];
        if (!digested) digest.add(def, *made, result->results);
        digested = true;
      }
    }
    if (!digested) digest.add(def, *made, *expected);  // what the chip refuses, the reference computes
  }
  row.digest = digest.hex();
  static const std::map<std::string, std::string> stored = stored_digests();
  const auto line = stored.find(def.name);
  ASSERT_NE(line, stored.end()) << def.name
                                << " is not in digests.txt; tools/checks/generated --write adds it";
  EXPECT_EQ(row.digest, line->second)
      << def.name << " gives other bits than stored in digests.txt: where its cases or its meaning were not "
      << "changed on purpose, this processor or compiler computes something else";
}

INSTANTIATE_TEST_SUITE_P(All, Operator, testing::ValuesIn(all_ops()),
                         [](const testing::TestParamInfo<const OpDef*>& info) { return info.param->name; });

void print_report() {
  int cases = 0, runs = 0, missing = 0;
  std::string lines, absent;
  for (const auto& [name, row] : report()) {
    cases += row.cases;
    std::string ran;
    for (const auto& [implementation, count] : row.implementations) {
      ran += fmt::format("{}{} x{}", ran.empty() ? "" : ", ", implementation, count);
      runs += count;
    }
    if (row.implementations.empty()) {
      ++missing;
      absent += fmt::format("  {}\n", name);
      ran = "missing";
    }
    lines += fmt::format("{:<28} {:>4} cases, {:>3} decomposed, {:>4} ranged: {}\n", name, row.cases,
                         row.decomposed, row.ranged, ran);
    for (const auto& [reason, count] : row.refusals)
      lines += fmt::format("    {:>4} refused: {}\n", count, reason);
  }
  fmt::print("\n{}{} operators, {} cases, {} runs on {}; {} operators without a kernel{}\n{}", lines,
             report().size(), cases, runs, std::getenv("ISTHMUS_CPU_ISA"), missing, missing ? ":" : "",
             absent);
  if (report().size() != all_ops().size()) return;
  std::map<std::string, std::string> digests;
  for (const auto& [name, row] : report()) digests[name] = row.digest;
  fmt::print("digest of all operators: {}\n", digest_of_all(digests));
}

int print_digests() {
  const Result<std::map<std::string, std::string>> digests = reference_digests();
  if (!digests.ok()) {
    fmt::print(stderr, "error: {}\n", digests.status().to_string());
    return 1;
  }
  fmt::print("{}", digest_lines(*digests));
  return 0;
}

// One child per instruction set; those this machine lacks are said and skipped.
int run_each_isa(char** argv) {
  int worst = 0;
  for (const char* isa : kIsas) {
    setenv("ISTHMUS_CPU_ISA", isa, 1);
    pid_t child = 0;
    int status = 1;
    if (posix_spawn(&child, "/proc/self/exe", nullptr, nullptr, argv, environ) != 0 ||
        waitpid(child, &status, 0) < 0)
      return 1;
    if (!WIFEXITED(status)) {
      fmt::print("{}: the test died of signal {}\n", isa, WTERMSIG(status));
      worst = 1;
    } else if (WEXITSTATUS(status) != 0) {
      worst = WEXITSTATUS(status);
    }
  }
  return worst;
}

}  // namespace
}  // namespace isthmus::conformance

int main(int argc, char** argv) {
  using namespace isthmus::conformance;
  if (argc == 2 && std::strcmp(argv[1], "--print-digests") == 0) return print_digests();
  bool listing = false;
  for (int i = 1; i < argc; ++i) listing |= std::strcmp(argv[i], "--gtest_list_tests") == 0;
  if (!std::getenv("ISTHMUS_CPU_ISA") && !listing) return run_each_isa(argv);
  // Small cases have to reach every thread too.
  setenv("ISTHMUS_CPU_TUNING", "alone_elements 0", 1);
  testing::InitGoogleTest(&argc, argv);
  if (!listing) {
    const isthmus::Status status = devices().status();
    if (!status.ok()) {
      fmt::print("{}\n", status.to_string());
      return status.code() == isthmus::Code::kUnavailable ? 0 : 1;
    }
  }
  const int result = RUN_ALL_TESTS();
  if (!listing) print_report();
  return result;
}
