// SPDX-License-Identifier: Apache-2.0
#include "cli/process.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <string_view>

#include "cli/context.h"

namespace isthmus::cli {
namespace {

// Everything below runs in a signal handler: no allocation, no locks, system calls only.

void say(std::string_view text) { (void)!write(STDERR_FILENO, text.data(), text.size()); }

// The number in hexadecimal at the start of `text`, which is moved past it and the character after.
uint64_t take_hex(std::string_view& text) {
  uint64_t value = 0;
  size_t i = 0;
  for (; i < text.size(); ++i) {
    const char c = text[i];
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) break;
    value = value << 4 | static_cast<uint64_t>(digit);
  }
  text.remove_prefix(i < text.size() ? i + 1 : i);
  return value;
}

// The path in a line of /proc/self/maps ("begin-end rights offset device inode  path") if the address is
// between begin and end.
std::string_view path_at(std::string_view line, uint64_t address) {
  const uint64_t begin = take_hex(line), end = take_hex(line);
  if (address < begin || address >= end) return {};
  const size_t path = line.find('/');
  return path == std::string_view::npos ? std::string_view("memory") : line.substr(path);
}

void on_lost_file(int, siginfo_t* info, void*) {
  const auto address = reinterpret_cast<uint64_t>(info->si_addr);
  static char line[8192];
  size_t length = 0;
  say("error: ");
  const int maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  for (char c; maps >= 0 && read(maps, &c, 1) == 1;) {
    if (c != '\n') {
      if (length < sizeof line) line[length++] = c;
      continue;
    }
    if (const std::string_view path = path_at({line, length}, address); !path.empty()) {
      say(path);
      say(": ");
      break;
    }
    length = 0;
  }
  say("cannot be read any more: the file was cut short, or its disk failed, while in use\n");
  _exit(kFailure);
}

}  // namespace

void open_standard_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    // Opened for reading, so that results with nowhere to go are still an error.
    if (fcntl(stream, F_GETFD) < 0) (void)!open("/dev/null", O_RDONLY);
}

void report_lost_files() {
  struct sigaction action = {};
  action.sa_sigaction = on_lost_file;
  action.sa_flags = SA_SIGINFO;
  sigemptyset(&action.sa_mask);
  sigaction(SIGBUS, &action, nullptr);
}

}  // namespace isthmus::cli
