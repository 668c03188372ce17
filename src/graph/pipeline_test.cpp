// SPDX-License-Identifier: Apache-2.0
// Graphs cut into parts, and parts that work at the same time.
#include "graph/pipeline.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <numeric>
#include <thread>

#include "graph/builder.h"
#include "graph/split.h"
#include "runtime/platform.h"

namespace isthmus {
namespace {

// y = ((x + 1) * (x + 1) + state) * (x + 1): the sum crosses every cut after the first node. Four nodes.
Graph chain() {
  GraphBuilder b;
  const Dim n = b.symbol("n", {1, 64});
  const ValueId x = b.input("x", Dtype::kF32, {n});
  const ValueId one = b.constant_f32("one", {1}, {1});
  const ValueId sum = b.op("add", {x, one});
  const ValueId square = b.op("mul", {sum, sum});
  const ValueId shifted = b.op("add", {square, b.input("offset", Dtype::kF32, {1})});
  b.output(b.op("mul", {shifted, sum}), "y");
  return b.finish().value();
}

float expected(float x, float offset) { return ((x + 1) * (x + 1) + offset) * (x + 1); }

// A device of its own, with its own threads, for each part.
DevicePtr open_cpu() {
  setenv("ISTHMUS_PLUGIN_PATH", ISTHMUS_PLUGIN_DIR, 1);
  HostOptions options;
  options.thread_count = 1;
  return Platform::discover(options).value()->open("cpu").value();
}

std::unique_ptr<Pipeline> compile(const std::vector<size_t>& first_nodes) {
  std::vector<Pipeline::Part> parts;
  for (size_t first : first_nodes) {
    const DevicePtr device = open_cpu();
    parts.push_back({device, std::make_shared<WeightStore>(device), first});
  }
  return Pipeline::compile(chain(), std::move(parts)).value();
}

// One run with its values, which must outlive it.
struct Values {
  explicit Values(size_t count, float first) : x(count), offset{first}, y(count) {
    std::iota(x.begin(), x.end(), first);
  }
  Pipeline::Run run() {
    return {{{"x", x.data(), x.size() * sizeof(float)}, {"offset", offset.data(), sizeof(float)}},
            {static_cast<int64_t>(x.size())},
            {{"y", y.data(), y.size() * sizeof(float)}}};
  }
  void check() const {
    for (size_t i = 0; i < x.size(); ++i) EXPECT_EQ(y[i], expected(x[i], offset[0])) << i;
  }
  std::vector<float> x, offset, y;
};

TEST(Split, ValuesThatCrossAreOutputsAndInputs) {
  const Graph graph = chain();
  const size_t cuts[] = {1, 2};
  const std::vector<Graph> parts = split_graph(graph, cuts).value();
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(parts[0].outputs.size(), 1u) << "the sum";
  EXPECT_EQ(parts[1].inputs.size(), 1u) << "the sum";
  EXPECT_EQ(parts[2].inputs.size(), 3u) << "the square, the offset and the sum, which jumps over a part";
  EXPECT_EQ(parts[2].outputs, graph.outputs);
  for (const Graph& part : parts) EXPECT_TRUE(check(part).ok()) << check(part).message();
}

TEST(Split, AStateBelongsToOnePart) {
  GraphBuilder b;
  const ValueId state = b.state("generator", Dtype::kU64, {2});
  const ValueId x = b.input("x", Dtype::kF32, {4});
  b.output(b.op("add", {b.op("random_uniform", {state, x}), b.op("random_uniform", {state, x})}), "y");
  const size_t cuts[] = {1};
  const auto parts = split_graph(b.finish().value(), cuts);
  ASSERT_FALSE(parts.ok());
  EXPECT_NE(parts.status().message().find("state 'generator'"), std::string::npos);
}

TEST(Split, CutsMustLieInTheGraphInOrder) {
  const size_t backwards[] = {2, 1}, outside[] = {9};
  EXPECT_FALSE(split_graph(chain(), backwards).ok());
  EXPECT_FALSE(split_graph(chain(), outside).ok());
}

TEST(Pipeline, ManyRunsThroughAnyCut) {
  for (const std::vector<size_t>& cuts : {std::vector<size_t>{0}, {0, 1}, {0, 3}, {0, 1, 2}, {0, 1, 2, 3}}) {
    const auto pipeline = compile(cuts);
    for (int round = 0; round < 3; ++round) {
      std::vector<Values> runs;
      for (size_t i = 0; i < 9; ++i) runs.emplace_back(1 + 7 * i, static_cast<float>(i + 1));
      for (Values& values : runs) ASSERT_TRUE(pipeline->start(values.run()).ok());
      ASSERT_TRUE(pipeline->wait().ok());
      for (const Values& values : runs) values.check();
    }
  }
}

// The first part is through with the second run while the second part is held up in the first.
TEST(Pipeline, PartsWorkAtTheSameTime) {
  const auto pipeline = compile({0, 2});
  Values first(64, 1), second(64, 2);
  std::atomic<bool> go{false};
  Stream& held = pipeline->stream(1);
  ASSERT_EQ(held.device().api().call_host(
                held.handle(),
                [](void* flag) {
                  while (!*static_cast<std::atomic<bool>*>(flag)) std::this_thread::yield();
                },
                &go),
            ISTHMUS_OK);
  ASSERT_TRUE(pipeline->start(first.run()).ok());
  ASSERT_TRUE(pipeline->start(second.run()).ok());
  ASSERT_TRUE(pipeline->stream(0).wait().ok()) << "both runs of the first part";
  EXPECT_EQ(first.y[0], 0) << "the second part waits";
  go = true;
  ASSERT_TRUE(pipeline->wait().ok());
  first.check();
  second.check();
}

TEST(Pipeline, AnErrorEndsTheRunAndNotThePipeline) {
  const auto pipeline = compile({0, 2});
  Values good(8, 1), bad(8, 2);
  Pipeline::Run run = bad.run();
  run.symbols = {65};
  const Status status = pipeline->start(run);
  EXPECT_EQ(status.code(), Code::kOutOfRange) << status.message();
  EXPECT_TRUE(pipeline->wait().ok()) << "start() said it";
  ASSERT_TRUE(pipeline->start(good.run()).ok());
  ASSERT_TRUE(pipeline->wait().ok());
  good.check();
}

// Two parts read what the first makes; one of them is still at the third run when later ones fail.
TEST(Pipeline, FailedRunsDoNotFreeWhatOthersStillRead) {
  const auto pipeline = compile({0, 1, 2});
  std::vector<Values> runs;
  for (int i = 0; i < 7; ++i) runs.emplace_back(64, static_cast<float>(i + 1));
  std::atomic<bool> go{false};
  Stream& held = pipeline->stream(2);
  ASSERT_EQ(held.device().api().call_host(
                held.handle(),
                [](void* flag) {
                  while (!*static_cast<std::atomic<bool>*>(flag)) std::this_thread::yield();
                },
                &go),
            ISTHMUS_OK);
  std::thread releaser([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    go = true;
  });
  for (size_t i = 0; i < runs.size(); ++i) {
    Pipeline::Run run = runs[i].run();
    const bool fails = i == 4 || i == 5;
    if (fails) run.symbols = {65};
    EXPECT_EQ(pipeline->start(run).ok(), !fails) << i;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  releaser.join();
  ASSERT_TRUE(pipeline->wait().ok());
  for (size_t i = 0; i < runs.size(); ++i)
    if (i != 4 && i != 5) runs[i].check();
}

}  // namespace
}  // namespace isthmus
