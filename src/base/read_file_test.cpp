// SPDX-License-Identifier: Apache-2.0
#include "base/read_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace isthmus {
namespace {

TEST(ReadFile, TakesWhatIsWholeAndSmallAndNothingElse) {
  const std::string folder = fmt::format("{}/isthmus_read_file_{}", ::testing::TempDir(), getpid());
  std::filesystem::create_directories(folder);
  const std::string path = folder + "/file", text = "two\nlines" + std::string(100000, '\0');
  std::ofstream(path) << text;
  EXPECT_EQ(read_file(path, text.size()).value(), text);
  ASSERT_EQ(mkfifo((folder + "/pipe").c_str(), 0600), 0);
  std::ofstream(folder + "/large").close();
  std::filesystem::resize_file(folder + "/large", uintmax_t{1} << 40);
  for (const auto& [name, sentence] :
       {std::pair("pipe", "expected a regular file"), std::pair("", "expected a regular file"),
        std::pair("large", "expected at most 100 bytes"), std::pair("none", "No such file")}) {
    const Status status = read_file(folder + "/" + name, 100).status();
    EXPECT_NE(status.message().find(sentence), std::string::npos) << status.message();
    EXPECT_NE(status.message().find(folder), std::string::npos) << status.message();
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace isthmus
