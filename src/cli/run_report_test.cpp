// SPDX-License-Identifier: Apache-2.0
// The line at start: nothing hidden, and short.
#include "cli/run_report.h"

#include <gtest/gtest.h>

namespace isthmus::cli {
namespace {

using Row = Executable::ReportRow;

Row on_chip(const char* op) {
  Row row;
  row.op = op;
  row.implementation = "avx512 fast";
  row.nodes = 4;
  return row;
}

Row on_host(const char* op, const char* why, int nodes) {
  Row row;
  row.op = op;
  row.implementation = "reference on host";
  row.refusal = why;
  row.nodes = nodes;
  row.fallback = true;
  return row;
}

const std::string kCpu[] = {"cpu:0 (Chip, avx512)"}, kToy[] = {"toy:0 (Toy)"};

TEST(RunReport, SaysThatNothingFellBack) {
  const Row rows[] = {on_chip("add"), on_chip("linear")};
  EXPECT_EQ(run_summary(kCpu, rows), "cpu:0 (Chip, avx512) runs all 2 operators; nothing fell back");
}

TEST(RunReport, SeveralChips) {
  const Row rows[] = {on_chip("add")};
  const std::string chips[] = {"cpu:0 (Chip; 12 layers)", "opencl:0 (Other; 18 layers)"};
  EXPECT_EQ(run_summary(chips, rows),
            "cpu:0 (Chip; 12 layers) and opencl:0 (Other; 18 layers) together run all 1 operator; nothing "
            "fell back");
}

TEST(RunReport, NamesWhatFellBackAndWhy) {
  const Row rows[] = {on_chip("add"), on_host("rope", "no kernel", 30), on_host("softmax", "odd shape", 1)};
  EXPECT_EQ(
      run_summary(kToy, rows),
      "toy:0 (Toy) runs 1 of 3 operators; 2 fell back to the host: rope (30 nodes: no kernel); softmax (1 "
      "node: odd shape)");
}

TEST(RunReport, AnOperatorThatFellBackOnceCountsAsFallenBack) {
  const Row rows[] = {on_host("add", "strides", 1), on_chip("add"), on_chip("linear")};
  const FallbackCounts counts = count_fallbacks(rows);
  EXPECT_EQ(counts.operators, 2);
  EXPECT_EQ(counts.fallbacks, 1);
}

TEST(RunReport, StaysShort) {
  const Row rows[] = {on_host("a", "x", 1), on_host("b", "x", 1), on_host("c", "x", 1), on_host("d", "x", 1),
                      on_host("e", "x", 1)};
  const std::string line = run_summary(kToy, rows);
  EXPECT_NE(line.find("c (1 node: x); and 2 more (isthmus devices --explain MODEL lists them)"),
            std::string::npos)
      << line;
  EXPECT_EQ(line.find(" d "), std::string::npos) << line;
}

}  // namespace
}  // namespace isthmus::cli
