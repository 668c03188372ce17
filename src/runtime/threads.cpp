// SPDX-License-Identifier: Apache-2.0
#include "runtime/threads.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <fstream>
#include <optional>
#include <set>

namespace isthmus {
namespace {

constexpr int kMostCpus = 1 << 16;

std::vector<int> affinity() {
  // A mask smaller than the kernel's is refused, so it grows until it is accepted.
  for (int count = CPU_SETSIZE; count <= kMostCpus; count *= 2) {
    cpu_set_t* mask = CPU_ALLOC(count);
    if (!mask) break;
    const size_t bytes = CPU_ALLOC_SIZE(count);
    std::vector<int> cpus;
    const bool known = sched_getaffinity(0, bytes, mask) == 0;
    const bool too_small = !known && errno == EINVAL;
    for (int cpu = 0; known && cpu < count; ++cpu)
      if (CPU_ISSET_S(static_cast<size_t>(cpu), bytes, mask)) cpus.push_back(cpu);
    CPU_FREE(mask);
    if (!too_small) return cpus;
  }
  return {};
}

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// CPUs of one core share the text of this file.
int core_count(const std::vector<int>& cpus, const std::string& root) {
  std::set<std::string> cores;
  for (const int cpu : cpus) {
    const std::string topology = fmt::format("{}/sys/devices/system/cpu/cpu{}/topology/", root, cpu);
    std::string siblings = first_line(topology + "core_cpus_list");
    if (siblings.empty()) siblings = first_line(topology + "thread_siblings_list");  // before Linux 5.3
    cores.insert(siblings.empty() ? fmt::format("{}", cpu) : siblings);
  }
  return static_cast<int>(cores.size());
}

// Whole CPUs, rounded up, that quota of each period is; nothing for no limit.
std::optional<int> cpus_of(const std::string& quota, const std::string& period) {
  const auto number = [](const std::string& text) {
    return text.empty() || text.size() > 18 || text.find_first_not_of("0123456789") != std::string::npos
               ? int64_t{0}
               : std::stoll(text);
  };
  const int64_t q = number(quota), p = number(period);  // "max" and -1 are no numbers
  if (q == 0 || p == 0) return std::nullopt;
  return static_cast<int>(std::clamp<int64_t>((q - 1) / p + 1, 1, INT_MAX));
}

std::optional<int> quota_in(const std::string& folder) {
  if (const std::string both = first_line(folder + "/cpu.max"); !both.empty()) {  // version 2
    const size_t space = std::min(both.find(' '), both.size());
    return cpus_of(both.substr(0, space), both.substr(std::min(space + 1, both.size())));
  }
  return cpus_of(first_line(folder + "/cpu.cfs_quota_us"), first_line(folder + "/cpu.cfs_period_us"));
}

// The smallest quota from the process's group up to the root. Inside a container the path that
// proc/self/cgroup names may not be there; its own group is then the root of what is.
int smallest_quota(const std::string& root) {
  std::ifstream groups(root + "/proc/self/cgroup");
  int smallest = INT_MAX;
  for (std::string line; std::getline(groups, line);) {  // "0::/a/b", "4:cpu,cpuacct:/a/b"
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const bool version2 = controllers == ",,";
    if (!version2 && controllers.find(",cpu,") == std::string::npos) continue;
    for (std::string path = line.substr(second + 1);; path.resize(path.rfind('/'))) {
      while (path.ends_with('/')) path.pop_back();
      for (const char* mounted : version2 ? std::vector{"", "/unified"} : std::vector{"/cpu", "/cpu,cpuacct"})
        if (const auto quota = quota_in(fmt::format("{}/sys/fs/cgroup{}{}", root, mounted, path)))
          smallest = std::min(smallest, *quota);
      if (path.find('/') == std::string::npos) break;
    }
  }
  return smallest;
}

}  // namespace

int threads_for(const std::vector<int>& cpus, const std::string& root) {
  return std::max(1, std::min(core_count(cpus, root), smallest_quota(root)));
}

int available_threads() { return threads_for(affinity(), ""); }

}  // namespace isthmus
