// SPDX-License-Identifier: Apache-2.0
#include "cli/process.h"

#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "cli/context.h"

namespace isthmus::cli {
namespace {

// Everything below runs in a signal handler: no allocation, no locks, system calls only.

char program[1024];  // the path of this program's file

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

// Calls use(path) for the mapped file that the address lies in; "memory" if it is no file's.
template <typename Use>
void with_path_of(uint64_t address, Use use) {
  char line[4096];
  size_t length = 0;
  const int maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  char chunk[4096];
  for (ssize_t count; maps >= 0 && (count = read(maps, chunk, sizeof chunk)) > 0;) {
    for (ssize_t i = 0; i < count; ++i) {
      if (chunk[i] != '\n') {
        if (length < sizeof line) line[length++] = chunk[i];
        continue;
      }
      if (const std::string_view path = path_at({line, length}, address); !path.empty()) {
        use(path);
        close(maps);
        return;
      }
      length = 0;
    }
  }
  if (maps >= 0) close(maps);
}

void on_lost_file(int, siginfo_t* info, void*) {
  say("error: ");
  with_path_of(reinterpret_cast<uint64_t>(info->si_addr), [](std::string_view path) {
    say(path);
    say(": ");
  });
  say("cannot be read any more: the file was cut short, or its disk failed, while in use\n");
  _exit(kFailure);
}

bool is_file_of_system(std::string_view path) {
  const std::string_view name = path.substr(path.find_last_of('/') + 1);
  for (const char* library :
       {"libc.so", "libc-", "ld-linux", "libpthread", "libstdc++", "libgcc_s", "libm.so"})
    if (name.starts_with(library)) return true;
  return path == "memory";
}

bool is_plugin(std::string_view path) {
  return path.substr(path.find_last_of('/') + 1).starts_with("isthmus_") && path.ends_with(".so");
}

const char* crash_name(int signal) {
  switch (signal) {
    case SIGSEGV: return "touched memory that is not its own (SIGSEGV)";
    case SIGILL: return "came to an instruction that this processor does not have (SIGILL)";
    case SIGFPE: return "divided by zero (SIGFPE)";
    default: return "gave up (SIGABRT)";
  }
}

std::atomic<pid_t> reporting{0};  // the thread that does

// Ends the process by the signal, as if it had not been handled.
void die_of(int signal) {
  std::signal(signal, SIG_DFL);
  raise(signal);
}

// Names the file whose code crashed and, when that is another, the plug-in that had called it.
void on_crash(int signal, siginfo_t*, void*) {
  pid_t other = 0;
  if (!reporting.compare_exchange_strong(other, gettid())) {
    // Several threads come to the same fault: the first one reports it and ends the process.
    while (other != gettid()) pause();
    // A jump to nowhere leaves no stack to walk.
    say("\nerror: ");
    say(program);
    say(": ");
    say(crash_name(signal));
    say(", and what called it cannot be told; a chip's plug-in runs inside the program: isthmus conform "
        "shows "
        "what it does wrong\n");
    return die_of(signal);
  }
  void* frames[64];
  const int count = backtrace(frames, 64);
  static char culprit[1024];  // the innermost file that is not the system's
  size_t culprit_length = 0;
  bool plugin_named = false;
  for (int i = 1; i < count && !plugin_named; ++i) {  // the first is this function
    with_path_of(reinterpret_cast<uint64_t>(frames[i]), [&](std::string_view path) {
      const bool first = culprit_length == 0;
      // The handler's own frames are this program's; a crash of a plug-in or a driver shows further out.
      if (is_file_of_system(path) || (!is_plugin(path) && path == std::string_view(program))) return;
      if (first) {
        say("\nerror: ");
        say(path);
        culprit_length = path.copy(culprit, sizeof culprit);
      } else if (is_plugin(path) && path != std::string_view(culprit, culprit_length)) {
        say(", called by ");
        say(path);
      }
      plugin_named = is_plugin(path);
    });
  }
  if (culprit_length == 0) {
    say("\nerror: ");
    say(program);
  }
  say(": ");
  say(crash_name(signal));
  say(plugin_named ? "; a chip's plug-in runs inside the program: isthmus conform shows what it does wrong\n"
                   : "\n");
  die_of(signal);
}

}  // namespace

void open_standard_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    // Opened for reading, so that results with nowhere to go are still an error.
    if (fcntl(stream, F_GETFD) < 0) (void)!open("/dev/null", O_RDONLY);
}

void report_crashes() {
  struct sigaction action = {};
  action.sa_sigaction = on_lost_file;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  sigaction(SIGBUS, &action, nullptr);
#ifndef ISTHMUS_SANITIZED  // sanitizers have handlers of their own
  (void)!readlink("/proc/self/exe", program, sizeof program - 1);
  void* frame;
  backtrace(&frame, 1);        // loads what it needs now rather than in the handler
  static char stack[1 << 16];  // this thread's own may be what overflowed
  const stack_t other = {.ss_sp = stack, .ss_flags = 0, .ss_size = sizeof stack};
  sigaltstack(&other, nullptr);
  action.sa_sigaction = on_crash;
  action.sa_flags |= SA_NODEFER;  // a crash of the handler itself comes to it again
  for (const int signal : {SIGSEGV, SIGILL, SIGFPE, SIGABRT}) sigaction(signal, &action, nullptr);
#endif
}

}  // namespace isthmus::cli
