// SPDX-License-Identifier: Apache-2.0
#include "cli/score.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace isthmus::cli {
namespace {

TEST(Score, EqualLogitsShareTheProbability) {
  const std::vector<float> logits(8, 3.5f);
  EXPECT_NEAR(negative_log_likelihood(logits, 5), std::log(8.0), 1e-12);
}

TEST(Score, LargeLogitsDoNotOverflow) {
  const float logits[] = {1000, 999, -1000};
  EXPECT_NEAR(negative_log_likelihood(logits, 0), std::log1p(std::exp(-1.0)), 1e-12);
  EXPECT_NEAR(negative_log_likelihood(logits, 1), std::log1p(std::exp(-1.0)) + 1, 1e-12);
  EXPECT_NEAR(negative_log_likelihood(logits, 2), std::log1p(std::exp(-1.0)) + 2000, 1e-9);
}

TEST(Score, WhatIsNotFiniteShows) {
  const float nan = std::numeric_limits<float>::quiet_NaN(),
              infinity = std::numeric_limits<float>::infinity();
  const float with_nan[] = {0, nan, 1}, with_infinity[] = {0, infinity, 1};
  EXPECT_FALSE(std::isfinite(negative_log_likelihood(with_nan, 0)));
  EXPECT_FALSE(std::isfinite(negative_log_likelihood(with_infinity, 0)));
}

TEST(Score, PerplexityIsTheExpOfTheMean) {
  EXPECT_NEAR((Score{4, 4 * std::log(10.0)}.perplexity()), 10, 1e-12);
  EXPECT_EQ(Score().perplexity(), 0);
}

}  // namespace
}  // namespace isthmus::cli
