// SPDX-License-Identifier: Apache-2.0
// Packed weights: made once, found by file or by content, kept within a limit by many processes at once.
#include "runtime/packed_cache.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "runtime/packed_trim.h"

namespace isthmus {
namespace {

namespace fs = std::filesystem;

class PackedCacheTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / fmt::format("isthmus_packed_{}", getpid());
    fs::remove_all(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  // Packs `content` of the file range `name` into "<content>!" and counts it.
  Result<PackedBytes> get(const PackedCache& cache, const std::string& content,
                          const std::string& name = "") {
    const PackedSource source{content.data(), content.size(), name, "F32x1"};
    return cache.get(source, "layout_v1", content.size() + 1, {}, [&](void* dst) {
      ++packs_;
      std::memcpy(dst, content.data(), content.size());
      static_cast<char*>(dst)[content.size()] = '!';
      return ok();
    });
  }
  PackedCache cache(uint64_t limit = 0) { return PackedCache(folder_.string(), limit); }
  static std::string text(const Result<PackedBytes>& bytes) {
    if (!bytes.ok()) return bytes.status().to_string();
    return {static_cast<const char*>(bytes->data.get()), bytes->bytes};
  }
  std::vector<fs::path> files(bool links = false) {
    std::vector<fs::path> found;
    for (const auto& entry : fs::recursive_directory_iterator(folder_))
      if (entry.path().filename() != "lock" && !entry.path().filename().string().starts_with("checked-") &&
          entry.is_symlink() == links && (links || entry.is_regular_file()))
        found.push_back(entry.path());
    return found;
  }

  fs::path folder_;
  int packs_ = 0;
};

TEST_F(PackedCacheTest, IsMadeOnceAndShared) {
  const auto first = get(cache(), "source");
  ASSERT_TRUE(first.ok());
  EXPECT_TRUE(first->made && first->shared);
  const auto second = get(cache(), "source");
  ASSERT_TRUE(second.ok());
  EXPECT_TRUE(!second->made && second->shared);
  EXPECT_EQ(packs_, 1);
  EXPECT_EQ(text(second), "source!");
}

TEST_F(PackedCacheTest, AFileIsKnownWithoutReadingIt) {
  ASSERT_TRUE(get(cache(), "source", "1:2:3").ok());
  EXPECT_EQ(text(get(cache(), "unread", "1:2:3")), "source!") << "found by name, not by content";
  EXPECT_EQ(packs_, 1);
  EXPECT_EQ(text(get(cache(), "unread", "1:2:4")), "unread!") << "another file";
  EXPECT_EQ(packs_, 2);
  const PackedSource other{"unread", 6, "1:2:3", "F16x2"};
  EXPECT_TRUE(cache().get(other, "layout_v1", 7, {}, [](void*) { return ok(); })->made) << "read otherwise";
}

TEST_F(PackedCacheTest, ACopiedFileSharesWhatIsThere) {
  ASSERT_TRUE(get(cache(), "source", "1:2:3").ok());
  EXPECT_FALSE(get(cache(), "source", "a copy")->made);
  EXPECT_FALSE(get(cache(), "source")->made);
  EXPECT_EQ(files().size(), 1u);
  EXPECT_EQ(files(true).size(), 2u);
}

TEST_F(PackedCacheTest, DamagedFilesAreMadeAnew) {
  ASSERT_TRUE(get(cache(), "source", "1:2:3").ok());
  for (const fs::path& file : files()) fs::resize_file(file, 3);
  EXPECT_EQ(text(get(cache(), "source", "1:2:3")), "source!");
  for (const fs::path& file : files()) std::ofstream(file) << std::string(64 + 7, 'x');
  EXPECT_EQ(text(get(cache(), "source", "1:2:3")), "source!");
  EXPECT_EQ(packs_, 3);
  EXPECT_EQ(text(get(cache(), "source", "1:2:3")), "source!");
  EXPECT_EQ(packs_, 3);
}

TEST_F(PackedCacheTest, AChangedByteIsNoticed) {
  ASSERT_TRUE(get(cache(), "source", "1:2:3").ok());
  for (const std::streamoff at : {32, 63, 64, 70}) {  // in the header and in what follows
    for (const fs::path& path : files()) {
      std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(at);
      file.put('?');
    }
    EXPECT_EQ(text(get(cache(), "source", "1:2:3")), "source!") << at;
  }
  EXPECT_EQ(packs_, 5);
}

// Reading every weight takes long, and its pages stay in memory until the machine is started again.
TEST_F(PackedCacheTest, AnotherWeightsFileInItsPlaceIsNoticed) {
  for (const char* name : {"", "file"}) {
    SCOPED_TRACE(name);
    fs::remove_all(folder_);
    const auto named = [&](const char* end) { return *name ? std::string(name) + end : ""; };
    text(get(cache(), "one", named(":0+3")));
    text(get(cache(), "two", named(":3+3")));
    std::vector<fs::path> both = files();
    ASSERT_EQ(both.size(), 2u);
    const timespec long_ago[2] = {{1000, 0}, {1000, 0}};  // so that the check counts
    for (const fs::path& path : both) utimensat(AT_FDCWD, path.c_str(), long_ago, 0);
    EXPECT_EQ(text(get(cache(), "one", named(":0+3"))), "one!");
    EXPECT_EQ(text(get(cache(), "two", named(":3+3"))), "two!");
    fs::rename(both[0], folder_ / "third");
    fs::rename(both[1], both[0]);
    fs::rename(folder_ / "third", both[1]);
    EXPECT_EQ(text(get(cache(), "one", named(":0+3"))), "one!");
    EXPECT_EQ(text(get(cache(), "two", named(":3+3"))), "two!");
  }
}

TEST_F(PackedCacheTest, ARecordOfChecksThatIsNoFileIsNotWaitedFor) {
  text(get(cache(), "content"));
  for (const auto& entry : fs::directory_iterator(folder_)) {
    const fs::path path = entry.path();
    if (!path.filename().string().starts_with("checked-")) continue;
    fs::remove(path);
    ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
    break;
  }
  text(get(cache(), "other"));
  EXPECT_EQ(text(get(cache(), "content")), "content!");
}

TEST_F(PackedCacheTest, AFileIsCheckedOncePerStartOfTheMachine) {
  ASSERT_TRUE(get(cache(), "source", "1:2:3").ok());
  const fs::path path = files().at(0);
  const auto written_long_ago = fs::file_time_type::clock::now() - std::chrono::hours(1);
  fs::last_write_time(path, written_long_ago);
  ASSERT_TRUE(get(cache(), "source", "1:2:3").ok());  // checks it
  const auto damage = [&](char byte) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(64);
    file.put(byte);
  };
  damage('S');
  fs::last_write_time(path, written_long_ago);
  EXPECT_EQ(text(get(cache(), "source", "1:2:3")), "Source!") << "was not read again";
  fs::last_write_time(path, written_long_ago + std::chrono::minutes(1));
  EXPECT_EQ(text(get(cache(), "source", "1:2:3")), "source!") << "was written since";
  EXPECT_EQ(packs_, 2);
  const std::string old = folder_.string() + "/checked-00000000-0000-0000-0000-000000000000";
  std::ofstream(old) << "1:2 3 4\n";
  trim_packed(folder_, 1000);
  EXPECT_FALSE(fs::exists(old)) << "of another start";
}

TEST_F(PackedCacheTest, ANamedPipeInItsPlaceIsNotWaitedFor) {
  ASSERT_TRUE(get(cache(), "source").ok());
  for (const fs::path& path : files()) {
    fs::remove(path);
    ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  }
  EXPECT_EQ(text(get(cache(), "source")), "source!");
}

TEST_F(PackedCacheTest, WithoutAPlaceToWriteItCostsMemoryOnly) {
  for (const char* folder : {"", "/proc/nowhere"}) {
    const auto bytes = get(PackedCache(folder), "source", "1:2:3");
    ASSERT_TRUE(bytes.ok()) << folder;
    EXPECT_FALSE(bytes->shared);
    EXPECT_EQ(text(bytes), "source!");
  }
  const auto failed =
      cache().get({"x", 1, "", "d"}, "l", 5, {}, [](void*) { return invalid_argument("no"); });
  EXPECT_FALSE(failed.ok());
  EXPECT_TRUE(files().empty());
}

TEST_F(PackedCacheTest, WhatWasUsedLongestAgoGoes) {
  const std::string names[] = {"first", "second", "third"};
  for (const std::string& name : names) {
    ASSERT_TRUE(get(cache(), name, name).ok());
    usleep(20'000);  // file times are that coarse
  }
  const auto mapped = get(cache(), "second", "second");
  usleep(20'000);
  ASSERT_TRUE(get(cache(), "first", "first").ok());  // used again
  trim_packed(folder_, 100);                         // room for one
  EXPECT_EQ(files().size(), 1u);
  EXPECT_EQ(files(true).size(), 1u) << "links to the others went with them";
  packs_ = 0;
  ASSERT_TRUE(get(cache(), "first", "first").ok());
  EXPECT_EQ(packs_, 0) << "the one used last is still there";
  EXPECT_EQ(text(mapped), "second!") << "what is mapped stays";
  EXPECT_EQ(text(get(cache(), "second", "second")), "second!");
  EXPECT_EQ(packs_, 1) << "made anew";
}

TEST_F(PackedCacheTest, NewFilesKeepTheFolderWithinItsLimit) {
  const PackedCache small = cache(20 * (64 + 3006));
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(get(small, fmt::format("{:05}", i) + std::string(3000, 'x')).ok());
    EXPECT_LE(files().size(), 20u);
  }
  EXPECT_GE(files().size(), 15u);
}

TEST_F(PackedCacheTest, NothingOfOthersIsRemoved) {
  ASSERT_TRUE(get(cache(), "source").ok());
  const std::string hex(30, 'a');
  std::vector<fs::path> foreign = {folder_ / "mine.txt", folder_ / "ab" / (hex + "-not-by-the-cache"),
                                   folder_ / "ab" / "short", folder_ / "xy" / hex};
  for (const fs::path& path : foreign) {
    fs::create_directories(path.parent_path());
    std::ofstream(path) << "important";
  }
  const fs::path abandoned = folder_ / "ab" / (hex + "-d-l.17.0.part"),
                 fresh = folder_ / "ab" / (hex + ".part");
  std::ofstream(abandoned) << "half";
  std::ofstream(fresh) << "half";
  const timespec long_ago[2] = {{time(nullptr) - 25 * 60 * 60, 0}, {time(nullptr) - 25 * 60 * 60, 0}};
  utimensat(AT_FDCWD, abandoned.c_str(), long_ago, 0);
  trim_packed(folder_, 0);
  for (const fs::path& path : foreign) EXPECT_TRUE(fs::exists(path)) << path;
  EXPECT_FALSE(fs::exists(abandoned));
  EXPECT_TRUE(fs::exists(fresh));
  EXPECT_EQ(files().size(), foreign.size() + 1) << "the packed weight is gone";
}

TEST_F(PackedCacheTest, SeveralProcessesTrimAndMakeAtOnce) {
  std::vector<pid_t> children;
  for (int child = 0; child < 4; ++child) {
    const pid_t pid = fork();
    if (pid == 0) {
      const PackedCache small = cache(600);
      int wrong = 0;
      for (int i = 0; i < 300; ++i) {
        const std::string content = fmt::format("content {}", (i * 7 + child) % 20);
        wrong += text(get(small, content, "name of " + content)) != content + "!";
      }
      _exit(wrong != 0);
    }
    children.push_back(pid);
  }
  for (const pid_t pid : children) {
    int status = -1;
    waitpid(pid, &status, 0);
    EXPECT_EQ(status, 0);
  }
  EXPECT_TRUE(trim_packed(folder_, 600)) << "nobody holds the lock any more";
  EXPECT_LE(files().size(), 8u);
  EXPECT_EQ(files(true).size(), files().size());
}

TEST(PackedLimit, FollowsTheVariable) {
  setenv("ISTHMUS_PACKED_CACHE_GIB", "1.5", 1);
  EXPECT_EQ(PackedCache::default_limit("/"), uint64_t{3} << 29);
  for (const char* nonsense : {"", "x", "-1", "0", "nan"}) {
    setenv("ISTHMUS_PACKED_CACHE_GIB", nonsense, 1);
    EXPECT_GE(PackedCache::default_limit("/not/there/yet"), uint64_t{20} << 30) << nonsense;
  }
  unsetenv("ISTHMUS_PACKED_CACHE_GIB");
}

TEST(ContentHash, DependsOnEveryByteAndOnTheLength) {
  std::vector<char> bytes(300, 1);
  const std::string whole = content_hash(bytes.data(), bytes.size());
  EXPECT_EQ(whole.size(), 32u);
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] ^= 4;
    EXPECT_NE(content_hash(bytes.data(), bytes.size()), whole) << i;
    bytes[i] ^= 4;
  }
  std::vector<char> zeros(64, 0);
  EXPECT_NE(content_hash(zeros.data(), 63), content_hash(zeros.data(), 64));
}

}  // namespace
}  // namespace isthmus
