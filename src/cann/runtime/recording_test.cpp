// SPDX-License-Identifier: Apache-2.0
#include "cann/runtime/recording.h"

#include "cann/error.h"
#include "cann/runtime/runtime_test.h"

namespace isthmus::cann {
namespace {

class Captures : public OnDevice {
 protected:
  void SetUp() override {
    OnDevice::SetUp();
    ASSERT_OK(aclrtCreateStream(&first_));
    ASSERT_OK(aclrtCreateStream(&second_));
    ASSERT_OK(aclrtCreateEvent(&fork_));
    ASSERT_OK(aclrtCreateEvent(&join_));
    memory_ = allocate(16);
    set(memory_, 0);
  }
  void TearDown() override {
    EXPECT_OK(aclrtDestroyEvent(fork_));
    EXPECT_OK(aclrtDestroyEvent(join_));
    EXPECT_OK(aclrtDestroyStream(first_));
    EXPECT_OK(aclrtDestroyStream(second_));
    EXPECT_OK(aclrtFree(memory_));
    OnDevice::TearDown();
  }
  // Of the four words, as bytes all alike.
  void* word(int i) const { return static_cast<int32_t*>(memory_) + i; }
  static void set(void* memory, int value) { ASSERT_OK(aclrtMemset(memory, 16, value, 16)); }
  std::vector<int32_t> bytes() const {
    std::vector<int32_t> words = read(memory_, 4);
    for (int32_t& w : words) w &= 255;
    return words;
  }
  aclError fill(int i, int value, aclrtStream stream) {
    return aclrtMemsetAsync(word(i), 4, value, 4, stream);
  }
  aclError copy(int to, int from, aclrtStream stream) {
    return aclrtMemcpyAsync(word(to), 4, word(from), 4, ACL_MEMCPY_DEVICE_TO_DEVICE, stream);
  }
  aclmdlRICaptureStatus status(aclrtStream stream) {
    aclmdlRICaptureStatus status;
    aclmdlRI ri = nullptr;
    EXPECT_OK(aclmdlRICaptureGetInfo(stream, &status, &ri));
    EXPECT_EQ(ri == nullptr, status == ACL_MODEL_RI_CAPTURE_STATUS_NONE);
    return status;
  }

  aclrtStream first_ = nullptr, second_ = nullptr;
  aclrtEvent fork_ = nullptr, join_ = nullptr;
  void* memory_ = nullptr;
};

// The leak checker looks whether recording and streams let go of each other.
TEST_P(Captures, EndWithTheirStreams) {
  aclrtStream origin = nullptr, other = nullptr;
  ASSERT_OK(aclrtCreateStream(&origin));
  ASSERT_OK(aclrtCreateStream(&other));
  ASSERT_OK(aclmdlRICaptureBegin(origin, ACL_MODEL_RI_CAPTURE_MODE_GLOBAL));
  ASSERT_OK(aclrtRecordEvent(fork_, origin));
  ASSERT_OK(aclrtStreamWaitEvent(other, fork_));
  ASSERT_OK(fill(0, 7, other));
  EXPECT_OK(aclrtDestroyStream(origin));
  EXPECT_EQ(status(other), ACL_MODEL_RI_CAPTURE_STATUS_INVALIDATED);
  EXPECT_OK(aclrtDestroyStream(other));
  ASSERT_OK(aclrtSynchronizeDevice());
  EXPECT_EQ(bytes()[0], 0);
}

TEST_P(Captures, RunNothingUntilReplayed) {
  ASSERT_OK(aclmdlRICaptureBegin(first_, ACL_MODEL_RI_CAPTURE_MODE_GLOBAL));
  EXPECT_EQ(status(first_), ACL_MODEL_RI_CAPTURE_STATUS_ACTIVE);
  ASSERT_OK(copy(1, 0, first_));
  ASSERT_OK(fill(2, 9, first_));
  aclmdlRI ri = nullptr;
  ASSERT_OK(aclmdlRICaptureEnd(first_, &ri));
  EXPECT_EQ(status(first_), ACL_MODEL_RI_CAPTURE_STATUS_NONE);
  ASSERT_OK(aclrtSynchronizeStream(first_));
  EXPECT_EQ(bytes(), std::vector<int32_t>({0, 0, 0, 0}));
  for (const int value : {3, 4}) {
    ASSERT_OK(fill(0, value, second_));
    ASSERT_OK(aclmdlRIExecuteAsync(ri, second_));
    ASSERT_OK(aclrtSynchronizeStream(second_));
    EXPECT_EQ(bytes(), std::vector<int32_t>({value, value, 9, 0}));
  }
  ASSERT_OK(aclmdlRIExecuteAsync(ri, first_));
  ASSERT_OK(aclmdlRIDestroy(ri));
  EXPECT_CODE(aclmdlRIDestroy(ri), ACL_ERROR_RT_INVALID_HANDLE);
  EXPECT_CODE(aclmdlRIExecuteAsync(ri, first_), ACL_ERROR_RT_INVALID_HANDLE);
  EXPECT_OK(aclrtSynchronizeStream(first_));
}

TEST_P(Captures, TakeInStreamsThatWait) {
  ASSERT_OK(aclmdlRICaptureBegin(first_, ACL_MODEL_RI_CAPTURE_MODE_GLOBAL));
  ASSERT_OK(fill(0, 1, first_));
  ASSERT_OK(aclrtRecordEvent(fork_, first_));
  ASSERT_OK(aclrtStreamWaitEvent(second_, fork_));
  EXPECT_EQ(status(second_), ACL_MODEL_RI_CAPTURE_STATUS_ACTIVE);
  ASSERT_OK(copy(1, 0, second_));
  ASSERT_OK(fill(2, 2, first_));
  ASSERT_OK(aclrtRecordEvent(join_, second_));
  ASSERT_OK(aclrtStreamWaitEvent(first_, join_));
  ASSERT_OK(copy(3, 1, first_));
  aclmdlRI ri = nullptr;
  ASSERT_OK(aclmdlRICaptureEnd(first_, &ri));
  EXPECT_EQ(status(second_), ACL_MODEL_RI_CAPTURE_STATUS_NONE);
  EXPECT_EQ(bytes(), std::vector<int32_t>({0, 0, 0, 0}));
  ASSERT_OK(aclmdlRIExecuteAsync(ri, nullptr));
  ASSERT_OK(aclrtSynchronizeStream(nullptr));
  EXPECT_EQ(bytes(), std::vector<int32_t>({1, 1, 2, 1}));
  ASSERT_OK(aclmdlRIDestroy(ri));
}

TEST_P(Captures, FailWhenAStreamIsLeftBehind) {
  ASSERT_OK(aclmdlRICaptureBegin(first_, ACL_MODEL_RI_CAPTURE_MODE_GLOBAL));
  ASSERT_OK(aclrtRecordEvent(fork_, first_));
  ASSERT_OK(aclrtStreamWaitEvent(second_, fork_));
  ASSERT_OK(fill(0, 1, second_));
  aclmdlRI ri = &ri;
  EXPECT_CODE(aclmdlRICaptureEnd(second_, &ri), kCaptureElsewhere);
  EXPECT_CODE(aclmdlRICaptureEnd(first_, &ri), kCaptureLeftBehind);
  EXPECT_EQ(ri, nullptr);
  EXPECT_EQ(status(second_), ACL_MODEL_RI_CAPTURE_STATUS_NONE);
  ASSERT_OK(fill(0, 1, second_));
  ASSERT_OK(aclrtSynchronizeStream(second_));
  EXPECT_EQ(bytes(), std::vector<int32_t>({1, 0, 0, 0}));
}

TEST_P(Captures, EndInvalidByAWait) {
  ASSERT_OK(aclmdlRICaptureBegin(first_, ACL_MODEL_RI_CAPTURE_MODE_RELAXED));
  EXPECT_CODE(aclmdlRICaptureBegin(first_, ACL_MODEL_RI_CAPTURE_MODE_RELAXED), ACL_ERROR_RT_PARAM_INVALID);
  ASSERT_OK(fill(0, 1, first_));
  EXPECT_CODE(aclrtSynchronizeStream(first_), kCaptureInvalid);
  EXPECT_EQ(status(first_), ACL_MODEL_RI_CAPTURE_STATUS_INVALIDATED);
  EXPECT_CODE(fill(0, 1, first_), kCaptureInvalid);
  aclmdlRI ri = nullptr;
  EXPECT_CODE(aclmdlRICaptureEnd(first_, &ri), kCaptureInvalid);
  EXPECT_OK(aclrtSynchronizeStream(first_));
  EXPECT_CODE(aclmdlRICaptureEnd(first_, &ri), ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_CODE(aclmdlRICaptureBegin(first_, static_cast<aclmdlRICaptureMode>(9)), ACL_ERROR_INVALID_PARAM);
}

TEST_P(Captures, HaveGroupsThatAreReplaced) {
  aclrtEvent updated = nullptr;
  ASSERT_OK(aclrtCreateEventWithFlag(&updated, ACL_EVENT_EXTERNAL));
  ASSERT_OK(aclmdlRICaptureBegin(first_, ACL_MODEL_RI_CAPTURE_MODE_GLOBAL));
  ASSERT_OK(aclrtStreamWaitEvent(first_, updated));
  ASSERT_OK(aclrtResetEvent(updated, first_));
  ASSERT_OK(aclmdlRICaptureTaskGrpBegin(first_));
  ASSERT_OK(fill(0, 1, first_));
  ASSERT_OK(fill(1, 1, first_));
  aclrtTaskGrp group = nullptr;
  ASSERT_OK(aclmdlRICaptureTaskGrpEnd(first_, &group));
  ASSERT_OK(copy(3, 0, first_));
  aclmdlRI ri = nullptr;
  ASSERT_OK(aclmdlRICaptureEnd(first_, &ri));
  // A replay issued before the update that it waits for.
  for (const int value : {5, 6}) {
    ASSERT_OK(aclmdlRIExecuteAsync(ri, first_));
    EXPECT_CODE(aclrtSynchronizeStreamWithTimeout(first_, 5), ACL_ERROR_RT_STREAM_SYNC_TIMEOUT);
    ASSERT_OK(aclmdlRICaptureTaskUpdateBegin(second_, group));
    ASSERT_OK(fill(0, value, second_));
    ASSERT_OK(aclmdlRICaptureTaskUpdateEnd(second_));
    ASSERT_OK(aclrtRecordEvent(updated, second_));
    ASSERT_OK(aclrtSynchronizeStream(first_));
    EXPECT_EQ(bytes()[0], value);
    EXPECT_EQ(bytes()[3], value);
  }
  ASSERT_OK(aclrtDestroyEvent(updated));
  ASSERT_OK(aclmdlRIDestroy(ri));
  EXPECT_CODE(aclmdlRICaptureTaskUpdateEnd(second_), ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_CODE(aclmdlRICaptureTaskGrpBegin(second_), ACL_ERROR_RT_PARAM_INVALID);
}

TEST_P(Captures, MayWaitForAnEventThatNeverComes) {
  aclrtEvent never = nullptr;
  ASSERT_OK(aclrtCreateEventWithFlag(&never, ACL_EVENT_EXTERNAL));
  ASSERT_OK(aclmdlRICaptureBegin(first_, ACL_MODEL_RI_CAPTURE_MODE_GLOBAL));
  ASSERT_OK(aclrtStreamWaitEvent(first_, never));
  ASSERT_OK(fill(0, 1, first_));
  aclmdlRI ri = nullptr;
  ASSERT_OK(aclmdlRICaptureEnd(first_, &ri));
  aclrtStream stream = nullptr;
  ASSERT_OK(aclrtCreateStream(&stream));
  ASSERT_OK(aclmdlRIExecuteAsync(ri, stream));
  EXPECT_CODE(aclrtSynchronizeStreamWithTimeout(stream, 1), ACL_ERROR_RT_STREAM_SYNC_TIMEOUT);
  ASSERT_OK(aclrtDestroyStream(stream));  // at once
  EXPECT_EQ(bytes(), std::vector<int32_t>({0, 0, 0, 0}));
  ASSERT_OK(aclmdlRIDestroy(ri));
  ASSERT_OK(aclrtDestroyEvent(never));
}

ISTHMUS_ON_DEVICES(Captures);

}  // namespace
}  // namespace isthmus::cann
