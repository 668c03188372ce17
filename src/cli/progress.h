// SPDX-License-Identifier: Apache-2.0
// A line on the terminal while a model is made ready, if that takes long enough for somebody to wonder.
#pragma once

#include <chrono>
#include <string>

#include "graph/executable.h"

namespace isthmus::cli {

// "Preparing opencl:0, kernels are built once: operator 7 of 210…"
std::string progress_text(const CompileProgress& progress);

// Shows nothing in the first second, and nothing where standard error is no terminal; the line goes when this
// does.
class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  void show(const CompileProgress& progress);

 private:
  using Clock = std::chrono::steady_clock;
  bool terminal_, shown_ = false;
  Clock::time_point next_;  // not before
};

}  // namespace isthmus::cli
