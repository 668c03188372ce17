// SPDX-License-Identifier: Apache-2.0
#include <thread>

#include "cann/runtime.h"
#include "cann/runtime/runtime_test.h"

namespace isthmus::cann {
namespace {

class Contexts : public OnDevice {};

TEST_P(Contexts, AreOfTheirThread) {
  ASSERT_TRUE(current_device().ok());
  std::thread([] {
    int32_t device = 7;
    EXPECT_CODE(aclrtGetDevice(&device), ACL_ERROR_RT_CONTEXT_NULL);
    EXPECT_CODE(aclrtSynchronizeStream(nullptr), ACL_ERROR_RT_CONTEXT_NULL);
    EXPECT_NE(message().find("aclrtSetDevice"), std::string::npos);
    void* memory = nullptr;
    EXPECT_CODE(aclrtMalloc(&memory, 64, ACL_MEM_MALLOC_HUGE_FIRST), ACL_ERROR_RT_CONTEXT_NULL);
    EXPECT_OK(aclrtSetDevice(GetParam()));
    EXPECT_OK(aclrtGetDevice(&device));
    EXPECT_EQ(device, GetParam());
    EXPECT_OK(aclrtResetDevice(GetParam()));
  }).join();
}

TEST_P(Contexts, StreamsOfAResetDeviceAreDead) {
  aclrtStream stream = nullptr;
  ASSERT_OK(aclrtCreateStream(&stream));
  EXPECT_OK(aclrtSynchronizeStream(stream));
  ASSERT_OK(aclrtResetDevice(GetParam()));
  EXPECT_CODE(aclrtSynchronizeStream(stream), ACL_ERROR_RT_INVALID_HANDLE);  // in a context made anew
  ASSERT_OK(aclrtSetDevice(GetParam()));
  EXPECT_CODE(aclrtSynchronizeStream(stream), ACL_ERROR_RT_INVALID_HANDLE);
  EXPECT_OK(aclrtDestroyStream(stream));
  EXPECT_CODE(aclrtDestroyStream(stream), ACL_ERROR_RT_INVALID_HANDLE);
  EXPECT_NE(message().find("destroyed before"), std::string::npos);
  EXPECT_CODE(aclrtDestroyStream(nullptr), ACL_ERROR_INVALID_PARAM);
}

TEST_P(Contexts, CountSetDevice) {
  aclrtContext context = nullptr, again = nullptr;
  ASSERT_OK(aclrtGetCurrentContext(&context));
  ASSERT_OK(aclrtSetDevice(GetParam()));
  ASSERT_OK(aclrtResetDevice(GetParam()));
  ASSERT_OK(aclrtGetCurrentContext(&again));
  EXPECT_EQ(again, context);
  ASSERT_OK(aclrtResetDeviceForce(GetParam()));
  EXPECT_CODE(aclrtSetCurrentContext(context), ACL_ERROR_RT_INVALID_HANDLE);
  ASSERT_OK(aclrtSetDevice(GetParam()));
}

TEST_P(Contexts, AreMadeAndDestroyed) {
  aclrtContext first = nullptr, made = nullptr, now = nullptr;
  ASSERT_OK(aclrtGetCurrentContext(&first));
  EXPECT_CODE(aclrtDestroyContext(first), ACL_ERROR_RT_PARAM_INVALID);
  ASSERT_OK(aclrtCreateContext(&made, GetParam()));
  ASSERT_OK(aclrtGetCurrentContext(&now));
  EXPECT_EQ(now, made);
  aclrtStream stream = nullptr;
  ASSERT_OK(aclrtCreateStream(&stream));
  ASSERT_OK(aclrtSetCurrentContext(first));
  ASSERT_OK(aclrtDestroyContext(made));
  EXPECT_CODE(aclrtDestroyContext(made), ACL_ERROR_RT_INVALID_HANDLE);
  EXPECT_CODE(aclrtSetCurrentContext(made), ACL_ERROR_RT_INVALID_HANDLE);
  EXPECT_CODE(aclrtSetCurrentContext(stream), ACL_ERROR_RT_INVALID_HANDLE);  // another kind
  EXPECT_CODE(aclrtSynchronizeStream(stream), ACL_ERROR_RT_INVALID_HANDLE);
  EXPECT_OK(aclrtDestroyStream(stream));
}

TEST(Devices, ThatDoNotExist) {
  (void)aclInit(nullptr);
  EXPECT_CODE(aclInit(nullptr), ACL_ERROR_REPEAT_INITIALIZE);
  EXPECT_CODE(aclrtSetDevice(1000), ACL_ERROR_RT_INVALID_DEVICEID);
  EXPECT_CODE(aclrtSetDevice(-1), ACL_ERROR_RT_INVALID_DEVICEID);
  EXPECT_CODE(aclrtResetDevice(1000), ACL_ERROR_RT_INVALID_DEVICEID);
  EXPECT_CODE(aclrtGetDeviceCount(nullptr), ACL_ERROR_INVALID_PARAM);
}

ISTHMUS_ON_DEVICES(Contexts);

}  // namespace
}  // namespace isthmus::cann
