// SPDX-License-Identifier: Apache-2.0
// Large elementwise calls: in parts, and only those parts whose results are not there any more.
#include <functional>
#include <future>

#include "acl/acl_rt.h"
#include "aclnnop/aclnn_cast.h"
#include "aclnnop/aclnn_mul.h"
#include "aclnnop/aclnn_permute.h"
#include "cann/aclnn/test_kit.h"
#include "cann/runtime/library.h"

namespace isthmus::cann {
namespace {

using namespace test;

constexpr int64_t kRows = 4096, kWidth = 512, kParts = 8;

// Operators that were put on streams so far.
int64_t operators() {
  const std::string text = run_summary();
  const size_t at = text.find(" ran ");
  return at == std::string::npos ? 0 : std::stoll(text.substr(at + 5));
}

class LargeCalls : public OnDevice {
 protected:
  void SetUp() override {
    OnDevice::SetUp();
    ASSERT_EQ(aclrtMalloc(&source_, kRows * kWidth * 2, ACL_MEM_MALLOC_NORMAL_ONLY), 0);
    ASSERT_EQ(aclrtMalloc(&result_, kRows * kWidth * 4, ACL_MEM_MALLOC_NORMAL_ONLY), 0);
    write(3, 0, kRows);
    x_ = tensor(source_, ACL_FLOAT16);
    y_ = tensor(result_, ACL_FLOAT);
  }
  void TearDown() override {
    aclDestroyTensor(x_);
    aclDestroyTensor(y_);
    EXPECT_EQ(aclrtFree(source_), 0);
    EXPECT_EQ(aclrtFree(result_), 0);
    OnDevice::TearDown();
  }

  static aclTensor* tensor(void* data, aclDataType type, int64_t rows = kRows) {
    const int64_t dims[] = {1, rows, kWidth};
    return aclCreateTensor(dims, 3, type, nullptr, 0, ACL_FORMAT_ND, dims, 3, data);
  }
  void* row(void* base, int64_t row, int64_t bytes) const {
    return static_cast<char*>(base) + row * kWidth * bytes;
  }
  void write(float value, int64_t first, int64_t rows) {
    const std::vector<uint16_t> numbers(static_cast<size_t>(rows * kWidth), f32_to_f16(value));
    ASSERT_EQ(aclrtMemcpy(row(source_, first, 2), numbers.size() * 2, numbers.data(), numbers.size() * 2,
                          ACL_MEMCPY_HOST_TO_DEVICE),
              0);
  }
  // How many operators the cast puts on the stream; the result must be `rows` of these values.
  int64_t cast(const std::function<float(int64_t)>& expected, aclrtStream stream = nullptr) {
    const int64_t before = operators();
    uint64_t bytes = 0;
    aclOpExecutor* executor = nullptr;
    EXPECT_EQ(aclnnCastGetWorkspaceSize(x_, ACL_FLOAT, y_, &bytes, &executor), 0) << message();
    EXPECT_EQ(bytes, 0u);
    EXPECT_EQ(aclnnCast(nullptr, bytes, executor, stream), 0) << message();
    EXPECT_EQ(aclrtSynchronizeStream(stream), 0);
    const int64_t ran = operators() - before;
    std::vector<float> values(kRows * kWidth);
    EXPECT_EQ(
        aclrtMemcpy(values.data(), values.size() * 4, result_, values.size() * 4, ACL_MEMCPY_DEVICE_TO_HOST),
        0);
    for (int64_t r = 0; r < kRows; ++r)
      for (const int64_t i : {int64_t{0}, kWidth - 1})
        if (values[static_cast<size_t>(r * kWidth + i)] != expected(r)) {
          ADD_FAILURE() << "row " << r << ": " << values[static_cast<size_t>(r * kWidth + i)];
          return ran;
        }
    return ran;
  }

  void *source_ = nullptr, *result_ = nullptr;
  aclTensor *x_ = nullptr, *y_ = nullptr;
};

float three(int64_t) { return 3; }

TEST_F(LargeCalls, AreComputedOnce) {
  EXPECT_EQ(cast(three), kParts);
  EXPECT_EQ(cast(three), 0);
}

TEST_F(LargeCalls, WhoseSourceIsWrittenAreComputedAgain) {
  cast(three);
  write(5, 700, 1);
  EXPECT_EQ(cast([](int64_t r) { return r == 700 ? 5.0f : 3.0f; }), 1);
  // On a stream; the last row of one part and the first of the next.
  ASSERT_EQ(aclrtMemsetAsync(row(source_, 511, 2), 2 * kWidth * 2, 0, 2 * kWidth * 2, nullptr), 0);
  EXPECT_EQ(cast([](int64_t r) { return r == 511 || r == 512 ? 0.0f : r == 700 ? 5.0f : 3.0f; }), 2);
}

TEST_F(LargeCalls, WhoseResultIsWrittenAreComputedAgain) {
  cast(three);
  ASSERT_EQ(aclrtMemset(result_, 4, 0, 4), 0);
  EXPECT_EQ(cast(three), 1);
  ASSERT_EQ(aclrtMemcpyAsync(row(result_, 4095, 4), 4, result_, 4, ACL_MEMCPY_DEVICE_TO_DEVICE, nullptr), 0);
  EXPECT_EQ(cast(three), 1);
  // By an operator, into what it shares with the result.
  aclTensor* head = tensor(row(source_, 0, 2), ACL_FLOAT16, 1);
  aclTensor* tail = tensor(row(result_, 1024, 4), ACL_FLOAT16, 1);
  ASSERT_EQ(ACLNN(Mul, head, head, tail), 0) << message();
  EXPECT_EQ(cast(three), 1);
  aclDestroyTensor(head);
  aclDestroyTensor(tail);
}

TEST_F(LargeCalls, OfFreedMemoryAreComputedAgain) {
  cast(three);
  ASSERT_EQ(aclrtFree(result_), 0);
  ASSERT_EQ(aclrtMalloc(&result_, kRows * kWidth * 4, ACL_MEM_MALLOC_NORMAL_ONLY), 0);
  aclDestroyTensor(y_);
  y_ = tensor(result_, ACL_FLOAT);
  EXPECT_EQ(cast(three), kParts);
}

TEST_F(LargeCalls, OfAnotherStreamAreComputedAgain) {
  cast(three);
  aclrtStream stream = nullptr;
  ASSERT_EQ(aclrtCreateStream(&stream), 0);
  EXPECT_EQ(cast(three, stream), kParts);
  EXPECT_EQ(cast(three, stream), 0);
  // What the other stream put there is not the first one's.
  EXPECT_EQ(cast(three), kParts);
  ASSERT_EQ(aclrtDestroyStream(stream), 0);
}

// The source is still being written by another stream when the first call reads it: too early, but the second
// is not.
TEST_F(LargeCalls, AreNotKeptWhileAnotherStreamWrites) {
  aclrtStream writer = nullptr;
  ASSERT_EQ(aclrtCreateStream(&writer), 0);
  std::promise<void> go;
  ASSERT_EQ(aclrtLaunchHostFunc(
                writer, [](void* data) { static_cast<std::promise<void>*>(data)->get_future().wait(); }, &go),
            0);
  ASSERT_EQ(aclrtMemsetAsync(source_, kRows * kWidth * 2, 0, kRows * kWidth * 2, writer), 0);
  EXPECT_EQ(cast(three), kParts);
  go.set_value();
  ASSERT_EQ(aclrtSynchronizeStream(writer), 0);
  EXPECT_EQ(cast([](int64_t) { return 0.0f; }), kParts);
  EXPECT_EQ(cast([](int64_t) { return 0.0f; }), 0);
  ASSERT_EQ(aclrtDestroyStream(writer), 0);
}

TEST_F(LargeCalls, AreComputedByReplaysAsWell) {
  aclrtStream stream = nullptr;
  ASSERT_EQ(aclrtCreateStream(&stream), 0);
  aclmdlRI graph = nullptr;
  ASSERT_EQ(aclmdlRICaptureBegin(stream, ACL_MODEL_RI_CAPTURE_MODE_GLOBAL), 0);
  uint64_t bytes = 0;
  aclOpExecutor* executor = nullptr;
  ASSERT_EQ(aclnnCastGetWorkspaceSize(x_, ACL_FLOAT, y_, &bytes, &executor), 0);
  ASSERT_EQ(aclnnCast(nullptr, bytes, executor, stream), 0);
  ASSERT_EQ(aclmdlRICaptureEnd(stream, &graph), 0);
  const auto replay = [&] {
    const int64_t before = operators();
    EXPECT_EQ(aclmdlRIExecuteAsync(graph, stream), 0);
    EXPECT_EQ(aclrtSynchronizeStream(stream), 0);
    return operators() - before;
  };
  EXPECT_EQ(replay(), kParts);
  EXPECT_EQ(replay(), 0);
  write(7, 0, kRows);
  EXPECT_EQ(replay(), kParts);
  EXPECT_EQ(cast([](int64_t) { return 7.0f; }, stream), 0);
  ASSERT_EQ(aclmdlRIDestroy(graph), 0);
  ASSERT_EQ(aclrtDestroyStream(stream), 0);
}

// Rows of the one broadcast over rows of the other, and one that has none.
TEST_F(LargeCalls, BroadcastInputs) {
  Dense<float> x({kRows, kWidth}, counting(kRows * kWidth)), column({kRows, 1}, counting(kRows)),
      row({kWidth}, counting(kWidth)), out({kRows, kWidth});
  for (const bool by_column : {true, false}) {
    ASSERT_EQ(by_column ? ACLNN(Mul, x, column, out) : ACLNN(Mul, row, x, out), 0) << message();
    const std::vector<float> values = out.values();
    for (int64_t i = 0; i < kRows * kWidth; i += 97) {
      const auto factor = static_cast<float>(by_column ? i / kWidth + 1 : i % kWidth + 1);
      ASSERT_EQ(values[static_cast<size_t>(i)], static_cast<float>(i + 1) * factor) << i;
    }
  }
  // What is no operator on elements stays whole.
  Dense<float> square({1024, 1024}, counting(1024 * 1024)), turned({1024, 1024});
  ASSERT_EQ(ACLNN(Permute, square, Ints({1, 0}), turned), 0) << message();
  EXPECT_EQ(turned.values()[1], 1025);
}

}  // namespace
}  // namespace isthmus::cann
