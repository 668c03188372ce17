// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "cann/runtime/runtime_test.h"

namespace isthmus::cann {
namespace {

using namespace std::chrono_literals;

class Events : public OnDevice {
 protected:
  void SetUp() override {
    OnDevice::SetUp();
    ASSERT_OK(aclrtCreateStream(&first_));
    ASSERT_OK(aclrtCreateStreamWithConfig(&second_, 0, ACL_STREAM_FAST_LAUNCH | ACL_STREAM_FAST_SYNC));
    ASSERT_OK(aclrtCreateEvent(&event_));
  }
  void TearDown() override {
    EXPECT_OK(aclrtDestroyEvent(event_));
    EXPECT_OK(aclrtDestroyStream(first_));
    EXPECT_OK(aclrtDestroyStream(second_));
    OnDevice::TearDown();
  }
  aclrtStream first_ = nullptr, second_ = nullptr;
  aclrtEvent event_ = nullptr;
};

struct Gate {
  std::atomic<bool> open{false};
  static void wait(void* gate) {
    while (!static_cast<Gate*>(gate)->open) std::this_thread::sleep_for(1ms);
  }
};

TEST_P(Events, OrderStreams) {
  void* const memory = allocate(4);
  Gate gate;
  ASSERT_OK(aclrtMemset(memory, 4, 0, 4));
  ASSERT_OK(aclrtLaunchHostFunc(first_, Gate::wait, &gate));
  ASSERT_OK(aclrtMemsetAsync(memory, 4, 1, 4, first_));
  ASSERT_OK(aclrtRecordEvent(event_, first_));
  ASSERT_OK(aclrtStreamWaitEvent(second_, event_));
  int32_t seen = -1;
  ASSERT_OK(aclrtMemcpyAsync(&seen, 4, memory, 4, ACL_MEMCPY_DEVICE_TO_HOST, second_));
  aclrtEventStatus status;
  ASSERT_OK(aclrtQueryEvent(event_, &status));
  EXPECT_EQ(status, ACL_EVENT_STATUS_NOT_READY);
  aclrtEventRecordedStatus recorded;
  ASSERT_OK(aclrtQueryEventStatus(event_, &recorded));
  EXPECT_EQ(recorded, ACL_EVENT_RECORDED_STATUS_NOT_READY);
  aclrtStreamStatus stream;
  ASSERT_OK(aclrtStreamQuery(first_, &stream));
  EXPECT_EQ(stream, ACL_STREAM_STATUS_NOT_READY);
  EXPECT_CODE(aclrtSynchronizeStreamWithTimeout(first_, 5), ACL_ERROR_RT_STREAM_SYNC_TIMEOUT);
  gate.open = true;
  ASSERT_OK(aclrtSynchronizeStreamWithTimeout(second_, 20000));
  EXPECT_EQ(seen, 0x01010101);
  ASSERT_OK(aclrtSynchronizeEvent(event_));
  ASSERT_OK(aclrtQueryEvent(event_, &status));
  EXPECT_EQ(status, ACL_EVENT_STATUS_COMPLETE);
  ASSERT_OK(aclrtQueryEventStatus(event_, &recorded));
  EXPECT_EQ(recorded, ACL_EVENT_RECORDED_STATUS_COMPLETE);
  ASSERT_OK(aclrtStreamQuery(first_, &stream));
  EXPECT_EQ(stream, ACL_STREAM_STATUS_COMPLETE);
  ASSERT_OK(aclrtResetEvent(event_, first_));
  ASSERT_OK(aclrtQueryEventStatus(event_, &recorded));
  EXPECT_EQ(recorded, ACL_EVENT_RECORDED_STATUS_NOT_READY);
  EXPECT_OK(aclrtFree(memory));
}

TEST_P(Events, KeepTheTime) {
  aclrtEvent end = nullptr;
  ASSERT_OK(aclrtCreateEventWithFlag(&end, ACL_EVENT_TIME_LINE));
  float milliseconds = -1;
  EXPECT_CODE(aclrtEventElapsedTime(&milliseconds, event_, end), ACL_ERROR_RT_EVENT_TIMESTAMP_INVALID);
  ASSERT_OK(aclrtRecordEvent(event_, first_));
  const auto pause = [](void*) { std::this_thread::sleep_for(20ms); };
  ASSERT_OK(aclrtLaunchHostFunc(first_, pause, nullptr));
  ASSERT_OK(aclrtRecordEvent(end, first_));
  EXPECT_CODE(aclrtEventElapsedTime(&milliseconds, event_, end), ACL_ERROR_RT_EVENT_NOT_COMPLETE);
  ASSERT_OK(aclrtSynchronizeEvent(end));
  ASSERT_OK(aclrtEventElapsedTime(&milliseconds, event_, end));
  EXPECT_GT(milliseconds, 15);
  EXPECT_LT(milliseconds, 5000);
  EXPECT_OK(aclrtDestroyEvent(end));
}

TEST_P(Events, MayBeDestroyedWhileAStreamWaits) {
  aclrtEvent event = nullptr;
  Gate gate;
  ASSERT_OK(aclrtCreateEvent(&event));
  ASSERT_OK(aclrtLaunchHostFunc(first_, Gate::wait, &gate));
  ASSERT_OK(aclrtRecordEvent(event, first_));
  ASSERT_OK(aclrtStreamWaitEvent(second_, event));
  ASSERT_OK(aclrtDestroyEvent(event));
  EXPECT_CODE(aclrtRecordEvent(event, first_), ACL_ERROR_RT_INVALID_HANDLE);
  EXPECT_CODE(aclrtRecordEvent(nullptr, first_), ACL_ERROR_INVALID_PARAM);
  EXPECT_CODE(aclrtRecordEvent(event_, event_), ACL_ERROR_RT_INVALID_HANDLE);
  EXPECT_CODE(aclrtDestroyEvent(event), ACL_ERROR_RT_INVALID_HANDLE);
  gate.open = true;
  EXPECT_OK(aclrtSynchronizeDevice());
}

TEST_P(Events, ManyWorksAreForgottenOnTheWay) {
  void* const memory = allocate(4096);
  for (int i = 0; i < 3000; ++i) ASSERT_OK(aclrtMemsetAsync(memory, 4096, i, 4096, first_));
  ASSERT_OK(aclrtSynchronizeStream(first_));
  EXPECT_EQ(read(memory, 1)[0] & 255, 2999 & 255);
  EXPECT_OK(aclrtFree(memory));
}

TEST_P(Events, CallbacksRunInTheThreadThatAskedForThem) {
  struct Seen {
    std::atomic<uint64_t> thread{0};
    std::atomic<int> calls{0};
    std::atomic<bool> stop{false};
    static void call(void* data) {
      auto* seen = static_cast<Seen*>(data);
      seen->thread = static_cast<uint64_t>(pthread_self());
      ++seen->calls;
    }
  } seen;
  EXPECT_CODE(aclrtLaunchCallback(Seen::call, &seen, ACL_CALLBACK_BLOCK, first_),
              ACL_ERROR_RT_STREAM_NO_CB_REG);
  EXPECT_CODE(aclrtProcessReport(1), ACL_ERROR_RT_THREAD_SUBSCRIBE);
  std::atomic<uint64_t> id{0};
  std::thread worker([&] {
    id = static_cast<uint64_t>(pthread_self());
    while (!seen.stop) (void)aclrtProcessReport(10);
  });
  while (!id) std::this_thread::sleep_for(1ms);
  ASSERT_OK(aclrtSubscribeReport(id, first_));
  EXPECT_CODE(aclrtSubscribeReport(id, first_), ACL_ERROR_RT_STREAM_SUBSCRIBE);
  ASSERT_OK(aclrtLaunchCallback(Seen::call, &seen, ACL_CALLBACK_BLOCK, first_));
  ASSERT_OK(aclrtSynchronizeStream(first_));
  EXPECT_EQ(seen.calls, 1);
  EXPECT_EQ(seen.thread, id);
  ASSERT_OK(aclrtLaunchCallback(Seen::call, &seen, ACL_CALLBACK_NO_BLOCK, first_));
  ASSERT_OK(aclrtSynchronizeStream(first_));
  for (int i = 0; i < 2000 && seen.calls < 2; ++i) std::this_thread::sleep_for(1ms);
  EXPECT_EQ(seen.calls, 2);
  ASSERT_OK(aclrtUnSubscribeReport(id, first_));
  EXPECT_CODE(aclrtUnSubscribeReport(id, first_), ACL_ERROR_RT_STREAM_NO_CB_REG);
  seen.stop = true;
  worker.join();
}

TEST_P(Events, AFunctionCannotUseTheStreamThatWaitsForIt) {
  struct Tries {
    aclrtStream stream;
    void* memory;
    std::atomic<int> code{-1};
  } tries{first_, allocate(4)};
  const auto call = [](void* data) {
    auto* tries = static_cast<Tries*>(data);
    (void)aclrtSetDevice(GetParam());
    // Who waits for the stream may not hold it yet.
    for (int i = 0; i < 1000 && tries->code != ACL_ERROR_RT_RESOURCE_ALLOC_FAIL; ++i) {
      tries->code = aclrtMemsetAsync(tries->memory, 4, 0, 4, tries->stream);
      std::this_thread::sleep_for(1ms);
    }
    (void)aclrtResetDevice(GetParam());
  };
  ASSERT_OK(aclrtLaunchHostFunc(first_, call, &tries));
  ASSERT_OK(aclrtSynchronizeStream(first_));
  EXPECT_EQ(tries.code, ACL_ERROR_RT_RESOURCE_ALLOC_FAIL);
  EXPECT_OK(aclrtFree(tries.memory));
}

ISTHMUS_ON_DEVICES(Events);

}  // namespace
}  // namespace isthmus::cann
