// SPDX-License-Identifier: Apache-2.0
#include "base/disk_cache.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace isthmus {
namespace {

namespace fs = std::filesystem;

class DiskCacheTest : public ::testing::Test {
 protected:
  void SetUp() override { fs::remove_all(folder_); }
  void TearDown() override { fs::remove_all(folder_); }
  std::vector<fs::path> files() const {
    std::vector<fs::path> found;
    if (!fs::exists(folder_)) return found;
    for (const auto& entry : fs::directory_iterator(folder_)) found.push_back(entry.path());
    return found;
  }
  const std::string folder_ = fmt::format("{}/isthmus_disk_cache_{}", ::testing::TempDir(), getpid());
};

TEST_F(DiskCacheTest, GivesBackWhatWasStored) {
  const DiskCache cache(folder_ + "/deep", "program", 1 << 20);
  EXPECT_FALSE(cache.load("a").has_value());
  const std::string value("with\0zero", 9);
  cache.store("a", value);
  cache.store("b", "other");
  EXPECT_EQ(cache.load("a"), value);
  EXPECT_EQ(DiskCache(folder_ + "/deep", "program", 1 << 20).load("b"), "other");
  EXPECT_FALSE(DiskCache(folder_ + "/deep", "other", 1 << 20).load("b").has_value());
  const DiskCache none("", "program", 1 << 20);
  none.store("a", "b");
  EXPECT_FALSE(none.load("a").has_value());
}

TEST_F(DiskCacheTest, WhatIsNoFileOfItsOwnCountsAsAbsent) {
  const DiskCache cache(folder_, "program", 1 << 20);
  cache.store("key", "value");
  const fs::path path = files().at(0);
  fs::resize_file(path, uintmax_t{1} << 40);  // would fill memory
  EXPECT_FALSE(cache.load("key").has_value());
  fs::remove(path);
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);  // would be waited for
  EXPECT_FALSE(cache.load("key").has_value());
  fs::remove(path);
  fs::create_directory(path);
  EXPECT_FALSE(cache.load("key").has_value());
}

TEST_F(DiskCacheTest, DamageCountsAsAbsent) {
  const DiskCache cache(folder_, "program", 1 << 20);
  const std::string key = "key", value = "0123456789";
  cache.store(key, value);
  const fs::path path = files().at(0);
  const uintmax_t whole = fs::file_size(path);
  for (uintmax_t bytes = 0; bytes < whole; ++bytes) {
    fs::resize_file(path, bytes);
    EXPECT_FALSE(cache.load(key).has_value()) << bytes;
    cache.store(key, value);
    ASSERT_EQ(cache.load(key), value);
  }
  for (uintmax_t at = 0; at < whole; ++at) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(at)).put('~');
    file.close();
    EXPECT_FALSE(cache.load(key).has_value()) << at;
    cache.store(key, value);
  }
}

TEST_F(DiskCacheTest, WhatWasUsedLongestAgoGoes) {
  const DiskCache cache(folder_, "program", 1 << 20);
  const std::string kilobyte(1000, 'x');
  const auto age = [&](int hours) {  // everything there by so much
    const time_t then = time(nullptr) - hours * 60 * 60;
    const timespec times[2] = {{then, 0}, {then, 0}};
    for (const fs::path& path : files()) utimensat(AT_FDCWD, path.c_str(), times, 0);
  };
  fs::create_directories(folder_);
  std::ofstream(folder_ + "/mine.txt") << std::string(30000, 'm');
  const std::string somebodys = folder_ + "/0123456789abcdef.part",
                    dead = folder_ + "/0123456789abcdef.1.part";
  std::ofstream(dead) << "ISTHKEPT, of a process that died";
  std::ofstream(somebodys) << "somebody's";
  for (int i = 0; i < 8; ++i) cache.store(fmt::format("old {}", i), kilobyte);
  age(48);
  ASSERT_TRUE(cache.load("old 3").has_value());
  DiskCache(folder_, "program", 5000).store("new", kilobyte);
  EXPECT_TRUE(fs::exists(folder_ + "/mine.txt"));
  EXPECT_TRUE(fs::exists(somebodys));
  EXPECT_FALSE(fs::exists(dead));
  EXPECT_TRUE(cache.load("old 3").has_value()) << "it was used just now";
  EXPECT_TRUE(cache.load("new").has_value());
  int left = 0;
  for (int i = 0; i < 8; ++i) left += cache.load(fmt::format("old {}", i)).has_value();
  EXPECT_EQ(left, 3) << "with the new one, 4 files of about 1028 bytes: the limit less a sixteenth";
}

TEST(CacheFolder, FollowsTheEnvironment) {
  setenv("ISTHMUS_TEST_CACHE", "off", 1);
  EXPECT_EQ(cache_folder("ISTHMUS_TEST_CACHE", "x"), "");
  setenv("ISTHMUS_TEST_CACHE", "/some/folder", 1);
  EXPECT_EQ(cache_folder("ISTHMUS_TEST_CACHE", "x"), "/some/folder");
  unsetenv("ISTHMUS_TEST_CACHE");
  setenv("XDG_CACHE_HOME", "/cache", 1);
  EXPECT_EQ(cache_folder("ISTHMUS_TEST_CACHE", "x"), "/cache/isthmus/x");
  unsetenv("XDG_CACHE_HOME");
  for (const auto& [text, bytes] : {std::pair("0.5", uint64_t{1} << 29), std::pair("-1", uint64_t{0}),
                                    std::pair("much", uint64_t{0}), std::pair("1e300", uint64_t{0})}) {
    setenv("ISTHMUS_TEST_CACHE", text, 1);
    EXPECT_EQ(cache_limit("ISTHMUS_TEST_CACHE"), bytes) << text;
  }
  unsetenv("ISTHMUS_TEST_CACHE");
}

}  // namespace
}  // namespace isthmus
