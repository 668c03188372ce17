// SPDX-License-Identifier: Apache-2.0
// What comes from outside: values of arguments that change the meaning are followed or refused, never passed
// over; indices that are data may be anything.
#include <limits>

#include "aclnnop/aclnn_apply_top_k_top_p.h"
#include "aclnnop/aclnn_dequant_swiglu_quant.h"
#include "aclnnop/aclnn_embedding_bag.h"
#include "aclnnop/aclnn_ffn_v2.h"
#include "aclnnop/aclnn_flash_attention_score.h"
#include "aclnnop/aclnn_fused_sgd.h"
#include "aclnnop/aclnn_max_unpool2d.h"
#include "aclnnop/aclnn_nll_loss2d.h"
#include "aclnnop/aclnn_prompt_flash_attention_v3.h"
#include "aclnnop/aclnn_put.h"
#include "aclnnop/aclnn_quant_matmul_v5.h"
#include "aclnnop/aclnn_repeat_interleave.h"
#include "cann/aclnn/test_kit.h"
#include "cann/error.h"

namespace isthmus::cann {
namespace {

using namespace test;
using Outside = OnDevice;
using Floats = std::vector<float>;

constexpr int64_t kFar = 2147483647;

void expect_message(const char* part) { EXPECT_NE(message().find(part), std::string::npos) << message(); }

// Rows see all keys alike: results are means of the values seen.
class Prompt {
 public:
  aclnnStatus operator()(aclTensor* mask, const aclIntArray* rows, const aclIntArray* keys, int64_t before,
                         int64_t after, int64_t mode) {
    return ACLNN(PromptFlashAttentionV3, q_, k_, v_, nullptr, mask, rows, keys, nullptr, nullptr, nullptr,
                 nullptr, nullptr, 1, 1.0, before, after, layout_, 1, mode, 0, y_);
  }
  Floats values() { return y_.values(); }

 private:
  char layout_[5] = "BNSD";
  Dense<float> q_{{1, 1, 2, 1}, {0, 0}}, k_{{1, 1, 3, 1}, {1, 2, 3}}, v_{{1, 1, 3, 1}, {1, 3, 8}},
      y_{{1, 1, 2, 1}};
};

TEST_F(Outside, BandsOfAttention) {
  Prompt attend;
  Dense<bool> mask({2, 3}, {false, false, false, true, false, false});  // the second row not the first key
  ASSERT_EQ(attend(nullptr, nullptr, nullptr, 0, 0, 0), 0) << message();
  EXPECT_EQ(attend.values(), (Floats{4, 4}));  // nothing is hidden without a mask
  ASSERT_EQ(attend(mask, nullptr, nullptr, kFar, kFar, 0), 0) << message();
  EXPECT_EQ(attend.values(), (Floats{4, 5.5}));
  ASSERT_EQ(attend(mask, nullptr, nullptr, kFar, 0, 0), 0) << message();
  EXPECT_EQ(attend.values(), (Floats{1, 3}));  // counted from the left end
  ASSERT_EQ(attend(mask, nullptr, nullptr, kFar, 0, 1), 0) << message();
  EXPECT_EQ(attend.values(), (Floats{4, 5.5}));  // mode 1 has no band
  ASSERT_EQ(attend(mask, nullptr, nullptr, 0, 0, 4), 0) << message();
  EXPECT_EQ(attend.values(), (Floats{3, 8}));  // counted from the right end
  EXPECT_EQ(attend(mask, nullptr, nullptr, 1, -1, 4), kAclnnInternal);
  expect_message("none may be negative");
}

TEST_F(Outside, LengthsOfAttention) {
  Prompt attend;
  ASSERT_EQ(attend(nullptr, Ints({2}), Ints({2}), 0, 0, 0), 0) << message();
  EXPECT_EQ(attend.values(), (Floats{2, 2}));
  EXPECT_EQ(attend(nullptr, Ints({1}), Ints({2}), 0, 0, 0), kAclnnInternal);
  expect_message("a length of 1 among 2 rows");
  EXPECT_EQ(attend(nullptr, nullptr, Ints({4}), 0, 0, 0), kAclnnInvalidArgument);
  EXPECT_EQ(attend(nullptr, nullptr, Ints({(int64_t{1} << 32) + 1}), 0, 0, 0), kAclnnInvalidArgument);
  expect_message("among 3 keys");
}

TEST_F(Outside, DropoutWithoutItsMask) {
  Dense<float> x({1, 1, 1, 1}), wide({1, 1, 1, 8}), unused({0}), y({1, 1, 1, 1});
  char layout[] = "BNSD";
  EXPECT_EQ(ACLNN(FlashAttentionScore, x, x, x, nullptr, nullptr, nullptr, nullptr, nullptr, 1.0, 0.5, kFar,
                  kFar, 1, layout, 0, 0, wide, wide, unused, y),
            kAclnnInvalidArgument);
  expect_message("without a dropMask");
}

TEST_F(Outside, ModesThatNobodyKnows) {
  Dense<float> x({1, 2, 1, 1}, {1, 2}), weight({2}, {1, 1}), loss({1, 1, 1}), total({1});
  Dense<int64_t> target({1, 1, 1});
  EXPECT_EQ(ACLNN(NLLLoss2d, x, target, weight, 7, -100, loss, total), kAclnnInvalidArgument);
  expect_message("reduction is 7");

  Dense<float> w({1}, {1});
  const aclTensor* each = w;
  aclTensorList* list = aclCreateTensorList(&each, 1);
  EXPECT_EQ(ACLNN(FusedSgd, list, list, nullptr, nullptr, 0.f, 0.5f, 0.1f, 0.f, false, false, false),
            kAclnnInvalidArgument);
  expect_message("momentum 0.5");

  Dense<float> rows({1, 4}), scale({1}, {1}), row_scale({1});
  Dense<int8_t> quantised({1, 2});
  char mode[] = "dynamic";
  EXPECT_EQ(ACLNN(DequantSwigluQuant, rows, nullptr, scale, nullptr, nullptr, nullptr, nullptr, false, mode,
                  quantised, row_scale),
            kAclnnInvalidArgument);
  expect_message("'activationScale' is for sums of I32");

  Dense<float> in({1, 2}), first({2, 3}), second({1, 1}), made({1, 1});
  char activation[] = "swiglu";
  const auto feed = [&](aclTensor* given) {
    return ACLNN(FFNV2, given, first, second, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr,
                 nullptr, nullptr, nullptr, nullptr, activation, 0, false, made);
  };
  EXPECT_EQ(feed(in), kAclnnInvalidArgument);
  expect_message("cannot be halved");
  EXPECT_NE(feed(scale), 0);  // a product that cannot be
}

TEST_F(Outside, SizesThatHaveNoEnd) {
  // One element, seen 2^40 times.
  Storage<int8_t> one({1});
  aclTensor *left = one.view({1, int64_t{1} << 40}, {0, 0}), *right = one.view({int64_t{1} << 40, 1}, {0, 0});
  Dense<int32_t> sum({1, 1});
  Dense<float> scale({1}, {1});
  EXPECT_EQ(ACLNN(QuantMatmulV5, left, right, nullptr, scale, nullptr, nullptr, nullptr, nullptr, nullptr,
                  false, false, 0, sum),
            kAclnnInvalidArgument);
  expect_message("fit I32");
}

TEST_F(Outside, IndicesThatAreData) {
  const int64_t least = std::numeric_limits<int64_t>::min(), most = std::numeric_limits<int64_t>::max();
  Dense<float> y({2, 2}, {1, 2, 3, 4}), new_values({4}, {9, 9, 9, 7});
  Dense<int64_t> places({4}, {least, most, 4, 1});
  ASSERT_EQ(ACLNN(InplacePut, y, places, new_values, false), 0) << message();
  EXPECT_EQ(y.values(), (Floats{1, 7, 3, 4}));

  Dense<float> pooled({1, 1, 1, 4}, {1, 2, 3, 4}), picture({1, 1, 2, 2}, {9, 9, 9, 9});
  Dense<int64_t> where({1, 1, 1, 4}, {most, least, 4, 2});
  ASSERT_EQ(ACLNN(MaxUnpool2d, pooled, where, Ints({2, 2}), picture), 0) << message();
  EXPECT_EQ(picture.values(), (Floats{0, 0, 4, 0}));

  Dense<float> table({2, 1}, {1, 2}), bags({2, 1}, {9, 9});
  Dense<int64_t> rows({3}, {1, most, 0}), begins({2}, {0, 2}), of_bag({3}), sizes({2}), unused({2});
  const auto bag = [&] {
    return ACLNN(EmbeddingBag, table, rows, begins, false, 0, false, nullptr, false, -1, bags, of_bag, sizes,
                 unused);
  };
  ASSERT_EQ(bag(), 0) << message();
  EXPECT_EQ(bags.values(), (Floats{2, 1}));
  EXPECT_EQ(of_bag.values(), (std::vector<int64_t>{0, 0, 1}));
  Dense<int64_t> wild({2}, {most, least});
  EXPECT_EQ(ACLNN(EmbeddingBag, table, rows, wild, false, 0, false, nullptr, false, -1, bags, of_bag, sizes,
                  unused),
            0)
      << message();

  Dense<float> x({3}, {1, 2, 3}), repeated({4});
  Dense<int64_t> repeats({3}, {1, 0, 3}), endless({3}, {most, most, least});
  ASSERT_EQ(ACLNN(RepeatInterleave, x, repeats, 4, repeated), 0) << message();
  EXPECT_EQ(repeated.values(), (Floats{1, 3, 3, 3}));
  EXPECT_EQ(ACLNN(RepeatInterleave, x, endless, 4, repeated), 0) << message();

  Dense<float> logits({2, 3}, {1, 3, 2, 1, 3, 2}), kept({2, 3});
  Dense<int32_t> k({2}, {2, 100});
  const float never = -std::numeric_limits<float>::infinity();
  ASSERT_EQ(ACLNN(ApplyTopKTopP, logits, nullptr, k, kept), 0) << message();
  EXPECT_EQ(kept.values(), (Floats{never, 3, 2, 1, 3, 2}));
}

}  // namespace
}  // namespace isthmus::cann
