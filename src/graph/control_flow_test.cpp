// SPDX-License-Identifier: Apache-2.0
// If and loop: what they compute on a chip with operators and on one without, and what is refused.
#include "graph/control_flow.h"

#include <gtest/gtest.h>

#include "graph/test_program.h"

namespace isthmus {
namespace {

using Values = std::vector<ValueId>;
using Given = std::span<const ValueId>;

ValueId constant_i64(GraphBuilder& b, int64_t value) {
  auto owned = std::make_shared<const int64_t>(value);
  const void* data = owned.get();
  return b.constant("", Dtype::kI64, {}, data, std::move(owned));
}
ValueId constant_bool(GraphBuilder& b, bool value) {
  auto owned = std::make_shared<const uint8_t>(value);
  const void* data = owned.get();
  return b.constant("", Dtype::kBool, {}, data, std::move(owned));
}
ValueId constant_f32(GraphBuilder& b, float value) { return b.constant_f32("", {}, {value}); }

class ControlFlow : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Chips, ControlFlow, ::testing::Values("cpu", "null"));

TEST_P(ControlFlow, IfRunsTheRegionOfItsCondition) {
  GraphBuilder b;
  const Dim n = b.symbol("n", {1, 8});
  const ValueId c = b.input("c", Dtype::kBool, {1});
  const ValueId x = b.input("x", Dtype::kF32, {n});
  const Values y = b.if_else(
      c, {x, constant_f32(b, 10)},
      [](GraphBuilder& r, Given v) { return Values{r.op("add", {v[0], v[1]}), r.op("neg", {v[0]})}; },
      [](GraphBuilder& r, Given v) { return Values{v[0], r.op("mul", {v[0], v[1]})}; });
  b.output(b.op("identity", {y[0]}), "first");
  b.output(y[1], "second");
  Program program(b, GetParam());
  program.set<float>("x", {1, 2, 3});
  program.set<uint8_t>("c", {1});
  program.run({3});
  EXPECT_EQ(program.get("first", 3), (std::vector<float>{11, 12, 13}));
  EXPECT_EQ(program.get("second", 3), (std::vector<float>{-1, -2, -3}));
  program.set<uint8_t>("c", {0});
  program.run({2});
  EXPECT_EQ(program.get("first", 2), (std::vector<float>{1, 2}));
  EXPECT_EQ(program.get("second", 2), (std::vector<float>{10, 20}));
}

// Even iterations add the iteration, odd ones double.
TEST_P(ControlFlow, IfInsideALoop) {
  GraphBuilder b;
  const ValueId trips = b.input("trips", Dtype::kI64, {});
  const ValueId x = b.input("x", Dtype::kF32, {2});
  const Values y = b.loop(trips, kNoValue, {x}, {}, [](GraphBuilder& body, Given v) {
    const ValueId parity = body.op("mod", {v[0], constant_i64(body, 2)});
    const ValueId even = body.op("equal", {parity, constant_i64(body, 0)});
    const ValueId step = body.op("cast", {v[0]}, {{"to", "F32"}});
    const Values next = body.if_else(
        even, {v[1], step}, [](GraphBuilder& r, Given w) { return Values{r.op("add", {w[0], w[1]})}; },
        [](GraphBuilder& r, Given w) { return Values{r.op("add", {w[0], w[0]})}; });
    return Values{constant_bool(body, true), next[0]};
  });
  b.output(y[0], "y");
  Program program(b, GetParam());
  program.set<float>("x", {1, 5});
  const auto expected = [](float value, int64_t count) {
    for (int64_t i = 0; i < count; ++i) value = i % 2 ? value * 2 : value + static_cast<float>(i);
    return value;
  };
  // 0 and fewer: what the values start with. 130: more than the numbers kept on their way.
  for (const int64_t count : {5, 0, -3, 1, 130}) {
    program.set<int64_t>("trips", {count});
    program.run();
    EXPECT_EQ(program.get("y", 2), (std::vector<float>{expected(1, count), expected(5, count)})) << count;
  }
}

TEST_P(ControlFlow, LoopEndsWhenItsConditionDoes) {
  GraphBuilder b;
  const ValueId go = b.input("go", Dtype::kBool, {});
  const ValueId a = b.input("a", Dtype::kF32, {1}), limit = b.input("limit", Dtype::kF32, {1});
  // The carried values change places in every iteration.
  const Values y = b.loop(kNoValue, go, {a, constant_f32(b, 1), a}, {limit}, [](GraphBuilder& body, Given v) {
    const ValueId sum = body.op("add", {v[3], v[1]});
    const ValueId total = body.op("reshape", {sum}, {{"dims", std::vector<int64_t>{}}});
    const ValueId again = body.op("less", {sum, v[4]});
    return Values{again, v[3], total, sum};
  });
  b.output(y[0], "last");
  b.output(y[2], "sum");
  Program program(b, GetParam());
  program.set<float>("a", {1});
  program.set<float>("limit", {50});
  program.set<uint8_t>("go", {1});
  program.run();
  EXPECT_EQ(program.get("sum", 1)[0], 55);  // 1 1 2 3 5 …
  EXPECT_EQ(program.get("last", 1)[0], 34);
  program.set<uint8_t>("go", {0});
  program.run();
  EXPECT_EQ(program.get("sum", 1)[0], 1);
}

TEST_P(ControlFlow, CarriedValuesMaySwap) {
  GraphBuilder b;
  const ValueId trips = b.input("trips", Dtype::kI64, {1});
  const ValueId x = b.input("x", Dtype::kF32, {2}), y = b.input("y", Dtype::kF32, {2});
  const Values swapped = b.loop(trips, constant_bool(b, true), {x, y}, {}, [](GraphBuilder& body, Given v) {
    return Values{constant_bool(body, true), v[2], v[1]};
  });
  b.output(swapped[0], "x'");
  b.output(swapped[1], "y'");
  Program program(b, GetParam());
  program.set<float>("x", {1, 2});
  program.set<float>("y", {3, 4});
  for (const int64_t count : {3, 4}) {
    program.set<int64_t>("trips", {count});
    program.run();
    EXPECT_EQ(program.get("x'", 2), count % 2 ? (std::vector<float>{3, 4}) : (std::vector<float>{1, 2}));
    EXPECT_EQ(program.get("y'", 2), count % 2 ? (std::vector<float>{1, 2}) : (std::vector<float>{3, 4}));
  }
}

// The generator's numbers come in the order of the nodes: before, inside and after the loop.
TEST_P(ControlFlow, StatesAreWrittenInOrder) {
  const Attributes four = {{"shape", std::vector<int64_t>{4}}};
  GraphBuilder straight;
  const ValueId generator = straight.state("generator", Dtype::kU64, {2});
  for (int i = 0; i < 5; ++i)
    straight.output(straight.op("random_uniform", {generator}, four), std::to_string(i));
  Program expected(straight, GetParam());
  expected.bind<uint64_t>("generator", {7, 0});
  expected.run();

  GraphBuilder b;
  const ValueId state = b.state("generator", Dtype::kU64, {2});
  b.output(b.op("random_uniform", {state}, four), "before");
  const Values y = b.loop(
      constant_i64(b, 3), kNoValue, {b.constant_f32("", {3, 4}, std::vector<float>(12))}, {state},
      [&](GraphBuilder& body, Given v) {
        const ValueId row = body.op("random_uniform", {v[2]}, four);
        const ValueId rest = body.op("slice", {v[1]},
                                     {{"starts", std::vector<int64_t>{1}},
                                      {"ends", std::vector<int64_t>{3}},
                                      {"axes", std::vector<int64_t>{0}}});
        const ValueId last = body.op("unsqueeze", {row}, {{"axes", std::vector<int64_t>{0}}});
        return Values{constant_bool(body, true), body.op("concat", {rest, last}, {{"axis", int64_t{0}}})};
      });
  b.output(y[0], "inside");
  b.output(b.op("random_uniform", {state}, four), "after");
  Program program(b, GetParam());
  program.bind<uint64_t>("generator", {7, 0});
  program.run();
  EXPECT_EQ(program.get("before", 4), expected.get("0", 4));
  std::vector<float> inside;
  for (const char* name : {"1", "2", "3"})
    for (float value : expected.get(name, 4)) inside.push_back(value);
  EXPECT_EQ(program.get("inside", 12), inside);
  EXPECT_EQ(program.get("after", 4), expected.get("4", 4));
}

TEST_P(ControlFlow, OutputsMayFollowFromConstantsAlone) {
  GraphBuilder b;
  const ValueId c = b.input("c", Dtype::kBool, {});
  const Values y = b.if_else(
      c, {}, [](GraphBuilder& r, Given) { return Values{constant_f32(r, 2)}; },
      [](GraphBuilder& r, Given) { return Values{r.op("neg", {constant_f32(r, 3)})}; });
  b.output(y[0], "y");
  b.output(b.op("exp", {constant_f32(b, 0)}), "one");
  Program program(b, GetParam());
  program.set<uint8_t>("c", {0});
  program.run();
  EXPECT_EQ(program.get("y", 1)[0], -3);
  EXPECT_EQ(program.get("one", 1)[0], 1);
}

GraphBuilder negate_in_a_loop() {
  GraphBuilder b;
  const ValueId x = b.input("x", Dtype::kF32, {3});
  const Values y = b.loop(constant_i64(b, 3), kNoValue, {x}, {}, [](GraphBuilder& body, Given v) {
    return Values{constant_bool(body, true), body.op("neg", {v[1]})};
  });
  b.output(y[0], "y");
  return b;
}

TEST(ControlFlowReport, NamesWhatRanInsideRegions) {
  GraphBuilder b = negate_in_a_loop();
  Program program(b, "null");
  int found = 0;
  for (const Executable::ReportRow& row : program.executable().report()) {
    found += row.op == "loop" && !row.fallback;
    found += row.op == "neg" && row.fallback && !row.refusal.empty();
  }
  EXPECT_EQ(found, 2);
}

TEST(ControlFlowReport, NoFallbackHoldsInsideRegions) {
  GraphBuilder b = negate_in_a_loop();
  Program program(b, "null", {.no_fallback = true});
  ASSERT_FALSE(program.status().ok());
  const std::string& message = program.status().message();
  EXPECT_NE(message.find("the region 'body'"), std::string::npos) << message;
  EXPECT_NE(message.find("'neg' would fall back"), std::string::npos) << message;
}

TEST(ControlFlowCheck, WrongRegionsAreRefusedWithASentence) {
  const auto refusal = [](auto build) {
    GraphBuilder b;
    const ValueId x = b.input("x", Dtype::kF32, {3}), c = b.input("c", Dtype::kBool, {});
    b.output(b.op("neg", {x}), "y");
    build(b, x, c);
    const auto graph = b.finish();
    return graph.ok() ? "accepted" : graph.status().message();
  };
  const auto same = [](GraphBuilder&, Given v) { return Values{v[0]}; };
  const auto expect = [](const std::string& message, const char* part) {
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  expect(refusal([&](GraphBuilder& b, ValueId x, ValueId c) {
           b.if_else(c, {x}, same, [](GraphBuilder& r, Given v) {
             return Values{r.op("concat", {v[0], v[0]}, {{"axis", int64_t{0}}})};
           });
         }),
         "output 0 is F32 [3] in the region 'then', but F32 [6] in 'else'");
  expect(refusal([&](GraphBuilder& b, ValueId x, ValueId c) {
           b.if_else(c, {x}, same, [](GraphBuilder&, Given) { return Values{}; });
         }),
         "'then' gives 1 outputs, 'else' 0");
  expect(refusal([&](GraphBuilder& b, ValueId x, ValueId) { b.if_else(x, {x}, same, same); }),
         "the condition must be one BOOL, not F32 [3]");
  expect(refusal([&](GraphBuilder& b, ValueId x, ValueId c) {
           b.if_else(c, {x}, same, [](GraphBuilder& r, Given v) { return Values{r.op("no_such", {v[0]})}; });
         }),
         "the region 'else'");
  expect(refusal([&](GraphBuilder& b, ValueId x, ValueId c) { b.if_else(c, {x, kNoValue}, same, same); }),
         "absent");
  expect(refusal([&](GraphBuilder& b, ValueId x, ValueId c) { b.loop(c, kNoValue, {x}, {}, same); }),
         "the trip count must be one I64, not BOOL []");
  expect(refusal([&](GraphBuilder& b, ValueId x, ValueId c) { b.loop(kNoValue, c, {x}, {}, same); }),
         "the first output of the body must be the next condition");
  expect(refusal([&](GraphBuilder& b, ValueId x, ValueId c) {
           b.loop(kNoValue, c, {x}, {c}, [](GraphBuilder& r, Given v) {
             return Values{v[2], r.op("cast", {v[1]}, {{"to", "F16"}})};
           });
         }),
         "carried value 0 starts as F32 [3], but the body gives F16 [3]");
  expect(refusal([&](GraphBuilder& b, ValueId x, ValueId c) {
           b.loop(kNoValue, c, {x}, {}, [&](GraphBuilder&, Given v) { return Values{v[1], v[1], v[1]}; });
         }),
         "the first output of the body");
  expect(refusal([&](GraphBuilder& b, ValueId, ValueId c) {
           b.loop(kNoValue, c, {b.state("s", Dtype::kF32, {3})}, {}, same);
         }),
         "cannot carry the state 's'");

  // Regions that were built elsewhere.
  GraphBuilder b, inner;
  const ValueId c = b.input("c", Dtype::kBool, {}), x = b.input("x", Dtype::kF32, {3});
  const Dim n = inner.symbol("n", {1, 2});
  inner.output(inner.op("neg", {inner.input("v", Dtype::kF32, {n})}), "w");
  const auto region = std::make_shared<const Graph>(inner.finish().value());
  expect(b.emit_control_flow(if_op(), {c, x}, {region, region}).status().message(),
         "has 1 symbols, the graph around it 0");
  b.symbol("m", {1, 2});
  expect(b.emit_control_flow(if_op(), {c, x}, {region, region}).status().message(),
         "symbol 0 is 'n' (1 to 2)");
  expect(b.emit_control_flow(if_op(), {c}, {region}).status().message(), "has 1 regions");
  GraphBuilder fixed;
  fixed.output(fixed.op("neg", {fixed.input("v", Dtype::kF32, {4})}), "w");
  const auto four = std::make_shared<const Graph>(fixed.finish().value());
  expect(b.emit_control_flow(if_op(), {c, x}, {four, four}).status().message(),
         "takes F32 [4] as input 0 ('v'), but is given F32 [3]");
  expect(b.emit_control_flow(if_op(), {c}, {four, four}).status().message(),
         "takes 1 inputs and 0 states, but is given 0 and 0");
}

TEST(ControlFlowCheck, NestingHasALimit) {
  GraphBuilder b;
  const ValueId c = b.input("c", Dtype::kBool, {});
  const GraphBuilder::Region same = [](GraphBuilder&, Given v) { return Values{v[0]}; };
  std::function<GraphBuilder::Region(int)> nested = [&](int depth) -> GraphBuilder::Region {
    if (depth == 0) return same;
    return [&nested, &same, depth](GraphBuilder& r, Given v) {
      return r.if_else(v[0], {v[0]}, nested(depth - 1), same);
    };
  };
  b.if_else(c, {c}, nested(15), same);
  EXPECT_TRUE(b.status().ok()) << b.status().message();
  b.if_else(c, {c}, nested(16), same);
  EXPECT_NE(b.status().message().find("nested deeper than 16"), std::string::npos) << b.status().message();
}

}  // namespace
}  // namespace isthmus
