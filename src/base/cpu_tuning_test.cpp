// SPDX-License-Identifier: Apache-2.0
#include "base/cpu_tuning.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace isthmus {
namespace {

TEST(CpuTuning, EveryChoiceHasARowInOrder) {
  ASSERT_EQ(cpu_choices().size(), static_cast<size_t>(kCpuChoices));
  for (size_t i = 0; i < cpu_choices().size(); ++i) {
    const CpuChoiceInfo& info = cpu_choices()[i];
    EXPECT_EQ(info.choice, static_cast<CpuChoice>(i));
    EXPECT_TRUE(std::count(info.candidates.begin(), info.candidates.end(), info.preset)) << info.name;
    for (const int32_t value : info.candidates) EXPECT_TRUE(value >= info.least && value <= info.most);
  }
}

TEST(CpuTuning, ReadsWhatItWrites) {
  CpuTuning tuning = preset_cpu_tuning();
  tuning.values[kPanelRows] = 48;
  const CpuTuning read = read_cpu_tuning(write_cpu_tuning(tuning)).value();
  EXPECT_TRUE(std::equal(read.values, read.values + kCpuChoices, tuning.values));
  EXPECT_EQ(read_cpu_tuning("# nothing\n\n").value()[kPanelRows], preset_cpu_tuning()[kPanelRows]);
}

TEST(CpuTuning, RefusesWhatItDoesNotKnow) {
  for (const char* text : {"panel_row 48", "panel_rows", "panel_rows x", "panel_rows 4.5", "panel_rows 48 3",
                           "panel_rows 0", "panel_rows 99999999999", "narrow_threads -1"}) {
    const Status status = read_cpu_tuning(text).status();
    EXPECT_FALSE(status.ok()) << text;
    EXPECT_NE(status.message().find("line 1"), std::string::npos) << status.message();
  }
}

TEST(CpuTuning, TheVariableReplacesTheFile) {
  const std::string path = testing::TempDir() + "tuning";
  std::ofstream(path) << "panel_rows 48\n";
  unsetenv("ISTHMUS_CPU_TUNING");
  EXPECT_EQ(load_cpu_tuning(path).value()[kPanelRows], 48);
  EXPECT_EQ(load_cpu_tuning(path + "-is-not-there").value()[kPanelRows], preset_cpu_tuning()[kPanelRows]);
  setenv("ISTHMUS_CPU_TUNING", "unpack_rows 2048,panel_rows 8", 1);
  EXPECT_EQ(load_cpu_tuning(path).value()[kPanelRows], 8);
  EXPECT_EQ(load_cpu_tuning(path).value()[kUnpackRows], 2048);
  setenv("ISTHMUS_CPU_TUNING", "off", 1);
  EXPECT_EQ(load_cpu_tuning(path).value()[kPanelRows], preset_cpu_tuning()[kPanelRows]);
  setenv("ISTHMUS_CPU_TUNING", "nonsense", 1);
  EXPECT_FALSE(load_cpu_tuning(path).ok());
  unsetenv("ISTHMUS_CPU_TUNING");
}

TEST(CpuTuning, WhatIsNoFileOfChoicesIsNamed) {
  unsetenv("ISTHMUS_CPU_TUNING");
  const std::string path = testing::TempDir() + "tuning_no_file";
  std::ofstream(path).close();
  std::filesystem::resize_file(path, uintmax_t{1} << 40);  // would fill memory
  EXPECT_NE(load_cpu_tuning(path).status().message().find("isthmus tune --reset"), std::string::npos);
  std::filesystem::remove(path);
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);  // would be waited for
  EXPECT_NE(load_cpu_tuning(path).status().message().find(path), std::string::npos);
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace isthmus
