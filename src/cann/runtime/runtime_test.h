// SPDX-License-Identifier: Apache-2.0
// What tests of the runtime face share: each test runs on the CPU chip and, where there is one, on an OpenCL
// device.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "acl/acl.h"
#include "cann/runtime.h"

namespace isthmus::cann {

inline std::string message() {
  const char* text = aclGetRecentErrMsg();
  return text ? text : "";
}

#define EXPECT_CODE(call, code) EXPECT_EQ(call, code) << message()
#define ASSERT_OK(call) ASSERT_EQ(call, ACL_SUCCESS) << message()
#define EXPECT_OK(call) EXPECT_EQ(call, ACL_SUCCESS) << message()

inline std::vector<int32_t> test_devices() {
  uint32_t count = 0;
  (void)aclrtGetDeviceCount(&count);
  std::vector<int32_t> devices;
  for (uint32_t i = 0; i < count; ++i) devices.push_back(static_cast<int32_t>(i));
  return devices;
}

// Has device 0, 1, … current; ids of chips follow ISTHMUS_DEVICE, the CPU being first without it.
class OnDevice : public testing::TestWithParam<int32_t> {
 protected:
  void SetUp() override {
    const aclError code = aclInit(nullptr);
    ASSERT_TRUE(code == ACL_SUCCESS || code == ACL_ERROR_REPEAT_INITIALIZE) << message();
    ASSERT_OK(aclrtSetDevice(GetParam()));
  }
  void TearDown() override { EXPECT_OK(aclrtResetDevice(GetParam())); }

  static void* allocate(size_t bytes) {
    void* address = nullptr;
    EXPECT_OK(aclrtMalloc(&address, bytes, ACL_MEM_MALLOC_HUGE_FIRST));
    return address;
  }
  static std::vector<int32_t> read(const void* address, size_t count) {
    std::vector<int32_t> values(count);
    EXPECT_OK(aclrtMemcpy(values.data(), count * 4, address, count * 4, ACL_MEMCPY_DEVICE_TO_HOST));
    return values;
  }
};

// Whether operands of the current device may lie there.
inline Status check(const void* address, uint64_t bytes) {
  ASSIGN_OR_RETURN(const DevicePtr device, current_device());
  return check_device_memory(*device, reinterpret_cast<uint64_t>(address), bytes);
}

#define ISTHMUS_ON_DEVICES(name) \
  INSTANTIATE_TEST_SUITE_P(Device, name, testing::ValuesIn(test_devices()), testing::PrintToStringParamName())

}  // namespace isthmus::cann
