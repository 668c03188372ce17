// SPDX-License-Identifier: Apache-2.0
// How many threads this process may keep busy.
#pragma once

#include <string>
#include <vector>

namespace isthmus {

// One thread per physical core of the affinity mask, cut by the CPU quotas of the process's control group and
// of those around it, rounded up. At least 1. Two hardware threads of a core share the units that matrix
// products and memory copies keep busy, so the second one only adds hand-overs.
int available_threads();

// The same for these logical CPUs, as the files below `root` ("" for this machine's) tell:
// sys/devices/system/cpu, proc/self/cgroup and sys/fs/cgroup. What cannot be read limits nothing.
int threads_for(const std::vector<int>& cpus, const std::string& root);

}  // namespace isthmus
