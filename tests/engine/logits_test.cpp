// SPDX-License-Identifier: Apache-2.0
// Logits at every prompt position and greedy tokens of each family, against Transformers.
#include <cmath>
#include <set>

#include "llm/model_family.h"
#include "tiny_models.h"

namespace isthmus::testing {
namespace {

class Logits : public ::testing::TestWithParam<std::string> {};

TEST_P(Logits, AgreeWithTransformers) {
  const TinyModel tiny = load_tiny(GetParam());
  EngineOptions options = exact_options();
  options.output_rows = static_cast<int>(tiny.rows);
  const auto engine = make_engine(tiny, options);
  ASSERT_TRUE(engine);
  const SequenceId id = engine->add(tiny.prompt).value();
  const auto logits = engine->step_all_logits(id);
  ASSERT_TRUE(logits.ok()) << logits.status().to_string();
  ASSERT_EQ(static_cast<int64_t>(logits->size()), tiny.rows);
  double worst = 0;
  for (int64_t r = 0; r < tiny.rows; ++r)
    for (int64_t c = 0; c < tiny.columns; ++c)
      worst =
          std::max<double>(worst, std::fabs((*logits)[static_cast<size_t>(r)].values[static_cast<size_t>(c)] -
                                            tiny.logits[static_cast<size_t>(r * tiny.columns + c)]));
  const double relative = worst / tiny.expected["largest_logit"].get<double>();
  RecordProperty("relative_error", std::to_string(relative));
  std::printf("%s: largest error %.2e of the largest logit\n", GetParam().c_str(), relative);
  EXPECT_LT(relative, 1e-4);
}

TEST_P(Logits, GreedyTokensAreEqual) {
  const TinyModel tiny = load_tiny(GetParam());
  const auto engine = make_engine(tiny, exact_options());
  ASSERT_TRUE(engine);
  const SequenceId id = engine->add(tiny.prompt).value();
  EXPECT_EQ(greedy(*engine, id, tiny.greedy.size()), tiny.greedy);
}

TEST(Families, EachHasATinyModel) {
  std::set<std::string> tested;
  for (const std::string& name : tiny_model_names())
    if (const TinyModel tiny = load_tiny(name); tiny.model) tested.insert(tiny.model->file().architecture());
  for (const ModelFamily& family : model_families())
    EXPECT_TRUE(tested.count(family.architecture))
        << family.architecture << ": no model in tests/llm/data; tests/llm/README.md says how to make one";
}

INSTANTIATE_TEST_SUITE_P(Families, Logits, ::testing::ValuesIn(tiny_model_names()), [](const auto& info) {
  std::string name = info.param;
  for (char& c : name)
    if (c == '-') c = '_';
  return name;
});

}  // namespace
}  // namespace isthmus::testing
