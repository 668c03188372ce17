// SPDX-License-Identifier: Apache-2.0
// What a repeated aclnn call costs the calling thread: phase one, and phase two, which puts it on a stream.
// host_time [CALLS]: medians over rounds of CALLS calls, in nanoseconds of thread CPU time.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <vector>

#include "acl/acl.h"
#include "aclnnop/aclnn_add.h"
#include "aclnnop/aclnn_mul.h"
#include "aclnnop/aclnn_rms_norm.h"

namespace {

double thread_ns() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

aclTensor* tensor(void* data, std::vector<int64_t> dims) {
  return aclCreateTensor(dims.data(), dims.size(), ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, dims.data(),
                         dims.size(), data);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void check(int code) {
  if (code == 0) return;
  const char* text = aclGetRecentErrMsg();
  fmt::print(stderr, "{}: {}\n", code, text ? text : "");
  std::exit(1);
}

// `prepare` is phase one of a call, `run` phase two.
template <typename Prepare, typename Run>
void measure(const char* name, int calls, Prepare prepare, Run run) {
  std::vector<double> first, second;
  std::vector<aclOpExecutor*> executors(static_cast<size_t>(calls));
  uint64_t bytes = 0;
  for (int round = 0; round < 21; ++round) {
    const double start = thread_ns();
    for (aclOpExecutor*& executor : executors) check(prepare(&bytes, &executor));
    const double middle = thread_ns();
    for (aclOpExecutor* executor : executors) check(run(bytes, executor));
    const double end = thread_ns();
    check(aclrtSynchronizeStream(nullptr));
    first.push_back((middle - start) / calls);
    second.push_back((end - middle) / calls);
  }
  fmt::print("{:24} phase one {:6.0f} ns  phase two {:6.0f} ns\n", name, median(first), median(second));
}

}  // namespace

int main(int argc, char** argv) {
  const int calls = argc > 1 ? std::atoi(argv[1]) : 200;
  check(aclInit(nullptr));
  check(aclrtSetDevice(0));
  void* memory = nullptr;
  check(aclrtMalloc(&memory, 1 << 20, ACL_MEM_MALLOC_HUGE_FIRST));
  auto* floats = static_cast<float*>(memory);
  aclTensor* x = tensor(floats, {1, 64});
  aclTensor* y = tensor(floats + 1024, {1, 64});
  aclTensor* z = tensor(floats + 2048, {1, 64});
  aclTensor* gamma = tensor(floats + 4096, {64});
  aclTensor* factor = tensor(floats + 8192, {1, 1});
  float value = 1;
  aclScalar* one = aclCreateScalar(&value, ACL_FLOAT);
  measure(
      "Add", calls,
      [&](uint64_t* bytes, aclOpExecutor** e) { return aclnnAddGetWorkspaceSize(x, y, one, z, bytes, e); },
      [&](uint64_t bytes, aclOpExecutor* e) { return aclnnAdd(nullptr, bytes, e, nullptr); });
  measure(
      "InplaceMul", calls,
      [&](uint64_t* bytes, aclOpExecutor** e) { return aclnnInplaceMulGetWorkspaceSize(x, y, bytes, e); },
      [&](uint64_t bytes, aclOpExecutor* e) { return aclnnInplaceMul(nullptr, bytes, e, nullptr); });
  measure(
      "RmsNorm", calls,
      [&](uint64_t* bytes, aclOpExecutor** e) {
        return aclnnRmsNormGetWorkspaceSize(x, gamma, 1e-6, z, factor, bytes, e);
      },
      [&](uint64_t bytes, aclOpExecutor* e) { return aclnnRmsNorm(nullptr, bytes, e, nullptr); });
  check(aclrtResetDevice(0));
  check(aclFinalize());
  return 0;
}
