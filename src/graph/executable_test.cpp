// SPDX-License-Identifier: Apache-2.0
// Runs that repeat: what is captured and replayed, and what is not.
#include "graph/executable.h"

#include "graph/test_program.h"
#include "ops/registry.h"

namespace isthmus {
namespace {

// y = exp(x) + numbers of a generator.
GraphBuilder noisy() {
  GraphBuilder b;
  const Dim n = b.symbol("n", {1, 32});
  const ValueId x = b.input("x", Dtype::kF32, {n});
  const ValueId noise = b.op("random_uniform", {b.state("generator", Dtype::kU64, {2}), x});
  b.output(b.op("add", {b.op("exp", {x}), noise}), "y");
  return b;
}

std::vector<float> numbers(size_t count, float first) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = first + static_cast<float>(i) / 16;
  return values;
}

TEST(Replay, GivesWhatRunsGive) {
  GraphBuilder b = noisy(), c = noisy();
  Program replaying(b, "cpu"), plain(c, "null");
  for (Program* program : {&replaying, &plain}) program->bind<uint64_t>("generator", {7, 0});
  for (const size_t count : {5, 5, 5, 9, 5, 5, 9, 9, 9, 1, 9}) {
    for (Program* program : {&replaying, &plain}) {
      program->set("x", numbers(count, static_cast<float>(count)));
      program->run({static_cast<int64_t>(count)});
    }
    EXPECT_EQ(replaying.get("y", count), plain.get("y", count));
  }
  EXPECT_EQ(replaying.executable().captured(), 2u) << "of 5 and of 9, which came twice in a row";
  EXPECT_EQ(plain.executable().captured(), 0u);
}

TEST(Replay, KeepsAFew) {
  GraphBuilder b = noisy();
  Program program(b, "cpu");
  program.bind<uint64_t>("generator", {7, 0});
  for (int64_t n = 1; n <= 32; ++n) {
    program.set("x", numbers(static_cast<size_t>(n), 0));
    for (int i = 0; i < 3; ++i) program.run({n});
    EXPECT_GE(program.get("y", static_cast<size_t>(n)).back(), 1);
  }
  EXPECT_EQ(program.executable().captured(), 8u);
}

TEST(Replay, StateBoundAgainIsTheNewOne) {
  GraphBuilder b = noisy();
  Program program(b, "cpu");
  program.set<float>("x", {0});
  std::vector<std::vector<float>> first;
  for (const uint64_t seed : {7, 8, 7}) {
    program.bind<uint64_t>("generator", {seed, 0});
    EXPECT_EQ(program.executable().captured(), 0u);
    for (int i = 0; i < 4; ++i) program.run({1});
    EXPECT_EQ(program.executable().captured(), 1u);
    first.push_back(program.get("y", 1));
  }
  EXPECT_NE(first[0], first[1]);
  EXPECT_EQ(first[0], first[2]);
}

TEST(Replay, NotWhereTheHostTakesPart) {
  static int calls = 0;
  OpDef counted = *find_op("neg");
  counted.name = "test.counted";
  counted.reference = [](const ReferenceCall& call) {
    ++calls;
    return find_op("neg")->reference(call);
  };
  ASSERT_TRUE(register_op(counted).ok());
  GraphBuilder b, c;
  b.output(b.op("test.counted", {b.input("x", Dtype::kF32, {2})}), "y");
  Program fallback(b, "cpu");
  const ValueId x = c.input("x", Dtype::kF32, {2}), trips = c.input("trips", Dtype::kI64, {});
  const auto negate = [](GraphBuilder& body, std::span<const ValueId> v) {
    const auto yes = std::make_shared<const uint8_t>(1);
    return std::vector<ValueId>{body.constant("", Dtype::kBool, {}, yes.get(), yes), body.op("neg", {v[1]})};
  };
  c.output(c.loop(trips, kNoValue, {x}, {}, negate)[0], "y");
  Program loop(c, "cpu");
  for (int64_t i = 1; i <= 4; ++i) {
    for (Program* program : {&fallback, &loop}) program->set<float>("x", {static_cast<float>(i), 1});
    loop.set<int64_t>("trips", {i});
    fallback.run();
    loop.run();
    EXPECT_EQ(calls, i);
    EXPECT_EQ(fallback.get("y", 1)[0], -i);
    EXPECT_EQ(loop.get("y", 1)[0], i % 2 ? -i : i);
  }
  EXPECT_EQ(fallback.executable().captured() + loop.executable().captured(), 0u);
}

TEST(Replay, RunsMayBePartOfACapture) {
  GraphBuilder b = noisy(), c = noisy();
  Program program(b, "cpu"), plain(c, "cpu");
  program.bind<uint64_t>("generator", {7, 0});
  plain.bind<uint64_t>("generator", {7, 0});
  program.set<float>("x", {0});
  plain.set<float>("x", {0});
  for (int i = 0; i < 3; ++i) plain.run({1});
  ASSERT_TRUE(Capture::begin(program.stream()).ok());
  for (int i = 0; i < 3; ++i) program.run({1});
  const auto capture = Capture::end(program.stream()).value();
  EXPECT_EQ(program.executable().captured(), 0u);
  ASSERT_TRUE(capture->replay(program.stream()).ok());
  EXPECT_EQ(program.get("y", 1), plain.get("y", 1));
}

}  // namespace
}  // namespace isthmus
