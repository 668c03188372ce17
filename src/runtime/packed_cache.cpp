// SPDX-License-Identifier: Apache-2.0
#include "runtime/packed_cache.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace isthmus {
namespace {

// Files start with this, so that a foreign or older file is never taken for ours.
constexpr char kMagic[64] = "isthmus packed weight 1\n";

std::shared_ptr<const void> share_mapping(void* base, uint64_t bytes) {
  return std::shared_ptr<const void>(static_cast<char*>(base) + sizeof kMagic,
                                     [base, bytes](const void*) { munmap(base, bytes); });
}

std::shared_ptr<const void> map_file(const std::string& path, uint64_t packed_bytes) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return nullptr;
  struct stat info;
  const uint64_t bytes = packed_bytes + sizeof kMagic;
  void* base = MAP_FAILED;
  if (fstat(fd, &info) == 0 && static_cast<uint64_t>(info.st_size) == bytes)
    base = mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd, 0);
  close(fd);
  if (base == MAP_FAILED) return nullptr;
  if (std::memcmp(base, kMagic, sizeof kMagic) != 0) {
    munmap(base, bytes);
    return nullptr;
  }
  return share_mapping(base, bytes);
}

// Packs into a file of its own name and moves it into place. Null when the folder cannot be written.
Result<std::shared_ptr<const void>> make_file(const std::string& path, uint64_t packed_bytes,
                                              const std::function<Status(void*)>& pack) {
  static std::atomic<int> counter{0};
  const std::string part = fmt::format("{}.{}.{}.part", path, getpid(), counter++);
  const uint64_t bytes = packed_bytes + sizeof kMagic;
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
  std::memcpy(base, kMagic, sizeof kMagic);
  Status status = pack(static_cast<char*>(base) + sizeof kMagic);
  if (!status.ok() || rename(part.c_str(), path.c_str()) != 0) {
    munmap(base, bytes);
    unlink(part.c_str());
    if (!status.ok()) return status;
    return std::shared_ptr<const void>();
  }
  mprotect(base, bytes, PROT_READ);
  return share_mapping(base, bytes);
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

std::string PackedCache::default_folder() {
  if (const char* wish = std::getenv("ISTHMUS_PACKED_CACHE"))
    return std::strcmp(wish, "off") == 0 ? "" : wish;
  if (const char* xdg = std::getenv("XDG_CACHE_HOME"); xdg && *xdg)
    return std::string(xdg) + "/isthmus/packed";
  if (const char* home = std::getenv("HOME"); home && *home)
    return std::string(home) + "/.cache/isthmus/packed";
  return "";
}

Result<PackedBytes> PackedCache::get(const void* source, uint64_t source_bytes,
                                     const std::string& description, const std::string& layout,
                                     uint64_t packed_bytes,
                                     const std::function<Status(void* dst)>& pack) const {
  PackedBytes result;
  result.bytes = packed_bytes;
  if (!folder_.empty()) {
    const std::string name = content_hash(source, source_bytes);
    std::string file = fmt::format("{}-{}-{}", name.substr(2), description, layout);
    for (char& c : file)
      if (c == '/' || c == ' ' || c == ':') c = '_';
    const std::string folder = folder_ + "/" + name.substr(0, 2);
    const std::string path = folder + "/" + file;
    result.shared = true;
    if ((result.data = map_file(path, packed_bytes))) return result;
    std::error_code ignored;  // A folder that cannot be made shows when the file cannot.
    std::filesystem::create_directories(folder, ignored);
    result.made = true;
    ASSIGN_OR_RETURN(result.data, make_file(path, packed_bytes, pack));
    if (result.data) return result;
  }
  void* memory = std::aligned_alloc(64, (packed_bytes + 63) / 64 * 64 + 64);
  if (!memory) return error(Code::kOutOfMemory, "no {} bytes of memory for a packed weight", packed_bytes);
  result.data = std::shared_ptr<const void>(memory, [](const void* p) { std::free(const_cast<void*>(p)); });
  result.shared = false;
  result.made = true;
  RETURN_IF_ERROR(pack(memory));
  return result;
}

}  // namespace isthmus
