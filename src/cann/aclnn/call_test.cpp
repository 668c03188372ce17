// SPDX-License-Identifier: Apache-2.0
// Calls as such: views, overlaps, executors, and what wrong arguments get. What operators compute is tested
// beside their adapters.
#include <thread>

#include "aclnnop/aclnn_add.h"
#include "aclnnop/aclnn_bitwise_and_tensor.h"
#include "aclnnop/aclnn_cast.h"
#include "aclnnop/aclnn_copy.h"
#include "aclnnop/aclnn_exp.h"
#include "aclnnop/aclnn_mul.h"
#include "aclnnop/aclnn_permute.h"
#include "cann/aclnn/plan_cache.h"
#include "cann/aclnn/test_kit.h"
#include "cann/error.h"

namespace isthmus::cann {
namespace {

using namespace test;

class Calls : public OnDevice {
 protected:
  const Number one = 1.0f;
};

TEST_F(Calls, AddBroadcastsAndScales) {
  Dense<float> x({2, 3}, counting(6)), y({3}, {10, 20, 30}), out({2, 3});
  ASSERT_EQ(ACLNN(Add, x, y, Number(2.0f), out), 0) << message();
  EXPECT_EQ(out.values(), (std::vector<float>{21, 42, 63, 24, 45, 66}));
}

TEST_F(Calls, StridesAndOffsets) {
  Storage<float> a(counting(12)), b(counting(12)), out(std::vector<float>(12, -1));
  // Columns 1 and 2 of a 4 by 3 matrix, and the same of the other, transposed; into every second place.
  aclTensor* x = a.view({4, 2}, {3, 1}, 1);
  aclTensor* y = b.view({4, 2}, {1, 4}, 2);
  aclTensor* z = out.view({4, 2}, {3, 2});
  ASSERT_EQ(ACLNN(Add, x, y, one, z), 0) << message();
  EXPECT_EQ(out.values(),
            (std::vector<float>{2 + 3, -1, 3 + 7, 5 + 4, -1, 6 + 8, 8 + 5, -1, 9 + 9, 11 + 6, -1, 12 + 10}));
}

TEST_F(Calls, StrideZeroIsABroadcast) {
  Storage<float> a({7});
  Dense<float> y({2, 2}, counting(4)), out({2, 2});
  ASSERT_EQ(ACLNN(Add, a.view({2, 2}, {0, 0}), y, one, out), 0) << message();
  EXPECT_EQ(out.values(), (std::vector<float>{8, 9, 10, 11}));
}

TEST_F(Calls, InPlace) {
  Dense<float> x({4}, counting(4)), y({4}, counting(4));
  ASSERT_EQ(ACLNN(InplaceMul, x, y), 0) << message();
  EXPECT_EQ(x.values(), (std::vector<float>{1, 4, 9, 16}));
  ASSERT_EQ(ACLNN(InplaceMul, x, x), 0) << message();
  EXPECT_EQ(x.values(), (std::vector<float>{1, 16, 81, 256}));
}

TEST_F(Calls, OutputsThatMeetInputs) {
  Storage<float> memory(counting(8));
  aclTensor* head = memory.view({6});
  aclTensor* tail = memory.view({6}, {1}, 2);
  ASSERT_EQ(ACLNN(Add, head, head, one, tail), 0) << message();
  EXPECT_EQ(memory.values(), (std::vector<float>{1, 2, 2, 4, 6, 8, 10, 12}));
  // A transposition in place.
  Storage<float> matrix(counting(4));
  ASSERT_EQ(ACLNN(InplaceCopy, matrix.view({2, 2}), matrix.view({2, 2}, {1, 2})), 0) << message();
  EXPECT_EQ(matrix.values(), (std::vector<float>{1, 3, 2, 4}));
}

TEST_F(Calls, PermuteGoesStraightIntoStridedOutputs) {
  Storage<float> a(counting(6)), out(std::vector<float>(8, 0));
  ASSERT_EQ(ACLNN(Permute, a.view({2, 3}), Ints({1, 0}), out.view({3, 2}, {2, 1}, 1)), 0) << message();
  EXPECT_EQ(out.values(), (std::vector<float>{0, 1, 4, 2, 5, 3, 6, 0}));
}

TEST_F(Calls, DtypesArePromotedAndRoundedOnce) {
  Dense<uint16_t> half({2}, halves({1, 2048}));
  Dense<float> full({2}, {0.25f, 1}), out({2});
  ASSERT_EQ(ACLNN(Add, half, full, one, out), 0) << message();
  EXPECT_EQ(out.values(), (std::vector<float>{1.25f, 2049}));
  // 2048 + 3 * 1 is 2051 and rounds to 2052; with 3 * 1 added in two halves it would not.
  Dense<uint16_t> ones({2}, halves({1, 1})), narrow({2});
  ASSERT_EQ(ACLNN(Add, half, ones, Number(3.0f), narrow), 0) << message();
  EXPECT_EQ(floats(narrow.values()), (std::vector<float>{4, 2052}));
  Dense<int32_t> whole({2}, {3, 4});
  ASSERT_EQ(ACLNN(Adds, whole, Number(0.5f), one, out), 0) << message();
  EXPECT_EQ(out.values(), (std::vector<float>{3.5f, 4.5f}));
}

TEST_F(Calls, EmptyAndRankZeroAndRankEight) {
  Dense<float> nothing({0, 3}), result({0, 3}), scalar({}, {2}), answer({});
  ASSERT_EQ(ACLNN(Add, nothing, scalar, one, result), 0) << message();
  ASSERT_EQ(ACLNN(Add, scalar, scalar, one, answer), 0) << message();
  EXPECT_EQ(answer.values(), (std::vector<float>{4}));
  const Dims eight = {1, 2, 1, 2, 1, 2, 1, 2};
  Dense<float> x(eight, counting(16)), y(eight);
  ASSERT_EQ(ACLNN(Add, x, scalar, one, y), 0) << message();
  EXPECT_EQ(y.values(), counting(16, 3.0f));
}

TEST_F(Calls, RepeatedCallsFindTheirPlan) {
  Dense<float> x({5}, counting(5)), y({5});
  ASSERT_EQ(ACLNN(Exp, x, y), 0) << message();
  const PlanCacheCounts before = plan_cache_counts();
  Dense<float> other({5}, counting(5)), result({5});
  ASSERT_EQ(ACLNN(Exp, other, result), 0) << message();
  EXPECT_EQ(plan_cache_counts().made, before.made);
  EXPECT_EQ(plan_cache_counts().found, before.found + 1);
  EXPECT_EQ(result.values(), y.values());
  ASSERT_EQ(ACLNN(InplaceExp, other), 0) << message();  // another operator
  EXPECT_EQ(plan_cache_counts().made, before.made + 1);
  ASSERT_EQ(ACLNN(Exp, x, x), 0) << message();  // another overlap
  EXPECT_EQ(plan_cache_counts().made, before.made + 2);
  EXPECT_EQ(x.values(), y.values());
}

TEST_F(Calls, PlansEndWithTheDevice) {
  const auto call = [] {
    Dense<float> x({5}, counting(5));
    ASSERT_EQ(ACLNN(InplaceExp, x), 0) << message();
  };
  call();
  EXPECT_GT(plan_cache_counts().kept, 0u);
  ASSERT_EQ(aclrtSetDevice(0), 0);
  ASSERT_EQ(aclrtResetDevice(0), 0);  // it is in use still
  EXPECT_GT(plan_cache_counts().kept, 0u);
  ASSERT_EQ(aclrtResetDevice(0), 0);
  EXPECT_EQ(plan_cache_counts().kept, 0u);
  ASSERT_EQ(aclrtSetDevice(0), 0);
  call();
}

TEST_F(Calls, ExecutorsOutliveTensorsAndMoveBetweenThreads) {
  Storage<float> a(counting(3)), out(std::vector<float>(3));
  uint64_t bytes = 0;
  aclOpExecutor* executor = nullptr;
  {
    const int64_t n = 3;
    aclTensor* x = aclCreateTensor(&n, 1, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, &n, 1, a.data());
    aclTensor* y = aclCreateTensor(&n, 1, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, &n, 1, out.data());
    ASSERT_EQ(aclnnAddGetWorkspaceSize(x, x, one, y, &bytes, &executor), 0) << message();
    EXPECT_EQ(aclDestroyTensor(x), 0);
    EXPECT_EQ(aclDestroyTensor(y), 0);
  }
  std::thread([&] {
    ASSERT_EQ(aclrtSetDevice(0), ACL_SUCCESS);
    EXPECT_EQ(aclnnAdd(nullptr, bytes, executor, nullptr), 0) << message();
    EXPECT_EQ(aclrtSynchronizeStream(nullptr), 0);
    EXPECT_EQ(aclrtResetDevice(0), ACL_SUCCESS);
  }).join();
  EXPECT_EQ(out.values(), (std::vector<float>{2, 4, 6}));
  EXPECT_EQ(aclnnAdd(nullptr, bytes, executor, nullptr), kAclnnInvalidArgument);  // used up
  EXPECT_NE(message().find("destroyed before"), std::string::npos);
}

TEST_F(Calls, RepeatableExecutorsTakeOtherAddresses) {
  Dense<float> x({3}, counting(3)), y({3}, {10, 10, 10}), out({3}), other({3}, {5, 5, 5}), elsewhere({3});
  uint64_t bytes = 0;
  aclOpExecutor* executor = nullptr;
  ASSERT_EQ(aclnnAddGetWorkspaceSize(x, y, one, out, &bytes, &executor), 0) << message();
  ASSERT_EQ(aclSetAclOpExecutorRepeatable(executor), 0);
  for (int i = 0; i < 2; ++i) ASSERT_EQ(aclnnAdd(nullptr, bytes, executor, nullptr), 0) << message();
  ASSERT_EQ(aclSetInputTensorAddr(executor, 1, y, other.data()), 0) << message();
  ASSERT_EQ(AclSetOutputTensorAddr(executor, 0, out, elsewhere.data()), 0) << message();
  ASSERT_EQ(aclnnAdd(nullptr, bytes, executor, nullptr), 0) << message();
  ASSERT_EQ(aclrtSynchronizeStream(nullptr), 0);
  EXPECT_EQ(out.values(), (std::vector<float>{11, 12, 13}));
  EXPECT_EQ(elsewhere.values(), (std::vector<float>{6, 7, 8}));
  // The plan was made for outputs that meet no input.
  ASSERT_EQ(aclSetTensorAddr(executor, 2, out, x.data()), 0) << message();
  EXPECT_EQ(aclnnAdd(nullptr, bytes, executor, nullptr), kAclnnInvalidArgument);
  EXPECT_NE(message().find("overlap"), std::string::npos);
  EXPECT_EQ(aclSetInputTensorAddr(executor, 2, y, other.data()), kAclnnInvalidArgument);
  EXPECT_EQ(aclSetDynamicInputTensorAddr(executor, 0, 0, nullptr, nullptr), kAclnnNullArgument);
  EXPECT_EQ(aclDestroyAclOpExecutor(executor), 0);
  EXPECT_EQ(aclDestroyAclOpExecutor(executor), kAclnnInvalidArgument);
}

TEST_F(Calls, WrongArguments) {
  Dense<float> x({2, 3}), y({4}), out({2, 3});
  uint64_t bytes = 0;
  aclOpExecutor* executor = nullptr;
  EXPECT_EQ(aclnnAddGetWorkspaceSize(x, y, one, out, &bytes, &executor), kAclnnInvalidArgument);
  const std::string sentence = message();
  EXPECT_NE(sentence.find("aclnnAdd"), std::string::npos) << sentence;
  EXPECT_NE(sentence.find("[2, 3]"), std::string::npos) << sentence;
  EXPECT_NE(sentence.find("[4]"), std::string::npos) << sentence;
  EXPECT_EQ(aclnnAddGetWorkspaceSize(x, nullptr, one, out, &bytes, &executor), kAclnnNullArgument);
  EXPECT_NE(message().find("'other' is null"), std::string::npos);
  EXPECT_EQ(aclnnAddGetWorkspaceSize(x, x, one, out, nullptr, &executor), kAclnnNullArgument);
  EXPECT_EQ(aclnnAddGetWorkspaceSize(x, x, one, y, &bytes, &executor), kAclnnInvalidArgument);
  // A scalar is no tensor, and no pointer of the program's is a handle.
  EXPECT_EQ(
      aclnnAddGetWorkspaceSize(x, reinterpret_cast<const aclTensor*>(static_cast<const aclScalar*>(one)), one,
                               out, &bytes, &executor),
      kAclnnInvalidArgument);
  EXPECT_EQ(
      aclnnAddGetWorkspaceSize(x, reinterpret_cast<const aclTensor*>(&bytes), one, out, &bytes, &executor),
      kAclnnInvalidArgument);
  Storage<float> few(counting(3));
  EXPECT_EQ(ACLNN(Add, x, x, one, few.view({2, 3}, {0, 1})), kAclnnInvalidArgument);  // overlaps itself
  EXPECT_EQ(aclnnAdd(nullptr, 0, nullptr, nullptr), kAclnnNullArgument);
  ASSERT_EQ(aclnnAddGetWorkspaceSize(x, x, one, out, &bytes, &executor), 0) << message();
  EXPECT_EQ(aclnnMul(nullptr, bytes, executor, nullptr), kAclnnInvalidArgument);  // Add's
  EXPECT_EQ(aclDestroyAclOpExecutor(executor), 0);
  // So much that the program has to give it.
  const int64_t many = 20'000'000;
  aclTensor* large = aclCreateTensor(&many, 1, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, &many, 1, x.data());
  ASSERT_EQ(aclnnInplaceMulGetWorkspaceSize(large, large, &bytes, &executor), 0) << message();
  ASSERT_GE(bytes, 4 * static_cast<uint64_t>(many));
  EXPECT_EQ(aclnnInplaceMul(nullptr, bytes, executor, nullptr), kAclnnNullArgument);
  ASSERT_EQ(aclnnInplaceMulGetWorkspaceSize(large, large, &bytes, &executor), 0) << message();
  EXPECT_EQ(aclnnInplaceMul(x.data(), bytes - 1, executor, nullptr), kAclnnInvalidArgument);
  aclDestroyTensor(large);
}

TEST_F(Calls, FloatsBecomeWholeNumbersByACastAlone) {
  Dense<float> x({4}, counting(4)), y({4});
  Dense<int32_t> whole({4});
  EXPECT_EQ(ACLNN(Exp, x, whole), kAclnnInvalidArgument);
  EXPECT_NE(message().find("aclnnCast"), std::string::npos) << message();
  EXPECT_EQ(ACLNN(BitwiseAndTensor, x, x, y), kAclnnInvalidArgument);
  EXPECT_NE(message().find("whole numbers"), std::string::npos) << message();
  Dense<bool> no({4}), yes({4});
  EXPECT_EQ(ACLNN(Mul, no, yes, no), 0) << message();
  ASSERT_EQ(ACLNN(Cast, x, ACL_INT32, whole), 0) << message();
  EXPECT_EQ(whole.values(), (std::vector<int32_t>{1, 2, 3, 4}));
}

TEST_F(Calls, NoData) {
  const int64_t n = 3;
  Dense<float> x({3});
  aclTensor* null = aclCreateTensor(&n, 1, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, &n, 1, nullptr);
  EXPECT_NE(ACLNN(Exp, null, x), 0);
  EXPECT_NE(message().find("null"), std::string::npos);
  aclTensor* askew =
      aclCreateTensor(&n, 1, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, &n, 1, static_cast<char*>(x.data()) + 1);
  EXPECT_EQ(ACLNN(Exp, askew, x), kAclnnInvalidArgument);
  EXPECT_NE(message().find("aligned"), std::string::npos);
  aclDestroyTensor(null);
  aclDestroyTensor(askew);
}

TEST(CallsWithoutDevice, AreRefused) {
  const int64_t n = 1;
  aclTensor* x = aclCreateTensor(&n, 1, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, &n, 1, nullptr);
  std::thread([&] {
    uint64_t bytes = 0;
    aclOpExecutor* executor = nullptr;
    EXPECT_NE(aclnnExpGetWorkspaceSize(x, x, &bytes, &executor), 0);
    EXPECT_FALSE(message().empty());
  }).join();
  EXPECT_EQ(aclDestroyTensor(x), 0);
  EXPECT_EQ(aclDestroyTensor(x), kAclnnInvalidArgument);
}

}  // namespace
}  // namespace isthmus::cann
