// SPDX-License-Identifier: Apache-2.0
#include "llm/sampler.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

namespace isthmus {
namespace {

struct Candidate {
  float logit;
  int32_t token;
};

bool more_likely(const Candidate& a, const Candidate& b) {
  return a.logit > b.logit || (a.logit == b.logit && a.token < b.token);
}

void apply_penalties(std::vector<Candidate>& candidates, std::span<const int32_t> seen,
                     const SamplingOptions& o) {
  if (o.repetition_penalty == 1 && o.presence_penalty == 0 && o.frequency_penalty == 0) return;
  const size_t window =
      o.penalty_window < 0 ? seen.size() : std::min(seen.size(), static_cast<size_t>(o.penalty_window));
  std::unordered_map<int32_t, int> counts;
  for (int32_t token : seen.last(window)) ++counts[token];
  for (Candidate& c : candidates) {
    auto found = counts.find(c.token);
    if (found == counts.end()) continue;
    double logit = c.logit;
    logit = logit > 0 ? logit / o.repetition_penalty : logit * o.repetition_penalty;
    c.logit = static_cast<float>(logit - o.presence_penalty - o.frequency_penalty * found->second);
  }
}

}  // namespace

Status SamplingOptions::check() const {
  struct Rule {
    bool good;
    const char* text;
  };
  for (const Rule& rule :
       {Rule{temperature >= 0 && std::isfinite(temperature), "temperature must be 0 or more"},
        Rule{top_k >= 0, "top-k must be 0 (off) or more"},
        Rule{top_p > 0 && top_p <= 1, "top-p must be more than 0 and at most 1"},
        Rule{min_p >= 0 && min_p <= 1, "min-p must be from 0 to 1"},
        Rule{repetition_penalty > 0 && std::isfinite(repetition_penalty),
             "repetition penalty must be positive (1 is off)"},
        Rule{std::isfinite(presence_penalty) && std::isfinite(frequency_penalty),
             "presence and frequency penalty must be finite numbers"},
        Rule{penalty_window >= -1, "penalty window must be -1 (all) or more"}})
    if (!rule.good) return invalid_argument("{}", rule.text);
  return ok();
}

double philox_uniform(uint64_t key, uint64_t counter) {
  uint32_t c[4] = {static_cast<uint32_t>(counter), static_cast<uint32_t>(counter >> 32), 0, 0};
  uint32_t k[2] = {static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32)};
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = uint64_t{0xD2511F53} * c[0], b = uint64_t{0xCD9E8D57} * c[2];
    const uint32_t next[4] = {static_cast<uint32_t>(b >> 32) ^ c[1] ^ k[0], static_cast<uint32_t>(b),
                              static_cast<uint32_t>(a >> 32) ^ c[3] ^ k[1], static_cast<uint32_t>(a)};
    std::copy(next, next + 4, c);
    k[0] += 0x9E3779B9;
    k[1] += 0xBB67AE85;
  }
  const uint64_t bits = (uint64_t{c[0]} << 32 | c[1]) >> 11;
  return static_cast<double>(bits) * 0x1p-53;
}

Result<int32_t> sample(std::span<const float> logits, std::span<const int32_t> seen, int64_t position,
                       const SamplingOptions& o) {
  std::vector<Candidate> candidates;
  candidates.reserve(logits.size());
  for (size_t i = 0; i < logits.size(); ++i)
    if (!std::isnan(logits[i])) candidates.push_back({logits[i], static_cast<int32_t>(i)});
  if (candidates.empty())
    return error(Code::kDataLoss, "every logit is NaN: the model's weights or its file are damaged");
  apply_penalties(candidates, seen, o);
  if (o.temperature == 0) return std::min_element(candidates.begin(), candidates.end(), more_likely)->token;

  // Sorted by likelihood as far as any filter can look.
  size_t keep = o.top_k > 0 ? std::min(candidates.size(), static_cast<size_t>(o.top_k)) : candidates.size();
  std::partial_sort(candidates.begin(), candidates.begin() + static_cast<int64_t>(keep), candidates.end(),
                    more_likely);
  candidates.resize(keep);
  std::vector<double> weights(keep);
  double sum = 0;
  for (size_t i = 0; i < keep; ++i) {
    const double below = static_cast<double>(candidates[i].logit) - candidates[0].logit;
    weights[i] = candidates[i].logit == candidates[0].logit ? 1 : std::exp(below / o.temperature);
    sum += weights[i];
  }
  if (o.top_p < 1) {
    double reached = 0;
    size_t n = 0;
    while (n < keep && reached < o.top_p * sum) reached += weights[n++];
    keep = std::max<size_t>(n, 1);
  }
  if (o.min_p > 0)
    while (keep > 1 && weights[keep - 1] < o.min_p) --keep;
  sum = 0;
  for (size_t i = 0; i < keep; ++i) sum += weights[i];
  double draw = philox_uniform(o.seed, static_cast<uint64_t>(position)) * sum;
  for (size_t i = 0; i < keep; ++i) {
    draw -= weights[i];
    if (draw < 0) return candidates[i].token;
  }
  return candidates[keep - 1].token;
}

}  // namespace isthmus
