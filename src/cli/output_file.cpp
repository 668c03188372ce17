// SPDX-License-Identifier: Apache-2.0
#include "cli/output_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace isthmus::cli {

Status check_writable(const std::string& path) {
  const bool is_there = access(path.c_str(), F_OK) == 0;
  // O_NONBLOCK: a named pipe whose reader comes later (ENXIO) is not waited for now.
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);
  if (file < 0 && errno != ENXIO)
    return error(Code::kUnavailable, "{}: cannot be written: {}", path, std::strerror(errno));
  if (file >= 0) close(file);
  if (file >= 0 && !is_there) unlink(path.c_str());
  return ok();
}

}  // namespace isthmus::cli
