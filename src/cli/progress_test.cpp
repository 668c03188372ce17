// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.h"

#include <gtest/gtest.h>

namespace isthmus::cli {
namespace {

TEST(Progress, SaysWhatTakesTimeAndHowFarItIs) {
  EXPECT_EQ(progress_text({CompileProgress::kOperators, "opencl:0", 6, 22}),
            "Preparing opencl:0, kernels are built once: operator 7 of 22…");
  EXPECT_EQ(progress_text({CompileProgress::kWeights, "cpu:0", uint64_t{300} << 20, uint64_t{5000} << 20}),
            "Placing weights on cpu:0, rearranged once: 300 of 5000 MiB…");
}

TEST(Progress, NothingWhereNobodyWatches) {
  testing::internal::CaptureStderr();
  ProgressLine().show({CompileProgress::kWeights, "cpu:0", 1, 2});
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace isthmus::cli
