// SPDX-License-Identifier: Apache-2.0
// The threads that run one operator together.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "devices/cpu/kernel.h"
#include "isthmus/plugin.h"

namespace isthmus::cpu {

// The calling thread and thread_count - 1 helpers. Helpers spin for some tens of microseconds after each
// operator, so that the next one of a step starts at once, then sleep; an idle pool costs nothing.
// Thread-safe: one operator at a time has the helpers, another caller meanwhile runs alone.
class Pool {
 public:
  explicit Pool(const isthmus_host_t& host);
  ~Pool();
  const isthmus_host_t& host() const { return host_; }
  int thread_count() const { return thread_count_; }
  // Runs all phases of a kernel and returns when they are done. `threads`: at most so many take part; 0: all.
  // mark: of the spans that the host is told; 0: none.
  void run(const Kernel& kernel, Run run, int threads, uint64_t mark);

 private:
  struct alignas(64) Job {
    const Kernel* kernel = nullptr;
    Run run = {};
    uint64_t mark = 0;
    int parts = 0;
    int64_t next = 0;
  };
  void helper(int lane);
  void run_phase(const Kernel& kernel, const Run& run, int parts, uint64_t mark);
  // A share of the job, on the thread of this lane.
  void work(const Kernel& kernel, const Run& run, const Team& team, uint64_t mark, int lane);
  int claim(uint32_t epoch);  // a part of the job that nobody has taken; -1 when there is none

  const isthmus_host_t host_;  // the one the device was opened for
  int thread_count_;
  std::mutex busy_;
  Job job_;
  alignas(64) std::atomic<uint32_t> epoch_{0};      // odd numbers end the helpers
  alignas(64) std::atomic<uint64_t> unclaimed_{0};  // epoch << 32 | parts << 16 | next part to take
  alignas(64) std::atomic<uint32_t> done_{0};       // parts that helpers took and finished
  alignas(64) std::atomic<int> sleeping_{0};
  std::vector<std::thread> helpers_;
};

}  // namespace isthmus::cpu
