// SPDX-License-Identifier: Apache-2.0
// The OpenCL chip with buffers and with shared virtual memory, on in-order and on out-of-order queues: the
// kit's rules, and what only this chip has.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <numeric>

#include "conform/check.h"
#include "runtime/platform.h"

namespace isthmus {
namespace {

struct Mode {
  const char* svm;
  const char* order;
};

class OpenCl : public ::testing::TestWithParam<Mode> {
 protected:
  void SetUp() override {
    setenv("ISTHMUS_PLUGIN_PATH", ISTHMUS_PLUGIN_DIR, 1);
    setenv("ISTHMUS_OPENCL_SVM", GetParam().svm, 1);
    setenv("ISTHMUS_OPENCL_ORDER", GetParam().order, 1);
    platform_ = Platform::discover().value();
    Result<DevicePtr> device = platform_->open("opencl");
    if (!device.ok()) GTEST_SKIP() << device.status().to_string();
    device_ = *device;
  }
  const isthmus_plugin_t& api() const { return device_->api(); }
  Result<isthmus_chip_kernel_t*> build(const char* source, const char* entry) {
    isthmus_chip_kernel_t* kernel = nullptr;
    RETURN_IF_ERROR(device_->plugin().status(
        api().kernel_build(device_->handle(), "opencl-c-1.2", source, nullptr, entry, &kernel), "building"));
    return kernel;
  }
  std::shared_ptr<Platform> platform_;
  DevicePtr device_;
};

INSTANTIATE_TEST_SUITE_P(All, OpenCl,
                         ::testing::Values(Mode{"0", "in"}, Mode{"0", "out"}, Mode{"1", "in"},
                                           Mode{"1", "out"}),
                         [](const auto& info) {
                           return std::string(info.param.svm[0] == '1' ? "Svm" : "Buffers") +
                                  (info.param.order[0] == 'i' ? "InOrder" : "OutOfOrder");
                         });

TEST_P(OpenCl, KeepsTheKitsRules) {
  for (const auto& checks : {conform::runtime_checks(), conform::misuse_checks()})
    for (const conform::Check& check : checks) {
      const conform::Outcome outcome = check.run(device_);
      EXPECT_TRUE(outcome.verdict == conform::Verdict::kPassed || outcome.verdict == conform::Verdict::kNever)
          << check.name << ": " << outcome.detail;
    }
}

TEST_P(OpenCl, CopiesMayOverlap) {
  const auto stream = device_->create_stream().value();
  const Buffer a = device_->allocate(1000).value();
  std::vector<unsigned char> in(1000), out(1000);
  std::iota(in.begin(), in.end(), 0);
  ASSERT_TRUE(stream->upload(a.address(), in.data(), 1000).ok());
  ASSERT_TRUE(stream->copy(a.address() + 10, a.address(), 900).ok());
  ASSERT_TRUE(stream->copy(a.address() + 5, a.address() + 10, 900).ok());
  ASSERT_TRUE(stream->download(out.data(), a.address() + 5, 900).ok());
  ASSERT_TRUE(stream->wait().ok());
  for (int i = 0; i < 900; ++i) ASSERT_EQ(out[i], in[i]) << i;
}

TEST_P(OpenCl, AddressesAreChecked) {
  const auto stream = device_->create_stream().value();
  const Buffer a = device_->allocate(1 << 12).value();
  for (const Status& status : {stream->fill(a.address() + 4000, 1, 200), stream->fill(12345, 1, 1)}) {
    EXPECT_EQ(status.code(), Code::kInvalidArgument);
    EXPECT_NE(status.message().find("address"), std::string::npos) << status.message();
  }
}

TEST_P(OpenCl, StrayDereferencesFault) {
  if (GetParam().svm[0] == '1') GTEST_SKIP() << "addresses of shared virtual memory are pointers";
  const Buffer a = device_->allocate(64).value();
  const pid_t child = fork();
  if (child == 0) {
    *reinterpret_cast<volatile char*>(a.address()) = 1;
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) != 0);
}

constexpr const char* kAdd = R"(
struct pair { int a; float b; };
__kernel void add(__global uchar* x, ulong x_offset, __global uchar* y, ulong y_offset, long n, struct pair p) {
  __local int shared[16];
  const long i = get_global_id(0);
  shared[get_local_id(0)] = p.a;
  barrier(CLK_LOCAL_MEM_FENCE);
  if (i < n) ((__global float*)(y + y_offset))[i] = ((__global float*)(x + x_offset))[i] + p.b + shared[0] + (x ? 0 : 1);
})";

TEST_P(OpenCl, KernelsTakeAddressesAndValues) {
  const auto stream = device_->create_stream().value();
  const Buffer x = device_->allocate(4000).value(), y = device_->allocate(4000).value();
  std::vector<float> in(1000, 1.5f), out(1000);
  ASSERT_TRUE(stream->upload(x.address(), in.data(), 4000).ok());
  ASSERT_TRUE(stream->fill(y.address(), 0, 4000).ok());
  struct Pair {
    int a;
    float b;
  } pair{2, 0.25f};
  const int64_t n = 900;
  const isthmus_kernel_argument_t arguments[] = {{ISTHMUS_ARGUMENT_ADDRESS, 0, x.address() + 40, nullptr},
                                                 {ISTHMUS_ARGUMENT_ADDRESS, 0, y.address() + 80, nullptr},
                                                 {ISTHMUS_ARGUMENT_VALUE, sizeof n, 0, &n},
                                                 {ISTHMUS_ARGUMENT_VALUE, sizeof pair, 0, &pair}};
  const uint32_t groups[3] = {57, 1, 1}, size[3] = {16, 1, 1};
  isthmus_chip_kernel_t* kernel = build(kAdd, "add").value();
  ASSERT_EQ(api().kernel_launch(kernel, groups, size, arguments, 4, stream->handle()), ISTHMUS_OK);
  pair.b = 100;  // the launch has its own copy
  ASSERT_TRUE(stream->download(out.data(), y.address(), 4000).ok());
  ASSERT_TRUE(stream->wait().ok());
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(out[i], i >= 20 && i < 920 ? 3.75f : 0.0f) << i;

  const auto launch = [&](const isthmus_kernel_argument_t* with, int count) {
    return device_->plugin().status(api().kernel_launch(kernel, groups, size, with, count, stream->handle()),
                                    "x");
  };
  isthmus_kernel_argument_t wrong[4];
  std::copy(arguments, arguments + 4, wrong);
  wrong[1].address = 99;
  EXPECT_NE(launch(wrong, 4).message().find("argument 1"), std::string::npos);
  wrong[1] = arguments[1];
  wrong[2].bytes = 3;
  EXPECT_NE(launch(wrong, 4).message().find("CL_INVALID_ARG_SIZE"), std::string::npos);
  api().kernel_release(kernel);
}

TEST_P(OpenCl, ImportedPagesAreReadInPlace) {
  if (!device_->has(ISTHMUS_FEATURE_IMPORT)) GTEST_SKIP() << "this device has memory of its own";
  const auto stream = device_->create_stream().value();
  std::vector<float> host(5000);
  std::iota(host.begin(), host.end(), 0.0f);
  isthmus_address_t address = 0;
  ASSERT_EQ(api().import_host(device_->handle(), host.data() + 3, 4000, &address), ISTHMUS_OK);
  float out[10] = {};
  ASSERT_TRUE(stream->download(out, address + 400, 40).ok());
  ASSERT_TRUE(stream->wait().ok());
  EXPECT_EQ(out[0], 103.0f);
  const Buffer copy = device_->allocate(4000).value();
  ASSERT_TRUE(stream->copy(copy.address(), address, 4000).ok());
  ASSERT_TRUE(stream->download(out, copy.address() + 40, 40).ok());
  ASSERT_TRUE(stream->wait().ok());
  EXPECT_EQ(out[0], 13.0f);
  api().release_host(device_->handle(), address);
}

// Shared virtual memory may come from the host's heap: page by page it lies between the program's own blocks.
TEST_P(OpenCl, ImportsHostMemoryThatSharesAPageWithAnAllocation) {
  if (!device_->has(ISTHMUS_FEATURE_IMPORT)) GTEST_SKIP() << "this device has memory of its own";
  const auto stream = device_->create_stream().value();
  std::vector<isthmus_address_t> allocated(64), imported(64);
  std::vector<std::vector<int32_t>> host(64);
  for (int i = 0; i < 64; ++i) {
    ASSERT_EQ(api().allocate(device_->handle(), ISTHMUS_MEMORY_DEVICE, 256, &allocated[i]), ISTHMUS_OK);
    host[i].assign(300, i);
  }
  for (int i = 0; i < 64; ++i) {
    ASSERT_EQ(api().import_host(device_->handle(), host[i].data(), 1200, &imported[i]), ISTHMUS_OK) << i;
    int32_t last = -1;
    ASSERT_TRUE(stream->download(&last, imported[i] + 1196, 4).ok());
    ASSERT_TRUE(stream->wait().ok());
    EXPECT_EQ(last, i);
  }
  for (int i = 0; i < 64; ++i) {
    api().release_host(device_->handle(), imported[i]);
    api().free(device_->handle(), allocated[i]);
  }
}

TEST_P(OpenCl, AKernelThatDoesNotBuildShowsTheLogWithTheLine) {
  const auto kernel = build("__kernel void f() {\n  int x = nonsense;\n}", "f");
  ASSERT_FALSE(kernel.ok());
  EXPECT_NE(kernel.status().message().find("nonsense"), std::string::npos) << kernel.status().message();
  EXPECT_NE(kernel.status().message().find(":2:"), std::string::npos) << kernel.status().message();
  EXPECT_FALSE(build("__kernel void f() {}", "g").ok());
}

TEST_P(OpenCl, ProgramsAreKeptOnDiskAndDamageIsMended) {
  const auto folder = std::filesystem::temp_directory_path() / fmt::format("isthmus_kernels_{}", getpid());
  std::filesystem::remove_all(folder);
  setenv("ISTHMUS_KERNEL_CACHE", folder.c_str(), 1);
  const auto build_anew = [&](const char* damage) {
    for (const auto& file : std::filesystem::directory_iterator(folder)) {
      if (damage) std::filesystem::resize_file(file.path(), std::filesystem::file_size(file.path()) - 50);
    }
    device_.reset();
    device_ = platform_->open("opencl").value();
    const auto kernel = build(kAdd, "add");
    ASSERT_TRUE(kernel.ok()) << kernel.status().to_string();
    api().kernel_release(*kernel);
  };
  std::filesystem::create_directories(folder);
  build_anew(nullptr);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 1) << "one program, one file";
  build_anew(nullptr);
  build_anew("truncated");
  unsetenv("ISTHMUS_KERNEL_CACHE");
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace isthmus
