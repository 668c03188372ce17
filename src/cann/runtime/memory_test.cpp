// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <numeric>

#include "cann/runtime.h"
#include "cann/runtime/runtime_test.h"

namespace isthmus::cann {
namespace {

class MemoryOf : public OnDevice {};

TEST_P(MemoryOf, IsCopiedAndFilled) {
  constexpr size_t kCount = 1000, kBytes = kCount * 4;
  void* const a = allocate(kBytes);
  void* const b = allocate(kBytes);
  std::vector<int32_t> values(kCount);
  std::iota(values.begin(), values.end(), 7);
  ASSERT_OK(aclrtMemcpy(a, kBytes, values.data(), kBytes, ACL_MEMCPY_HOST_TO_DEVICE));
  ASSERT_OK(aclrtMemcpy(b, kBytes, a, kBytes, ACL_MEMCPY_DEVICE_TO_DEVICE));
  EXPECT_EQ(read(b, kCount), values);
  ASSERT_OK(aclrtMemset(b, kBytes, 0, 8));
  values[0] = values[1] = 0;
  EXPECT_EQ(read(b, kCount), values);
  EXPECT_EQ(read(static_cast<char*>(b) + 400, 3), std::vector<int32_t>({107, 108, 109}));
  std::vector<int32_t> by_default(kCount);
  ASSERT_OK(aclrtMemcpy(by_default.data(), kBytes, b, kBytes, ACL_MEMCPY_DEFAULT));
  EXPECT_EQ(by_default, values);
  EXPECT_OK(aclrtFree(a));
  EXPECT_OK(aclrtFree(b));
}

TEST_P(MemoryOf, IsCopiedInAStreamsOrder) {
  constexpr size_t kCount = 5000, kBytes = kCount * 4;
  void* const a = allocate(kBytes);
  aclrtStream stream = nullptr;
  ASSERT_OK(aclrtCreateStream(&stream));
  std::vector<int32_t> back(kCount);
  {
    // Gone before the copy is done: plain host memory is read by the call.
    std::vector<int32_t> values(kCount, 5);
    ASSERT_OK(aclrtMemcpyAsync(a, kBytes, values.data(), kBytes, ACL_MEMCPY_HOST_TO_DEVICE, stream));
    std::fill(values.begin(), values.end(), 6);
  }
  ASSERT_OK(aclrtMemsetAsync(a, kBytes, 1, 4, stream));
  ASSERT_OK(aclrtMemcpyAsync(back.data(), kBytes, a, kBytes, ACL_MEMCPY_DEVICE_TO_HOST, stream));
  ASSERT_OK(aclrtSynchronizeStream(stream));
  EXPECT_EQ(back[0], 0x01010101);
  EXPECT_EQ(back[1], 5);
  EXPECT_EQ(back.back(), 5);
  EXPECT_OK(aclrtDestroyStream(stream));
  EXPECT_OK(aclrtFree(a));
}

TEST_P(MemoryOf, IsCopiedInRows) {
  void* const a = allocate(6 * 16);
  const std::vector<int32_t> rows = {1, 2, 3, 4, 5, 6};  // three of two numbers
  ASSERT_OK(aclrtMemset(a, 96, 0, 96));
  ASSERT_OK(aclrtMemcpy2d(a, 16, rows.data(), 8, 8, 3, ACL_MEMCPY_HOST_TO_DEVICE));
  EXPECT_EQ(read(a, 12), std::vector<int32_t>({1, 2, 0, 0, 3, 4, 0, 0, 5, 6, 0, 0}));
  std::vector<int32_t> back(6);
  ASSERT_OK(aclrtMemcpy2dAsync(back.data(), 8, a, 16, 8, 3, ACL_MEMCPY_DEVICE_TO_HOST, nullptr));
  ASSERT_OK(aclrtSynchronizeStream(nullptr));
  EXPECT_EQ(back, rows);
  EXPECT_CODE(aclrtMemcpy2d(a, 4, rows.data(), 8, 8, 3, ACL_MEMCPY_HOST_TO_DEVICE),
              ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_CODE(aclrtMemcpy2d(a, SIZE_MAX / 2, rows.data(), 8, 8, 9, ACL_MEMCPY_HOST_TO_DEVICE),
              ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_CODE(aclrtMemcpy2d(a, 48, rows.data(), 8, 8, 3, ACL_MEMCPY_HOST_TO_DEVICE),
              ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_OK(aclrtFree(a));
}

TEST_P(MemoryOf, IsGivenOutCounted) {
  size_t free_before = 0, total = 0, free_now = 0;
  ASSERT_OK(aclrtGetMemInfo(ACL_HBM_MEM, &free_before, &total));
  void* const a = allocate(1 << 20);
  ASSERT_OK(aclrtGetMemInfo(ACL_HBM_MEM, &free_now, &total));
  EXPECT_EQ(free_before - free_now, size_t{1} << 20);
  aclrtPtrAttributes attributes;
  ASSERT_OK(aclrtPointerGetAttributes(static_cast<char*>(a) + 5, &attributes));
  EXPECT_EQ(attributes.location.type, ACL_MEM_LOCATION_TYPE_DEVICE);
  EXPECT_EQ(attributes.location.id, static_cast<uint32_t>(GetParam()));
  EXPECT_OK(aclrtFree(a));
  void* host = nullptr;
  ASSERT_OK(aclrtMallocHost(&host, 100));
  std::memset(host, 1, 100);
  ASSERT_OK(aclrtPointerGetAttributes(host, &attributes));
  EXPECT_EQ(attributes.location.type, ACL_MEM_LOCATION_TYPE_HOST);
  EXPECT_OK(aclrtFreeHost(host));
  ASSERT_OK(aclrtPointerGetAttributes(&total, &attributes));
  EXPECT_EQ(attributes.location.type, ACL_MEM_LOCATION_TYPE_UNREGISTERED);
}

TEST_P(MemoryOf, IsCheckedAtEachUse) {
  void* const a = allocate(100);
  int32_t host[64] = {};
  EXPECT_CODE(aclrtMemcpy(a, 99, host, 100, ACL_MEMCPY_HOST_TO_DEVICE), ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_NE(message().find("do not fit"), std::string::npos);
  EXPECT_CODE(aclrtMemcpy(a, 200, host, 104, ACL_MEMCPY_HOST_TO_DEVICE), ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_NE(message().find("past their allocation"), std::string::npos);
  EXPECT_CODE(aclrtMemcpy(nullptr, 4, host, 4, ACL_MEMCPY_HOST_TO_DEVICE), ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_CODE(aclrtMemcpy(host, 4, host + 1, 4, ACL_MEMCPY_DEVICE_TO_HOST), ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_CODE(aclrtMemcpy(a, 4, host, 4, static_cast<aclrtMemcpyKind>(-1)), ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_CODE(aclrtMemset(host, 64, 0, 64), ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_CODE(aclrtMemset(a, 64, 0, 65), ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_TRUE(check(a, 100).ok());
  EXPECT_TRUE(check(static_cast<char*>(a) + 60, 40).ok());
  // What lies behind it in its pages belongs to nobody else.
  EXPECT_TRUE(check(static_cast<char*>(a) + 60, 41).ok());
  EXPECT_FALSE(check(static_cast<char*>(a) + 60, 4 << 20).ok());
  EXPECT_FALSE(check(static_cast<char*>(a) - 4, 8).ok());
  EXPECT_FALSE(check(host, 4).ok());
  EXPECT_CODE(aclrtFree(static_cast<char*>(a) + 4), ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_CODE(aclrtFreeHost(a), ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_OK(aclrtFree(a));
  EXPECT_FALSE(check(a, 100).ok());
  EXPECT_CODE(aclrtFree(a), ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_CODE(aclrtFree(nullptr), ACL_ERROR_INVALID_PARAM);
  EXPECT_CODE(aclrtMemcpy(a, 4, host, 4, ACL_MEMCPY_HOST_TO_DEVICE), ACL_ERROR_RT_PARAM_INVALID);
  void* none = nullptr;
  EXPECT_CODE(aclrtMalloc(&none, 0, ACL_MEM_MALLOC_HUGE_FIRST), ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_CODE(aclrtMalloc(&none, SIZE_MAX, ACL_MEM_MALLOC_HUGE_FIRST), ACL_ERROR_RT_MEMORY_ALLOCATION);
  EXPECT_CODE(aclrtMalloc(nullptr, 4, ACL_MEM_MALLOC_HUGE_FIRST), ACL_ERROR_INVALID_PARAM);
}

// Of 100 of four bytes each, huge pages would be 200 MiB.
TEST_P(MemoryOf, OfSmallAllocationsIsSmall) {
  const auto resident = [] {
    uint64_t size = 0, pages = 0;
    std::ifstream("/proc/self/statm") >> size >> pages;
    return pages * static_cast<uint64_t>(getpagesize());
  };
  const int32_t value = 1;
  std::vector<void*> small(100);
  const uint64_t before = resident();
  for (void*& memory : small) {
    memory = allocate(4);
    ASSERT_OK(aclrtMemcpy(memory, 4, &value, 4, ACL_MEMCPY_HOST_TO_DEVICE));
  }
  EXPECT_LT(resident(), before + (uint64_t{100} << 20));
  for (void* const memory : small) EXPECT_OK(aclrtFree(memory));
}

TEST_P(MemoryOf, GoesToOtherDevices) {
  void* const here = allocate(16);
  const int32_t four[4] = {1, 2, 3, 4};
  ASSERT_OK(aclrtMemcpy(here, 16, four, 16, ACL_MEMCPY_HOST_TO_DEVICE));
  for (const int32_t peer : test_devices()) {
    int32_t can = -1;
    ASSERT_OK(aclrtDeviceCanAccessPeer(&can, GetParam(), peer));
    EXPECT_EQ(can, peer != GetParam());
    ASSERT_OK(aclrtDeviceEnablePeerAccess(peer, 0));
    ASSERT_OK(aclrtSetDevice(peer));
    void* const there = allocate(16);
    ASSERT_OK(aclrtMemcpyAsync(there, 16, here, 16, ACL_MEMCPY_DEVICE_TO_DEVICE, nullptr));
    ASSERT_OK(aclrtSynchronizeStream(nullptr));
    EXPECT_EQ(read(there, 4), std::vector<int32_t>(four, four + 4));
    EXPECT_OK(aclrtFree(there));
    ASSERT_OK(aclrtResetDevice(peer));
    ASSERT_OK(aclrtSetDevice(GetParam()));
    ASSERT_OK(aclrtResetDevice(GetParam()));
  }
  EXPECT_OK(aclrtFree(here));
}

ISTHMUS_ON_DEVICES(MemoryOf);

}  // namespace
}  // namespace isthmus::cann
