// SPDX-License-Identifier: Apache-2.0
// Writes every portable kernel as OpenCL C into a folder, a file each, for compilers to try.
// Usage: isthmus_write_kernels FOLDER
#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include "sources.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "isthmus_write_kernels FOLDER\n");
    return 2;
  }
  const auto sources = isthmus::kernel_sources("opencl-c-1.2", {4, 8, 16});
  if (!sources.ok()) {
    fmt::print(stderr, "error: {}\n", sources.status().message());
    return 1;
  }
  std::error_code failed;
  std::filesystem::create_directories(argv[1], failed);
  int number = 0;
  for (const auto& [text, made] : sources->made) {
    const std::string name = made.what.substr(0, made.what.find(':'));
    std::ofstream file(fmt::format("{}/{:04}_{}.cl", argv[1], ++number, name));
    if (!(file << text)) {
      fmt::print(stderr, "error: cannot write into '{}'\n", argv[1]);
      return 1;
    }
  }
  fmt::print("{} sources of {} operators\n", sources->made.size(), sources->operators.size());
}
