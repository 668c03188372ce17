// SPDX-License-Identifier: Apache-2.0
#include "cann/runtime.h"
#include "cann/runtime/runtime_test.h"

namespace isthmus::cann {
namespace {

class VirtualMemory : public OnDevice {
 protected:
  void SetUp() override {
    OnDevice::SetUp();
    prop_.location = {static_cast<uint32_t>(GetParam()), ACL_MEM_LOCATION_TYPE_DEVICE};
    prop_.memAttr = ACL_HBM_MEM_HUGE;
    const aclError code =
        aclrtMemGetAllocationGranularity(&prop_, ACL_RT_MEM_ALLOC_GRANULARITY_RECOMMENDED, &piece_);
    if (code == ACL_ERROR_RT_FEATURE_NOT_SUPPORT) {
      aclrtDrvMemHandle handle = nullptr;
      EXPECT_CODE(aclrtMallocPhysical(&handle, 2 << 20, &prop_, 0), ACL_ERROR_RT_FEATURE_NOT_SUPPORT);
      EXPECT_NE(message().find("cannot touch"), std::string::npos);
      GTEST_SKIP() << "the host cannot touch this device's memory";
    }
    ASSERT_OK(code);
  }
  aclrtPhysicalMemProp prop_ = {};
  size_t piece_ = 0;
};

TEST_P(VirtualMemory, GrowsPieceByPiece) {
  void* base = nullptr;
  ASSERT_OK(aclrtReserveMemAddress(&base, 64 * piece_, 0, nullptr, 1));
  char* const bytes = static_cast<char*>(base);
  int32_t value = 5;
  EXPECT_CODE(aclrtMemcpy(base, 4, &value, 4, ACL_MEMCPY_HOST_TO_DEVICE), ACL_ERROR_RT_PARAM_INVALID);
  std::vector<aclrtDrvMemHandle> handles(2);
  for (size_t i = 0; i < 2; ++i) {
    ASSERT_OK(aclrtMallocPhysical(&handles[i], piece_, &prop_, 0));
    ASSERT_OK(aclrtMapMem(bytes + i * piece_, piece_, 0, handles[i], 0));
  }
  aclrtDrvMemHandle none = nullptr;
  EXPECT_CODE(aclrtMallocPhysical(&none, size_t{1} << 46, &prop_, 0), ACL_ERROR_RT_MEMORY_ALLOCATION);
  EXPECT_CODE(aclrtMapMem(bytes, piece_, 0, handles[0], 0), ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_CODE(aclrtMapMem(bytes + 63 * piece_, 2 * piece_, 0, handles[0], 0), ACL_ERROR_RT_PARAM_INVALID);
  // One stretch, across the pieces.
  const std::vector<int32_t> four = {1, 2, 3, 4};
  char* const middle = bytes + piece_ - 8;
  EXPECT_TRUE(check(middle, 16).ok());
  ASSERT_OK(aclrtMemcpy(middle, 16, four.data(), 16, ACL_MEMCPY_HOST_TO_DEVICE));
  EXPECT_EQ(read(middle, 4), four);
  EXPECT_CODE(aclrtMemset(bytes, 4 * piece_, 0, 2 * piece_ + 1), ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_CODE(aclrtReleaseMemAddress(base), ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_CODE(aclrtFree(base), ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_CODE(aclrtUnmapMem(bytes + 4096), ACL_ERROR_RT_PARAM_INVALID);
  // What is mapped outlives its handle; mapped again elsewhere the bytes are the same.
  ASSERT_OK(aclrtMapMem(bytes + 8 * piece_, piece_, 0, handles[1], 0));
  EXPECT_EQ(read(bytes + 8 * piece_, 2), std::vector<int32_t>({3, 4}));
  for (const aclrtDrvMemHandle handle : handles) ASSERT_OK(aclrtFreePhysical(handle));
  EXPECT_CODE(aclrtFreePhysical(handles[0]), ACL_ERROR_RT_INVALID_HANDLE);
  EXPECT_EQ(read(middle, 4), four);
  for (const size_t i : {0, 1, 8}) ASSERT_OK(aclrtUnmapMem(bytes + i * piece_));
  EXPECT_CODE(aclrtUnmapMem(bytes), ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_FALSE(check(middle, 16).ok());
  ASSERT_OK(aclrtReleaseMemAddress(base));
  EXPECT_CODE(aclrtReleaseMemAddress(base), ACL_ERROR_RT_PARAM_INVALID);
}

ISTHMUS_ON_DEVICES(VirtualMemory);

}  // namespace
}  // namespace isthmus::cann
