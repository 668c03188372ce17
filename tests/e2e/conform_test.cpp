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

TEST(Conform, WhatIsNoCertificateIsSaid) {
  const std::string deep(200000, '['), end(200000, ']');
  const std::string nested = write_file(
      "deep.json", R"({"plugin": {"sha256": "a"}, "kit": {"sha256": "b"}, "x": )" + deep + end + "}");
  for (const auto& [path, sentence] :
       {std::pair(nested, "was changed"), std::pair(std::string("/"), "/: expected a regular file"),
        std::pair(std::string("/nowhere"), "/nowhere: cannot be read")}) {
    const Outcome outcome = run({"conform", "cpu", "--verify", path});
    EXPECT_EQ(outcome.code, 1) << outcome.err;
    EXPECT_NE(outcome.err.find(sentence), std::string::npos) << outcome.err;
  }
  const Outcome list = run({"conform", "cpu", "--expect", "/"});
  EXPECT_NE(list.err.find("/: expected a regular file"), std::string::npos) << list.err;
}

TEST(Conform, OptionsThatSayNothingAreUsageErrors) {
  for (const auto& [option, value] :
       {std::pair("--limit", "nan"), std::pair("--soak", "nan"), std::pair("--verify", ""),
        std::pair("--certificate", ""), std::pair("--page", ""), std::pair("--expect", "")}) {
    const Outcome outcome = run({"conform", "cpu", "--only", "relu", option, value});
    EXPECT_EQ(outcome.code, 2) << option;
    EXPECT_NE(outcome.err.find(std::string("found '") + value + "'"), std::string::npos) << outcome.err;
  }
}

TEST(Conform, WhatIsNoChipIsSaid) {
  const Outcome outcome = run({"conform", "abacus"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_NE(outcome.err.find("abacus"), std::string::npos);
  EXPECT_EQ(run({"conform", "cpu", "--only", "nothing"}).code, 1);
}

TEST(Conform, WhatIsNoPlugInIsSaid) {
  const Outcome outcome = run({"conform", write_file("isthmus_none.so", "no library")});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_NE(outcome.err.find("isthmus_none.so"), std::string::npos) << outcome.err;
}

TEST(Conform, AListOfWhatCannotPassIsKeptTrue) {
  const auto conform = [](const std::string& list) {
    return run({"conform", "cpu", "--only", "misuse", "--json", "--expect", write_file("list.json", list)});
  };
  const Outcome listed = conform(R"({"never": {"no bytes are no work": "a test"}})");
  EXPECT_EQ(listed.code, 0) << listed.err;
  const auto json = listed.json();
  EXPECT_EQ(json["unexpected_passes"], 1);
  EXPECT_EQ(json["results"][0]["verdict"], "unexpected pass");
  EXPECT_EQ(json["results"][0]["detail"], "listed as never (a test): take it off the list");
  for (const auto& [list, sentence] :
       {std::pair("[]", "not a JSON object"), std::pair(R"({"never": {"no such check": "x"}})", "no check"),
        std::pair(R"({"soon": {}})", "'soon'"), std::pair(R"({"never": {"relu": ""}})", "has no reason")}) {
    const Outcome wrong = conform(list);
    EXPECT_EQ(wrong.code, 1);
    EXPECT_NE(wrong.err.find(sentence), std::string::npos) << wrong.err;
  }
}

TEST(Conform, APageShowsTheResults) {
  const std::string file = write_file("page.html", "");
  ASSERT_EQ(run({"conform", "cpu", "--quick", "--only", "misuse", "--page", file}).code, 0);
  const std::string page = read_file(file);
  EXPECT_NE(page.find("Conformance of cpu"), std::string::npos);
  EXPECT_NE(page.find("errors come at their stream"), std::string::npos);
  EXPECT_NE(page.find("prefers-color-scheme: dark"), std::string::npos);
  EXPECT_EQ(page.find("http"), std::string::npos) << "it needs nothing else";
}

// The null chip has memory and order, and no operators: nothing of it may fail.
TEST(Conform, AChipWithoutOperatorsMayPass) {
  const Outcome outcome = run(Call{{"conform", "null", "--quick", "--json"}, "", {"ISTHMUS_NULL_DEVICE=1"}});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  const auto json = outcome.json();
  EXPECT_EQ(json["failed"], 0) << json.dump(2).substr(0, 4000);
  EXPECT_GT(json["not_yet"].get<int>(), 100);
  // It does not check addresses; that its process ends there is an answer and no news.
  EXPECT_EQ(outcome.err, "");
}

}  // namespace
}  // namespace isthmus::e2e
