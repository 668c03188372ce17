// SPDX-License-Identifier: Apache-2.0
#include "cli/trace_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace isthmus::cli {
namespace {

std::vector<TraceRow> rows() {
  return {{0, "blk.0", "linear", 0, 0, "F32 [2, 4]", "aa"},
          {0, "blk.0", "linear", 1, 0, "F32 [2, 4]", "bb"},
          {1, "blk.0", "linear", 0, 0, "F32 [1, 4]", "cc"}};
}

TEST(TraceFile, ComesBackAsSaved) {
  const std::string path = testing::TempDir() + "trace_file_test.jsonl";
  ASSERT_TRUE(save_trace(path, rows()).ok());
  const auto loaded = load_trace(path);
  ASSERT_TRUE(loaded.ok()) << loaded.status().message();
  const TraceComparison same = compare_traces(rows(), *loaded);
  EXPECT_EQ(same.compared, 3u);
  EXPECT_FALSE(same.here);
  std::filesystem::remove(path);
}

TEST(TraceFile, TheFirstDifferenceIsNamed) {
  std::vector<TraceRow> other = rows();
  other[1].sha256 = other[2].sha256 = "dd";
  other.push_back({1, "blk.1", "add", 0, 0, "F32 [1]", "ee"});
  const TraceComparison differ = compare_traces(rows(), other);
  ASSERT_TRUE(differ.here);
  EXPECT_EQ(differ.here->occurrence, 1);
  EXPECT_EQ(differ.there->sha256, "dd");
  EXPECT_EQ(differ.only_there, 1u);
}

TEST(TraceFile, WhatIsNoTraceIsSaidWithTheLine) {
  const std::string path = testing::TempDir() + "trace_file_bad.jsonl";
  ASSERT_TRUE(save_trace(path, rows()).ok());
  std::ofstream(path, std::ios::app) << "{\"run\": \"x\"}\n";
  const auto loaded = load_trace(path);
  ASSERT_FALSE(loaded.ok());
  EXPECT_NE(loaded.status().to_string().find("line 4"), std::string::npos) << loaded.status().to_string();
  EXPECT_FALSE(load_trace("/nowhere/trace").ok());
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace isthmus::cli
