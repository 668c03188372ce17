// SPDX-License-Identifier: Apache-2.0
#include "devices/cpu/pool.h"

#include <chrono>

namespace isthmus::cpu {
namespace {

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

int64_t now_ns() {  // steady_clock is CLOCK_MONOTONIC on Linux
  return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

// Spins this often before sleeping or yielding: about 50 µs, several times the gap between two operators of a
// step.
constexpr int kSpins = 2000;
constexpr uint32_t kStop = 1;

}  // namespace

Pool::Pool(const isthmus_host_t& host)
    : host_(host), thread_count_(host.thread_count < 1 ? 1 : host.thread_count) {
  if (host_.parallel_for) return;
  for (int i = 1; i < thread_count_; ++i) helpers_.emplace_back([this, i] { helper(i); });
}

Pool::~Pool() {
  epoch_.fetch_or(kStop);
  epoch_.notify_all();
  for (std::thread& t : helpers_) t.join();
}

void Pool::work(const Kernel& kernel, const Run& run, const Team& team, uint64_t mark, int lane) {
  if (mark == 0) return kernel.run(run, team);
  isthmus_span_t span = {sizeof span, mark, now_ns(), 0, lane};
  kernel.run(run, team);
  span.end_ns = now_ns();
  host_.span(host_.context, &span);
}

void Pool::run(const Kernel& kernel, Run run, int threads, uint64_t mark) {
  const int phases = run.plan->phases;
  std::unique_lock lock(busy_, std::defer_lock);
  const int parts = threads == 0 || threads > thread_count_ ? thread_count_ : threads;
  const bool together = parts > 1 && lock.try_lock();
  for (run.phase = 0; run.phase < phases; ++run.phase) {
    if (together) {
      run_phase(kernel, run, parts, mark);
    } else {
      int64_t next = 0;
      work(kernel, run, Team(0, 1, &next), mark, 0);
    }
  }
}

void Pool::run_phase(const Kernel& kernel, const Run& run, int parts, uint64_t mark) {
  job_.kernel = &kernel;
  job_.mark = mark;
  job_.run = run;
  job_.parts = parts;
  job_.next = 0;
  if (host_.parallel_for) {
    host_.parallel_for(
        host_.context, parts,
        [](void* context, int64_t begin, int64_t end) {
          Pool& pool = *static_cast<Pool*>(context);
          for (int64_t i = begin; i < end; ++i)
            pool.work(*pool.job_.kernel, pool.job_.run,
                      Team(static_cast<int>(i), pool.job_.parts, &pool.job_.next), pool.job_.mark,
                      static_cast<int>(i));
        },
        this);
    return;
  }
  done_.store(0, std::memory_order_relaxed);
  const uint32_t epoch = epoch_.load(std::memory_order_relaxed) + 2;
  unclaimed_.store(uint64_t{epoch} << 32 | static_cast<uint64_t>(parts) << 16 | 1, std::memory_order_release);
  epoch_.store(epoch, std::memory_order_seq_cst);
  if (sleeping_.load(std::memory_order_seq_cst) > 0) epoch_.notify_all();
  // Parts whose helper is not there yet are done here: where the processors are busy with something else, it
  // would come milliseconds late, at every operator.
  int helped = parts;
  for (int part = 0; part >= 0; part = claim(epoch), --helped)
    work(kernel, run, Team(part, parts, &job_.next), mark, 0);
  for (int spins = 0; done_.load(std::memory_order_acquire) != static_cast<uint32_t>(helped); ++spins) {
    if (spins < kSpins) {
      pause();
    } else {
      std::this_thread::yield();
    }
  }
}

int Pool::claim(uint32_t epoch) {
  uint64_t at = unclaimed_.load(std::memory_order_acquire);
  while (at >> 32 == epoch && (at & 0xffff) < (at >> 16 & 0xffff))
    if (unclaimed_.compare_exchange_weak(at, at + 1, std::memory_order_acq_rel))
      return static_cast<int>(at & 0xffff);
  return -1;
}

void Pool::helper(int lane) {
  uint32_t seen = 0;
  for (;;) {
    uint32_t epoch = epoch_.load(std::memory_order_acquire);
    for (int spins = 0; epoch == seen && spins < kSpins; ++spins) {
      pause();
      epoch = epoch_.load(std::memory_order_acquire);
    }
    while (epoch == seen) {
      sleeping_.fetch_add(1, std::memory_order_seq_cst);
      epoch_.wait(seen, std::memory_order_seq_cst);
      sleeping_.fetch_sub(1, std::memory_order_relaxed);
      epoch = epoch_.load(std::memory_order_acquire);
    }
    if (epoch & kStop) return;
    seen = epoch;
    // A part taken keeps the job as it is until it is done; without one, the job may be the next already.
    for (int part; (part = claim(epoch)) >= 0;) {
      work(*job_.kernel, job_.run, Team(part, job_.parts, &job_.next), job_.mark, lane);
      done_.fetch_add(1, std::memory_order_release);
    }
  }
}

}  // namespace isthmus::cpu
