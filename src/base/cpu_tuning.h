// SPDX-License-Identifier: Apache-2.0
// The table of the CPU chip's choices, and the file that keeps what `isthmus tune` found best for a
// processor: lines of a name and a number, and comments behind #.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/cpu_choices.h"
#include "base/status.h"

namespace isthmus {

struct CpuChoiceInfo {
  CpuChoice choice;
  const char* name;
  const char* meaning;
  int sequences;  // generating tokens of so many together shows it; 0: reading a prompt
  int32_t preset;
  int32_t least, most;              // what a file may say
  std::vector<int32_t> candidates;  // what is tried
};
std::span<const CpuChoiceInfo> cpu_choices();

CpuTuning preset_cpu_tuning();
// What is not said keeps its preset. Errors name the line.
Result<CpuTuning> read_cpu_tuning(std::string_view text);
std::string write_cpu_tuning(const CpuTuning& tuning);

// Where the choices for this processor, instruction set and number of threads are kept:
// ${XDG_CACHE_HOME:-~/.cache}/isthmus/tuned/NAME, or in the folder that ISTHMUS_TUNED names. Empty without a
// home, or where that says off.
std::string cpu_tuning_path(std::string_view isa, int threads);
// The processor's name as /proc/cpuinfo has it, or "CPU".
std::string cpu_model();

// What the file at `path` says, or the presets where there is none. ISTHMUS_CPU_TUNING replaces the file:
// "off", or choices as in a file, with commas for line ends.
Result<CpuTuning> load_cpu_tuning(const std::string& path);

}  // namespace isthmus
