// SPDX-License-Identifier: Apache-2.0
#include "cli/output_file.h"

#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include <sys/resource.h>

#include "base/read_file.h"

namespace isthmus::cli {
namespace {

TEST(OutputFiles, AreWrittenWholeOrStayAsTheyWere) {
  const std::string folder = testing::TempDir() + "isthmus_output_file";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  const std::string path = folder + "/page.html";
  ASSERT_TRUE(write_output(path, "first").ok());
  EXPECT_EQ(*read_file(path, 100), "first");
  // A disk that is full is a limit of the process here.
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 1000;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const Status status = write_output(path, std::string(100'000, 'x'));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.message().find("page.html: cannot be written: "), std::string::npos) << status.message();
  EXPECT_EQ(*read_file(path, 100), "first");
  const auto files = std::filesystem::directory_iterator(folder);
  EXPECT_EQ(std::distance(begin(files), end(files)), 1);
  // Through a link, and not over it.
  std::filesystem::create_symlink(path, folder + "/link");
  ASSERT_TRUE(write_output(folder + "/link", "second").ok());
  EXPECT_EQ(*read_file(path, 100), "second");
  EXPECT_FALSE(write_output(folder + "/none/page.html", "x").ok());
}

}  // namespace
}  // namespace isthmus::cli
