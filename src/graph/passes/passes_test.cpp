// SPDX-License-Identifier: Apache-2.0
// Each pass before and after, and what the checker refuses.
#include <gtest/gtest.h>

#include "graph/builder.h"
#include "graph/memory_plan.h"
#include "graph/passes/pass.h"

namespace isthmus {
namespace {

int count(const Graph& graph, const char* op) {
  int n = 0;
  for (const Node& node : graph.nodes) n += node.op->name == op;
  return n;
}

TEST(Passes, RemoveDeadKeepsStateWriters) {
  GraphBuilder b;
  const ValueId x = b.input("x", Dtype::kF32, {4, 2, 8});
  const ValueId slots = b.input("slots", Dtype::kI32, {4});
  const ValueId cache = b.state("cache", Dtype::kF32, {1, 2, 64, 8});
  b.op("exp", {x});  // nobody reads it
  b.op_all("cache_write", {x, slots, cache}, {{"layout", "positions_major"}});
  b.output(b.op("neg", {x}), "y");
  Graph graph = b.finish().value();
  ASSERT_TRUE(remove_dead(graph, {}).ok());
  EXPECT_EQ(count(graph, "exp"), 0);
  EXPECT_EQ(count(graph, "cache_write"), 1);
  EXPECT_EQ(count(graph, "neg"), 1);
  EXPECT_TRUE(check(graph).ok());
}

TEST(Passes, ShareCommonMergesEqualNodesOnly) {
  GraphBuilder b;
  const ValueId x = b.input("x", Dtype::kF32, {4, 8});
  const ValueId a = b.op("rms_norm", {x}, {{"eps", 1e-5}});
  const ValueId same = b.op("rms_norm", {x}, {{"eps", 1e-5}});
  const ValueId other = b.op("rms_norm", {x}, {{"eps", 1e-6}});
  b.output(b.op("add", {b.op("add", {a, same}), other}), "y");
  Graph graph = b.finish().value();
  ASSERT_TRUE(share_common(graph, {}).ok());
  ASSERT_TRUE(remove_dead(graph, {}).ok());
  EXPECT_EQ(count(graph, "rms_norm"), 2);
  EXPECT_TRUE(check(graph).ok());
}

TEST(Passes, QuantisingIsSharedByAllProductsOfOneActivation) {
  GraphBuilder b;
  const Dim tokens = b.symbol("tokens", {1, 16});
  const ValueId x = b.input("x", Dtype::kF32, {tokens, 32});
  static const std::vector<char> bytes(32 * 34);
  const ValueId wq = b.constant("q", Dtype::kQ8_0, {32, 32}, bytes.data());
  const ValueId wk = b.constant("k", Dtype::kQ8_0, {32, 32}, bytes.data());
  b.output(b.op("add", {b.op("linear", {x, wq}), b.op("linear", {x, wk})}), "y");
  Graph graph = b.finish().value();
  PassContext context;
  context.supported = [](const Graph&, const Node& node) {
    return node.op->name == "linear" ? unimplemented("taken apart") : ok();
  };
  ASSERT_TRUE(run_passes(graph, context).ok());
  EXPECT_EQ(count(graph, "linear"), 0);
  EXPECT_EQ(count(graph, "quantize_rows"), 1);
  EXPECT_EQ(count(graph, "linear_quantized_pair"), 1);
}

TEST(Passes, OperatorsWithoutASimplerFormStayWhole) {
  GraphBuilder b;
  const ValueId x = b.input("x", Dtype::kF32, {4, 32});
  const ValueId w = b.input("w", Dtype::kF32, {8, 32});
  b.output(b.op("linear", {x, w}), "y");
  Graph graph = b.finish().value();
  PassContext context;
  context.supported = [](const Graph&, const Node&) { return unimplemented("nothing at all"); };
  ASSERT_TRUE(run_passes(graph, context).ok());
  EXPECT_EQ(count(graph, "linear"), 1);
}

TEST(Passes, FoldConstantsComputesSmallOnesNow) {
  GraphBuilder b;
  const ValueId x = b.input("x", Dtype::kF32, {3});
  const ValueId c = b.constant_f32("c", {3}, {1, 2, 3});
  b.output(b.op("add", {x, b.op("neg", {c})}), "y");
  Graph graph = b.finish().value();
  ASSERT_TRUE(fold_constants(graph, {}).ok());
  ASSERT_EQ(graph.nodes.size(), 1u);
  const Value& folded = graph.values[graph.nodes[0].inputs[1]];
  ASSERT_EQ(folded.kind, ValueKind::kConstant);
  EXPECT_EQ(static_cast<const float*>(folded.data)[2], -3.0f);
}

TEST(Passes, RunInsideRegionsOnTheirCopies) {
  GraphBuilder b;
  const ValueId c = b.input("c", Dtype::kBool, {}), x = b.input("x", Dtype::kF32, {4, 32});
  static const std::vector<char> bytes(32 * 34);
  const ValueId w = b.constant("w", Dtype::kQ8_0, {32, 32}, bytes.data());
  const ValueId three = b.constant_f32("three", {1}, {3});
  const auto body = [](GraphBuilder& r, std::span<const ValueId> v) {
    r.op("exp", {v[0]});  // nobody reads it
    const ValueId product = r.op("add", {r.op("linear", {v[0], v[1]}), r.op("linear", {v[0], v[1]})});
    return std::vector<ValueId>{r.op("mul", {product, r.op("neg", {v[2]})})};
  };
  b.output(b.if_else(c, {x, w, three}, body, body)[0], "y");
  Graph graph = b.finish().value();
  const Graph before = graph;
  PassContext context;
  context.supported = [](const Graph&, const Node& node) {
    return node.op->name == "linear" ? unimplemented("taken apart") : ok();
  };
  ASSERT_TRUE(run_passes(graph, context).ok());
  ASSERT_EQ(graph.nodes.size(), 1u);
  EXPECT_EQ(graph.nodes[0].inputs, (std::vector<ValueId>{c, x})) << "constants are the regions' own";
  for (const auto& region : graph.nodes[0].regions) {
    EXPECT_EQ(region->inputs.size(), 1u);
    for (const char* gone : {"exp", "linear", "neg"}) EXPECT_EQ(count(*region, gone), 0) << gone;
    EXPECT_EQ(count(*region, "quantize_rows"), 1);
    EXPECT_EQ(count(*region, "linear_quantized"), 1) << "equal ones are shared";
  }
  EXPECT_EQ(count(*before.nodes[0].regions[0], "linear"), 2) << "other graphs may share the regions";
}

TEST(Passes, StatesWrittenInsideRegionsKeepTheNode) {
  GraphBuilder b;
  const ValueId c = b.input("c", Dtype::kBool, {}), state = b.state("generator", Dtype::kU64, {2});
  const auto draw = [](GraphBuilder& r, std::span<const ValueId> v) {
    return std::vector<ValueId>{r.op("random_uniform", {v[0]}, {{"shape", std::vector<int64_t>{2}}})};
  };
  const auto zero = [](GraphBuilder& r, std::span<const ValueId>) {
    return std::vector<ValueId>{r.constant_f32("", {2}, {0, 0})};
  };
  b.if_else(c, {state}, draw, zero);
  b.if_else(c, {state}, zero, zero);
  Graph graph = b.finish().value();
  ASSERT_TRUE(remove_dead(graph, {}).ok());
  EXPECT_EQ(graph.nodes.size(), 1u);
}

TEST(Check, RefusesBrokenGraphs) {
  GraphBuilder b;
  const ValueId x = b.input("x", Dtype::kF32, {3});
  b.output(b.op("neg", {b.op("exp", {x})}), "y");
  const Graph good = b.finish().value();
  ASSERT_TRUE(check(good).ok());
  const auto broken = [&](auto change) {
    Graph graph = good;
    change(graph);
    return check(graph);
  };
  EXPECT_NE(broken([](Graph& g) { std::swap(g.nodes[0], g.nodes[1]); }).message().find("made later"),
            std::string::npos);
  EXPECT_NE(broken([](Graph& g) { g.nodes[1].outputs = g.nodes[0].outputs; }).message().find("made twice"),
            std::string::npos);
  EXPECT_FALSE(broken([](Graph& g) { g.nodes[0].inputs[0] = 99; }).ok());
  EXPECT_FALSE(broken([](Graph& g) { g.values[g.nodes[0].outputs[0]].type.shape = {4}; }).ok());
  EXPECT_FALSE(broken([](Graph& g) { g.values[0].type.shape = {Dim::of_symbol(3)}; }).ok());
  EXPECT_FALSE(broken([](Graph& g) { g.nodes.pop_back(); }).ok()) << "an output nobody makes";
}

TEST(Builder, KeepsTheFirstErrorAndNamesThePlace) {
  GraphBuilder b;
  const ValueId x = b.input("x", Dtype::kF32, {3});
  b.scope("layer 7");
  b.op("no_such_operator", {x});
  b.op("add", {kNoValue, x});
  const auto graph = b.finish();
  ASSERT_FALSE(graph.ok());
  EXPECT_NE(graph.status().message().find("layer 7"), std::string::npos) << graph.status().message();
  EXPECT_NE(graph.status().message().find("no_such_operator"), std::string::npos);
}

TEST(MemoryPlan, ViewsTakeNoMemoryOfTheirOwn) {
  GraphBuilder b;
  const ValueId x = b.op("neg", {b.input("x", Dtype::kF32, {4, 1, 6})});
  const ValueId s = b.state("s", Dtype::kF32, {4, 6});
  const ValueId flat = b.op("flatten", {x});
  const ValueId rows = b.op("squeeze", {x});
  const ValueId back = b.op("unsqueeze", {rows}, {{"axes", std::vector<int64_t>{0}}});
  const ValueId seen = b.op("reshape", {s}, {{"dims", std::vector<int64_t>{24}}});
  const Graph graph = b.finish().value();
  const MemoryPlan plan = plan_memory(graph, 64);
  for (ValueId v : {flat, rows, back}) EXPECT_EQ(plan.places[v].root, x);
  EXPECT_EQ(plan.places[seen].root, seen) << "later writes to the state must not show";
}

TEST(MemoryPlan, LivesThatMeetDoNotShareMemory) {
  GraphBuilder b;
  const Dim tokens = b.symbol("tokens", {1, 7});
  ValueId x = b.input("x", Dtype::kF32, {tokens, 33});
  std::vector<ValueId> kept;
  for (int i = 0; i < 12; ++i) {
    x = b.op(i % 2 ? "neg" : "exp", {x});
    if (i % 3 == 0) kept.push_back(x);
    if (i % 4 == 0) x = b.op("reshape", {x}, {{"dims", std::vector<int64_t>{0, 33}}});
  }
  for (ValueId v : kept) x = b.op("add", {x, v});
  b.output(x, "y");
  const Graph graph = b.finish().value();
  const MemoryPlan plan = plan_memory(graph, 64);
  std::vector<int> first(graph.values.size(), -1), last(graph.values.size(), -1);
  for (int n = 0; n < static_cast<int>(graph.nodes.size()); ++n) {
    for (ValueId v : graph.nodes[n].inputs)
      if (v >= 0) last[plan.places[v].root] = n;
    for (ValueId v : graph.nodes[n].outputs) {
      const ValueId root = plan.places[v].root;
      if (first[root] < 0) first[root] = n;
      last[root] = std::max(last[root], n);
    }
  }
  last[plan.places[graph.outputs[0]].root] = static_cast<int>(graph.nodes.size());
  uint64_t sum = 0;
  for (size_t a = 0; a < graph.values.size(); ++a) {
    const MemoryPlan::Place& p = plan.places[a];
    if (!p.in_arena) continue;
    sum += p.bytes;
    EXPECT_LE(p.offset + p.bytes, plan.arena_bytes);
    EXPECT_EQ(p.offset % 64, 0u);
    for (size_t c = a + 1; c < graph.values.size(); ++c) {
      const MemoryPlan::Place& q = plan.places[c];
      if (!q.in_arena || first[a] > last[c] || first[c] > last[a]) continue;
      EXPECT_TRUE(p.offset + p.bytes <= q.offset || q.offset + q.bytes <= p.offset) << a << " and " << c;
    }
  }
  EXPECT_LT(plan.arena_bytes, sum) << "memory is shared";
}

}  // namespace
}  // namespace isthmus
