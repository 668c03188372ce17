// SPDX-License-Identifier: Apache-2.0
#include "aclnnop/aclnn_flash_attention_score.h"
#include "aclnnop/aclnn_flash_attention_score_grad.h"
#include "aclnnop/aclnn_foreach_addcdiv_scalar_v2.h"
#include "aclnnop/aclnn_foreach_non_finite_check_and_unscale.h"
#include "cann/aclnn/test_kit.h"
#include "cann/error.h"

namespace isthmus::cann {
namespace {

using namespace test;
using Training = OnDevice;
using Floats = std::vector<float>;

constexpr int64_t kFar = 2147483647;

TEST_F(Training, FlashAttentionAndItsGradient) {
  // Both keys score alike: the mean of the values, a largest score of 0 and a sum of 2, eight times each.
  Dense<float> q({1, 1, 1, 2}, {0, 0}), k({1, 1, 2, 2}, {1, 2, 3, 4}), v({1, 1, 2, 2}, {1, 10, 3, 30});
  Dense<float> largest({1, 1, 1, 8}), sums({1, 1, 1, 8}), unused({0}), y({1, 1, 1, 2});
  char layout[] = "BNSD";
  ASSERT_EQ(ACLNN(FlashAttentionScore, q, k, v, nullptr, nullptr, nullptr, nullptr, nullptr, 1.0, 1.0, kFar,
                  kFar, 1, layout, 0, 0, largest, sums, unused, y),
            0)
      << message();
  EXPECT_EQ(largest.values(), Floats(8, 0));
  EXPECT_EQ(sums.values(), Floats(8, 2));
  EXPECT_EQ(y.values(), (Floats{2, 20}));
  // p = 1/2 each, dp = dy v = 11 and 33: ds = -5.5 and 5.5.
  Dense<float> dy({1, 1, 1, 2}, {1, 1}), dq({1, 1, 1, 2}), dk({1, 1, 2, 2}), dv({1, 1, 2, 2});
  ASSERT_EQ(ACLNN(FlashAttentionScoreGrad, q, k, v, dy, nullptr, nullptr, nullptr, nullptr, largest, sums,
                  nullptr, y, nullptr, 1.0, 1.0, kFar, kFar, 1, layout, 0, 0, dq, dk, dv, unused),
            0)
      << message();
  EXPECT_EQ(dq.values(), (Floats{11, 11}));
  EXPECT_EQ(dk.values(), Floats(4, 0));
  EXPECT_EQ(dv.values(), Floats(4, 0.5));
  EXPECT_EQ(ACLNN(FlashAttentionScore, q, k, v, nullptr, nullptr, nullptr, nullptr, nullptr, 1.0, 1.0, kFar,
                  0, 1, layout, 0, 0, largest, sums, unused, y),
            kAclnnInternal);  // a band that no mode names
}

TEST_F(Training, Lists) {
  Dense<float> a({2}, {1, 2}), b({1}, {3}), two({2}, {4, 6}), one({1}, {8});
  Dense<float> by({2}, {2, 3}), by_one({1}, {4});
  // In place: x + 2 * first / second.
  const List x({a, b});
  ASSERT_EQ(ACLNN(ForeachAddcdivScalarV2, x, List({two, one}), List({by, by_one}), Number(2.0f), x), 0)
      << message();
  EXPECT_EQ(a.values(), (Floats{5, 6}));
  EXPECT_EQ(b.values(), (Floats{7}));
  Dense<float> found({1}), scale({1}, {0.5});
  ASSERT_EQ(ACLNN(ForeachNonFiniteCheckAndUnscale, x, found, scale), 0) << message();
  EXPECT_EQ(a.values(), (Floats{2.5, 3}));
  EXPECT_EQ(found.values(), (Floats{0}));
  Dense<float> bad({1}, {INFINITY});
  ASSERT_EQ(ACLNN(ForeachNonFiniteCheckAndUnscale, List({a, bad}), found, scale), 0) << message();
  EXPECT_EQ(found.values(), (Floats{1}));
}

}  // namespace
}  // namespace isthmus::cann
