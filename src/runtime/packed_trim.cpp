// SPDX-License-Identifier: Apache-2.0
#include "runtime/packed_trim.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <functional>
#include <string_view>
#include <vector>

#include "base/disk_cache.h"
#include "runtime/packed_checked.h"

namespace isthmus {
namespace {

namespace fs = std::filesystem;

constexpr time_t kAbandonedSeconds = 24 * 60 * 60;

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

void trim_files(const fs::path& folder, uint64_t limit_bytes) {
  std::vector<KeptFile> files;
  const time_t now = time(nullptr);
  for_each_named(folder, [&](const fs::path& path) {
    const auto file = kept_file(path);
    if (!file) return;
    if (path.extension() != ".part")
      files.push_back(*file);
    else if (now - file->used_ns / 1'000'000'000 > kAbandonedSeconds)
      unlink(path.c_str());
  });
  remove_oldest(std::move(files), limit_bytes, std::string_view(kPackedMagic, sizeof kPackedMagic));
}

}  // namespace

bool trim_packed(const std::string& folder, uint64_t limit_bytes) {
  const int lock = open((folder + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock < 0) return false;
  const bool ours = flock(lock, LOCK_EX | LOCK_NB) == 0;
  if (ours) {
    trim_files(folder, limit_bytes);
    remove_old_checks(folder);
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
