// SPDX-License-Identifier: Apache-2.0
// What a row of attention has summed up so far, for references: the canonical order of
// docs/decisions/0001-numerics.md, a block of 64 positions at a time.
#pragma once

#include <cmath>
#include <limits>
#include <vector>

#include "base/elementary-inl.h"
#include "base/status.h"
#include "base/tensor.h"
#include "ops/attributes.h"

namespace isthmus {

struct OnlineSoftmax {
  static constexpr int64_t kBlock = 64;
  static constexpr float kUnseen = -std::numeric_limits<float>::infinity();

  std::vector<float> acc;
  float m = kUnseen, l = 0;
  bool sees = false;

  // p: the scores of a block, which become weights; seen(j): whether position j takes part in the sum of
  // weights; value(j, d): of the positions first … last - 1, which take part in the chains.
  template <typename Seen, typename ValueAt>
  void add_block(float* p, int64_t first, int64_t last, Seen&& seen, ValueAt&& value) {
    float top = m, lanes[16] = {};
    for (int64_t j = 0; j < kBlock; ++j)
      if (p[j] > top) top = p[j];  // a NaN score makes l and so the whole row NaN, whatever top is
    sees = true;
    const float c = elementary::exp(m - top);
    for (int64_t j = 0; j < kBlock; ++j) {
      p[j] = seen(j) ? elementary::exp(p[j] - top) : 0.0f;
      lanes[j % 16] += p[j];
    }
    for (int step = 8; step > 0; step /= 2)
      for (int j = 0; j < step; ++j) lanes[j] += lanes[j + step];
    l = std::fma(l, c, lanes[0]);
    for (size_t d = 0; d < acc.size(); ++d) {
      acc[d] = acc[d] * c;
      for (int64_t j = first; j < last; ++j)
        acc[d] = std::fma(p[j], value(j, static_cast<int64_t>(d)), acc[d]);
    }
    m = top;
  }
  void add_sink(float sink) {
    const float top = sink > m ? sink : m;
    sees = true;
    const float c = elementary::exp(m - top);
    l = std::fma(l, c, elementary::exp(sink - top));
    for (float& x : acc) x = x * c;
    m = top;
  }
  // A row that sees nothing gives 0.
  float result(int64_t d) const { return sees ? acc[static_cast<size_t>(d)] / l : 0.0f; }
};

// A score as the attributes have it: scaled, 1 / sqrt(d) by default, then capped.
struct ScoreScale {
  float scale, cap;
  ScoreScale(const Attributes& attributes, int64_t d)
      : scale(static_cast<float>(attributes.f("scale"))), cap(static_cast<float>(attributes.f("soft_cap"))) {
    if (scale == 0) scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(d)));
  }
  float operator()(float dot) const {
    dot = dot * scale;
    return cap > 0 ? cap * elementary::tanh(dot / cap) : dot;
  }
};

}  // namespace isthmus
