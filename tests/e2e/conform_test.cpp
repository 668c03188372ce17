// SPDX-License-Identifier: Apache-2.0
// isthmus conform, as a chip maker meets it.
#include <gtest/gtest.h>

#include "program.h"

namespace isthmus::e2e {
namespace {

TEST(Conform, TheCpuKeepsEveryRule) {
  const Outcome outcome = run({"conform", "cpu", "--quick", "--json"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  const auto json = outcome.json();
  EXPECT_EQ(json["failed"], 0);
  EXPECT_EQ(json["not_yet"], 0) << "the CPU chip has every operator";
  EXPECT_GT(json["passed"].get<int>(), 140);
  EXPECT_EQ(json["results"].size(), json["passed"].get<size_t>() + json["never"].get<size_t>());
}

TEST(Conform, ACertificateIsCheckedAgain) {
  const std::string file = write_file("certificate.json", "");
  ASSERT_EQ(run({"conform", "cpu", "--quick", "--only", "runtime", "--certificate", file}).code, 0);
  EXPECT_EQ(run({"conform", "cpu", "--verify", file}).code, 0);
  std::string text = read_file(file);
  const size_t at = text.find("\"passed\"");
  ASSERT_NE(at, std::string::npos);
  text.replace(text.find_first_of("0123456789", at), 1, "9");
  const Outcome changed = run({"conform", "cpu", "--verify", write_file("changed.json", text)});
  EXPECT_EQ(changed.code, 1);
  EXPECT_NE(changed.err.find("was changed"), std::string::npos) << changed.err;
  const Outcome other = run({"conform", "null", "--verify", file});
  EXPECT_EQ(other.code, 1) << "another plug-in";
  EXPECT_EQ(run({"conform", "cpu", "--verify", write_file("none.json", "[]")}).code, 1);
}

TEST(Conform, WhatIsNoChipIsSaid) {
  const Outcome outcome = run({"conform", "abacus"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_NE(outcome.err.find("abacus"), std::string::npos);
  EXPECT_EQ(run({"conform", "cpu", "--only", "nothing"}).code, 1);
}

// The null chip has memory and order, and no operators: nothing of it may fail.
TEST(Conform, AChipWithoutOperatorsMayPass) {
  const Outcome outcome = run(Call{{"conform", "null", "--quick", "--json"}, "", {"ISTHMUS_NULL_DEVICE=1"}});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  const auto json = outcome.json();
  EXPECT_EQ(json["failed"], 0) << json.dump(2).substr(0, 4000);
  EXPECT_GT(json["not_yet"].get<int>(), 100);
}

}  // namespace
}  // namespace isthmus::e2e
