// SPDX-License-Identifier: Apache-2.0
// What programs do wrong, item by item: each gets the documented code and a sentence that names the function
// and says what is the matter.
#include <functional>
#include <iostream>
#include <thread>

#include "aclnnop/aclnn_add.h"
#include "aclnnop/aclnn_cat.h"
#include "aclnnop/aclnn_exp.h"
#include "aclnnop/aclnn_matmul.h"
#include "aclnnop/aclnn_mul.h"
#include "aclnnop/aclnn_topk.h"
#include "cann/aclnn/test_kit.h"
#include "cann/error.h"

namespace isthmus::cann {
namespace {

using namespace test;

// The call fails with the code, and the sentence begins with the function and has the words in it.
void expect_refused(const char* function, int code, int expected, std::initializer_list<const char*> words) {
  const std::string sentence = message();
  EXPECT_EQ(code, expected) << function << ": " << sentence;
  EXPECT_EQ(sentence.find(std::string(function) + ":"), 0u) << function << ": " << sentence;
  for (const char* word : words)
    EXPECT_NE(sentence.find(word), std::string::npos) << word << ": " << sentence;
  EXPECT_EQ(aclGetRecentErrMsg(), nullptr);  // it is told once
}
#define EXPECT_REFUSED(FUNCTION, EXPECTED, ARGUMENTS, ...) \
  expect_refused(#FUNCTION, FUNCTION ARGUMENTS, EXPECTED, {__VA_ARGS__})

struct Use {
  const char* function;
  std::function<int(void*)> call;
};
#define USE(FUNCTION, ...)                                    \
  Use {                                                       \
    #FUNCTION, [&](void* h) { return FUNCTION(__VA_ARGS__); } \
  }

class Misuse : public OnDevice {
 protected:
  // Each use with a handle that is null (`null` says whether that is refused), a number that is no handle, an
  // address, an object of another kind, and one that was destroyed.
  void refuse_all(const std::vector<Use>& uses, bool null, void* other_kind, void* destroyed, int null_code,
                  int wrong_code) {
    int local = 0;
    for (const Use& use : uses) {
      if (null) expect_refused(use.function, use.call(nullptr), null_code, {"null"});
      for (void* const wrong : {reinterpret_cast<void*>(uint64_t{42}), static_cast<void*>(&local)})
        expect_refused(use.function, use.call(wrong), wrong_code, {"is no "});
      expect_refused(use.function, use.call(other_kind), wrong_code, {"but another kind of object"});
      expect_refused(use.function, use.call(destroyed), wrong_code, {"was destroyed before"});
    }
  }

  void* event() {
    aclrtEvent event = nullptr;
    EXPECT_EQ(aclrtCreateEvent(&event), 0);
    return event;
  }
  void* stream() {
    aclrtStream stream = nullptr;
    EXPECT_EQ(aclrtCreateStream(&stream), 0);
    return stream;
  }
  static void nothing(void*) {}
};

TEST_F(Misuse, WrongStreams) {
  void *const e = event(), *const old = stream();
  ASSERT_EQ(aclrtDestroyStream(old), 0);
  Memory memory(64);
  char host[64] = {};
  aclrtStreamStatus status;
  int32_t id = 0;
  uint32_t flag = 0;
  void* ri = nullptr;
  const std::vector<Use> optional = {
      USE(aclrtSynchronizeStream, h),
      USE(aclrtSynchronizeStreamWithTimeout, h, 10),
      USE(aclrtStreamQuery, h, &status),
      USE(aclrtStreamGetId, h, &id),
      USE(aclrtRecordEvent, e, h),
      USE(aclrtStreamWaitEvent, h, e),
      USE(aclrtResetEvent, e, h),
      USE(aclrtMemcpyAsync, memory.data(), 64, host, 64, ACL_MEMCPY_HOST_TO_DEVICE, h),
      USE(aclrtMemsetAsync, memory.data(), 64, 0, 64, h),
      USE(aclrtLaunchHostFunc, h, nothing, nullptr),
      USE(aclrtSubscribeReport, 1, h),
      USE(aclrtUnSubscribeReport, 1, h),
      USE(aclrtLaunchCallback, nothing, nullptr, ACL_CALLBACK_BLOCK, h),
      USE(aclrtGetStreamOverflowSwitch, h, &flag),
      USE(aclrtSetStreamFailureMode, h, ACL_CONTINUE_ON_FAILURE),
  };
  refuse_all(optional, false, e, old, 0, ACL_ERROR_RT_INVALID_HANDLE);
  const std::vector<Use> needed = {
      USE(aclrtDestroyStream, h),
      USE(aclrtDestroyStreamForce, h),
  };
  refuse_all(needed, true, e, old, ACL_ERROR_INVALID_PARAM, ACL_ERROR_RT_INVALID_HANDLE);
  const std::vector<Use> captures = {
      USE(aclmdlRICaptureBegin, h, ACL_MODEL_RI_CAPTURE_MODE_GLOBAL),
      USE(aclmdlRICaptureEnd, h, &ri),
      USE(aclmdlRICaptureTaskGrpBegin, h),
      USE(aclmdlRICaptureTaskUpdateEnd, h),
  };
  refuse_all(captures, false, e, old, 0, ACL_ERROR_RT_INVALID_HANDLE);
  EXPECT_EQ(aclrtDestroyEvent(e), 0);
}

TEST_F(Misuse, WrongEvents) {
  void *const s = stream(), *const old = event(), *const good = event();
  ASSERT_EQ(aclrtDestroyEvent(old), 0);
  aclrtEventStatus status;
  aclrtEventRecordedStatus recorded;
  aclrtEventWaitStatus waited;
  float milliseconds = 0;
  const std::vector<Use> uses = {
      USE(aclrtDestroyEvent, h),
      USE(aclrtRecordEvent, h, s),
      USE(aclrtResetEvent, h, s),
      USE(aclrtStreamWaitEvent, s, h),
      USE(aclrtSynchronizeEvent, h),
      USE(aclrtQueryEvent, h, &status),
      USE(aclrtQueryEventStatus, h, &recorded),
      USE(aclrtQueryEventWaitStatus, h, &waited),
      USE(aclrtEventElapsedTime, &milliseconds, h, good),
      USE(aclrtEventElapsedTime, &milliseconds, good, h),
  };
  refuse_all(uses, true, s, old, ACL_ERROR_INVALID_PARAM, ACL_ERROR_RT_INVALID_HANDLE);
  EXPECT_REFUSED(aclrtEventElapsedTime, ACL_ERROR_RT_EVENT_TIMESTAMP_INVALID, (&milliseconds, good, good),
                 "never recorded");
  EXPECT_EQ(aclrtDestroyEvent(good), 0);
  EXPECT_EQ(aclrtDestroyStream(s), 0);
}

TEST_F(Misuse, WrongContextsAndRecordings) {
  void *const s = stream(), *old = nullptr;
  aclrtContext before = nullptr;
  ASSERT_EQ(aclrtGetCurrentContext(&before), 0);
  ASSERT_EQ(aclrtCreateContext(&old, 0), 0);
  ASSERT_EQ(aclrtDestroyContext(old), 0);
  ASSERT_EQ(aclrtSetCurrentContext(before), 0);
  refuse_all({USE(aclrtDestroyContext, h), USE(aclrtSetCurrentContext, h)}, true, s, old,
             ACL_ERROR_INVALID_PARAM, ACL_ERROR_RT_INVALID_HANDLE);
  EXPECT_REFUSED(aclrtDestroyContext, ACL_ERROR_RT_PARAM_INVALID, (before), "aclrtResetDevice");
  ASSERT_EQ(aclmdlRICaptureBegin(s, ACL_MODEL_RI_CAPTURE_MODE_GLOBAL), 0) << message();
  aclmdlRI ri = nullptr;
  ASSERT_EQ(aclmdlRICaptureEnd(s, &ri), 0) << message();
  ASSERT_EQ(aclmdlRIDestroy(ri), 0);
  refuse_all({USE(aclmdlRIDestroy, h), USE(aclmdlRIExecuteAsync, h, s)}, true, s, ri, ACL_ERROR_INVALID_PARAM,
             ACL_ERROR_RT_INVALID_HANDLE);
  EXPECT_REFUSED(aclmdlRICaptureEnd, ACL_ERROR_RT_PARAM_INVALID, (s, &ri), "aclmdlRICaptureBegin");
  EXPECT_EQ(aclrtDestroyStream(s), 0);
}

TEST_F(Misuse, WrongTensorsScalarsAndArrays) {
  Dense<float> x({3}), out({3});
  const Number one = 1.0f;
  aclOpExecutor* executor = nullptr;
  uint64_t bytes = 0;
  int64_t* dims = nullptr;
  int64_t offset = 0;
  const int64_t n = 3;
  float value = 0;
  aclTensor* const old_tensor = aclCreateTensor(&n, 1, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, &n, 1, x.data());
  aclScalar* const old_scalar = aclCreateScalar(&value, ACL_FLOAT);
  aclIntArray* const old_array = aclCreateIntArray(&n, 1);
  ASSERT_EQ(aclDestroyTensor(old_tensor), 0);
  ASSERT_EQ(aclDestroyScalar(old_scalar), 0);
  ASSERT_EQ(aclDestroyIntArray(old_array), 0);
  const auto tensor = [](void* h) { return static_cast<aclTensor*>(h); };
  const std::vector<Use> tensors = {
      USE(aclDestroyTensor, tensor(h)),
      USE(aclGetViewShape, tensor(h), &dims, &bytes),
      USE(aclGetViewStrides, tensor(h), &dims, &bytes),
      USE(aclGetStorageShape, tensor(h), &dims, &bytes),
      USE(aclGetViewOffset, tensor(h), &offset),
      USE(aclSetRawTensorAddr, tensor(h), x.data()),
      USE(aclInitTensor, tensor(h), &n, 1, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, &n, 1, x.data()),
      {"aclnnExp", [&](void* h) { return aclnnExpGetWorkspaceSize(tensor(h), out, &bytes, &executor); }},
      {"aclnnExp", [&](void* h) { return aclnnExpGetWorkspaceSize(x, tensor(h), &bytes, &executor); }},
  };
  void* const a_scalar = const_cast<aclScalar*>(static_cast<const aclScalar*>(one));
  refuse_all(tensors, true, a_scalar, old_tensor, kAclnnNullArgument, kAclnnInvalidArgument);
  const auto scalar = [](void* h) { return static_cast<aclScalar*>(h); };
  aclTensor* const a_tensor = x;
  refuse_all(
      {USE(aclDestroyScalar, scalar(h)),
       {"aclnnAdds",
        [&](void* h) { return aclnnAddsGetWorkspaceSize(x, scalar(h), one, out, &bytes, &executor); }}},
      true, a_tensor, old_scalar, kAclnnNullArgument, kAclnnInvalidArgument);
  const auto array = [](void* h) { return static_cast<aclIntArray*>(h); };
  refuse_all({USE(aclDestroyIntArray, array(h)), USE(aclGetIntArraySize, array(h), &bytes)}, true, a_tensor,
             old_array, kAclnnNullArgument, kAclnnInvalidArgument);
  // In a list, which is not made then.
  const aclTensor* const parts[] = {x, old_tensor};
  EXPECT_EQ(aclCreateTensorList(parts, 2), nullptr);
  EXPECT_NE(message().find("aclCreateTensorList: element 1: the aclTensor"), std::string::npos);
  EXPECT_EQ(aclCreateTensorList(parts, UINT64_MAX), nullptr);
  EXPECT_NE(message().find("aclCreateTensorList"), std::string::npos);
  EXPECT_EQ(aclCreateTensorList(nullptr, 2), nullptr);
  EXPECT_NE(message().find("aclCreateTensorList"), std::string::npos);
}

TEST_F(Misuse, WrongExecutors) {
  Dense<float> x({3}), out({3});
  uint64_t bytes = 0;
  aclOpExecutor* old = nullptr;
  ASSERT_EQ(aclnnExpGetWorkspaceSize(x, out, &bytes, &old), 0);
  ASSERT_EQ(aclnnExp(nullptr, bytes, old, nullptr), 0);  // used up
  const auto executor = [](void* h) { return static_cast<aclOpExecutor*>(h); };
  aclTensor* const a_tensor = x;
  refuse_all(
      {USE(aclnnExp, nullptr, 0, executor(h), nullptr), USE(aclDestroyAclOpExecutor, executor(h)),
       USE(aclSetAclOpExecutorRepeatable, executor(h)), USE(aclSetTensorAddr, executor(h), 0, x, x.data())},
      true, a_tensor, old, kAclnnNullArgument, kAclnnInvalidArgument);
  ASSERT_EQ(aclnnExpGetWorkspaceSize(x, out, &bytes, &old), 0);
  EXPECT_REFUSED(aclnnMul, kAclnnInvalidArgument, (nullptr, bytes, old, nullptr), "aclnnExpGetWorkspaceSize");
  ASSERT_EQ(aclDestroyAclOpExecutor(old), 0);
  EXPECT_EQ(aclrtSynchronizeStream(nullptr), 0);
}

TEST_F(Misuse, WrongDtypesAndShapes) {
  Dense<float> x({2, 3}), y({4, 2}), out({2, 2});
  Dense<int8_t> small({2, 3});
  uint64_t bytes = 0;
  aclOpExecutor* executor = nullptr;
  expect_refused("aclnnMatmul", aclnnMatmulGetWorkspaceSize(x, y, out, 0, &bytes, &executor),
                 kAclnnInvalidArgument, {"self FLOAT [2, 3]", "[4, 2]"});
  expect_refused("aclnnMul", aclnnMulGetWorkspaceSize(x, y, out, &bytes, &executor), kAclnnInvalidArgument,
                 {"[2, 3]", "[4, 2]"});
  expect_refused("aclnnExp", aclnnExpGetWorkspaceSize(x, out, &bytes, &executor), kAclnnInvalidArgument,
                 {"[2, 3]", "[2, 2]"});
  aclTensor* const complex = x.view({1, 3}, {}, 0, ACL_COMPLEX64);
  expect_refused("aclnnExp", aclnnExpGetWorkspaceSize(complex, complex, &bytes, &executor), kAclnnInternal,
                 {"COMPLEX64"});
  for (const int type : {-7, 99, 1 << 30}) {
    const int64_t n = 1;
    EXPECT_EQ(
        aclCreateTensor(&n, 1, static_cast<aclDataType>(type), nullptr, 0, ACL_FORMAT_ND, &n, 1, x.data()),
        nullptr);
    EXPECT_NE(message().find("aclCreateTensor: the data type"), std::string::npos);
    float value = 1;
    EXPECT_EQ(aclCreateScalar(&value, static_cast<aclDataType>(type)), nullptr);
    EXPECT_NE(message().find("aclCreateScalar"), std::string::npos);
  }
}

TEST_F(Misuse, OverlappingOutputs) {
  Storage<float> memory(counting(16));
  Storage<int64_t> places(counting<int64_t>(8));
  uint64_t bytes = 0;
  aclOpExecutor* executor = nullptr;
  aclTensor* const itself = memory.view({2, 3}, {1, 1}, 0);
  Dense<float> x({2, 3});
  expect_refused("aclnnExp", aclnnExpGetWorkspaceSize(x, itself, &bytes, &executor), kAclnnInvalidArgument,
                 {"overlap"});
  // Interleaved, but apart.
  aclTensor* const apart = memory.view({2, 2}, {3, 2}, 0);
  Dense<float> y({2, 2});
  EXPECT_EQ(ACLNN(Exp, y, apart), 0) << message();
  // Two outputs in the same memory.
  aclTensor* const values = memory.view({2});
  const int64_t n = 2, storage = 8;
  aclTensor* const indices =
      aclCreateTensor(&n, 1, ACL_INT64, nullptr, 0, ACL_FORMAT_ND, &storage, 1, memory.data());
  Dense<float> four({4}, counting(4));
  expect_refused("aclnnTopk",
                 aclnnTopkGetWorkspaceSize(four, 2, 0, true, true, values, indices, &bytes, &executor),
                 kAclnnInvalidArgument, {"overlap"});
  EXPECT_EQ(aclDestroyTensor(indices), 0);
}

TEST_F(Misuse, SmallWorkspaces) {
  const int64_t many = 20'000'000;
  Memory memory(4 * static_cast<uint64_t>(many)), workspace(1 << 20);
  aclTensor* const x =
      aclCreateTensor(&many, 1, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, &many, 1, memory.data());
  uint64_t bytes = 0;
  const auto run = [&](void* place, uint64_t size) {
    aclOpExecutor* executor = nullptr;
    EXPECT_EQ(aclnnInplaceMulGetWorkspaceSize(x, x, &bytes, &executor), 0) << message();
    return aclnnInplaceMul(place, size, executor, nullptr);
  };
  const int null = run(nullptr, UINT64_MAX);
  expect_refused("aclnnInplaceMul", null, kAclnnNullArgument, {"the workspace is null", "bytes are needed"});
  const int small = run(workspace.data(), bytes - 1);
  expect_refused("aclnnInplaceMul", small, kAclnnInvalidArgument, {"are needed"});
  const int lie = run(workspace.data(), bytes);
  expect_refused("aclnnInplaceMul", lie, kAclnnInvalidArgument, {"the workspace", "past their allocation"});
  int64_t local = 0;
  const int host = run(&local, bytes);
  expect_refused("aclnnInplaceMul", host, kAclnnInvalidArgument, {"the workspace", "lies in no memory"});
  EXPECT_EQ(aclDestroyTensor(x), 0);
}

TEST_F(Misuse, WrongAddresses) {
  const int64_t n = 1 << 20;  // 4 MiB of floats
  Dense<float> out({n});
  const auto exp_of = [&](void* data) {
    aclTensor* const x = aclCreateTensor(&n, 1, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, &n, 1, data);
    const int code = ACLNN(Exp, x, out);
    EXPECT_EQ(aclDestroyTensor(x), 0);
    return code;
  };
  expect_refused("aclnnExp", exp_of(nullptr), kAclnnInvalidArgument, {"the data of 'self' is null"});
  expect_refused("aclnnExp", exp_of(reinterpret_cast<void*>(uint64_t{4096})), kAclnnInvalidArgument,
                 {"the data of 'self'", "lies in no memory"});
  std::vector<float> own(static_cast<size_t>(n));
  expect_refused("aclnnExp", exp_of(own.data()), kAclnnInvalidArgument, {"lies in no memory"});
  void *host = nullptr, *early = nullptr, *freed = nullptr;
  ASSERT_EQ(aclrtMallocHost(&host, 4 << 20), 0);
  expect_refused("aclnnExp", exp_of(host), kAclnnInvalidArgument, {"is host memory"});
  ASSERT_EQ(aclrtMalloc(&early, 1 << 20, ACL_MEM_MALLOC_HUGE_FIRST), 0);
  expect_refused("aclnnExp", exp_of(early), kAclnnInvalidArgument, {"past their allocation"});
  ASSERT_EQ(aclrtMalloc(&freed, 4 << 20, ACL_MEM_MALLOC_HUGE_FIRST), 0);
  EXPECT_EQ(exp_of(freed), 0) << message();
  ASSERT_EQ(aclrtFree(freed), 0);
  expect_refused("aclnnExp", exp_of(freed), kAclnnInvalidArgument,
                 {"the data of 'self'", "lies in no memory"});
  expect_refused("aclrtMemset", aclrtMemset(freed, 4, 0, 4), ACL_ERROR_RT_PARAM_INVALID,
                 {"lies in no memory"});
  uint32_t count = 0;
  ASSERT_EQ(aclrtGetDeviceCount(&count), 0);
  if (count > 1) {
    void* there = nullptr;
    ASSERT_EQ(aclrtSetDevice(1), 0) << message();
    ASSERT_EQ(aclrtMalloc(&there, 4 << 20, ACL_MEM_MALLOC_HUGE_FIRST), 0) << message();
    ASSERT_EQ(aclrtSetDevice(0), 0);
    expect_refused("aclnnExp", exp_of(there), kAclnnInvalidArgument, {"memory of device 1"});
    EXPECT_EQ(aclrtFree(there), 0);
    EXPECT_EQ(aclrtResetDevice(1), 0);
    EXPECT_EQ(aclrtResetDevice(0), 0);
  }
  EXPECT_EQ(aclrtFree(early), 0);
  EXPECT_EQ(aclrtFreeHost(host), 0);
}

TEST_F(Misuse, MemoryFreedBeforeAReplay) {
  void *const s = stream(), *in = nullptr;
  const int64_t n = 8;
  Dense<float> out({n});
  ASSERT_EQ(aclrtMalloc(&in, 32, ACL_MEM_MALLOC_HUGE_FIRST), 0);
  const auto capture = [&](const std::function<void()>& work) {
    aclmdlRI ri = nullptr;
    EXPECT_EQ(aclmdlRICaptureBegin(s, ACL_MODEL_RI_CAPTURE_MODE_GLOBAL), 0) << message();
    work();
    EXPECT_EQ(aclmdlRICaptureEnd(s, &ri), 0) << message();
    EXPECT_EQ(aclmdlRIExecuteAsync(ri, s), 0) << message();
    EXPECT_EQ(aclrtSynchronizeStream(s), 0) << message();
    return ri;
  };
  aclTensor* const x = aclCreateTensor(&n, 1, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, &n, 1, in);
  const aclmdlRI recordings[] = {
      capture([&] {
        uint64_t bytes = 0;
        aclOpExecutor* executor = nullptr;
        EXPECT_EQ(aclnnExpGetWorkspaceSize(x, out, &bytes, &executor), 0);
        EXPECT_EQ(aclnnExp(nullptr, bytes, executor, s), 0) << message();
      }),
      capture([&] { EXPECT_EQ(aclrtMemsetAsync(in, 32, 0, 32, s), 0) << message(); }), capture([&] {
        EXPECT_EQ(aclrtMemcpyAsync(out.data(), 32, in, 32, ACL_MEMCPY_DEVICE_TO_DEVICE, s), 0) << message();
      })};
  ASSERT_EQ(aclrtFree(in), 0);
  for (const aclmdlRI ri : recordings) {
    EXPECT_REFUSED(aclmdlRIExecuteAsync, ACL_ERROR_RT_PARAM_INVALID, (ri, s), "lies in no memory");
    EXPECT_EQ(aclmdlRIDestroy(ri), 0);
  }
  EXPECT_EQ(aclDestroyTensor(x), 0);
  EXPECT_EQ(aclrtDestroyStream(s), 0) << message();
}

// What needs a device, in a thread that never chose one, with a stream of a thread that did.
TEST_F(Misuse, ThreadsWithoutADevice) {
  void *const s = stream(), *const e = event();
  Dense<float> x({3}), out({3});
  uint64_t bytes = 0;
  aclOpExecutor* executor = nullptr;
  ASSERT_EQ(aclnnExpGetWorkspaceSize(x, out, &bytes, &executor), 0);
  std::thread([&] {
    void* made = nullptr;
    size_t free = 0, total = 0;
    int32_t device = 0;
    EXPECT_REFUSED(aclrtMalloc, ACL_ERROR_RT_CONTEXT_NULL, (&made, 4, ACL_MEM_MALLOC_HUGE_FIRST),
                   "aclrtSetDevice");
    EXPECT_REFUSED(aclrtCreateStream, ACL_ERROR_RT_CONTEXT_NULL, (&made), "aclrtSetDevice");
    EXPECT_REFUSED(aclrtCreateEvent, ACL_ERROR_RT_CONTEXT_NULL, (&made), "aclrtSetDevice");
    EXPECT_REFUSED(aclrtGetDevice, ACL_ERROR_RT_CONTEXT_NULL, (&device), "aclrtSetDevice");
    EXPECT_REFUSED(aclrtGetMemInfo, ACL_ERROR_RT_CONTEXT_NULL, (ACL_HBM_MEM, &free, &total),
                   "aclrtSetDevice");
    EXPECT_REFUSED(aclrtSynchronizeDevice, ACL_ERROR_RT_CONTEXT_NULL, (), "aclrtSetDevice");
    EXPECT_REFUSED(aclrtSynchronizeStream, ACL_ERROR_RT_CONTEXT_NULL, (s), "aclrtSetDevice");
    EXPECT_REFUSED(aclrtRecordEvent, ACL_ERROR_RT_CONTEXT_NULL, (e, s), "aclrtSetDevice");
    EXPECT_REFUSED(aclrtMemsetAsync, ACL_ERROR_RT_CONTEXT_NULL, (x.data(), 12, 0, 12, s), "aclrtSetDevice");
    uint64_t other_bytes = 0;
    aclOpExecutor* other = nullptr;
    expect_refused("aclnnExp", aclnnExpGetWorkspaceSize(x, out, &other_bytes, &other), kAclnnRuntime,
                   {"aclrtSetDevice"});
    EXPECT_REFUSED(aclnnExp, kAclnnRuntime, (nullptr, bytes, executor, s), "aclrtSetDevice");
    EXPECT_REFUSED(aclrtProcessReport, ACL_ERROR_RT_THREAD_SUBSCRIBE, (10), "this thread");
  }).join();
  EXPECT_EQ(aclrtDestroyEvent(e), 0);
  EXPECT_EQ(aclrtDestroyStream(s), 0);
}

TEST_F(Misuse, StreamsOfAnEndedContext) {
  aclrtContext before = nullptr, context = nullptr;
  ASSERT_EQ(aclrtGetCurrentContext(&before), 0);
  ASSERT_EQ(aclrtCreateContext(&context, 0), 0);
  void* const s = stream();
  ASSERT_EQ(aclrtDestroyContext(context), 0);
  ASSERT_EQ(aclrtSetCurrentContext(before), 0);
  EXPECT_REFUSED(aclrtSynchronizeStream, ACL_ERROR_RT_INVALID_HANDLE, (s), "ended with its context");
  Dense<float> x({3});
  uint64_t bytes = 0;
  aclOpExecutor* executor = nullptr;
  ASSERT_EQ(aclnnInplaceExpGetWorkspaceSize(x, &bytes, &executor), 0);
  EXPECT_REFUSED(aclnnInplaceExp, kAclnnInvalidArgument, (nullptr, bytes, executor, s),
                 "ended with its context");
  EXPECT_EQ(aclrtDestroyStream(s), 0);
}

TEST_F(Misuse, DoubleFree) {
  void *device = nullptr, *host = nullptr;
  ASSERT_EQ(aclrtMalloc(&device, 64, ACL_MEM_MALLOC_HUGE_FIRST), 0);
  ASSERT_EQ(aclrtMallocHost(&host, 64), 0);
  EXPECT_REFUSED(aclrtFree, ACL_ERROR_RT_PARAM_INVALID, (host), "aclrtFreeHost frees it");
  EXPECT_REFUSED(aclrtFreeHost, ACL_ERROR_RT_PARAM_INVALID, (device), "aclrtFree frees it");
  EXPECT_REFUSED(aclrtFree, ACL_ERROR_RT_PARAM_INVALID, (static_cast<char*>(device) + 64), "beginning");
  ASSERT_EQ(aclrtFree(device), 0);
  ASSERT_EQ(aclrtFreeHost(host), 0);
  EXPECT_REFUSED(aclrtFree, ACL_ERROR_RT_PARAM_INVALID, (device), "freed before");
  EXPECT_REFUSED(aclrtFreeHost, ACL_ERROR_RT_PARAM_INVALID, (host), "freed before");
  EXPECT_REFUSED(aclrtFree, ACL_ERROR_INVALID_PARAM, (nullptr), "null");
  // A list and what was in it.
  const int64_t n = 1;
  aclTensor* const x = aclCreateTensor(&n, 1, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, &n, 1, nullptr);
  const aclTensor* const parts[] = {x};
  aclTensorList* const list = aclCreateTensorList(parts, 1);
  ASSERT_EQ(aclDestroyTensorList(list), 0);
  EXPECT_REFUSED(aclDestroyTensor, kAclnnInvalidArgument, (x), "destroyed before");
  EXPECT_REFUSED(aclDestroyTensorList, kAclnnInvalidArgument, (list), "destroyed before");
}

void use_after_the_end() {
  EXPECT_EQ(aclInit(nullptr), 0);
  EXPECT_EQ(aclrtSetDevice(0), 0);
  void *s = nullptr, *e = nullptr, *memory = nullptr, *made = nullptr;
  EXPECT_EQ(aclrtCreateStream(&s), 0);
  EXPECT_EQ(aclrtCreateEvent(&e), 0);
  EXPECT_EQ(aclrtMalloc(&memory, 64, ACL_MEM_MALLOC_HUGE_FIRST), 0);
  const int64_t n = 3;
  aclTensor* const x = aclCreateTensor(&n, 1, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, &n, 1, memory);
  uint64_t bytes = 0;
  aclOpExecutor *executor = nullptr, *late = nullptr, *other = nullptr;
  EXPECT_EQ(aclnnInplaceExpGetWorkspaceSize(x, &bytes, &executor), 0);
  EXPECT_EQ(aclnnInplaceExp(nullptr, bytes, executor, s), 0);
  EXPECT_EQ(aclnnInplaceExpGetWorkspaceSize(x, &bytes, &executor), 0);
  EXPECT_EQ(aclnnInplaceExpGetWorkspaceSize(x, &bytes, &late), 0);
  const std::weak_ptr<Device> device = *current_device();
  EXPECT_EQ(aclFinalize(), 0);
  EXPECT_REFUSED(aclFinalize, ACL_ERROR_REPEAT_FINALIZE, (), "called before");
  EXPECT_REFUSED(aclrtSetDevice, ACL_ERROR_UNINITIALIZE, (0), "aclFinalize was called before");
  EXPECT_REFUSED(aclrtCreateContext, ACL_ERROR_UNINITIALIZE, (&made, 0), "aclFinalize was called before");
  EXPECT_REFUSED(aclrtMalloc, ACL_ERROR_RT_CONTEXT_NULL, (&made, 64, ACL_MEM_MALLOC_HUGE_FIRST), "aclInit");
  EXPECT_REFUSED(aclrtCreateStream, ACL_ERROR_RT_CONTEXT_NULL, (&made), "aclInit");
  EXPECT_REFUSED(aclrtSynchronizeStream, ACL_ERROR_RT_CONTEXT_NULL, (s), "aclInit");
  EXPECT_REFUSED(aclrtRecordEvent, ACL_ERROR_RT_CONTEXT_NULL, (e, s), "aclInit");
  EXPECT_REFUSED(aclnnInplaceExp, kAclnnRuntime, (nullptr, bytes, late, s), "aclInit");
  expect_refused("aclnnInplaceExp", aclnnInplaceExpGetWorkspaceSize(x, &bytes, &other), kAclnnRuntime,
                 {"aclInit"});
  // What is left over may still be given back.
  EXPECT_EQ(aclrtSynchronizeEvent(e), 0) << message();
  EXPECT_EQ(aclrtDestroyEvent(e), 0);
  EXPECT_EQ(aclrtDestroyStream(s), 0);
  EXPECT_EQ(aclDestroyTensor(x), 0);
  EXPECT_EQ(aclrtFree(memory), 0);
  EXPECT_EQ(aclDestroyAclOpExecutor(executor), 0);
  EXPECT_EQ(aclnnFinalize(), 0);
  EXPECT_TRUE(device.expired());  // nothing else holds it
}

TEST(MisuseAfterTheEnd, IsRefused) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        use_after_the_end();
        const auto& result = *testing::UnitTest::GetInstance()->current_test_info()->result();
        for (int i = 0; i < result.total_part_count(); ++i)
          std::cerr << result.GetTestPartResult(i).line_number() << ": "
                    << result.GetTestPartResult(i).message() << "\n";
        std::exit(testing::Test::HasFailure());
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace isthmus::cann
