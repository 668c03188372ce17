// SPDX-License-Identifier: Apache-2.0
#include "cli/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

namespace isthmus::cli {

Status check_writable(const std::string& path) {
  const bool is_there = access(path.c_str(), F_OK) == 0;
  // O_NONBLOCK: opening a named pipe that nobody reads fails (ENXIO) and does not wait for a reader.
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);
  if (file < 0 && errno != ENXIO)
    return error(Code::kUnavailable, "{}: cannot be written: {}", path, std::strerror(errno));
  if (file >= 0) close(file);
  if (file >= 0 && !is_there) unlink(path.c_str());
  return ok();
}

Status write_output(const std::string& path, const std::string& text) {
  struct stat info;
  // Pipes, devices and what a link points to are written where they are.
  const bool plain = lstat(path.c_str(), &info) != 0 || S_ISREG(info.st_mode);
  const std::string part = plain ? fmt::format("{}.{}.part", path, getpid()) : path;
  std::ofstream file(part, std::ios::trunc);
  file << text;
  file.close();
  if (file && (!plain || std::rename(part.c_str(), path.c_str()) == 0)) return ok();
  const int why = errno;
  if (plain) unlink(part.c_str());
  return error(Code::kUnavailable, "{}: cannot be written: {}", path, std::strerror(why));
}

}  // namespace isthmus::cli
