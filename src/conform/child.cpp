// SPDX-License-Identifier: Apache-2.0
#include "conform/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <iterator>
#include <nlohmann/json.hpp>

extern char** environ;

namespace isthmus::conform {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void say(std::FILE* out, const nlohmann::json& line) {
  // What chips say may be no UTF-8.
  const std::string text = line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  std::fprintf(out, "%s\n", text.c_str());
  std::fflush(out);
}

class Child {
 public:
  static Result<Child> start(std::vector<std::string> command) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return error(Code::kInternal, "no pipe: {}", std::strerror(errno));
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    std::vector<char*> arguments;
    for (std::string& part : command) arguments.push_back(part.data());
    arguments.push_back(nullptr);
    Child child;
    const int failure =
        posix_spawn(&child.pid_, command[0].c_str(), &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    child.read_ = ends[0];
    if (failure != 0) {
      close(ends[0]);
      return error(Code::kInternal, "cannot start {}: {}", command[0], std::strerror(failure));
    }
    return child;
  }

  enum class Read { kLine, kEnd, kTimeout };
  Read line(double limit_seconds, std::string& line) {
    const auto start = Clock::now();
    for (;;) {
      if (const size_t end = text_.find('\n'); end != std::string::npos) {
        line = text_.substr(0, end);
        text_.erase(0, end + 1);
        return Read::kLine;
      }
      const double left = limit_seconds - seconds_since(start);
      pollfd poll_for = {read_, POLLIN, 0};
      const int ready = left > 0 ? poll(&poll_for, 1, static_cast<int>(left * 1000) + 1) : 0;
      if (ready == 0) return Read::kTimeout;
      if (ready < 0 && errno == EINTR) continue;
      char bytes[4096];
      const ssize_t count = read(read_, bytes, sizeof bytes);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return Read::kEnd;
      text_.append(bytes, static_cast<size_t>(count));
    }
  }

  // Ends the child; how it ended, in words.
  std::string finish(bool kill_it) {
    if (kill_it) kill(pid_, SIGKILL);
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    close(read_);
    if (WIFSIGNALED(status))
      return fmt::format("signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)));
    return fmt::format("exit code {}", WEXITSTATUS(status));
  }

 private:
  pid_t pid_ = 0;
  int read_ = -1;
  std::string text_;
};

Verdict verdict_of(const std::string& name) {
  for (const Verdict v : {Verdict::kPassed, Verdict::kNever, Verdict::kNotYet, Verdict::kUnexpected})
    if (name == verdict_name(v)) return v;
  return Verdict::kFailed;
}

// What a child said at the end of a check. It is our own program, but a chip in it may write to its output.
Outcome outcome_of_line(const nlohmann::json& line) {
  Outcome outcome;
  try {
    outcome = {verdict_of(line.at("verdict")), line.at("detail"), {}, line.at("dtypes")};
    for (const nlohmann::json& m : line.value("measures", nlohmann::json::array()))
      outcome.measures.push_back({m.at(0), m.at(1), m.at(2), m.at(3)});
  } catch (const nlohmann::json::exception&) {
    return failed("the chip's process said something else than a result");
  }
  return outcome;
}

// Where a crash is an answer, the program's report of it would be taken for a failure.
Outcome run_quietly(const Check& check, const DevicePtr& device) {
  constexpr int kCrashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
  struct sigaction before[std::size(kCrashes)], quiet = {};
  quiet.sa_handler = SIG_DFL;
  for (size_t i = 0; i < std::size(kCrashes); ++i) sigaction(kCrashes[i], &quiet, &before[i]);
  Outcome outcome = check.run(device);
  for (size_t i = 0; i < std::size(kCrashes); ++i) sigaction(kCrashes[i], &before[i], nullptr);
  return outcome;
}

}  // namespace

void run_checks(const DevicePtr& device, const std::vector<Check>& checks, size_t from, std::FILE* out) {
  for (size_t i = from; i < checks.size(); ++i) {
    say(out, {{"begin", i}});
    const auto start = Clock::now();
    const Outcome outcome = checks[i].crash.empty() ? checks[i].run(device) : run_quietly(checks[i], device);
    nlohmann::json line = {{"end", i},
                           {"verdict", verdict_name(outcome.verdict)},
                           {"detail", outcome.detail},
                           {"dtypes", outcome.dtypes},
                           {"seconds", seconds_since(start)}};
    for (const Measure& m : outcome.measures) line["measures"].push_back({m.name, m.value, m.unit, m.share});
    say(out, line);
  }
}

Result<std::vector<CheckResult>> run_in_children(const std::vector<std::string>& command,
                                                 const std::vector<Check>& checks, double limit_seconds,
                                                 const std::function<void(CheckResult&)>& on_result) {
  std::vector<CheckResult> results;
  const auto add = [&](Outcome outcome, double seconds) {
    const Check& check = checks[results.size()];
    results.push_back({std::move(outcome), check.group, check.name, seconds});
    if (on_result) on_result(results.back());
  };
  while (results.size() < checks.size()) {
    std::vector<std::string> arguments = command;
    arguments.push_back(std::to_string(results.size()));
    ASSIGN_OR_RETURN(Child child, Child::start(std::move(arguments)));
    bool begun = false, any = false;
    Child::Read read;
    std::string line;
    while ((read = child.line(limit_seconds, line)) == Child::Read::kLine) {
      const nlohmann::json json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
      if (json.is_object() && json.value("begin", checks.size()) == results.size()) begun = any = true;
      if (!begun || !json.is_object() || json.value("end", checks.size()) != results.size()) continue;
      add(outcome_of_line(json), json.value("seconds", 0.0));
      begun = false;
      if (results.size() == checks.size()) break;
    }
    const bool hangs = read == Child::Read::kTimeout;
    const std::string end = child.finish(hangs);
    if (results.size() == checks.size()) break;
    if (!any)
      return error(Code::kUnavailable, "the chip's process came to no check: {}", hangs ? "it hangs" : end);
    // Between two checks nothing of the chip should run; what ends the process there is put to the next one.
    if (const std::string& meaning = checks[results.size()].crash; !hangs && begun && !meaning.empty()) {
      add(never(fmt::format("{} ({})", meaning, end)), 0);
      continue;
    }
    add(failed(hangs ? fmt::format("hangs: no answer in {:.0f} s", limit_seconds)
                     : fmt::format("the process ended: {}", end)),
        hangs ? limit_seconds : 0);
  }
  return results;
}

}  // namespace isthmus::conform
