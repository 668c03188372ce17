// SPDX-License-Identifier: Apache-2.0
// Why better implementations refused, as people read it.
#include "cli/explain.h"

#include <gtest/gtest.h>

namespace isthmus::cli {
namespace {

TEST(Explain, ReasonsThatAgreeShareALine) {
  EXPECT_EQ(grouped_refusals("a x: why; b x: why; c y: other"),
            (std::vector<std::string>{"a/b x: why", "c y: other"}));
  EXPECT_EQ(grouped_refusals("plain"), std::vector<std::string>{"plain"});
  EXPECT_TRUE(grouped_refusals("").empty());
}

TEST(Explain, TextAndJsonSayWhatFellBack) {
  Executable::ReportRow good, bad;
  good.op = "add";
  good.implementation = "avx2 rows";
  good.nodes = 2;
  bad.op = "sort";
  bad.implementation = "reference on host";
  bad.refusal = "no kernel \033[2J";
  bad.fallback = true;
  bad.nodes = 1;
  const ExplainRows rows = {good, bad};
  const std::string text = explain_text(rows, "nodes", true);
  EXPECT_NE(text.find("\033[33msort"), std::string::npos) << text;
  EXPECT_NE(text.find("no kernel \\x1b[2J"), std::string::npos) << text;
  const Json json = explain_json(rows, "nodes");
  EXPECT_EQ(json[0]["fallback"], false);
  EXPECT_EQ(json[1]["fallback"], true);
  EXPECT_EQ(json[1]["operator"], "sort");
  EXPECT_EQ(json[1]["nodes"], 1);
}

}  // namespace
}  // namespace isthmus::cli
