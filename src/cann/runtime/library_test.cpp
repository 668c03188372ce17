// SPDX-License-Identifier: Apache-2.0
// Beginning and end happen once in a process: each case runs in one of its own.
#include "cann/runtime/library.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "cann/runtime.h"
#include "cann/runtime/runtime_test.h"

namespace isthmus::cann {
namespace {

class Library : public testing::Test {
 protected:
  // Anew, not forked: other tests have begun the library and its threads.
  void SetUp() override { testing::FLAGS_gtest_death_test_style = "threadsafe"; }
  void TearDown() override { unsetenv("ISTHMUS_DEVICE"); }
  // For the new process, which reads it while it starts.
  static void choose(const char* devices) { setenv("ISTHMUS_DEVICE", devices, 1); }
};

// The test's own words end the process; it dies with 0 when everything in it was as expected.
#define EXPECT_IN_PROCESS(function)             \
  EXPECT_EXIT(                                  \
      {                                         \
        function();                             \
        std::exit(testing::Test::HasFailure()); \
      },                                        \
      testing::ExitedWithCode(0), "")

std::string write(const std::string& name, const std::string& text) {
  const std::string path = testing::TempDir() + name;
  std::ofstream(path) << text;
  return path;
}

void begin_and_end() {
  EXPECT_CODE(aclFinalize(), ACL_ERROR_UNINITIALIZE);
  EXPECT_CODE(aclrtSetDevice(0), ACL_ERROR_UNINITIALIZE);
  EXPECT_NE(message().find("aclInit"), std::string::npos);
  EXPECT_OK(aclInit(nullptr));
  EXPECT_OK(aclrtSetDevice(0));
  aclrtStream stream = nullptr;
  EXPECT_OK(aclrtCreateStream(&stream));
  void* memory = nullptr;
  EXPECT_OK(aclrtMalloc(&memory, 64, ACL_MEM_MALLOC_HUGE_FIRST));
  EXPECT_OK(aclrtMemsetAsync(memory, 64, 1, 64, stream));
  EXPECT_OK(aclFinalize());
  EXPECT_CODE(aclFinalize(), ACL_ERROR_REPEAT_FINALIZE);
  EXPECT_CODE(aclrtSynchronizeStream(stream), ACL_ERROR_RT_CONTEXT_NULL);
  EXPECT_CODE(aclrtMemsetAsync(memory, 64, 1, 64, stream), ACL_ERROR_RT_CONTEXT_NULL);
  EXPECT_CODE(aclrtSetDevice(0), ACL_ERROR_UNINITIALIZE);
  EXPECT_NE(message().find("aclFinalize"), std::string::npos);
  EXPECT_OK(aclrtFree(memory));
  EXPECT_OK(aclrtDestroyStream(stream));
}
TEST_F(Library, BeginsAndEndsOnce) { EXPECT_IN_PROCESS(begin_and_end); }

void configurations() {
  EXPECT_CODE(aclInit("no/such/file.json"), ACL_ERROR_INVALID_FILE);
  EXPECT_NE(message().find("no/such/file.json"), std::string::npos);
  EXPECT_CODE(aclInit(testing::TempDir().c_str()), ACL_ERROR_INVALID_FILE);
  const std::string pipe = testing::TempDir() + "isthmus_cann_pipe_" + std::to_string(getpid());
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_CODE(aclInit(pipe.c_str()), ACL_ERROR_INVALID_FILE);  // it would wait for a writer
  unlink(pipe.c_str());
  EXPECT_CODE(aclInit(write("bad.json", "{\"dump\": ").c_str()), ACL_ERROR_PARSE_FILE);
  EXPECT_CODE(aclInit(write("list.json", "[1, 2]").c_str()), ACL_ERROR_PARSE_FILE);
  EXPECT_NE(message().find("array"), std::string::npos);
  EXPECT_OK(aclInit(write("good.json", "{\"dump\": {\"dump_scene\": \"lite_exception\"}}").c_str()));
  EXPECT_CODE(aclInit(nullptr), ACL_ERROR_REPEAT_INITIALIZE);
}
TEST_F(Library, ReadsItsConfiguration) { EXPECT_IN_PROCESS(configurations); }

void chosen_devices() {
  uint32_t count = 0;
  EXPECT_OK(aclrtGetDeviceCount(&count));
  EXPECT_EQ(count, 3u);
  EXPECT_OK(aclInit(nullptr));
  EXPECT_OK(aclrtSetDevice(2));
}
TEST_F(Library, ShowsTheDevicesChosen) {
  choose("cpu:0,cpu,cpu");
  EXPECT_IN_PROCESS(chosen_devices);
}

void wrong_device() {
  EXPECT_OK(aclInit(nullptr));
  EXPECT_OK(aclrtSetDevice(0));
  EXPECT_CODE(aclrtSetDevice(1), ACL_ERROR_RT_INVALID_DEVICEID);
  EXPECT_NE(message().find("nonesuch"), std::string::npos);
}
TEST_F(Library, SaysWhichDeviceIsWrong) {
  choose("cpu,nonesuch:0");
  EXPECT_IN_PROCESS(wrong_device);
}

void summary() {
  EXPECT_OK(aclInit(nullptr));
  EXPECT_OK(aclrtSetDevice(0));
  EXPECT_EQ(run_summary(), "");
  count_operator(false);
  count_operator(true);
  const std::string text = run_summary();
  EXPECT_EQ(text.find("isthmus: cpu:0 ("), 0u) << text;
  EXPECT_NE(text.find("ran 2 operators; 1 fell back"), std::string::npos) << text;
}
TEST_F(Library, TellsWhatRanWhere) {
  choose("cpu");
  EXPECT_EXIT(
      {
        summary();
        std::exit(testing::Test::HasFailure());
      },
      testing::ExitedWithCode(0), "ran 2 operators");
}

TEST_F(Library, HasAName) {
  EXPECT_STREQ(aclrtGetSocName(), "Ascend910B3");
  EXPECT_EQ(aclFloat16ToFloat(aclFloatToFloat16(1.5f)), 1.5f);
  EXPECT_EQ(aclDataTypeSize(ACL_BF16), 2u);
  EXPECT_EQ(aclDataTypeSize(ACL_INT4), 0u);
  int32_t major = 0, minor = 0, patch = 0;
  EXPECT_OK(aclrtGetVersion(&major, &minor, &patch));
  EXPECT_EQ(major, ACL_MAJOR_VERSION);
  EXPECT_CODE(aclrtGetVersion(nullptr, &minor, &patch), ACL_ERROR_INVALID_PARAM);
}

}  // namespace
}  // namespace isthmus::cann
