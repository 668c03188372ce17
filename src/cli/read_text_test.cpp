// SPDX-License-Identifier: Apache-2.0
#include "cli/read_text.h"

#include <gtest/gtest.h>

#include <fstream>

namespace isthmus::cli {
namespace {

std::string write(const std::string& name, const std::string& content) {
  const std::string path = testing::TempDir() + name;
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

TEST(ReadText, GivesEveryByte) {
  const std::string content = std::string(200'000, 'x') + std::string("\0\xff\n", 3);
  const auto text = read_text(write("isthmus_read_text", content));
  ASSERT_TRUE(text.ok()) << text.status().to_string();
  EXPECT_EQ(*text, content);
  EXPECT_EQ(*read_text(write("isthmus_read_text_empty", "")), "");
}

TEST(ReadText, ErrorsNameTheFile) {
  const auto missing = read_text("/nowhere/text.txt");
  EXPECT_EQ(missing.status().code(), Code::kNotFound);
  EXPECT_NE(missing.status().message().find("/nowhere/text.txt"), std::string::npos);
  EXPECT_FALSE(read_text(testing::TempDir()).ok()) << "a folder";
}

TEST(ReadText, TooMuchIsRefused) {
  const std::string path = write("isthmus_read_text_long", std::string(11, 'x'));
  EXPECT_EQ(read_text(path, 10).status().code(), Code::kInvalidArgument);
  EXPECT_TRUE(read_text(path, 11).ok());
}

}  // namespace
}  // namespace isthmus::cli
