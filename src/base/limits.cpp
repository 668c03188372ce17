// SPDX-License-Identifier: Apache-2.0
#include "base/limits.h"

#include <sys/mman.h>

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstring>
#include <functional>
#include <system_error>
#include <thread>
#include <vector>

#include "base/limits_kernels.h"

namespace isthmus {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

Status check(int threads, double seconds) {
  if (threads < 1 || threads > 4096)
    return invalid_argument("a limit is measured on 1 to 4096 threads, not {}", threads);
  if (!(seconds > 0) || seconds > 3600)
    return invalid_argument("a limit is measured for more than 0 and at most 3600 seconds, not {}", seconds);
  return ok();
}

// Runs rounds of `work(thread)` on all threads at once until `seconds` have passed, at least three after one
// to warm up; work_per_round / time of each round is one sample. A round lasts from the first thread's start
// to the last one's end, as it does for the matrix product that the limit is compared with.
Result<MeasuredLimit> measure(int threads, double seconds, double work_per_round, std::string_view how,
                              const std::function<void(int)>& work) {
  std::vector<double> rates;
  bool more = true;
  int rounds = 0;
  Clock::time_point start = Clock::now(), round_start = start;
  auto end_round = [&]() noexcept {
    const double took = seconds_since(round_start);
    if (rounds++ > 0 && rates.size() < rates.capacity())
      rates.push_back(work_per_round / std::max(took, 1e-9));
    more = (seconds_since(start) < seconds || rates.size() < 3) && rates.size() < rates.capacity();
    round_start = Clock::now();
  };
  rates.reserve(1 << 16);
  std::barrier round(threads, end_round);
  auto loop = [&](int thread) {
    while (more) {
      work(thread);
      round.arrive_and_wait();
    }
  };
  std::vector<std::thread> helpers;
  Status failed;
  try {
    for (int thread = 1; thread < threads; ++thread) helpers.emplace_back(loop, thread);
  } catch (const std::system_error& cause) {
    failed = error(Code::kUnavailable, "only {} of {} threads could be started: {}", helpers.size() + 1,
                   threads, cause.what());
    for (size_t missing = helpers.size() + 1; missing < static_cast<size_t>(threads); ++missing)
      round.arrive_and_drop();
    seconds = 0;
  }
  start = round_start = Clock::now();
  loop(0);
  for (std::thread& helper : helpers) helper.join();
  if (!failed.ok()) return failed;

  std::sort(rates.begin(), rates.end());
  return MeasuredLimit{rates[rates.size() / 2], rates.back(), how};
}

// Memory of its own, so that its pages are of the size asked for and nobody else's.
class Pages {
 public:
  Pages(size_t bytes, PageSize size) : bytes_(bytes) {
    address_ = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (address_ == MAP_FAILED) return;
    madvise(address_, bytes, size == PageSize::k2MiB ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
    std::memset(address_, 1, bytes);  // untouched pages would all be the same zero page
  }
  ~Pages() {
    if (address_ != MAP_FAILED) munmap(address_, bytes_);
  }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
  const char* data() const { return address_ == MAP_FAILED ? nullptr : static_cast<const char*>(address_); }

 private:
  size_t bytes_;
  void* address_;
};

Result<MeasuredLimit> measure_peak(int threads, double seconds, const PeakKernel& kernel) {
  RETURN_IF_ERROR(check(threads, seconds));
  // About 2 ms a round at 4 GHz: long against the barrier, short against `seconds`.
  constexpr int kSteps = 500'000;
  return measure(threads, seconds, double(threads) * kSteps * kernel.operations_per_step, kernel.how,
                 [&](int) { kernel.run(kSteps); });
}

}  // namespace

Result<MeasuredLimit> measure_read_bandwidth(int threads, double seconds, PageSize pages, size_t bytes) {
  RETURN_IF_ERROR(check(threads, seconds));
  constexpr size_t kGrain = size_t{2} << 20;
  const size_t share = std::max(bytes / threads / kGrain, size_t{1}) * kGrain;
  if (bytes > (size_t{1} << 46)) return invalid_argument("cannot read {} bytes: that is too many", bytes);
  const Pages memory(share * threads, pages);
  if (!memory.data())
    return error(Code::kOutOfMemory, "no memory for the {} MiB that the bandwidth test reads",
                 share * threads >> 20);
  const ReadKernel kernel = read_kernel();
  return measure(threads, seconds, double(share) * threads,
                 pages == PageSize::k2MiB ? "sequential read, 2 MiB pages" : "sequential read, 4 KiB pages",
                 [&](int thread) { kernel(memory.data() + share * thread, share); });
}

Result<MeasuredLimit> measure_int8_peak(int threads, double seconds) {
  return measure_peak(threads, seconds, int8_kernels().front());
}
Result<MeasuredLimit> measure_bf16_peak(int threads, double seconds) {
  return measure_peak(threads, seconds, bf16_kernels().front());
}
Result<MeasuredLimit> measure_f32_peak(int threads, double seconds) {
  return measure_peak(threads, seconds, f32_kernels().front());
}

Result<MeasuredLimit> measure_limit(std::string_view name, int threads, double seconds) {
  if (name == "read") return measure_read_bandwidth(threads, seconds);
  if (name == "read_4kib") return measure_read_bandwidth(threads, seconds, PageSize::k4KiB);
  if (name == "int8") return measure_int8_peak(threads, seconds);
  if (name == "bf16") return measure_bf16_peak(threads, seconds);
  if (name == "f32") return measure_f32_peak(threads, seconds);
  return invalid_argument("a limit is read, read_4kib, int8, bf16 or f32, found '{}'", name);
}

}  // namespace isthmus
