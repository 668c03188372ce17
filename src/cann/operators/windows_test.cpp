// SPDX-License-Identifier: Apache-2.0
#include "aclnnop/aclnn_avgpool2d.h"
#include "aclnnop/aclnn_convolution.h"
#include "aclnnop/aclnn_im2col.h"
#include "aclnnop/aclnn_max_pool.h"
#include "aclnnop/aclnn_upsample_nearest_2d.h"
#include "cann/aclnn/test_kit.h"
#include "cann/error.h"

namespace isthmus::cann {
namespace {

using namespace test;
using Windows = OnDevice;
using Floats = std::vector<float>;

TEST_F(Windows, Convolution) {
  // 1 2 3 / 4 5 6 / 7 8 9 with [[1, 0], [0, 2]], and a bias.
  Dense<float> x({1, 1, 3, 3}, counting(9)), w({1, 1, 2, 2}, {1, 0, 0, 2}), bias({1}, {100}),
      out({1, 1, 2, 2});
  ASSERT_EQ(ACLNN(Convolution, x, w, bias, Ints({1, 1}), Ints({0, 0}), Ints({1, 1}), false, Ints({0, 0}), 1,
                  out, 0),
            0)
      << message();
  EXPECT_EQ(out.values(), (Floats{111, 114, 120, 123}));
  // Transposed, of one dimension: each element spreads the weight.
  Dense<float> row({1, 1, 2}, {1, 10}), spread({1, 1, 2}, {2, 3}), longer({1, 1, 4});
  ASSERT_EQ(ACLNN(Convolution, row, spread, nullptr, Ints({2}), Ints({0}), Ints({1}), true, Ints({0}), 1,
                  longer, 0),
            0)
      << message();
  EXPECT_EQ(longer.values(), (Floats{2, 3, 20, 30}));
  // Groups, with an F16 weight.
  Dense<uint16_t> half({2, 1, 1}, halves({2, 3}));
  Dense<float> pair({1, 2, 2}, counting(4)), scaled({1, 2, 2});
  ASSERT_EQ(ACLNN(Convolution, pair, half, nullptr, Ints({1}), Ints({0}), Ints({1}), false, Ints({0}), 2,
                  scaled, 0),
            0)
      << message();
  EXPECT_EQ(scaled.values(), (Floats{2, 4, 9, 12}));
  EXPECT_EQ(ACLNN(Convolution, x, w, bias, Ints({1, 1, 1}), Ints({0, 0}), Ints({1, 1}), false, Ints({0, 0}),
                  1, out, 0),
            kAclnnInvalidArgument);
}

TEST_F(Windows, Pools) {
  Dense<float> x({1, 1, 2, 4}, counting(8)), out({1, 1, 1, 2}), padded({1, 1, 2, 3});
  ASSERT_EQ(ACLNN(AvgPool2d, x, Ints({2, 2}), Ints({2, 2}), Ints({0, 0}), false, true, 0, 0, out), 0)
      << message();
  EXPECT_EQ(out.values(), (Floats{3.5f, 5.5f}));
  ASSERT_EQ(ACLNN(AvgPool2d, x, Ints({2, 2}), Ints({2, 2}), Ints({1, 1}), false, true, 0, 0, padded), 0)
      << message();
  EXPECT_EQ(padded.values(), (Floats{0.25f, 1.25f, 1, 1.25f, 3.25f, 2}));
  ASSERT_EQ(ACLNN(MaxPool, x, Ints({2, 2}), Ints({2, 2}), 0, Ints({0, 0, 0, 0}), Ints({1, 1}), 0, out), 0)
      << message();
  EXPECT_EQ(out.values(), (Floats{6, 8}));
}

TEST_F(Windows, ColumnsAndSizes) {
  Dense<float> x({1, 1, 2, 3}, counting(6)), columns({1, 2, 4}), large({1, 1, 4, 6});
  ASSERT_EQ(ACLNN(Im2col, x, Ints({1, 2}), Ints({1, 1}), Ints({0, 0}), Ints({1, 1}), columns), 0)
      << message();
  EXPECT_EQ(columns.values(), (Floats{1, 2, 4, 5, 2, 3, 5, 6}));
  ASSERT_EQ(ACLNN(UpsampleNearest2d, x, Ints({4, 6}), large), 0) << message();
  EXPECT_EQ(large.values(), (Floats{1, 1, 2, 2, 3, 3, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 4, 4, 5, 5, 6, 6}));
}

}  // namespace
}  // namespace isthmus::cann
