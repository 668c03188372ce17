// SPDX-License-Identifier: Apache-2.0
#include "cli/read_text.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace isthmus::cli {
namespace {

constexpr size_t kChunkBytes = size_t{64} << 10;

}  // namespace

Result<std::string> read_text(const std::string& path, size_t most_bytes) {
  const bool standard_input = path == "-";
  const std::string name = standard_input ? "standard input" : path;
  const auto close = [](std::FILE* file) {
    if (file != stdin) std::fclose(file);
  };
  const std::unique_ptr<std::FILE, decltype(close)> file(
      standard_input ? stdin : std::fopen(path.c_str(), "rb"), close);
  if (!file) {
    const Code code = errno == ENOENT ? Code::kNotFound : Code::kUnavailable;
    return error(code, "{}: cannot open it: {}", name, std::strerror(errno));
  }
  std::string text;
  while (true) {
    const size_t before = text.size();
    text.resize(before + kChunkBytes);
    errno = 0;
    const size_t count = std::fread(text.data() + before, 1, kChunkBytes, file.get());
    text.resize(before + count);
    if (text.size() > most_bytes)
      return invalid_argument("{}: more than {} bytes of text are not taken at once", name, most_bytes);
    if (count == kChunkBytes) continue;
    if (!std::ferror(file.get())) return text;
    return error(errno == EINTR ? Code::kCancelled : Code::kUnavailable, "{}: cannot read it: {}", name,
                 std::strerror(errno));
  }
}

}  // namespace isthmus::cli
