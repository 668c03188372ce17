// SPDX-License-Identifier: Apache-2.0
// Clocks, and turns of what is compared.
#pragma once

#include <time.h>

#include <algorithm>
#include <chrono>
#include <vector>

namespace isthmus {

// Time of this thread on a processor: other programs' turns do not count.
inline double thread_seconds() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

inline double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

inline double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

// Seconds of this thread in one of `repeats` calls.
template <typename Run>
double turn(Run&& run, int repeats) {
  const double start = thread_seconds();
  for (int i = 0; i < repeats; ++i) run();
  return (thread_seconds() - start) / repeats;
}

// Medians of the seconds that two gave by turns, so that what slows the machine slows both, and of the
// rounds' ratios.
struct Turns {
  double first, second, ratio;
};
template <typename First, typename Second>
Turns by_turns(int rounds, First&& first, Second&& second) {
  std::vector<double> firsts, seconds, ratios;
  for (int round = 0; round < rounds; ++round) {
    firsts.push_back(first());
    seconds.push_back(second());
    ratios.push_back(firsts.back() / seconds.back());
  }
  return {median(firsts), median(seconds), median(ratios)};
}

}  // namespace isthmus
