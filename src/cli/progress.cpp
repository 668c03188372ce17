// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include "cli/terminal.h"

namespace isthmus::cli {

std::string progress_text(const CompileProgress& p) {
  if (p.stage == CompileProgress::kOperators)
    return fmt::format("Preparing {}, kernels are built once: operator {} of {}…", p.device, p.done + 1,
                       p.total);
  return fmt::format("Placing weights on {}, rearranged once: {} of {} MiB…", p.device, p.done >> 20,
                     p.total >> 20);
}

ProgressLine::ProgressLine()
    : terminal_(isatty(STDERR_FILENO)), next_(Clock::now() + std::chrono::seconds(1)) {}

ProgressLine::~ProgressLine() {
  if (shown_) print_note("\r\033[K");
}

void ProgressLine::show(const CompileProgress& progress) {
  if (!terminal_ || Clock::now() < next_) return;
  print_note(fmt::format("\r\033[K{}", progress_text(progress)));
  shown_ = true;
  next_ = Clock::now() + std::chrono::milliseconds(100);
}

}  // namespace isthmus::cli
