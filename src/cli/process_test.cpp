// SPDX-License-Identifier: Apache-2.0
#include "cli/process.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

namespace isthmus::cli {
namespace {

TEST(Process, AFileCutShortWhileMappedIsNamed) {
  const std::string path = testing::TempDir() + "isthmus_cut_" + std::to_string(getpid());
  std::ofstream(path) << std::string(20000, 'x');
  const auto read_after_cut = [&] {
    report_crashes();
    const int file = fileno(std::fopen(path.c_str(), "r"));
    auto* mapped = static_cast<const volatile char*>(mmap(nullptr, 20000, PROT_READ, MAP_SHARED, file, 0));
    std::filesystem::resize_file(path, 1);
    _exit(mapped[10000]);
  };
  EXPECT_EXIT(read_after_cut(), testing::ExitedWithCode(1), path + ": cannot be read any more");
  std::filesystem::remove(path);
}

#ifndef ISTHMUS_SANITIZED
TEST(Process, ThreadsThatCrashTogetherAreReportedOnce) {
  const auto crash = [] {
    report_crashes();
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) threads.emplace_back([] { std::abort(); });
    for (std::thread& thread : threads) thread.join();
  };
  EXPECT_EXIT(crash(), testing::KilledBySignal(SIGABRT), "^\nerror: [^\n]*gave up \\(SIGABRT\\)\n$");
}
#endif

TEST(Process, ClosedStandardStreamsAreNoFiles) {
  const auto open_after_closing = [] {
    const int other = dup(STDERR_FILENO);
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) close(stream);
    open_standard_streams();
    dup2(other, STDERR_FILENO);
    char c;
    _exit(dup(other) > STDERR_FILENO && read(STDIN_FILENO, &c, 1) == 0 && write(STDOUT_FILENO, "x", 1) < 0);
  };
  EXPECT_EXIT(open_after_closing(), testing::ExitedWithCode(1), "");
}

}  // namespace
}  // namespace isthmus::cli
