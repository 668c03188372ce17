// SPDX-License-Identifier: Apache-2.0
// Thread counts of machines written down as the files the kernel would show.
#include "runtime/threads.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace isthmus {
namespace {

namespace fs = std::filesystem;

class ThreadsTest : public ::testing::Test {
 protected:
  void SetUp() override { fs::remove_all(root_); }
  void TearDown() override { fs::remove_all(root_); }

  void write(const std::string& path, const std::string& text) {
    const fs::path file = root_ + "/" + path;
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text << "\n";
  }
  // Cores of two hardware threads each, numbered as on most servers: 0 and n, 1 and n + 1, …
  void make_cores(int cores, const char* file = "core_cpus_list") {
    for (int cpu = 0; cpu < 2 * cores; ++cpu)
      write(fmt::format("sys/devices/system/cpu/cpu{}/topology/{}", cpu, file),
            fmt::format("{},{}", cpu % cores, cpu % cores + cores));
  }
  int threads(const std::vector<int>& cpus) { return threads_for(cpus, root_); }

  std::string root_ = fs::temp_directory_path() / fmt::format("isthmus_threads_{}", getpid());
  std::vector<int> eight_ = {0, 1, 2, 3, 4, 5, 6, 7};
};

TEST_F(ThreadsTest, WithoutTopologyEveryCpuCounts) {
  EXPECT_EQ(threads(eight_), 8);
  EXPECT_EQ(threads({}), 1);
}

TEST_F(ThreadsTest, HardwareThreadsOfOneCoreCountOnce) {
  make_cores(4);
  EXPECT_EQ(threads(eight_), 4);
  EXPECT_EQ(threads({0, 4}), 1) << "both of one core";
  EXPECT_EQ(threads({0, 5}), 2) << "one of each of two cores";
}

TEST_F(ThreadsTest, OlderKernelsNameTheSiblingsFile) {
  make_cores(4, "thread_siblings_list");
  EXPECT_EQ(threads(eight_), 4);
}

TEST_F(ThreadsTest, TheGroupsQuotaCutsRoundedUp) {
  write("proc/self/cgroup", "0::/user/job");
  write("sys/fs/cgroup/user/job/cpu.max", "250000 100000");
  EXPECT_EQ(threads(eight_), 3);
  write("sys/fs/cgroup/user/job/cpu.max", "max 100000");
  EXPECT_EQ(threads(eight_), 8);
  write("sys/fs/cgroup/user/cpu.max", "100 100000");
  EXPECT_EQ(threads(eight_), 1) << "a group around it counts too";
}

TEST_F(ThreadsTest, AContainersOwnGroupIsTheRoot) {
  write("proc/self/cgroup", "0::/docker/4f2a");
  write("sys/fs/cgroup/cpu.max", "200000 100000");
  EXPECT_EQ(threads(eight_), 2);
}

TEST_F(ThreadsTest, VersionOneGroups) {
  write("proc/self/cgroup", "9:cpuset:/\n4:cpu,cpuacct:/job\n0::/");
  write("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "500000");
  write("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us", "100000");
  EXPECT_EQ(threads(eight_), 5);
  write("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "-1");
  EXPECT_EQ(threads(eight_), 8);
}

TEST_F(ThreadsTest, NonsenseLimitsNothing) {
  write("proc/self/cgroup", "no colons\n:\n0::no/slash");
  for (const char* text : {"", "x y", "100000", "100000 0", "99999999999999999999 1", "-5 100000"}) {
    write("sys/fs/cgroup/cpu.max", text);
    EXPECT_EQ(threads(eight_), 8) << text;
  }
}

TEST(AvailableThreads, IsAtLeastOne) { EXPECT_GE(available_threads(), 1); }

}  // namespace
}  // namespace isthmus
