// SPDX-License-Identifier: Apache-2.0
#include "cli/score.h"

#include <algorithm>
#include <cmath>

namespace isthmus::cli {
namespace {

Status score_chunk(Engine& engine, std::span<const int32_t> chunk, int64_t begin, const OnLogits& on_logits,
                   Score& score) {
  ASSIGN_OR_RETURN(const SequenceId id, engine.add(chunk));
  Status status;
  int64_t done = 0;
  while (status.ok() && done < static_cast<int64_t>(chunk.size())) {
    const auto rows = engine.step_all_logits(id);
    if (!rows.ok()) {
      status = rows.status();
      break;
    }
    if (rows->empty()) status = error(Code::kInternal, "a step of a text gave no logits");
    for (const Engine::Logits& row : *rows) {
      if (status.ok()) status = on_logits(begin + row.position, row.values);
      if (const auto next = static_cast<size_t>(row.position) + 1; status.ok() && next < chunk.size()) {
        const double nll = negative_log_likelihood(row.values, chunk[next]);
        if (!std::isfinite(nll))
          status = error(Code::kInternal, "{}: the logits at token {} are not finite",
                         engine.model().file().path(), begin + row.position);
        score.nll += nll;
        ++score.scored;
      }
    }
    done += static_cast<int64_t>(rows->size());
  }
  engine.remove(id);
  return status;
}

}  // namespace

double negative_log_likelihood(std::span<const float> logits, int32_t token) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - largest);
  return std::log(sum) + largest - logits[static_cast<size_t>(token)];
}

double Score::perplexity() const { return scored ? std::exp(nll / static_cast<double>(scored)) : 0; }

Result<Score> score_tokens(Engine& engine, std::span<const int32_t> tokens, const OnLogits& on_logits) {
  Score score;
  const auto context = static_cast<size_t>(engine.context());
  for (size_t begin = 0; begin < tokens.size(); begin += context) {
    const std::span<const int32_t> chunk = tokens.subspan(begin, std::min(context, tokens.size() - begin));
    RETURN_IF_ERROR(score_chunk(engine, chunk, static_cast<int64_t>(begin), on_logits, score));
  }
  return score;
}

}  // namespace isthmus::cli
