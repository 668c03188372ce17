// SPDX-License-Identifier: Apache-2.0
#include "cli/busy.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace isthmus::cli {
namespace {

TEST(Busy, ReadsTheFirstLineOfProcStat) {
  const auto time = processor_time("cpu  10 20 30 400 50 1 2 3 7 8\ncpu0 5 10 15 200 25 0 1 1 3 4\n");
  ASSERT_TRUE(time);
  EXPECT_EQ(time->busy, 10 + 20 + 30 + 1 + 2 + 3);
  EXPECT_EQ(time->all, time->busy + 400 + 50);
  EXPECT_FALSE(processor_time(""));
  EXPECT_FALSE(processor_time("cpu 1 2"));
  EXPECT_FALSE(processor_time("intr 1 2 3 4 5"));
  EXPECT_TRUE(processor_time("cpu 1 2 3 4"));
}

// What this process does itself is no disturbance, whatever others do meanwhile.
TEST(Busy, OwnWorkIsNotCounted) {
  const BusyWatch watch;
  std::atomic<bool> stop{false};
  std::thread worker([&] {
    while (!stop) {
    }
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  stop = true;
  worker.join();
  EXPECT_GE(watch.others(), 0);
  EXPECT_LE(watch.others(), 1);
}

}  // namespace
}  // namespace isthmus::cli
