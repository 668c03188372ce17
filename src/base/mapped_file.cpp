// SPDX-License-Identifier: Apache-2.0
#include "base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace isthmus {
namespace {

Status system_error(const std::string& path, const char* doing, int number) {
  Code code = Code::kUnavailable;
  if (number == ENOENT || number == ENOTDIR) code = Code::kNotFound;
  if (number == EACCES || number == EPERM) code = Code::kFailedPrecondition;
  if (number == ENOMEM) code = Code::kOutOfMemory;
  return error(code, "{}: cannot {}: {}", path, doing, std::strerror(number));
}

}  // namespace

Result<MappedFile> MappedFile::open(const std::string& path) {
  MappedFile file;
  file.path_ = path;
  // O_NONBLOCK so that a named pipe answers here instead of waiting for a writer; it means nothing to a file.
  file.fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file.fd_ < 0) return system_error(path, "open it", errno);
  struct stat info = {};
  if (::fstat(file.fd_, &info) != 0) return system_error(path, "read its size", errno);
  if (S_ISDIR(info.st_mode)) return invalid_argument("{}: expected a file, found a directory", path);
  if (!S_ISREG(info.st_mode))
    return invalid_argument("{}: expected a regular file that can be mapped, found a device or pipe", path);
  const auto nanoseconds = [](const timespec& t) { return int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec; };
  file.identity_ = fmt::format("{}:{}:{}:{}:{}", info.st_dev, info.st_ino, info.st_size,
                               nanoseconds(info.st_mtim), nanoseconds(info.st_ctim));
  if (info.st_size == 0) return file;  // mmap refuses a length of 0
  void* data = ::mmap(nullptr, static_cast<size_t>(info.st_size), PROT_READ, MAP_SHARED, file.fd_, 0);
  if (data == MAP_FAILED) return system_error(path, "map it", errno);
  file.data_ = static_cast<const std::byte*>(data);
  file.size_bytes_ = static_cast<size_t>(info.st_size);
  return file;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_bytes_(std::exchange(other.size_bytes_, 0)),
      fd_(std::exchange(other.fd_, -1)),
      path_(std::move(other.path_)),
      identity_(std::move(other.identity_)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  if (this == &other) return *this;
  close();
  data_ = std::exchange(other.data_, nullptr);
  size_bytes_ = std::exchange(other.size_bytes_, 0);
  fd_ = std::exchange(other.fd_, -1);
  path_ = std::move(other.path_);
  identity_ = std::move(other.identity_);
  return *this;
}

MappedFile::~MappedFile() { close(); }

void MappedFile::close() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_bytes_);
  if (fd_ >= 0) ::close(fd_);
  data_ = nullptr;
  size_bytes_ = 0;
  fd_ = -1;
}

Result<std::span<const std::byte>> MappedFile::range(uint64_t offset, uint64_t length) const {
  if (offset > size_bytes_ || length > size_bytes_ - offset)
    return data_loss("{}: at byte {}: expected {} bytes, but the file has {} bytes", path_, offset, length,
                     size_bytes_);
  return bytes().subspan(static_cast<size_t>(offset), static_cast<size_t>(length));
}

std::string MappedFile::name_of(const void* data, uint64_t length) const {
  const auto at = reinterpret_cast<uintptr_t>(data) - reinterpret_cast<uintptr_t>(data_);  // wraps below it
  if (data_ == nullptr || at > size_bytes_ || length > size_bytes_ - at) return "";
  return fmt::format("{}:{}+{}", identity_, at, length);
}

Status MappedFile::check_unchanged_size() const {
  if (fd_ < 0) return ok();
  struct stat info = {};
  if (::fstat(fd_, &info) != 0) return system_error(path_, "read its size", errno);
  if (static_cast<uint64_t>(info.st_size) < size_bytes_)
    return data_loss("{}: was cut from {} to {} bytes while in use", path_, size_bytes_,
                     static_cast<uint64_t>(info.st_size));
  return ok();
}

}  // namespace isthmus
