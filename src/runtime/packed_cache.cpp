// SPDX-License-Identifier: Apache-2.0
#include "runtime/packed_cache.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/disk_cache.h"
#include "runtime/packed_checked.h"
#include "runtime/packed_trim.h"

namespace isthmus {
namespace {

// What a file starts with. The hash is of all that follows and of the file's key: a page lost with the power
// or changed on disk, or another weight's file in its place, would otherwise be wrong answers without a word.
// A file is checked once after each start of the machine.
struct Header {
  char magic[sizeof kPackedMagic];
  char hash[32];
};
static_assert(sizeof(Header) == 64, "what follows is as aligned as chips are promised");

Header header_of(const void* packed, uint64_t bytes, const std::string& key) {
  Header header;
  std::memcpy(header.magic, kPackedMagic, sizeof header.magic);
  const std::string all = content_hash(packed, bytes) + key;
  std::memcpy(header.hash, content_hash(all.data(), all.size()).data(), sizeof header.hash);
  return header;
}

// What names the weight and its layout: the last two parts of its path; of a link, of the path it leads to.
std::string key_of(const std::filesystem::path& path) {
  std::error_code no_link;
  const std::filesystem::path target = std::filesystem::read_symlink(path, no_link);
  const std::filesystem::path& at = no_link ? path : target;
  return fmt::format("{}/{}", at.parent_path().filename().string(), at.filename().string());
}

std::shared_ptr<const void> share_mapping(void* base, uint64_t bytes) {
  return std::shared_ptr<const void>(static_cast<char*>(base) + sizeof(Header),
                                     [base, bytes](const void*) { munmap(base, bytes); });
}

std::shared_ptr<const void> map_file(const std::string& path, uint64_t packed_bytes, PackedChecked& checked) {
  // O_NONBLOCK so that a named pipe is refused instead of waited for.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return nullptr;
  struct stat info;
  const uint64_t bytes = packed_bytes + sizeof(Header);
  void* base = MAP_FAILED;
  if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && static_cast<uint64_t>(info.st_size) == bytes)
    base = mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd, 0);
  // Used now: it goes last. Not ours to touch: nothing happens. When it was written stays.
  const timespec times[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
  if (base != MAP_FAILED) futimens(fd, times);
  close(fd);
  if (base == MAP_FAILED) return nullptr;
  const std::string key = key_of(path);
  if (checked.contains(info, key)) return share_mapping(base, bytes);
  const Header expected = header_of(static_cast<const char*>(base) + sizeof(Header), packed_bytes, key);
  if (std::memcmp(base, &expected, sizeof expected) != 0) {
    munmap(base, bytes);
    return nullptr;
  }
  checked.add(info, key);
  return share_mapping(base, bytes);
}

// Packs into a file of its own name and moves it into place. Null when the folder cannot be written.
Result<std::shared_ptr<const void>> make_file(const std::string& path, uint64_t packed_bytes,
                                              const std::function<Status(void*)>& pack) {
  static std::atomic<int> counter{0};
  const std::string part = fmt::format("{}.{}.{}.part", path, getpid(), counter++);
  const uint64_t bytes = packed_bytes + sizeof(Header);
  const int fd = open(part.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0) return std::shared_ptr<const void>();
  void* base = MAP_FAILED;
  // Reserved first: a full disk is an error here, not a signal while writing.
  if (posix_fallocate(fd, 0, static_cast<off_t>(bytes)) == 0)
    base = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (base == MAP_FAILED) {
    unlink(part.c_str());
    return std::shared_ptr<const void>();
  }
  char* packed = static_cast<char*>(base) + sizeof(Header);
  Status status = pack(packed);
  const Header header = header_of(packed, packed_bytes, key_of(path));
  std::memcpy(base, &header, sizeof header);
  if (!status.ok() || rename(part.c_str(), path.c_str()) != 0) {
    munmap(base, bytes);
    unlink(part.c_str());
    if (!status.ok()) return status;
    return std::shared_ptr<const void>();
  }
  mprotect(base, bytes, PROT_READ);
  return share_mapping(base, bytes);
}

// Where 128 bits in hexadecimal lie below a folder.
std::string place(const std::string& folder, const std::string& hash) {
  return fmt::format("{}/{}/{}", folder, hash.substr(0, 2), hash.substr(2));
}

void make_folder_of(const std::string& path) {
  std::error_code ignored;  // A folder that cannot be made shows when the file cannot.
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
}

// Replaces a link that leads nowhere (its file went) or to a damaged file. Without it the next start hashes.
void make_link(const std::string& link, const std::string& path) {
  make_folder_of(link);
  const std::string target =
      std::filesystem::path(path).lexically_relative(std::filesystem::path(link).parent_path());
  unlink(link.c_str());
  (void)!symlink(target.c_str(), link.c_str());
}

}  // namespace

std::string content_hash(const void* data, uint64_t bytes) {
  // Eight independent multiply-and-rotate lanes over 64-byte stripes, mixed at the end.
  constexpr uint64_t kPrimeA = 0x9E3779B185EBCA87u, kPrimeB = 0xC2B2AE3D27D4EB4Fu;
  uint64_t lanes[8];
  for (int i = 0; i < 8; ++i) lanes[i] = kPrimeA * static_cast<uint64_t>(i + 1) ^ bytes;
  const char* p = static_cast<const char*>(data);
  auto stripe = [&](const char* from) {
    uint64_t words[8];
    std::memcpy(words, from, 64);
    for (int i = 0; i < 8; ++i) {
      lanes[i] += words[i] * kPrimeB;
      lanes[i] = (lanes[i] << 31 | lanes[i] >> 33) * kPrimeA;
    }
  };
  uint64_t left = bytes;
  for (; left >= 64; left -= 64, p += 64) stripe(p);
  char tail[64] = {};
  if (left) std::memcpy(tail, p, left);
  stripe(tail);
  uint64_t a = 0, b = kPrimeB;
  for (int i = 0; i < 8; ++i) {
    a = (a ^ lanes[i]) * kPrimeA;
    a ^= a >> 29;
    b = (b + lanes[7 - i]) * kPrimeB;
    b ^= b >> 32;
  }
  return fmt::format("{:016x}{:016x}", a, b);
}

std::string PackedCache::default_folder() { return cache_folder("ISTHMUS_PACKED_CACHE", "packed"); }

uint64_t PackedCache::default_limit(const std::string& folder) {
  if (const uint64_t wish = cache_limit("ISTHMUS_PACKED_CACHE_GIB")) return wish;
  uint64_t disk = 0;
  for (std::filesystem::path at = folder; !at.empty(); at = at.parent_path()) {  // the nearest that exists
    struct statvfs info;
    if (statvfs(at.c_str(), &info) == 0) disk = uint64_t{info.f_blocks} * info.f_frsize;
    if (disk != 0 || at == at.parent_path()) break;
  }
  return std::max(uint64_t{20} << 30, disk / 10);
}

PackedCache::PackedCache(std::string folder, uint64_t limit_bytes)
    : folder_(std::move(folder)), limit_bytes_(limit_bytes) {
  if (folder_.empty()) return;
  if (limit_bytes_ == 0) limit_bytes_ = default_limit(folder_);
  checked_ = std::make_shared<PackedChecked>(folder_);
  untrimmed_ = std::make_shared<std::atomic<uint64_t>>(limit_bytes_);  // the first new file trims
}

void PackedCache::made(uint64_t bytes) const {
  // Not after every file: that would read the folder hundreds of times. What is left over leaves room for the
  // files until the next time.
  const uint64_t slack = limit_bytes_ / 16;
  if (untrimmed_->fetch_add(bytes) + bytes <= slack) return;
  if (trim_packed(folder_, limit_bytes_ - slack)) *untrimmed_ = 0;  // else with the next file
}

Result<PackedBytes> PackedCache::get(const PackedSource& source, const std::string& layout,
                                     uint64_t packed_bytes, const HostOptions& host,
                                     const std::function<Status(void* dst)>& pack) const {
  PackedBytes result;
  result.bytes = packed_bytes;
  if (!folder_.empty()) {
    std::string kind = fmt::format("-{}-{}", source.description, layout);
    for (char& c : kind)
      if (c == '/' || c == ' ' || c == ':') c = '_';
    result.shared = true;
    std::string link;
    if (!source.name.empty()) {
      const std::string name = source.name + kind;
      link = place(folder_ + "/from", content_hash(name.data(), name.size()));
      if ((result.data = map_file(link, packed_bytes, *checked_))) return result;
    }
    const std::string path = place(folder_, content_hash(source.data, source.bytes)) + kind;
    if (!(result.data = map_file(path, packed_bytes, *checked_))) {
      make_folder_of(path);
      result.made = true;
      ASSIGN_OR_RETURN(result.data, make_file(path, packed_bytes, pack));
    }
    if (result.data) {
      if (!link.empty()) make_link(link, path);
      if (result.made) made(packed_bytes);
      return result;
    }
  }
  const std::shared_ptr<void> memory = allocate_host(host, packed_bytes);
  if (!memory) return error(Code::kOutOfMemory, "no {} bytes of memory for a packed weight", packed_bytes);
  result.data = memory;
  result.shared = false;
  result.made = true;
  RETURN_IF_ERROR(pack(memory.get()));
  return result;
}

}  // namespace isthmus
