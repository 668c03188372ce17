// SPDX-License-Identifier: Apache-2.0
#include "cli/digest.h"

#include <algorithm>
#include <bit>

#include "base/sha256.h"

namespace isthmus::cli {
namespace {

static_assert(std::endian::native == std::endian::little, "digests are of little-endian numbers");

int32_t largest(std::span<const float> logits) {
  return static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

Result<Digest> run(Engine& engine, SequenceId id, size_t prompt, int64_t count, const OnStep& on_step) {
  Sha256 hash;
  Digest digest;
  int32_t next = 0;
  for (size_t done = 0; done < prompt;) {
    on_step();
    ASSIGN_OR_RETURN(const std::vector<Engine::Logits> rows, engine.step_all_logits(id));
    if (rows.empty()) return error(Code::kInternal, "a step of the prompt gave no logits");
    for (const Engine::Logits& row : rows) hash.add(row.values.data(), row.values.size_bytes());
    done += rows.size();
    next = largest(rows.back().values);
  }
  while (static_cast<int64_t>(digest.greedy.size()) < count) {
    digest.greedy.push_back(next);
    if (static_cast<int64_t>(digest.greedy.size()) == count) break;
    RETURN_IF_ERROR(engine.append(id, {&next, 1}));
    on_step();
    ASSIGN_OR_RETURN(const std::vector<Engine::Logits> rows, engine.step());
    if (rows.empty()) return error(Code::kInternal, "a step of one token gave no logits");
    next = largest(rows.back().values);
  }
  hash.add(digest.greedy.data(), digest.greedy.size() * sizeof(int32_t));
  digest.sha256 = hash.hex();
  return digest;
}

}  // namespace

Result<Digest> digest_tokens(Engine& engine, std::span<const int32_t> prompt, int64_t count,
                             const OnStep& on_step) {
  ASSIGN_OR_RETURN(const SequenceId id, engine.add(prompt));
  Result<Digest> digest = run(engine, id, prompt.size(), count, on_step);
  engine.remove(id);
  return digest;
}

}  // namespace isthmus::cli
