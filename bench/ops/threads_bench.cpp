// SPDX-License-Identifier: Apache-2.0
// What sharing an operator costs on the CPU chip: one that takes each thread about a microsecond, handed to 1
// to N of them; and what idle threads take of the processor.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>
#include <vector>

#include "devices/cpu/pool.h"
#include "runtime/threads.h"

namespace isthmus {
namespace {

double processor_seconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

int main_of(int threads) {
  isthmus_host_t host{};
  host.size = sizeof host;
  host.thread_count = threads;
  cpu::Pool pool(host);
  cpu::Kernel kernel{};
  // Long enough for every thread to come and take its part.
  kernel.run = [](const cpu::Run&, const cpu::Team&) {
    for (int i = 0; i < 4000; ++i) asm volatile("" ::: "memory");
  };
  cpu::Plan plan{};
  plan.phases = 1;
  constexpr int kOperators = 20'000, kRounds = 9;
  double alone = 0;
  for (int count = 1; count <= threads; ++count) {
    std::vector<double> each;
    for (int round = 0; round < kRounds; ++round) {
      const auto start = std::chrono::steady_clock::now();
      for (int i = 0; i < kOperators; ++i) pool.run(kernel, cpu::Run{nullptr, &plan, nullptr, 0}, count, 0);
      each.push_back(
          std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count() /
          kOperators);
    }
    std::sort(each.begin(), each.end());
    if (count == 1) alone = each[kRounds / 2];
    fmt::print("operator on {} of {} threads  {:7.1f} ns, {:+6.1f} ns for sharing it (median of {})\n", count,
               threads, each[kRounds / 2], each[kRounds / 2] - alone, kRounds);
  }
  const double before = processor_seconds();
  std::this_thread::sleep_for(std::chrono::seconds(2));
  fmt::print("idle for 2 s              {:7.3f} ms of the processor\n", 1e3 * (processor_seconds() - before));
  return 0;
}

}  // namespace
}  // namespace isthmus

int main(int argc, char** argv) {
  if (argc > 2 || (argc == 2 && std::atoi(argv[1]) < 1)) {
    fmt::print("threads_bench [THREADS]\nCost of handing an operator to threads, and of idle threads.\n");
    return 2;
  }
  return isthmus::main_of(argc == 2 ? std::atoi(argv[1]) : isthmus::available_threads());
}
