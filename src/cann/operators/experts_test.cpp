// SPDX-License-Identifier: Apache-2.0
#include "aclnnop/aclnn_gather_pa_kv_cache.h"
#include "aclnnop/aclnn_grouped_matmul_add.h"
#include "aclnnop/aclnn_grouped_matmul_v4.h"
#include "aclnnop/aclnn_moe_finalize_routing_v2.h"
#include "aclnnop/aclnn_moe_init_routing_v2.h"
#include "aclnnop/aclnn_moe_re_routing.h"
#include "aclnnop/aclnn_quant_matmul_v5.h"
#include "aclnnop/aclnn_scatter_pa_cache.h"
#include "aclnnop/aclnn_trans_quant_param_v2.h"
#include "cann/aclnn/test_kit.h"
#include "cann/error.h"

namespace isthmus::cann {
namespace {

using namespace test;
using Experts = OnDevice;
using Floats = std::vector<float>;
using Numbers = std::vector<int32_t>;

// A list of one tensor of dims, which the list destroys.
template <typename T>
class One {
 public:
  One(const Storage<T>& storage, const Dims& dims) {
    const aclTensor* x = aclCreateTensor(dims.data(), dims.size(), type_of<T>(), nullptr, 0, ACL_FORMAT_ND,
                                         dims.data(), dims.size(), storage.data());
    list_ = aclCreateTensorList(&x, 1);
  }
  ~One() { aclDestroyTensorList(list_); }
  operator aclTensorList*() const { return list_; }  // NOLINT: implicit

 private:
  aclTensorList* list_;
};

TEST_F(Experts, ThereAndBack) {
  // Three tokens of two numbers for two of three experts each, which multiply by 1, 10 and 100.
  Dense<float> x({3, 2}, counting(6)), sorted({6, 2}), made({6, 2}), scales({3, 2}, {1, 2, 1, 1, 1, 1}),
      y({3, 2});
  Dense<int32_t> experts({3, 2}, {2, 0, 0, 1, 1, 2}), places({6}), ends({3});
  ASSERT_EQ(ACLNN(MoeInitRoutingV2, x, experts, 0, 0, 3, 0, 1, false, sorted, places, ends, nullptr), 0)
      << message();
  EXPECT_EQ(sorted.values(), (Floats{1, 2, 3, 4, 3, 4, 5, 6, 1, 2, 5, 6}));
  EXPECT_EQ(places.values(), (Numbers{4, 0, 1, 2, 3, 5}));
  EXPECT_EQ(ends.values(), (Numbers{2, 4, 6}));
  Storage<float> weights(Floats{1, 0, 0, 1, 10, 0, 0, 10, 100, 0, 0, 100});
  Dense<int64_t> groups({3}, {2, 4, 6});
  ASSERT_EQ(ACLNN(GroupedMatmulV4, One<float>(sorted, {6, 2}), One<float>(weights, {3, 2, 2}), nullptr,
                  nullptr, nullptr, nullptr, nullptr, nullptr, groups, nullptr, nullptr, nullptr, 3, 0, 0, 0,
                  One<float>(made, {6, 2}), nullptr, nullptr),
            0)
      << message();
  EXPECT_EQ(made.values(), (Floats{1, 2, 3, 4, 30, 40, 50, 60, 100, 200, 500, 600}));
  ASSERT_EQ(ACLNN(MoeFinalizeRoutingV2, made, places, nullptr, nullptr, nullptr, scales, nullptr, 2, y), 0)
      << message();
  EXPECT_EQ(y.values(), (Floats{102, 204, 33, 44, 550, 660}));
}

TEST_F(Experts, ARoomHoldsSoMany) {
  Dense<float> x({3, 1}, {1, 2, 3}), rows({2, 2, 1});
  Dense<int32_t> experts({3, 1}, {1, 1, 1}), places({3}), before({2});
  ASSERT_EQ(ACLNN(MoeInitRoutingV2, x, experts, 0, 2, 2, 1, 0, true, rows, places, nullptr, before), 0)
      << message();
  EXPECT_EQ(rows.values(), (Floats{0, 0, 1, 2}));
  EXPECT_EQ(places.values(), (Numbers{2, 3, -1}));
  EXPECT_EQ(before.values(), (Numbers{0, 3}));
  EXPECT_EQ(ACLNN(MoeInitRoutingV2, x, experts, 0, 3, 2, 1, 0, true, rows, places, nullptr, before),
            kAclnnInvalidArgument);
  EXPECT_NE(message().find("2 experts with room for 3 rows"), std::string::npos) << message();
}

// Numbers that are data may be anything.
TEST_F(Experts, NumbersFromOutside) {
  Dense<float> x({2, 1}, {1, 2}), rows({4, 1}), y({2, 1}, {7, 7});
  Dense<int32_t> experts({2, 2}, {INT32_MIN, INT32_MAX, -1, 1}), places({4}), counts({2});
  ASSERT_EQ(ACLNN(MoeInitRoutingV2, x, experts, 0, 0, 2, 0, 2, false, rows, places, counts, nullptr), 0)
      << message();
  EXPECT_EQ(rows.values(), (Floats{2, 0, 0, 0}));
  EXPECT_EQ(places.values(), (Numbers{-1, -1, -1, 0}));
  EXPECT_EQ(counts.values(), (Numbers{0, 1}));
  Dense<int32_t> wild({2}, {INT32_MAX, INT32_MIN});
  ASSERT_EQ(ACLNN(MoeFinalizeRoutingV2, rows, wild, nullptr, nullptr, nullptr, nullptr, nullptr, 2, y), 0)
      << message();
  EXPECT_EQ(y.values(), (Floats{0, 0}));

  Storage<float> weights(Floats{5, 6, 7});
  Dense<int64_t> ends({3}, {INT64_MIN, INT64_MAX, 1});
  Dense<float> product({2, 1}, {7, 7}), sums({3, 1}, {1, 2, 3});
  EXPECT_EQ(ACLNN(GroupedMatmulV4, One<float>(x, {2, 1}), One<float>(weights, {3, 1, 1}), nullptr, nullptr,
                  nullptr, nullptr, nullptr, nullptr, ends, nullptr, nullptr, nullptr, 3, 0, 0, 0,
                  One<float>(product, {2, 1}), nullptr, nullptr),
            0)
      << message();
  ASSERT_EQ(ACLNN(GroupedMatmulAdd, x, x, ends, sums, true, false, 2), 0) << message();
  EXPECT_EQ(sums.values(), (Floats{1, 7, 3}));  // the second group has every row
  Dense<int64_t> lengths({2, 2}, {INT64_MAX, -3, 1, INT64_MIN}), of_experts({2});
  Dense<float> scale({2}, {1, 1}), moved({2, 1}), moved_scale({2});
  Dense<int32_t> from({2});
  EXPECT_EQ(ACLNN(MoeReRouting, x, lengths, scale, 1, 0, moved, moved_scale, from, of_experts), 0)
      << message();
}

TEST_F(Experts, CachesKeepWhatNoSlotNames) {
  // A cache of 2 blocks of 2 in the middle of a storage.
  Storage<float> storage(Floats(8, 9));
  aclTensor* cache = storage.view({2, 2, 1, 1}, {}, 2);
  Dense<float> keys({4, 1, 1}, {1, 2, 3, 4});
  Dense<int64_t> slots({4}, {3, -1, 4, INT64_MAX});
  ASSERT_EQ(ACLNN(ScatterPaCache, keys, cache, slots, nullptr, nullptr, nullptr, "Norm"), 0) << message();
  EXPECT_EQ(storage.values(), (Floats{9, 9, 9, 9, 9, 1, 9, 9}));
  Dense<int32_t> tables({2, 2}, {1, -7, INT32_MAX, 0}), lengths({2}, {3, 3});
  Dense<float> read({7, 1, 1}, Floats(7, 5)), values({7, 1, 1}, Floats(7, 5));
  ASSERT_EQ(ACLNN(GatherPaKvCache, cache, cache, tables, lengths, read, values, nullptr, "Norm", false), 0)
      << message();
  EXPECT_EQ(read.values(), (Floats{9, 1, 0, 0, 0, 9, 5}));
  EXPECT_EQ(values.values(), read.values());
  EXPECT_EQ(ACLNN(ScatterPaCache, keys, cache, slots, nullptr, nullptr, slots, "Norm"), kAclnnInternal);
  EXPECT_NE(message().find("'seqLens' is not supported"), std::string::npos) << message();
}

TEST_F(Experts, QuantisedProductsAreExact) {
  // 1500 products of -128 and -128, more than F32 would hold in one sum, and one of 1.
  std::vector<int8_t> row(1501, -128), column(1501, -128);
  row[1500] = column[1500] = 1;
  Dense<int8_t> a({1, 1501}, row), w({1501, 1}, column);
  Dense<int32_t> sum({1, 1});
  Dense<float> scale({1}, {0.5f}), y({1, 1});
  Dense<int64_t> packed({1});
  ASSERT_EQ(ACLNN(QuantMatmulV5, a, w, nullptr, scale, nullptr, nullptr, nullptr, nullptr, nullptr, false,
                  false, 0, sum),
            0)
      << message();
  EXPECT_EQ(sum.values(), (Numbers{1500 * 128 * 128 + 1}));
  ASSERT_EQ(ACLNN(TransQuantParamV2, scale, nullptr, packed), 0) << message();
  EXPECT_EQ(packed.values(), (std::vector<int64_t>{0x3F000000 | int64_t{1} << 46}));
  ASSERT_EQ(ACLNN(QuantMatmulV5, a, w, nullptr, packed, nullptr, nullptr, nullptr, nullptr, nullptr, false,
                  false, 0, y),
            0)
      << message();
  EXPECT_EQ(y.values(), (Floats{12288000}));
  EXPECT_EQ(ACLNN(QuantMatmulV5, a, w, nullptr, scale, nullptr, nullptr, nullptr, nullptr, nullptr, true,
                  false, 0, y),
            kAclnnInvalidArgument);
  EXPECT_NE(message().find("both must be I8 matrices"), std::string::npos) << message();
}

}  // namespace
}  // namespace isthmus::cann
