// SPDX-License-Identifier: Apache-2.0
// The same bits whatever the batch, the chunks, the threads or the cache hits; and what sequences can do.
#include <filesystem>

#include "tiny_models.h"

namespace isthmus::testing {
namespace {

std::vector<float> logits_of(Engine& engine, std::span<const int32_t> tokens) {
  const SequenceId id = engine.add(tokens).value();
  std::vector<float> logits = compute(engine, id);
  engine.remove(id);
  return logits;
}

TEST(Sequences, ChunksThreadsAndBatchesDoNotChangeBits) {
  const TinyModel tiny = load_tiny("qwen3");
  const auto whole = make_engine(tiny, exact_options(), 1);
  const std::vector<float> expected = logits_of(*whole, tiny.prompt);
  ASSERT_FALSE(expected.empty());
  for (const int chunk : {1, 7, 64}) {
    EngineOptions options = exact_options();
    options.chunk_tokens = chunk;
    EXPECT_EQ(logits_of(*make_engine(tiny, options, 2), tiny.prompt), expected) << "chunks of " << chunk;
  }
  EngineOptions options = exact_options();
  options.max_sequences = 3;
  const auto batch = make_engine(tiny, options);
  const std::vector<int32_t> other(tiny.prompt.rbegin(), tiny.prompt.rbegin() + 50);
  const SequenceId a = batch->add(other).value();
  const SequenceId b = batch->add(tiny.prompt).value();
  const SequenceId c = batch->add(std::span(tiny.prompt).first(30)).value();
  EXPECT_EQ(compute(*batch, b), expected);
  for (SequenceId id : {a, c}) EXPECT_EQ(batch->computed(id), static_cast<int64_t>(batch->tokens(id).size()));
}

TEST(Weights, ResidentOnesGiveTheSameBits) {
  const TinyModel tiny = load_tiny("qwen3");
  EngineOptions options = exact_options();
  const auto folder = std::filesystem::path(::testing::TempDir()) / "resident_weights";
  std::filesystem::remove_all(folder);
  options.packed_cache = PackedCache(folder);
  const auto mapped = make_engine(tiny, options);
  const WeightStore::Use shared = mapped->parts().front().weights->use();
  EXPECT_GT(shared.packed, 0u);
  EXPECT_EQ(shared.resident, 0u);
  options.weights = WeightMode::kResident;
  const auto resident = make_engine(tiny, options);
  const WeightStore::Use own = resident->parts().front().weights->use();
  EXPECT_EQ(own.packed, 0u);
  EXPECT_EQ(own.resident, shared.packed);
  EXPECT_EQ(own.in_place, shared.in_place) << "norms and embedding tables stay mapped";
  EXPECT_EQ(logits_of(*resident, tiny.prompt), logits_of(*mapped, tiny.prompt));
}

TEST(Sequences, PrefixIsReusedAndGivesTheSameBits) {
  const TinyModel tiny = load_tiny("llama");
  const auto engine = make_engine(tiny, exact_options());
  const std::vector<float> expected = logits_of(*engine, tiny.prompt);
  EXPECT_EQ(engine->reused_tokens(), 0u);
  EXPECT_EQ(logits_of(*engine, tiny.prompt), expected);
  EXPECT_EQ(engine->reused_tokens(), static_cast<uint64_t>((tiny.prompt.size() - 1) / 64 * 64));
}

TEST(Sequences, AssignComputesOnlyWhatIsNew) {
  const TinyModel tiny = load_tiny("llama");
  const auto engine = make_engine(tiny, exact_options());
  const SequenceId id = engine->add(std::span(tiny.prompt).first(80)).value();
  compute(*engine, id);
  ASSERT_TRUE(engine->assign(id, tiny.prompt).ok());
  EXPECT_EQ(engine->computed(id), 80);
  const std::vector<float> logits = compute(*engine, id);
  EngineOptions fresh = exact_options();
  EXPECT_EQ(logits, logits_of(*make_engine(tiny, fresh), tiny.prompt));
}

TEST(Sequences, ForksAreIndependent) {
  const TinyModel tiny = load_tiny("qwen2");
  EngineOptions options = exact_options();
  options.max_sequences = 2;
  const auto engine = make_engine(tiny, options);
  const SequenceId a = engine->add(std::span(tiny.prompt).first(70)).value();
  compute(*engine, a);
  const SequenceId b = engine->fork(a).value();
  const std::vector<int32_t> other = {5, 6, 7};
  ASSERT_TRUE(engine->append(b, other).ok());
  compute(*engine, b);
  ASSERT_TRUE(engine->append(a, std::span(tiny.prompt).subspan(70)).ok());
  const std::vector<float> logits = compute(*engine, a);
  EXPECT_EQ(logits, logits_of(*make_engine(tiny, exact_options()), tiny.prompt));
}

TEST(Sequences, TruncateThenContinue) {
  const TinyModel tiny = load_tiny("qwen2");
  const auto engine = make_engine(tiny, exact_options());
  const SequenceId id = engine->add(tiny.prompt).value();
  const std::vector<float> expected = compute(*engine, id);
  ASSERT_TRUE(engine->truncate(id, 33).ok());
  ASSERT_TRUE(engine->append(id, std::span(tiny.prompt).subspan(33)).ok());
  EXPECT_EQ(engine->computed(id), 33);
  EXPECT_EQ(compute(*engine, id), expected);
}

TEST(Sequences, SaveAndRestore) {
  const TinyModel tiny = load_tiny("qwen3");
  const auto engine = make_engine(tiny, exact_options());
  const SequenceId id = engine->add(std::span(tiny.prompt).first(75)).value();
  compute(*engine, id);
  const auto saved = engine->save(id);
  ASSERT_TRUE(saved.ok());
  const auto other = make_engine(tiny, exact_options());
  const SequenceId restored = other->restore(*saved).value();
  EXPECT_EQ(other->computed(restored), 75);
  ASSERT_TRUE(other->append(restored, std::span(tiny.prompt).subspan(75)).ok());
  EXPECT_EQ(compute(*other, restored), logits_of(*make_engine(tiny, exact_options()), tiny.prompt));
  for (size_t cut : {size_t{0}, size_t{20}, saved->size() - 1})
    EXPECT_FALSE(other->restore(std::span(*saved).first(cut)).ok());
}

TEST(Sequences, RepeatHoldsTheSameStateOverAndOver) {
  const TinyModel tiny = load_tiny("qwen3");
  const auto engine = make_engine(tiny, exact_options());
  const SequenceId id = engine->add(std::span(tiny.prompt).first(64)).value();
  EXPECT_FALSE(engine->repeat(id, 128).ok()) << "nothing is computed";
  compute(*engine, id);
  const std::vector<std::byte> once = engine->save(id).value();
  for (const int64_t length : {-64, 0, 100, 1 << 30}) EXPECT_FALSE(engine->repeat(id, length).ok()) << length;
  ASSERT_TRUE(engine->repeat(id, 192).ok());
  EXPECT_EQ(engine->computed(id), 192);
  EXPECT_EQ(engine->tokens(id)[191], tiny.prompt[63]);
  const std::vector<std::byte> thrice = engine->save(id).value();
  const size_t block = (thrice.size() - once.size()) / 2 - 64 * sizeof(int32_t);
  for (size_t i = 1; i <= 3; ++i)
    EXPECT_TRUE(std::equal(thrice.end() - i * block, thrice.end() - (i - 1) * block, once.end() - block))
        << i;
  ASSERT_TRUE(engine->truncate(id, 64).ok());
  ASSERT_TRUE(engine->append(id, std::span(tiny.prompt).subspan(64)).ok());
  EXPECT_EQ(compute(*engine, id), logits_of(*make_engine(tiny, exact_options()), tiny.prompt));
}

// Forks, prefixes, chunks and saved states of a cache with scales.
TEST(Sequences, QuantizedCacheGivesTheSameBitsEveryWay) {
  const TinyModel tiny = load_tiny("qwen3");
  EngineOptions options = exact_options();
  options.cache_dtype = Dtype::kQ8_0;
  const std::vector<float> expected = logits_of(*make_engine(tiny, options), tiny.prompt);
  EXPECT_NE(expected, logits_of(*make_engine(tiny, exact_options()), tiny.prompt));
  options.max_sequences = 3;
  options.chunk_tokens = 13;
  const auto engine = make_engine(tiny, options, 1);
  EXPECT_EQ(logits_of(*engine, tiny.prompt), expected);
  EXPECT_EQ(logits_of(*engine, tiny.prompt), expected);  // from the published prefix
  EXPECT_GT(engine->reused_tokens(), 0u);
  const SequenceId a = engine->add(std::span(tiny.prompt).first(70)).value();
  compute(*engine, a);
  const SequenceId b = engine->fork(a).value();
  const std::vector<int32_t> other = {5, 6, 7};
  ASSERT_TRUE(engine->append(b, other).ok());
  compute(*engine, b);
  const auto saved = engine->save(a);
  ASSERT_TRUE(saved.ok());
  const auto second = make_engine(tiny, options);
  EXPECT_LT(second->state_bytes(), make_engine(tiny, exact_options())->state_bytes());
  const SequenceId restored = second->restore(*saved).value();
  for (const auto& [e, id] : {std::pair{engine.get(), a}, {second.get(), restored}}) {
    ASSERT_TRUE(e->append(id, std::span(tiny.prompt).subspan(70)).ok());
    EXPECT_EQ(compute(*e, id), expected);
  }
  options.cache_dtype = Dtype::kF16;
  EXPECT_FALSE(make_engine(tiny, options)->restore(*saved).ok());
}

TEST(Sequences, QuantizedCacheNeedsHeadsOfWholeBlocks) {
  EngineOptions options = exact_options();
  options.cache_dtype = Dtype::kQ8_0;
  const auto engine = Engine::create(load_tiny("llama").model, platform(), options);
  ASSERT_FALSE(engine.ok());
  EXPECT_NE(engine.status().message().find("a multiple of 32 numbers"), std::string::npos)
      << engine.status().message();
}

TEST(Sequences, TooLongAndWrongTokensAreErrors) {
  const TinyModel tiny = load_tiny("llama");
  EngineOptions options = exact_options();
  options.context = 100;
  const auto engine = make_engine(tiny, options);
  const auto too_long = engine->add(tiny.prompt);
  ASSERT_FALSE(too_long.ok());
  EXPECT_NE(too_long.status().message().find("100"), std::string::npos) << too_long.status().message();
  EXPECT_NE(too_long.status().message().find(std::to_string(tiny.prompt.size())), std::string::npos);
  const std::vector<int32_t> bad = {1, 1 << 20};
  EXPECT_EQ(engine->add(bad).status().code(), Code::kOutOfRange);
  options.context = 1 << 25;
  EXPECT_FALSE(Engine::create(tiny.model, platform(), options).ok());
}

TEST(Sequences, AFullCacheIsAnErrorAndLosesNothing) {
  const TinyModel tiny = load_tiny("llama");
  EngineOptions options = exact_options();
  options.max_sequences = 2;
  options.cache_tokens = 128;
  options.prefix_reuse = false;
  const auto engine = make_engine(tiny, options);
  const SequenceId a = engine->add(tiny.prompt).value();
  const std::vector<float> first = compute(*engine, a);
  const SequenceId b = engine->add(std::span(tiny.prompt).first(20)).value();
  EXPECT_EQ(engine->step().status().code(), Code::kOutOfMemory);
  engine->remove(a);
  EXPECT_FALSE(compute(*engine, b).empty());
}

TEST(Sequences, SplitOverChipsDoesNotChangeBits) {
  const TinyModel tiny = load_tiny("qwen3");
  const auto whole = make_engine(tiny, exact_options(), 1);
  const std::vector<float> expected = logits_of(*whole, tiny.prompt);
  EngineOptions options = exact_options();
  options.max_sequences = 2;
  options.device = "cpu,cpu";
  const auto split = make_engine(tiny, options);
  ASSERT_EQ(split->parts().size(), 2u);
  EXPECT_EQ(logits_of(*split, tiny.prompt), expected);
  const SequenceId a = split->add(std::span(tiny.prompt).first(75)).value();
  compute(*split, a);
  const SequenceId b = split->fork(a).value();
  const auto saved = split->save(a).value();
  ASSERT_TRUE(split->append(b, std::span(tiny.prompt).subspan(75)).ok());
  EXPECT_EQ(compute(*split, b), expected) << "a fork copies on both chips";
  const SequenceId c = whole->restore(saved).value();
  ASSERT_TRUE(whole->append(c, std::span(tiny.prompt).subspan(75)).ok());
  EXPECT_EQ(compute(*whole, c), expected) << "saved of two chips, restored on one";
}

TEST(Sequences, SplitsThatDoNotFit) {
  const TinyModel tiny = load_tiny("qwen3");
  const int64_t layers = tiny.model->config().layers;
  EngineOptions options = exact_options();
  options.device = "cpu,cpu";
  for (const std::vector<int64_t>& split :
       {std::vector<int64_t>{layers}, {layers, 0}, {1, layers}, {-1, layers + 1}, {INT64_MAX, 1}}) {
    options.split = split;
    EXPECT_EQ(Engine::create(tiny.model, platform(), options).status().code(), Code::kInvalidArgument);
  }
}

}  // namespace
}  // namespace isthmus::testing
