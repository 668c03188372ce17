// SPDX-License-Identifier: Apache-2.0
#include "base/read_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace isthmus {
namespace {

Status cannot_read(const std::string& path) {
  const Code code = errno == ENOENT || errno == ENOTDIR ? Code::kNotFound : Code::kUnavailable;
  return error(code, "{}: cannot be read: {}", path, std::strerror(errno));
}

Result<std::string> read_open(int file, const std::string& path, uint64_t most_bytes) {
  struct stat info;
  if (fstat(file, &info) != 0) return cannot_read(path);
  if (!S_ISREG(info.st_mode)) return invalid_argument("{}: expected a regular file", path);
  std::string text;
  char piece[1 << 16];
  while (true) {
    if (static_cast<uint64_t>(info.st_size) > most_bytes || text.size() > most_bytes)
      return invalid_argument("{}: expected at most {} bytes, found more", path, most_bytes);
    const ssize_t count = read(file, piece, sizeof piece);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return cannot_read(path);
    if (count == 0) return text;
    text.append(piece, static_cast<size_t>(count));
  }
}

}  // namespace

Result<std::string> read_file(const std::string& path, uint64_t most_bytes) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return cannot_read(path);
  Result<std::string> text = read_open(file, path, most_bytes);
  close(file);
  return text;
}

}  // namespace isthmus
