// SPDX-License-Identifier: Apache-2.0
// Colours follow what most programs agree on: a terminal, NO_COLOR (no-color.org) and TERM=dumb.
#include "cli/terminal.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>

namespace isthmus::cli {
namespace {

constexpr std::string_view kHintMark = "\nhint: ";

const char* escape(Style style) {
  switch (style) {
    case Style::kPlain: return "";
    case Style::kBold: return "\033[1m";
    case Style::kDim: return "\033[2m";
    case Style::kRed: return "\033[31m";
    case Style::kGreen: return "\033[32m";
    case Style::kYellow: return "\033[33m";
    case Style::kCyan: return "\033[36m";
  }
  return "";
}

// Lock-free, so that a signal handler may touch it.
std::atomic<int> interrupts{0};
static_assert(std::atomic<int>::is_always_lock_free);

void on_interrupt(int) {
  if (interrupts.fetch_add(1) > 0) _exit(130);
}

}  // namespace

bool use_color(ColorMode mode, std::FILE* stream) {
  if (mode != ColorMode::kAuto) return mode == ColorMode::kAlways;
  if (!isatty(fileno(stream))) return false;
  const char* no_color = std::getenv("NO_COLOR");
  if (no_color && *no_color) return false;
  const char* term = std::getenv("TERM");
  return term && std::string_view(term) != "dumb";
}

std::string styled(std::string_view text, Style style, bool color) {
  if (!color || style == Style::kPlain) return std::string(text);
  return fmt::format("{}{}\033[0m", escape(style), text);
}

void print_note(std::string_view text) {
  (void)std::fflush(stdout);  // the two may lead to one place
  (void)!std::fwrite(text.data(), 1, text.size(), stderr);
}

void print_error(std::string_view message, std::string_view hint, ColorMode mode) {
  const bool color = use_color(mode, stderr);
  print_note(fmt::format("{} {}\n", styled("error:", Style::kRed, color), message));
  if (!hint.empty()) print_note(fmt::format("{}  {}\n", styled("hint:", Style::kCyan, color), hint));
}

Status with_hint(Status status, std::string_view hint) {
  if (status.ok()) return status;
  return Status(status.code(), fmt::format("{}{}{}", status.message(), kHintMark, hint));
}

std::pair<std::string, std::string> split_hint(std::string_view message) {
  const size_t mark = message.rfind(kHintMark);
  if (mark == std::string_view::npos) return {std::string(message), ""};
  return {std::string(message.substr(0, mark)), std::string(message.substr(mark + kHintMark.size()))};
}

void catch_interrupts() {
  struct sigaction action = {};
  action.sa_handler = on_interrupt;
  sigemptyset(&action.sa_mask);
  // Without SA_RESTART a read from the keyboard returns, so that a chat can notice at once.
  sigaction(SIGINT, &action, nullptr);
}

bool interrupted() { return interrupts.load() > 0; }

void clear_interrupt() { interrupts.store(0); }

}  // namespace isthmus::cli
