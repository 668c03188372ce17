// SPDX-License-Identifier: Apache-2.0
#include "runtime/packed_checked.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/read_file.h"

namespace isthmus {
namespace {

constexpr uint64_t kMostBytes = 64 << 20;  // a million lines
constexpr const char* kPrefix = "checked-";

std::string name_of_this_start() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  if (!(file >> id) || id.find_first_not_of("0123456789abcdef-") != std::string::npos) return "";
  return kPrefix + id;
}

std::string line_of(const struct stat& file, const std::string& key) {
  return fmt::format("{}:{} {} {}.{:09} {}", file.st_dev, file.st_ino, file.st_size, file.st_mtim.tv_sec,
                     file.st_mtim.tv_nsec, key);
}

}  // namespace

PackedChecked::PackedChecked(std::string folder) {
  const std::string name = name_of_this_start();
  if (folder.empty() || name.empty()) return;
  path_ = std::move(folder) + "/" + name;
  const Result<std::string> text = read_file(path_, kMostBytes);
  std::istringstream file(text.ok() ? *text : "");  // absent or of no use: every file is checked again
  for (std::string line; std::getline(file, line);) lines_.insert(line);
}

bool PackedChecked::contains(const struct stat& file, const std::string& key) const {
  // Times of files are coarse: one that was written just now may be written again within the same instant.
  if (time(nullptr) - file.st_mtim.tv_sec < 2) return false;
  std::lock_guard lock(mutex_);
  return lines_.contains(line_of(file, key));
}

void PackedChecked::add(const struct stat& file, const std::string& key) {
  if (path_.empty()) return;
  std::lock_guard lock(mutex_);
  const auto [line, added] = lines_.insert(line_of(file, key));
  if (!added) return;
  const int fd =
      open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
  if (fd < 0) return;  // checked again by the next process
  const std::string text = *line + "\n";
  (void)!write(fd, text.data(), text.size());
  close(fd);
}

void remove_old_checks(const std::string& folder) {
  namespace fs = std::filesystem;
  const std::string now = name_of_this_start();
  std::error_code gone;
  const fs::directory_iterator end;
  for (fs::directory_iterator at(folder, gone); !gone && at != end; at.increment(gone)) {
    const std::string name = at->path().filename();
    if (name.starts_with(kPrefix) && name != now) unlink(at->path().c_str());
  }
}

}  // namespace isthmus
