// SPDX-License-Identifier: Apache-2.0
#include "base/limits.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "base/limits_kernels.h"

namespace isthmus {
namespace {

TEST(LimitsTest, MeasuresPlausibleRates) {
  for (const auto& limit :
       {measure_int8_peak(1, 0.01), measure_bf16_peak(1, 0.01), measure_f32_peak(2, 0.01)}) {
    ASSERT_TRUE(limit.ok()) << limit.status().to_string();
    // Slower than any processor this runs on, emulated ones included; faster than any core is a dropped loop.
    EXPECT_GT(limit->median, 1e6) << limit->how;
    EXPECT_LT(limit->best, 2e13) << limit->how;
    EXPECT_LE(limit->median, limit->best);
    EXPECT_FALSE(limit->how.empty());
  }
}

TEST(LimitsTest, ReadsMemoryWithBothPageSizes) {
  for (PageSize pages : {PageSize::k4KiB, PageSize::k2MiB}) {
    const auto limit = measure_read_bandwidth(2, 0.01, pages, size_t{16} << 20);
    ASSERT_TRUE(limit.ok()) << limit.status().to_string();
    EXPECT_GT(limit->median, 1e6);
    EXPECT_LT(limit->best, 1e13);
  }
}

double best_time(const PeakKernel& kernel, int steps) {
  double best = 1e9;
  for (int round = 0; round < 5; ++round) {
    const auto start = std::chrono::steady_clock::now();
    kernel.run(steps);
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

TEST(LimitsTest, EveryLoopDoesItsSteps) {
  for (const auto& kernels : {int8_kernels(), bf16_kernels(), f32_kernels()}) {
    for (const PeakKernel& kernel : kernels)
      EXPECT_GT(best_time(kernel, 400'000), 1.5 * best_time(kernel, 100'000))
          << kernel.how << ": the compiler dropped the loop";
  }
}

TEST(LimitsTest, RefusesWhatCannotBeMeasured) {
  EXPECT_EQ(measure_int8_peak(0, 1).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(measure_f32_peak(1, 0).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(measure_read_bandwidth(1, -1).status().code(), Code::kInvalidArgument);
  EXPECT_FALSE(measure_read_bandwidth(1, 0.01, PageSize::k2MiB, size_t{1} << 60).ok());
}

}  // namespace
}  // namespace isthmus
