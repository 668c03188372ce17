// SPDX-License-Identifier: Apache-2.0
// What is fused, what is left alone, and that no bit changes.
#include <gtest/gtest.h>

#include <algorithm>

#include "graph/passes/pass.h"
#include "graph/test_program.h"

namespace isthmus {
namespace {

using Values = std::vector<ValueId>;

int count(const Graph& graph, const char* op) {
  int n = 0;
  for (const Node& node : graph.nodes) n += node.op->name == op;
  return n;
}

// The graph after the pass; checked.
Graph fused(GraphBuilder& b, const PassContext& context = {}) {
  Graph graph = b.finish().value();
  EXPECT_TRUE(fuse(graph, context).ok());
  const Status status = check(graph);
  EXPECT_TRUE(status.ok()) << status.message();
  return graph;
}

TEST(Fuse, GatedActivations) {
  const char* const rows[][2] = {{"silu", "swiglu"},
                                 {"gelu", "geglu"},
                                 {"gelu_tanh", "geglu_tanh"},
                                 {"relu", "reglu"},
                                 {"sigmoid", "glu"}};
  for (const auto& [activation, gated] : rows) {
    GraphBuilder b;
    const ValueId gate = b.input("gate", Dtype::kF32, {3, 8}), up = b.input("up", Dtype::kF32, {3, 8});
    b.output(b.op("neg", {b.op("mul", {b.op(activation, {gate}), up})}), "y");
    const Graph graph = fused(b);
    EXPECT_EQ(graph.nodes.size(), 2u) << activation;
    EXPECT_EQ(count(graph, gated), 1) << activation;
    EXPECT_EQ(graph.nodes[0].inputs, (Values{gate, up}));
  }
}

// F16 is not what swiglu computes in, unless it is cast as its declaration says.
TEST(Fuse, OnlyWhatTheDeclarationSays) {
  GraphBuilder b;
  const ValueId gate = b.input("gate", Dtype::kF16, {8}), up = b.input("up", Dtype::kF16, {8});
  b.output(b.op("mul", {b.op("silu", {gate}), up}), "half");
  const auto wide = [&](ValueId v) { return b.op("cast", {v}, {{"to", "F32"}}); };
  const ValueId product = b.op("mul", {b.op("silu", {wide(gate)}), wide(up)});
  b.output(b.op("cast", {product}, {{"to", "F16"}}), "cast");
  const Graph graph = fused(b);
  EXPECT_EQ(count(graph, "swiglu"), 1) << "the F32 product in the middle is one";
  EXPECT_EQ(count(graph, "mul"), 1);
}

TEST(Fuse, NotWhatOthersNeed) {
  const auto swiglus = [](auto build) {
    GraphBuilder b;
    const ValueId gate = b.input("gate", Dtype::kF32, {8}), up = b.input("up", Dtype::kF32, {8});
    build(b, gate, up);
    return count(fused(b), "swiglu");
  };
  EXPECT_EQ(swiglus([](GraphBuilder& b, ValueId gate, ValueId up) {
              b.output(b.op("mul", {b.op("silu", {gate}), up}), "y");
            }),
            1);
  EXPECT_EQ(swiglus([](GraphBuilder& b, ValueId gate, ValueId up) {
              const ValueId activated = b.op("silu", {gate});
              b.output(b.op("mul", {activated, up}), "y");
              b.output(activated, "activated");
            }),
            0);
  EXPECT_EQ(swiglus([](GraphBuilder& b, ValueId gate, ValueId up) {
              const ValueId activated = b.op("silu", {gate});
              b.output(b.op("add", {b.op("mul", {activated, up}), activated}), "y");
            }),
            0);
  EXPECT_EQ(swiglus([](GraphBuilder& b, ValueId gate, ValueId) {
              const ValueId activated = b.op("silu", {gate});
              b.output(b.op("mul", {activated, activated}), "y");
            }),
            0);
  EXPECT_EQ(swiglus([](GraphBuilder& b, ValueId gate, ValueId) {
              b.output(b.op("mul", {b.op("silu", {gate}), b.input("scalar", Dtype::kF32, {1})}), "y");
            }),
            0);
  EXPECT_EQ(swiglus([](GraphBuilder& b, ValueId, ValueId up) {
              b.output(b.op("mul", {b.op("silu", {b.state("s", Dtype::kF32, {8})}), up}), "y");
            }),
            0)
      << "the state may be written in between";
}

TEST(Fuse, NotWhatTheChipRefuses) {
  GraphBuilder b;
  const ValueId gate = b.input("gate", Dtype::kF32, {8}), up = b.input("up", Dtype::kF32, {8});
  b.output(b.op("mul", {b.op("silu", {gate}), up}), "y");
  PassContext context;
  context.supported = [](const Graph&, const Node& node) {
    return node.op->name == "swiglu" ? unimplemented("not here") : ok();
  };
  EXPECT_EQ(count(fused(b, context), "swiglu"), 0);
}

// `products` linear layers over one activation, each read before the next is made; the results.
GraphBuilder siblings(int products) {
  static const std::vector<std::byte> bytes = [] {
    std::vector<std::byte> made(100 * 64 / 32 * 34);
    for (size_t i = 0; i < made.size(); ++i)
      made[i] = static_cast<std::byte>(i % 34 == 1 ? 0x2c : i * i % 251);
    return made;
  }();
  GraphBuilder b;
  const Dim n = b.symbol("n", {1, 40});
  const ValueId x = b.input("x", Dtype::kF32, {n, 64});
  for (int i = 0; i < products; ++i) {
    const int64_t columns = 40 + 20 * (i % 4);
    Values inputs = {x, b.constant("w", Dtype::kQ8_0, {columns, 64}, bytes.data())};
    if (i % 2) inputs.push_back(b.constant_f32("bias", {columns}, std::vector<float>(columns, 3)));
    b.output(b.op("neg", {b.op("linear", std::move(inputs))}), std::to_string(i));
  }
  return b;
}

TEST(Fuse, ProductsOfOneActivation) {
  const int expected[][3] = {{0, 0, 1}, {0, 1, 0}, {1, 0, 0}, {1, 0, 1}, {1, 1, 0}, {2, 0, 0}, {2, 0, 1}};
  for (int products = 1; products <= 7; ++products) {
    GraphBuilder b = siblings(products);
    Graph graph = b.finish().value();
    PassContext context;
    context.supported = [](const Graph&, const Node& node) {
      return node.op->name == "linear" ? unimplemented("taken apart") : ok();
    };
    ASSERT_TRUE(run_passes(graph, context).ok());
    const auto& [triples, pairs, single] = expected[products - 1];
    EXPECT_EQ(count(graph, "linear_quantized_triple"), triples) << products;
    EXPECT_EQ(count(graph, "linear_quantized_pair"), pairs) << products;
    EXPECT_EQ(count(graph, "linear_quantized"), single) << products;
  }
}

// A gated MLP: its first half becomes one operator, unless something else reads what is in between.
TEST(Fuse, GatedProducts) {
  static const std::vector<std::byte> bytes(64 * 64 / 32 * 34, std::byte{0x2c});
  for (const bool kept : {false, true}) {
    const auto build = [&](GraphBuilder& b) {
      const ValueId x = b.input("x", Dtype::kF32, {b.symbol("n", {1, 40}), 64});
      const auto product = [&](ValueId of) {
        return b.op("linear", {of, b.constant("w", Dtype::kQ8_0, {64, 64}, bytes.data())});
      };
      const ValueId gate = product(x), up = product(x);
      const ValueId y = b.op("mul", {b.op("gelu", {gate}), up});
      b.output(product(y), "down");
      if (kept) b.output(y, "y");
    };
    GraphBuilder b, c;
    build(b);
    build(c);
    Program together(b, "cpu"), apart(c, "null");
    int gated = 0;
    for (const Executable::ReportRow& row : together.executable().report())
      gated += row.op == "linear_quantized_gated";
    EXPECT_EQ(gated, kept ? 0 : 1);
    for (Program* program : {&together, &apart}) {
      program->set("x", std::vector<float>(64 * 3, 0.375f));
      program->run({3});
    }
    EXPECT_EQ(together.get("down", 3 * 64), apart.get("down", 3 * 64));
  }
}

// What a trace shows is called as on a chip that fuses nothing.
TEST(Fuse, ValuesKeepWhatMadeThem) {
  GraphBuilder b = siblings(4);
  Program program(b, "cpu");
  std::vector<std::string> seen;
  program.executable().observe([&](const Executable::Observed& value) {
    seen.push_back(value.node->op->name + " " + value.op->name + " " + std::to_string(value.output));
    return ok();
  });
  program.set("x", std::vector<float>(64, 1));
  program.run({1});
  EXPECT_EQ(std::count(seen.begin(), seen.end(), "linear_quantized_triple linear_quantized 0"), 3);
  EXPECT_EQ(std::count(seen.begin(), seen.end(), "linear_quantized linear_quantized 0"), 1);
  EXPECT_EQ(std::count(seen.begin(), seen.end(), "quantize_rows quantize_rows 2"), 1);
}

TEST(Fuse, ChangesNoBit) {
  GraphBuilder b = siblings(5), c = siblings(5);
  Program together(b, "cpu"), apart(c, "null");
  int pairs = 0;
  for (const Executable::ReportRow& row : together.executable().report())
    pairs += row.op == "linear_quantized_pair";
  EXPECT_EQ(pairs, 1);
  for (const int64_t n : {1, 5, 40}) {
    std::vector<float> x(static_cast<size_t>(n) * 64);
    for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * i % 977) / 100 - 4;
    for (Program* program : {&together, &apart}) {
      program->set("x", x);
      program->run({n});
    }
    for (int i = 0; i < 5; ++i) {
      const size_t elements = static_cast<size_t>(n) * (40 + 20 * (i % 4));
      const std::string name = std::to_string(i);
      EXPECT_EQ(together.get(name.c_str(), elements), apart.get(name.c_str(), elements)) << n << " " << i;
    }
  }
}

}  // namespace
}  // namespace isthmus
