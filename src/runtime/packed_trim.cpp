// SPDX-License-Identifier: Apache-2.0
#include "runtime/packed_trim.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <functional>
#include <string_view>
#include <vector>

namespace isthmus {
namespace {

namespace fs = std::filesystem;

constexpr time_t kAbandonedSeconds = 24 * 60 * 60;

struct PackedFile {
  int64_t used_ns;
  uint64_t bytes;
  std::string path;
};

bool is_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// Calls visit(path) for FOLDER/ab/cdef…, what the cache names its files.
void for_each_named(const fs::path& folder, const std::function<void(const fs::path&)>& visit) {
  std::error_code gone;  // by another process; then there is nothing to do
  const fs::directory_iterator end;
  for (fs::directory_iterator sub(folder, gone); !gone && sub != end; sub.increment(gone)) {
    const std::string two = sub->path().filename();
    if (two.size() != 2 || !is_hex(two)) continue;
    std::error_code gone_too;
    for (fs::directory_iterator at(sub->path(), gone_too); !gone_too && at != end; at.increment(gone_too)) {
      const std::string name = at->path().filename();
      if (name.size() >= 30 && is_hex(std::string_view(name).substr(0, 30))) visit(at->path());
    }
  }
}

bool has_magic(const std::string& path) {
  char start[sizeof kPackedMagic];
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return false;
  const bool whole = pread(fd, start, sizeof start, 0) == sizeof start;
  close(fd);
  return whole && std::memcmp(start, kPackedMagic, sizeof start) == 0;
}

void remove_oldest(const fs::path& folder, uint64_t limit_bytes) {
  std::vector<PackedFile> files;
  uint64_t total = 0;
  const time_t now = time(nullptr);
  for_each_named(folder, [&](const fs::path& path) {
    struct stat info;
    if (lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return;
    if (path.extension() == ".part") {
      if (now - info.st_mtim.tv_sec > kAbandonedSeconds) unlink(path.c_str());
      return;
    }
    const auto bytes = static_cast<uint64_t>(info.st_size);
    total += bytes;
    files.push_back({int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec, bytes, path});
  });
  std::sort(files.begin(), files.end(),
            [](const PackedFile& a, const PackedFile& b) { return a.used_ns < b.used_ns; });
  for (const PackedFile& file : files) {
    if (total <= limit_bytes) break;
    if (has_magic(file.path) && unlink(file.path.c_str()) == 0) total -= file.bytes;
  }
}

}  // namespace

bool trim_packed(const std::string& folder, uint64_t limit_bytes) {
  const int lock = open((folder + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock < 0) return false;
  const bool ours = flock(lock, LOCK_EX | LOCK_NB) == 0;
  if (ours) {
    remove_oldest(folder, limit_bytes);
    for_each_named(folder + "/from", [](const fs::path& path) {
      struct stat info;
      if (lstat(path.c_str(), &info) == 0 && S_ISLNK(info.st_mode) && access(path.c_str(), F_OK) != 0)
        unlink(path.c_str());
    });
  }
  close(lock);
  return ours;
}

}  // namespace isthmus
