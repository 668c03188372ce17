// SPDX-License-Identifier: Apache-2.0
// Why better implementations refused, as chips say it while operators are prepared.
#include "cli/explain.h"

#include <gtest/gtest.h>

namespace isthmus::cli {
namespace {

TEST(Explain, KeepsTheFirstReasonOfEachImplementation) {
  RefusalLog log;
  const HostOptions options = log.host_options(3);
  EXPECT_EQ(options.thread_count, 3);
  for (const char* message :
       {"add: avx2 rows instead of avx512 rows: strides", "something else",
        "add: avx2 rows instead of avx512 rows: another", "add: generic instead of x: y"})
    options.log(options.log_context, ISTHMUS_LOG_DEBUG, message);
  EXPECT_EQ(log.of("add", "avx2 rows"), "avx512 rows: strides");
  EXPECT_EQ(log.of("add", "generic"), "x: y");
  EXPECT_EQ(log.of("mul", "avx2 rows"), "");
}

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
