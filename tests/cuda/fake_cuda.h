// SPDX-License-Identifier: Apache-2.0
// What tests ask of the fake driver (fake_cuda.cpp): what was called, and what shall fail.
#pragma once

#include <string>
#include <vector>

namespace fake_cuda {

struct Launch {
  std::string kernel;
  unsigned groups[3], group_size[3];
  std::vector<std::vector<unsigned char>> parameters;
};

int count(const std::string& function);  // calls of it since the start
std::vector<Launch> launches();          // that ran
int live_allocations();
int contexts_of_this_thread();  // that are current, one above another
// The next call of the function returns the code.
void fail_next(const std::string& function, int code);
// The next kernel that runs faults: from then on everything returns the code, until 0 is given.
void fault_with(int code);
// What NVRTC was given last.
std::vector<std::string> compiler_options();

}  // namespace fake_cuda
