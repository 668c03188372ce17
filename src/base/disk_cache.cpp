// SPDX-License-Identifier: Apache-2.0
#include "base/disk_cache.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>

#include "base/read_file.h"

namespace isthmus {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic = "ISTHKEPT";
constexpr int64_t kAbandonedNs = int64_t{24} * 60 * 60 * 1'000'000'000;

// A file holds this head, the key and the value. The sum is needed because drivers may crash on a damaged
// program.
struct Head {
  char magic[8];
  uint64_t key_bytes;
  uint64_t sum;  // of key and value
};

uint64_t hash(std::string_view text) {  // FNV-1a
  uint64_t h = 0xcbf29ce484222325u;
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return h;
}

// 16 hexadecimal digits and a suffix, as the cache names its files.
bool is_our_name(const std::string& name) {
  return name.find_first_not_of("0123456789abcdef") == 16 && name[16] == '.';
}

bool begins_with(const std::string& path, std::string_view magic) {
  std::string start(magic.size(), '\0');
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0) return false;
  const ssize_t got = pread(file, start.data(), start.size(), 0);
  close(file);
  return got == static_cast<ssize_t>(magic.size()) && start == magic;
}

}  // namespace

std::string cache_folder(const char* variable, const char* name) {
  if (const char* wish = std::getenv(variable)) return std::string_view(wish) == "off" ? "" : wish;
  if (const char* xdg = std::getenv("XDG_CACHE_HOME"); xdg && *xdg)
    return fmt::format("{}/isthmus/{}", xdg, name);
  if (const char* home = std::getenv("HOME"); home && *home)
    return fmt::format("{}/.cache/isthmus/{}", home, name);
  return "";
}

uint64_t cache_limit(const char* variable) {
  const char* wish = std::getenv(variable);
  const double gib = wish ? std::strtod(wish, nullptr) : 0;
  return gib > 0 && gib < 1e9 ? static_cast<uint64_t>(gib * (1 << 30)) : 0;
}

std::optional<KeptFile> kept_file(const std::string& path) {
  struct stat info;
  if (lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  const auto ns = [](const timespec& t) { return int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec; };
  return KeptFile{std::max(ns(info.st_mtim), ns(info.st_atim)), static_cast<uint64_t>(info.st_size), path};
}

void remove_oldest(std::vector<KeptFile> files, uint64_t limit_bytes, std::string_view magic) {
  uint64_t total = 0;
  for (const KeptFile& file : files) total += file.bytes;
  std::sort(files.begin(), files.end(),
            [](const KeptFile& a, const KeptFile& b) { return a.used_ns < b.used_ns; });
  for (const KeptFile& file : files) {
    if (total <= limit_bytes) return;
    if (begins_with(file.path, magic) && unlink(file.path.c_str()) == 0) total -= file.bytes;
  }
}

DiskCache::DiskCache(std::string folder, std::string suffix, uint64_t limit_bytes)
    : folder_(std::move(folder)),
      suffix_(std::move(suffix)),
      limit_bytes_(limit_bytes),
      untrimmed_(limit_bytes) {}  // the first new file trims

std::string DiskCache::path_of(const std::string& key) const {
  return fmt::format("{}/{:016x}.{}", folder_, hash(key), suffix_);
}

std::optional<std::string> DiskCache::load(const std::string& key) const {
  if (folder_.empty()) return std::nullopt;
  const std::string path = path_of(key);
  const Result<std::string> all = read_file(path, limit_bytes_);
  Head head;
  if (!all.ok() || all->size() <= sizeof head + key.size()) return std::nullopt;
  std::memcpy(&head, all->data(), sizeof head);
  const std::string_view content = std::string_view(*all).substr(sizeof head);
  if (std::string_view(head.magic, sizeof head.magic) != kMagic || head.key_bytes != key.size() ||
      !content.starts_with(key) || head.sum != hash(content))
    return std::nullopt;
  utimensat(AT_FDCWD, path.c_str(), nullptr, 0);  // used now
  return std::string(content.substr(key.size()));
}

void DiskCache::store(const std::string& key, std::string_view value) const {
  if (folder_.empty()) return;
  const std::string content = key + std::string(value);
  Head head;
  std::memcpy(head.magic, kMagic.data(), sizeof head.magic);
  head.key_bytes = key.size();
  head.sum = hash(content);
  std::error_code failed;
  fs::create_directories(folder_, failed);
  const std::string path = path_of(key),
                    temporary = fmt::format("{}.{}.{}.part", path, getpid(), fmt::ptr(&head));
  std::ofstream file(temporary, std::ios::binary);
  file.write(reinterpret_cast<const char*>(&head), sizeof head);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  file.close();
  if (!file || (fs::rename(temporary, path, failed), failed)) {
    fs::remove(temporary, failed);
    return;
  }
  trim(sizeof head + content.size());
}

// Not after every file: that would read the folder hundreds of times. What is left over leaves room for the
// files until the next time.
void DiskCache::trim(uint64_t stored_bytes) const {
  const uint64_t slack = limit_bytes_ / 16;
  if (untrimmed_.fetch_add(stored_bytes) + stored_bytes <= slack) return;
  untrimmed_ = 0;
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  const int64_t abandoned = int64_t{now.tv_sec} * 1'000'000'000 - kAbandonedNs;
  std::vector<KeptFile> files;
  std::error_code gone;  // by another process; then there is nothing to do
  for (fs::directory_iterator at(folder_, gone), end; !gone && at != end; at.increment(gone)) {
    const auto file = kept_file(at->path());
    if (!file || !is_our_name(at->path().filename())) continue;
    if (at->path().extension() != ".part")
      files.push_back(*file);
    else if (file->used_ns < abandoned && begins_with(file->path, kMagic))
      unlink(file->path.c_str());  // of a process that died
  }
  remove_oldest(std::move(files), limit_bytes_ - slack, kMagic);
}

}  // namespace isthmus
