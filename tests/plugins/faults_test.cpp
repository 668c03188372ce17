// SPDX-License-Identifier: Apache-2.0
// Twelve planted faults, each caught by `isthmus conform` in the check that is about it, with a sentence that
// points to the cause.
#include <gtest/gtest.h>

#include "../e2e/program.h"

namespace isthmus::e2e {
namespace {

Outcome conform(const std::string& fault, std::vector<std::string> options) {
  options.insert(options.begin(), {"conform", ISTHMUS_FAULTY_PLUGIN, "--quick", "--json"});
  return run(Call{options, "", {"ISTHMUS_FAULTY_CHIP=" ISTHMUS_RIGHT_PLUGIN, "ISTHMUS_FAULT=" + fault}});
}

struct Fault {
  const char *name, *check, *sentence;
};
class Faults : public ::testing::TestWithParam<Fault> {};

TEST_P(Faults, AreCaughtWithTheirCause) {
  const Fault fault = GetParam();
  const Outcome outcome = conform(fault.name, {"--only", fault.check});
  EXPECT_EQ(outcome.code, 1) << outcome.out;
  EXPECT_NE(outcome.err.find("does not conform: 1 of 1 check failed"), std::string::npos) << outcome.err;
  const auto json = outcome.json();
  ASSERT_EQ(json["failed"], 1) << outcome.out;
  const std::string detail = json["results"][0]["detail"];
  EXPECT_NE(detail.find(fault.sentence), std::string::npos) << detail;
}

INSTANTIATE_TEST_SUITE_P(
    Planted, Faults,
    ::testing::Values(
        Fault{"lost wait", "waits wait",
              "made to wait by stream_wait_event came back while the work before it still ran"},
        Fault{"swapped strides", "add", "strides are mixed up"},
        Fault{"tail of one missing", "add", "only the last element is wrong, and was never written"},
        Fault{"stale cache", "matmul", "something stale is kept"},
        Fault{"dropped NaN", "add", "NaN is dropped"},
        Fault{"flushed subnormals", "mul", "subnormal numbers are flushed"},
        Fault{"unaligned view", "add", "an address is taken for an aligned one"},
        Fault{"racy reduction", "reduce_sum", "right in run 1: a race"},
        Fault{"wrong workspace size", "linear", "of the workspace that prepare asked for was written to"},
        Fault{"ignored attribute", "leaky_relu", "attribute alpha at its default: it is ignored"},
        Fault{"late error", "errors come at their stream", "comes late"},
        Fault{"host fallback in disguise", "matmul", "copies back and computes on the host"},
        Fault{"crash", "relu", "the process ended: signal 6"}),
    [](const auto& info) {
      std::string name;
      for (const char c : std::string(info.param.name))
        if (c != ' ') name += c;
      return name;
    });

TEST(Faults, AHangIsOneAfterTheLimit) {
  const Outcome outcome = conform("hang", {"--only", "relu", "--limit", "2"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.json()["results"][0]["detail"], "hangs: no answer in 2 s");
}

TEST(Faults, NoneIsFoundWhereNoneIs) {
  const Outcome outcome = conform("none", {});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.json()["failed"], 0) << outcome.out.substr(0, 4000);
}

}  // namespace
}  // namespace isthmus::e2e
