// SPDX-License-Identifier: Apache-2.0
#include "base/mapped_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace isthmus {
namespace {

std::string write_file(const std::string& name, const std::string& content) {
  const std::string path = testing::TempDir() + name + "." + std::to_string(getpid());
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

TEST(MappedFile, ReadsMovesAndCloses) {
  const std::string path = write_file("mapped", "hello");
  Result<MappedFile> file = MappedFile::open(path);
  ASSERT_TRUE(file.ok()) << file.status().to_string();
  const std::byte* where = file->bytes().data();
  MappedFile moved = std::move(*file);
  EXPECT_EQ(moved.bytes().data(), where);
  EXPECT_EQ(moved.size_bytes(), 5u);
  EXPECT_EQ(static_cast<char>(moved.bytes()[4]), 'o');
  EXPECT_EQ(file->size_bytes(), 0u);
  MappedFile assigned;
  assigned = std::move(moved);
  EXPECT_EQ(assigned.bytes().data(), where);
  std::filesystem::remove(path);
}

TEST(MappedFile, RangeChecksBothEnds) {
  const std::string path = write_file("range", "0123456789");
  Result<MappedFile> file = MappedFile::open(path);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(file->range(3, 7)->size(), 7u);
  EXPECT_EQ(file->range(10, 0)->size(), 0u);
  for (auto [offset, length] :
       {std::pair<uint64_t, uint64_t>{3, 8}, {11, 0}, {UINT64_MAX, 1}, {1, UINT64_MAX}}) {
    const auto range = file->range(offset, length);
    ASSERT_FALSE(range.ok());
    EXPECT_EQ(range.status().code(), Code::kDataLoss);
    EXPECT_NE(range.status().message().find("the file has 10 bytes"), std::string::npos);
  }
  std::filesystem::remove(path);
}

TEST(MappedFile, NamesBytesByWhereTheyLie) {
  const std::string path = write_file("names", "0123456789");
  const auto name = [&](size_t offset, uint64_t length) {
    const MappedFile file = MappedFile::open(path).value();
    return file.name_of(file.bytes().data() + offset, length);
  };
  const std::string whole = name(0, 10);
  EXPECT_NE(whole, "");
  EXPECT_EQ(name(0, 10), whole) << "the same file, opened again";
  EXPECT_NE(name(0, 9), whole);
  EXPECT_NE(name(1, 9), name(0, 9));
  EXPECT_EQ(name(3, 8), "") << "not all of it is of the file";
  const MappedFile file = MappedFile::open(path).value();
  EXPECT_EQ(file.name_of(file.bytes().data() - 1, 2), "");
  EXPECT_EQ(MappedFile().name_of(&file, 1), "");
  // Rewritten in place with its old time of change.
  const auto written = std::filesystem::last_write_time(path);
  usleep(20'000);
  std::fstream(path) << "abcdefghij";
  std::filesystem::last_write_time(path, written);
  EXPECT_NE(name(0, 10), whole);
  std::filesystem::remove(path);
}

TEST(MappedFile, ErrorsNameTheFile) {
  const Result<MappedFile> absent = MappedFile::open("/nonexistent/model.gguf");
  ASSERT_FALSE(absent.ok());
  EXPECT_EQ(absent.status().code(), Code::kNotFound);
  EXPECT_NE(absent.status().message().find("/nonexistent/model.gguf"), std::string::npos);
  EXPECT_EQ(MappedFile::open("/").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(MappedFile::open("/dev/null").status().code(), Code::kInvalidArgument);
  const std::string pipe = testing::TempDir() + "pipe." + std::to_string(getpid());
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(MappedFile::open(pipe).status().code(), Code::kInvalidArgument);
  std::filesystem::remove(pipe);
}

TEST(MappedFile, EmptyFileIsEmpty) {
  const std::string path = write_file("empty", "");
  Result<MappedFile> file = MappedFile::open(path);
  ASSERT_TRUE(file.ok());
  EXPECT_TRUE(file->bytes().empty());
  std::filesystem::remove(path);
}

TEST(MappedFile, NoticesTruncation) {
  const std::string path = write_file("cut", "0123456789");
  Result<MappedFile> file = MappedFile::open(path);
  ASSERT_TRUE(file.ok());
  EXPECT_TRUE(file->check_unchanged_size().ok());
  std::filesystem::resize_file(path, 4);
  const Status status = file->check_unchanged_size();
  EXPECT_EQ(status.code(), Code::kDataLoss);
  EXPECT_NE(status.message().find("from 10 to 4 bytes"), std::string::npos);
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace isthmus
