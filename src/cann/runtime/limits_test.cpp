// SPDX-License-Identifier: Apache-2.0
// Batches of copies, registered host memory, limits, and what is answered with a code alone.
#include "acl/acl_prof.h"
#include "cann/runtime/runtime_test.h"

namespace isthmus::cann {
namespace {

class Limits : public OnDevice {};

TEST_P(Limits, BatchesOfCopies) {
  void *const a = allocate(16), *const b = allocate(16);
  int32_t in[] = {1, 2, 3, 4}, out[4] = {};
  void *dsts[] = {a, static_cast<char*>(b) + 8, b}, *srcs[] = {in, in, in + 2};
  size_t capacities[] = {16, 8, 8}, sizes[] = {16, 8, 8}, failed = 0;
  ASSERT_OK(aclrtMemcpyBatch(dsts, capacities, srcs, sizes, 3, nullptr, nullptr, 0, &failed));
  EXPECT_EQ(failed, SIZE_MAX);
  EXPECT_EQ(read(a, 4), (std::vector<int32_t>{1, 2, 3, 4}));
  EXPECT_EQ(read(b, 4), (std::vector<int32_t>{3, 4, 1, 2}));
  void *back[] = {out, a}, *from[] = {b, b};
  size_t bytes[] = {16, 16};
  ASSERT_OK(aclrtMemcpyBatchAsync(back, bytes, from, bytes, 2, nullptr, nullptr, 0, &failed, nullptr));
  ASSERT_OK(aclrtSynchronizeStream(nullptr));
  EXPECT_EQ(std::vector<int32_t>(out, out + 4), (std::vector<int32_t>{3, 4, 1, 2}));
  EXPECT_EQ(read(a, 4), (std::vector<int32_t>{3, 4, 1, 2}));
  // The one that is wrong is told, and none is made.
  capacities[1] = 4;
  EXPECT_OK(aclrtMemset(a, 16, 0, 16));
  EXPECT_CODE(aclrtMemcpyBatch(dsts, capacities, srcs, sizes, 3, nullptr, nullptr, 0, &failed),
              ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_EQ(failed, 1u);
  EXPECT_EQ(message().find("aclrtMemcpyBatch: copy 1: "), 0u);
  EXPECT_EQ(read(a, 1), std::vector<int32_t>{0});
  EXPECT_CODE(aclrtMemcpyBatch(nullptr, bytes, from, bytes, 2, nullptr, nullptr, 0, nullptr),
              ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_CODE(aclrtMemcpyBatch(back, bytes, from, bytes, SIZE_MAX, nullptr, nullptr, 0, nullptr),
              ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_CODE(aclrtMemcpyBatchAsync(back, bytes, from, bytes, 2, nullptr, nullptr, 0, nullptr, a),
              ACL_ERROR_RT_INVALID_HANDLE);
  EXPECT_OK(aclrtFree(a));
  EXPECT_OK(aclrtFree(b));
}

TEST_P(Limits, RegisteredHostMemory) {
  alignas(64) static int32_t own[64] = {7};
  void* address = nullptr;
  const aclError code = aclrtHostRegister(own, sizeof own, ACL_HOST_REGISTER_MAPPED, &address);
  if (code == ACL_ERROR_RT_FEATURE_NOT_SUPPORT) {
    EXPECT_NE(message().find("copy it"), std::string::npos);
    return;
  }
  ASSERT_OK(code);
  EXPECT_EQ(address, own);
  EXPECT_TRUE(check(own, sizeof own).ok());
  EXPECT_FALSE(check(own, sizeof own + 4).ok());
  EXPECT_OK(aclrtMemsetAsync(own, sizeof own, 1, 4, nullptr));
  EXPECT_OK(aclrtSynchronizeStream(nullptr));
  EXPECT_EQ(own[0], 0x01010101);
  EXPECT_CODE(aclrtHostRegister(own + 1, 4, ACL_HOST_REGISTER_MAPPED, &address), ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_NE(message().find("registered already"), std::string::npos);
  EXPECT_CODE(aclrtHostUnregister(own + 1), ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_OK(aclrtHostUnregister(own));
  EXPECT_CODE(aclrtHostUnregister(own), ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_CODE(aclrtHostUnregister(nullptr), ACL_ERROR_INVALID_PARAM);
  EXPECT_FALSE(check(own, 4).ok());
  EXPECT_CODE(aclrtHostRegister(own, SIZE_MAX, ACL_HOST_REGISTER_MAPPED, &address),
              ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_CODE(aclrtHostRegister(own, 0, ACL_HOST_REGISTER_MAPPED, &address), ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_CODE(aclrtHostRegister(own, 4, ACL_HOST_REGISTER_MAPPED, nullptr), ACL_ERROR_INVALID_PARAM);
  EXPECT_CODE(aclrtHostRegister(own, 4, static_cast<aclrtHostRegisterType>(9), &address),
              ACL_ERROR_RT_PARAM_INVALID);
  // Of host memory that was given out here: it is not freed before it is unregistered.
  void* host = nullptr;
  ASSERT_OK(aclrtMallocHost(&host, 64));
  ASSERT_OK(aclrtHostRegisterV2(host, 64, 0));
  EXPECT_CODE(aclrtFreeHost(host), ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_NE(message().find("aclrtHostUnregister"), std::string::npos);
  EXPECT_OK(aclrtHostUnregister(host));
  EXPECT_OK(aclrtFreeHost(host));
}

TEST_P(Limits, LimitsAndStates) {
  uint32_t cores = 0, flags = 9;
  EXPECT_OK(aclrtGetDeviceResLimit(GetParam(), ACL_RT_DEV_RES_CUBE_CORE, &cores));
  EXPECT_GT(cores, 0u);
  EXPECT_OK(aclrtGetStreamResLimit(nullptr, ACL_RT_DEV_RES_VECTOR_CORE, &cores));
  EXPECT_OK(aclrtGetResInCurrentThread(ACL_RT_DEV_RES_VECTOR_CORE, &cores));
  EXPECT_OK(aclrtResetDeviceResLimit(GetParam()));
  EXPECT_OK(aclrtResetStreamResLimit(nullptr));
  EXPECT_OK(aclrtUseStreamResInCurrentThread(nullptr));
  EXPECT_OK(aclrtUnuseStreamResInCurrentThread(nullptr));
  EXPECT_CODE(aclrtGetDeviceResLimit(99, ACL_RT_DEV_RES_CUBE_CORE, &cores), ACL_ERROR_RT_INVALID_DEVICEID);
  EXPECT_CODE(aclrtGetDeviceResLimit(GetParam(), static_cast<aclrtDevResLimitType>(5), &cores),
              ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_CODE(aclrtGetDeviceResLimit(GetParam(), ACL_RT_DEV_RES_CUBE_CORE, nullptr), ACL_ERROR_INVALID_PARAM);
  EXPECT_CODE(aclrtSetDeviceResLimit(GetParam(), ACL_RT_DEV_RES_CUBE_CORE, 1),
              ACL_ERROR_RT_FEATURE_NOT_SUPPORT);
  EXPECT_CODE(aclrtSetStreamResLimit(nullptr, ACL_RT_DEV_RES_CUBE_CORE, 1), ACL_ERROR_RT_FEATURE_NOT_SUPPORT);
  uint64_t actual = 0;
  EXPECT_OK(aclrtSetOpExecuteTimeOutV2(1234, &actual));
  EXPECT_EQ(actual, 1234u);
  int32_t active = -1, logic = -1;
  EXPECT_OK(aclrtGetPrimaryCtxState(GetParam(), &flags, &active));
  EXPECT_EQ(active, 1);
  EXPECT_EQ(flags, 0u);
  EXPECT_CODE(aclrtGetPrimaryCtxState(-1, &flags, &active), ACL_ERROR_RT_INVALID_DEVICEID);
  EXPECT_OK(aclrtGetLogicDevIdByUserDevId(GetParam(), &logic));
  EXPECT_EQ(logic, GetParam());
}

TEST_P(Limits, OverflowsAreNotWatched) {
  void* const status = allocate(64);
  EXPECT_OK(aclrtMemset(status, 64, 1, 64));
  EXPECT_OK(aclrtGetOverflowStatus(status, 64, nullptr));
  EXPECT_OK(aclrtResetOverflowStatus(nullptr));
  EXPECT_OK(aclrtSynchronizeStream(nullptr));
  EXPECT_EQ(read(status, 16), std::vector<int32_t>(16));
  EXPECT_CODE(aclrtGetOverflowStatus(nullptr, 64, nullptr), ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_EQ(message().find("aclrtGetOverflowStatus:"), 0u);
  EXPECT_CODE(aclrtResetOverflowStatus(status), ACL_ERROR_RT_INVALID_HANDLE);
  EXPECT_OK(aclrtFree(status));
}

TEST_P(Limits, ProfilersAndOtherProcessesAreNotThere) {
  EXPECT_CODE(aclprofInit("", 0), ACL_ERROR_PROF_MODULES_UNSUPPORTED);
  EXPECT_EQ(message().find("aclprofInit:"), 0u);
  EXPECT_EQ(aclprofCreateConfig(nullptr, 0, ACL_AICORE_NONE, nullptr, 0), nullptr);
  EXPECT_EQ(message().find("aclprofCreateConfig:"), 0u);
  EXPECT_EQ(aclprofCreateStepInfo(), nullptr);
  EXPECT_EQ(aclprofCreateStamp(), nullptr);
  for (const aclError code :
       {aclprofFinalize(), aclprofStart(nullptr), aclprofStop(nullptr), aclprofDestroyConfig(nullptr),
        aclprofGetStepTimestamp(nullptr, ACL_STEP_START, nullptr), aclprofMark(nullptr), aclprofPush(nullptr),
        aclprofPop(), aclprofSetStampTraceMessage(nullptr, "", 0), aclprofRangeStart(nullptr, nullptr),
        aclprofRangeStop(0)})
    EXPECT_EQ(code, ACL_ERROR_PROF_MODULES_UNSUPPORTED);
  void* address = nullptr;
  char key[64] = {};
  EXPECT_CODE(aclrtIpcMemGetExportKey(nullptr, 0, key, 64, 0), ACL_ERROR_RT_FEATURE_NOT_SUPPORT);
  EXPECT_CODE(aclrtIpcMemSetImportPid(key, nullptr, 0), ACL_ERROR_RT_FEATURE_NOT_SUPPORT);
  EXPECT_CODE(aclrtIpcMemImportByKey(&address, key, 0), ACL_ERROR_RT_FEATURE_NOT_SUPPORT);
  EXPECT_CODE(aclrtIpcMemClose(key), ACL_ERROR_RT_FEATURE_NOT_SUPPORT);
  EXPECT_NE(message().find("other processes"), std::string::npos);
  EXPECT_CODE(aclrtMallocHostWithCfg(&address, 64, nullptr), ACL_ERROR_RT_FEATURE_NOT_SUPPORT);
  EXPECT_NE(message().find("aclrtMallocHost"), std::string::npos);
}

ISTHMUS_ON_DEVICES(Limits);

}  // namespace
}  // namespace isthmus::cann
