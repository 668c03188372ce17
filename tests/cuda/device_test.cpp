// SPDX-License-Identifier: Apache-2.0
// The CUDA chip through the runtime, on the fake driver: the kit's rules, what it calls, and what it makes of
// errors.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <numeric>

#include "conform/check.h"
#include "fake_cuda.h"
#include "runtime/platform.h"

namespace isthmus {
namespace {

constexpr const char* kProgram =
    "#x .entry count\n.param .u64 x\n.param .u64 x_offset\n"
    "#x .entry scale\n.param .u64 x\n.param .u64 x_offset\n.param .u64 y\n.param .u64 y_offset\n.param .u64 "
    "n\n"
    ".param .b8 [24]\n";

class Cuda : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    setenv("ISTHMUS_PLUGIN_PATH", ISTHMUS_PLUGIN_DIR, 1);
    setenv("ISTHMUS_NVRTC", ISTHMUS_FAKE_CUDA, 1);
    setenv("ISTHMUS_KERNEL_CACHE", "off", 1);
    if (GetParam())
      unsetenv("FAKE_CUDA_NO_POOLS");
    else
      setenv("FAKE_CUDA_NO_POOLS", "1", 1);
    platform_ = Platform::discover().value();
    device_ = platform_->open("cuda").value();
  }
  void TearDown() override {
    fake_cuda::fault_with(0);
    device_.reset();
    EXPECT_EQ(fake_cuda::live_allocations(), 0) << "memory was lost";
    EXPECT_EQ(fake_cuda::contexts_of_this_thread(), 0) << "a context stayed current";
  }
  const isthmus_plugin_t& api() const { return device_->api(); }
  Status status(isthmus_status_t code) const { return device_->plugin().status(code, "test"); }
  Result<isthmus_chip_kernel_t*> build(const char* source, const char* entry) {
    isthmus_chip_kernel_t* kernel = nullptr;
    RETURN_IF_ERROR(
        status(api().kernel_build(device_->handle(), "cuda-c++", source, nullptr, entry, &kernel)));
    return kernel;
  }
  std::shared_ptr<Platform> platform_;
  DevicePtr device_;
};
INSTANTIATE_TEST_SUITE_P(All, Cuda, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "Pools" : "NoPools"; });

TEST_P(Cuda, SaysWhatItIs) {
  EXPECT_EQ(std::string(device_->properties().architecture), "cuda-sm_81");
  EXPECT_EQ(std::string(device_->properties().kernel_languages[0]), "cuda-c++");
  EXPECT_TRUE(device_->has(ISTHMUS_FEATURE_CAPTURE));
  EXPECT_FALSE(device_->has(ISTHMUS_FEATURE_IMPORT)) << "a card reads imported pages over the bus";
  EXPECT_FALSE(platform_->open("cuda:1").ok());
}

TEST_P(Cuda, KeepsTheKitsRules) {
  for (const auto& checks : {conform::runtime_checks(), conform::misuse_checks()})
    for (const conform::Check& check : checks) {
      const conform::Outcome outcome = check.run(device_);
      EXPECT_TRUE(outcome.verdict == conform::Verdict::kPassed || outcome.verdict == conform::Verdict::kNever)
          << check.name << ": " << outcome.detail;
    }
}

TEST_P(Cuda, OverlappingCopiesGoByOtherMemory) {
  const auto stream = device_->create_stream().value();
  const Buffer a = device_->allocate(1000).value();
  std::vector<unsigned char> in(1000), out(1000);
  std::iota(in.begin(), in.end(), 0);
  const int copies = fake_cuda::count("cuMemcpyAsync");
  ASSERT_TRUE(stream->upload(a.address(), in.data(), 1000).ok());
  ASSERT_TRUE(stream->copy(a.address() + 10, a.address(), 900).ok());
  ASSERT_TRUE(stream->copy(a.address() + 5, a.address() + 10, 900).ok());
  ASSERT_TRUE(stream->download(out.data(), a.address() + 5, 900).ok());
  ASSERT_TRUE(stream->wait().ok());
  for (int i = 0; i < 900; ++i) ASSERT_EQ(out[i], in[i]) << i;
  EXPECT_EQ(fake_cuda::count("cuMemcpyAsync"), copies + 4);
}

TEST_P(Cuda, MemoryComesFromAPoolWhereThereIsOne) {
  const char* with = GetParam() ? "cuMemAllocFromPoolAsync" : "cuMemAlloc_v2";
  const char* without = GetParam() ? "cuMemAlloc_v2" : "cuMemAllocFromPoolAsync";
  const int before = fake_cuda::count(with), other = fake_cuda::count(without),
            waits = fake_cuda::count("cuStreamSynchronize");
  {
    const Buffer a = device_->allocate(1000).value();
  }
  EXPECT_EQ(fake_cuda::count(with), before + 1);
  EXPECT_EQ(fake_cuda::count(without), other);
  EXPECT_EQ(fake_cuda::count("cuStreamSynchronize"), waits + GetParam()) << "any stream may use it at once";
  const auto huge = device_->allocate(uint64_t{1} << 40);
  ASSERT_FALSE(huge.ok());
  EXPECT_EQ(huge.status().code(), Code::kOutOfMemory);
  EXPECT_NE(huge.status().message().find("smaller model"), std::string::npos) << huge.status().message();
}

TEST_P(Cuda, ImportedMemory) {
  std::vector<char> host(10000, 7);
  isthmus_address_t address = 0;
  ASSERT_EQ(api().import_host(device_->handle(), host.data() + 3, 9000, &address), ISTHMUS_OK);
  EXPECT_EQ(address, reinterpret_cast<uint64_t>(host.data() + 3));
  const auto stream = device_->create_stream().value();
  const Buffer device = device_->allocate(100).value();
  char out = 0;
  ASSERT_TRUE(stream->copy(device.address(), address + 8000, 100).ok());
  ASSERT_TRUE(stream->download(&out, device.address() + 99, 1).ok());
  ASSERT_TRUE(stream->wait().ok());
  EXPECT_EQ(out, 7);
  isthmus_address_t again = 0;
  const Status twice = status(api().import_host(device_->handle(), host.data() + 3, 9000, &again));
  EXPECT_NE(twice.message().find("imported already"), std::string::npos) << twice.message();
  api().release_host(device_->handle(), address);
}

TEST_P(Cuda, LaunchesLayOutTheirArguments) {
  const auto stream = device_->create_stream().value();
  const Buffer x = device_->allocate(400).value();
  struct Scale {
    int64_t step;
    float factor;
    int32_t rank, last[2];
  } scale{7, 0.5f, 3, {1, 2}};
  static_assert(sizeof scale == 24);
  int64_t n = 90;
  isthmus_kernel_argument_t arguments[] = {{ISTHMUS_ARGUMENT_ADDRESS, 0, x.address() + 40, nullptr},
                                           {ISTHMUS_ARGUMENT_ADDRESS, 0, 0, nullptr},
                                           {ISTHMUS_ARGUMENT_VALUE, sizeof n, 0, &n},
                                           {ISTHMUS_ARGUMENT_VALUE, sizeof scale, 0, &scale}};
  const uint32_t groups[3] = {5, 2, 1}, size[3] = {16, 4, 2};
  isthmus_chip_kernel_t* kernel = build(kProgram, "scale").value();
  const auto launch = [&](int count) {
    return status(api().kernel_launch(kernel, groups, size, arguments, count, stream->handle()));
  };
  ASSERT_TRUE(launch(4).ok());
  n = 0;
  scale.rank = 100;  // the launch has its own copy
  ASSERT_TRUE(stream->wait().ok());
  const fake_cuda::Launch ran = fake_cuda::launches().back();
  EXPECT_EQ(ran.kernel, "scale");
  for (int d = 0; d < 3; ++d) {
    EXPECT_EQ(ran.groups[d], groups[d]);
    EXPECT_EQ(ran.group_size[d], size[d]);
  }
  const auto number = [&](int i) {
    uint64_t value = 1;
    std::memcpy(&value, ran.parameters[i].data(), 8);
    return value;
  };
  ASSERT_EQ(ran.parameters.size(), 6u);
  EXPECT_EQ(number(0) + number(1), x.address() + 40) << "pointer and offset";
  EXPECT_EQ(number(2), 0u) << "an absent operand";
  EXPECT_EQ(number(4), 90u);
  Scale seen;
  std::memcpy(&seen, ran.parameters[5].data(), sizeof seen);
  EXPECT_EQ(seen.rank, 3);
  EXPECT_EQ(seen.last[1], 2);

  EXPECT_NE(launch(3).message().find("takes 6 parameters"), std::string::npos) << launch(3).message();
  arguments[2].bytes = 4;
  EXPECT_NE(launch(4).message().find("argument 2 has 4 bytes"), std::string::npos) << launch(4).message();
  arguments[2].bytes = 8;
  const uint32_t high[3] = {1, 70000, 1}, big[3] = {1024, 1, 1};
  const auto refused = [&](const uint32_t* g, const uint32_t* s) {
    return status(api().kernel_launch(kernel, g, s, arguments, 4, stream->handle())).code();
  };
  EXPECT_EQ(refused(high, size), Code::kUnimplemented);
  EXPECT_EQ(refused(groups, big), Code::kUnimplemented) << "this kernel's registers allow 512";
  api().kernel_release(kernel);
}

TEST_P(Cuda, EqualProgramsAreBuiltOnceAndExactly) {
  const int before = fake_cuda::count("nvrtcCompileProgram");
  isthmus_chip_kernel_t* const kernels[] = {build(kProgram, "scale").value(),
                                            build(kProgram, "count").value()};
  EXPECT_EQ(fake_cuda::count("nvrtcCompileProgram"), before + 1);
  const std::vector<std::string> options = fake_cuda::compiler_options();
  for (const char* wanted :
       {"-fmad=false", "-ftz=false", "-prec-div=true", "-prec-sqrt=true", "-arch=compute_80"})
    EXPECT_NE(std::find(options.begin(), options.end(), wanted), options.end()) << wanted;
  for (isthmus_chip_kernel_t* kernel : kernels) api().kernel_release(kernel);
  const auto wrong = build("#\nnonsense", "f");
  ASSERT_FALSE(wrong.ok());
  EXPECT_NE(wrong.status().message().find("kernel.cu(2): error: identifier \"nonsense\""), std::string::npos)
      << wrong.status().message();
  EXPECT_NE(build(kProgram, "other").status().message().find("no kernel of that name"), std::string::npos);
}

TEST_P(Cuda, CompiledProgramsAreKeptOnDisk) {
  const auto folder = std::filesystem::temp_directory_path() / fmt::format("isthmus_cuda_{}", getpid());
  std::filesystem::remove_all(folder);
  setenv("ISTHMUS_KERNEL_CACHE", folder.c_str(), 1);
  const auto compilations = [&] {
    device_.reset();
    device_ = platform_->open("cuda").value();
    const int before = fake_cuda::count("nvrtcCompileProgram");
    const auto kernel = build(kProgram, "scale");
    EXPECT_TRUE(kernel.ok()) << kernel.status().to_string();
    if (kernel.ok()) api().kernel_release(*kernel);
    return fake_cuda::count("nvrtcCompileProgram") - before;
  };
  EXPECT_EQ(compilations(), 1);
  EXPECT_EQ(compilations(), 0);
  for (const auto& file : std::filesystem::directory_iterator(folder))
    std::filesystem::resize_file(file.path(), std::filesystem::file_size(file.path()) - 5);
  EXPECT_EQ(compilations(), 1) << "a damaged file counts as absent";
  fake_cuda::fail_next("cuModuleLoadData", 218);
  EXPECT_EQ(compilations(), 1) << "so does one that the driver does not take";
  std::filesystem::remove_all(folder);
}

TEST_P(Cuda, CapturedWorkIsReplayed) {
  const auto stream = device_->create_stream().value(), other = device_->create_stream().value();
  const Buffer buffer = device_->allocate(64).value();
  isthmus_chip_kernel_t* kernel = build(kProgram, "count").value();
  const isthmus_kernel_argument_t argument = {ISTHMUS_ARGUMENT_ADDRESS, 0, buffer.address() + 8, nullptr};
  const uint32_t one[3] = {1, 1, 1};
  unsigned char out = 0;
  ASSERT_TRUE(stream->fill(buffer.address(), 0, 64).ok());
  ASSERT_EQ(api().capture_begin(stream->handle()), ISTHMUS_OK);
  ASSERT_EQ(api().kernel_launch(kernel, one, one, &argument, 1, stream->handle()), ISTHMUS_OK);
  ASSERT_TRUE(stream->download(&out, buffer.address() + 8, 1).ok());
  isthmus_chip_capture_t* capture = nullptr;
  ASSERT_EQ(api().capture_end(stream->handle(), &capture), ISTHMUS_OK);
  ASSERT_TRUE(stream->wait().ok());
  EXPECT_EQ(out, 0) << "capturing runs nothing";
  for (const auto& on : {&stream, &other, &stream}) {
    ASSERT_EQ(api().capture_replay(capture, (*on)->handle()), ISTHMUS_OK);
    ASSERT_TRUE((*on)->wait().ok());
  }
  EXPECT_EQ(out, 3);
  api().capture_destroy(capture);
  api().kernel_release(kernel);
}

TEST_P(Cuda, ErrorsAreSentences) {
  const auto stream = device_->create_stream().value();
  const Status stray = stream->fill(12345, 1, 1);
  EXPECT_EQ(stray.code(), Code::kInvalidArgument);
  EXPECT_NE(stray.message().find("filling memory failed"), std::string::npos) << stray.message();
  fake_cuda::fail_next("cuStreamCreate", 2);
  const auto made = device_->create_stream();
  ASSERT_FALSE(made.ok());
  EXPECT_NE(made.status().message().find("CUDA_ERROR_OUT_OF_MEMORY"), std::string::npos)
      << made.status().message();
  fake_cuda::fail_next("cuEventCreate", 12321);  // not in our table: the driver's words
  EXPECT_NE(device_->create_event().status().message().find("a fault that is not in the table"),
            std::string::npos);
}

TEST_P(Cuda, ALostDeviceStaysLost) {
  const auto stream = device_->create_stream().value();
  const auto event = device_->create_event().value();
  const Buffer buffer = device_->allocate(64).value();
  isthmus_chip_kernel_t* kernel = build(kProgram, "count").value();
  const isthmus_kernel_argument_t argument = {ISTHMUS_ARGUMENT_ADDRESS, 0, buffer.address(), nullptr};
  const uint32_t one[3] = {1, 1, 1};
  fake_cuda::fault_with(700);
  ASSERT_EQ(api().kernel_launch(kernel, one, one, &argument, 1, stream->handle()), ISTHMUS_OK);
  ASSERT_TRUE(event->record(*stream).ok());
  for (int i = 0; i < 2; ++i) {
    const Status lost = stream->wait();
    EXPECT_EQ(lost.code(), Code::kDeviceLost);
    EXPECT_NE(lost.message().find("a kernel faulted"), std::string::npos) << lost.message();
    EXPECT_EQ(event->wait().code(), Code::kDeviceLost);
    EXPECT_FALSE(event->done().ok());
    EXPECT_EQ(stream->fill(buffer.address(), 1, 1).code(), Code::kDeviceLost);
  }
  fake_cuda::fault_with(0);
  api().kernel_release(kernel);
}

}  // namespace
}  // namespace isthmus
