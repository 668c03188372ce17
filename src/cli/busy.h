// SPDX-License-Identifier: Apache-2.0
// Whether somebody else used the processors while something was measured.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace isthmus::cli {

// Busy time of all processors since the machine started, in ticks, and how many ticks have passed on all of
// them, out of the text of /proc/stat. Nothing where the text is another.
struct ProcessorTime {
  double busy = 0;
  double all = 0;
};
std::optional<ProcessorTime> processor_time(std::string_view stat);

// Begins at construction.
class BusyWatch {
 public:
  BusyWatch();
  // The share of all processors' time that others used since then, 0 to 1; 0 where nobody can tell.
  double others() const;
  // Prints a note when they used more than a tenth: what was measured is then too slow.
  void warn() const;

 private:
  std::optional<ProcessorTime> start_;
  double own_ = 0;  // ticks of this process at the start
};

}  // namespace isthmus::cli
