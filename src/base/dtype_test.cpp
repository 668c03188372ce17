// SPDX-License-Identifier: Apache-2.0
#include "base/dtype.h"

#include <gtest/gtest.h>

namespace isthmus {
namespace {

TEST(Dtype, NamesRoundTrip) {
  int count = 0;
  const DtypeInfo* infos = all_dtypes(&count);
  for (int i = 0; i < count; ++i) EXPECT_EQ(dtype_from_name(infos[i].name), infos[i].dtype);
  EXPECT_FALSE(dtype_from_name("Q9_9").has_value());
}

TEST(Dtype, BlockBytes) {
  EXPECT_EQ(dtype_bytes(Dtype::kQ4_K, 512), 288);
  EXPECT_EQ(dtype_bytes(Dtype::kF16, 3), 6);
  EXPECT_EQ(dtype_bytes(static_cast<Dtype>(200), 3), 0);
}

}  // namespace
}  // namespace isthmus
