// SPDX-License-Identifier: Apache-2.0
// The C++ layer: graphs with symbols, states and constants, an operator declared from outside, errors, a
// model. graphs_cpp MODEL.gguf
#include <cstring>
#include <isthmus/isthmus.hpp>

#include "check.h"

namespace {

using isthmus::dense;

// Of a Result, the value; the program ends when there is none.
template <typename T>
T need(isthmus::Result<T> result, int line) {
  if (!result) {
    std::fprintf(stderr, "line %d: %s\n", line, result.error().to_string().c_str());
    std::exit(1);
  }
  return std::move(*result);
}
void need(const isthmus::Status& status, int line) {
  if (status) return;
  std::fprintf(stderr, "line %d: %s\n", line, status.error().to_string().c_str());
  std::exit(1);
}
#define NEED(expression) need(expression, __LINE__)

// counter += x, in place; total = the new counter.
isthmus_status_t infer_count(void*, const isthmus_type_t* inputs, int32_t, const isthmus_attribute_t*,
                             isthmus_type_t* outputs, int32_t) {
  if (inputs[0].rank != 1) return isthmus_fail(ISTHMUS_INVALID_ARGUMENT, "x must have rank 1");
  outputs[0] = inputs[1];
  return ISTHMUS_OK;
}
isthmus_status_t run_count(void* context, const isthmus_tensor_t* inputs, int32_t,
                           const isthmus_attribute_t* attributes, const isthmus_tensor_t* outputs, int32_t) {
  ++*static_cast<int*>(context);
  auto* counter = reinterpret_cast<float*>(inputs[1].address);
  for (int64_t i = 0; i < inputs[0].dims[0]; ++i)
    counter[0] += reinterpret_cast<const float*>(inputs[0].address)[i] * static_cast<float>(attributes[0].i);
  reinterpret_cast<float*>(outputs[0].address)[0] = counter[0];
  return ISTHMUS_OK;
}

void declare_count(int* calls) {
  static const isthmus_dtype_t f32[] = {ISTHMUS_F32};
  const auto port = [](const char* name, bool state) {
    isthmus_port_t p = {};
    p.size = sizeof p;
    p.name = name;
    p.dtypes = f32;
    p.dtype_count = 1;
    p.state = state;
    return p;
  };
  const isthmus_port_t inputs[] = {port("x", false), port("counter", true)}, output = port("total", false);
  const isthmus_attribute_t factor = isthmus_attribute_int("factor", 1);
  isthmus_op_declaration_t op = {};
  op.size = sizeof op;
  op.name = "test.count";
  op.inputs = inputs;
  op.input_count = 2;
  op.outputs = &output;
  op.output_count = 1;
  op.attributes = &factor;
  op.attribute_count = 1;
  op.infer = infer_count;
  CHECK_FAILS(ISTHMUS_INVALID_ARGUMENT, "needs a shape rule and a reference", isthmus_op_declare(&op));
  op.reference = run_count;
  op.context = calls;
  CHECK_OK(isthmus_op_declare(&op));
  CHECK_FAILS(ISTHMUS_INVALID_ARGUMENT, "already declared", isthmus_op_declare(&op));
  op.name = "no spaces";
  CHECK_FAILS(ISTHMUS_INVALID_ARGUMENT, "letters, digits", isthmus_op_declare(&op));
}

void test_graph(isthmus::Device& device) {
  int calls = 0, released = 0;
  declare_count(&calls);
  auto graph = NEED(isthmus::Graph::create());
  const isthmus::Dim n = NEED(graph.symbol("n", 1, 8));
  const isthmus_value_t x = NEED(graph.input("x", ISTHMUS_F32, {n}));
  const isthmus_value_t counter = NEED(graph.state("counter", ISTHMUS_F32, {1}));
  static const float kTwo[] = {2};
  const isthmus_type_t one = isthmus::make_type(ISTHMUS_F32, {1});
  isthmus_value_t two = ISTHMUS_NO_VALUE;
  CHECK_OK(isthmus_graph_constant(
      graph.get(), "two", &one, kTwo, [](void* r) { ++*static_cast<int*>(r); }, &released, &two));
  const isthmus_value_t doubled = NEED(graph.op("mul", {x, two}));
  const isthmus_value_t total =
      NEED(graph.op("test.count", {doubled, counter}, {isthmus_attribute_int("factor", 10)}));
  isthmus_type_t type = {};
  type.size = sizeof type;
  CHECK_OK(isthmus_graph_type(graph.get(), doubled, &type));
  CHECK(type.rank == 1 && type.dims[0].symbol == 0 && type.dims[0].scale == 1);

  CHECK(graph.op("test.count", {doubled, x}).error().message.find("must be a state") != std::string::npos);
  CHECK(graph.op("mul", {x, 77}).error().message.find("no value 77") != std::string::npos);
  CHECK(graph.op("no_such", {x}).error().code == ISTHMUS_NOT_FOUND);
  CHECK(graph.output("x", x).error().message.find("identity") != std::string::npos);
  CHECK(graph.input("x", ISTHMUS_F32, {1}).error().message.find("already has") != std::string::npos);
  CHECK(!graph.input("huge", ISTHMUS_F32, {int64_t{1} << 40, int64_t{1} << 40}).ok());

  NEED(graph.output("total", total));
  NEED(graph.output("doubled", doubled));
  CHECK(
      graph.compile(device, {.size = 0, .no_fallback = 1, .numerics = ISTHMUS_NUMERICS_EXACT}).error().code ==
      ISTHMUS_UNIMPLEMENTED);
  auto executable = NEED(graph.compile(device));
  graph = isthmus::Graph();
  int fallbacks = 0;
  for (const isthmus_report_row_t& row : executable.report()) fallbacks += row.fallback;
  CHECK(fallbacks == 1);

  auto stream = NEED(device.create_stream());
  CHECK(executable.run(stream, {3}).error().message.find("not bound") != std::string::npos);
  auto state = NEED(device.allocate(sizeof(float)));
  NEED(stream.fill(state.address(), 0, sizeof(float)));
  NEED(executable.bind_state("counter", state.address()));
  CHECK(executable.bind_state("clock", state.address()).error().code == ISTHMUS_NOT_FOUND);
  CHECK(executable.run(stream, {9}).error().code == ISTHMUS_OUT_OF_RANGE);
  const std::vector<float> values = {1, 2, 3};
  std::vector<float> sums(1), copies(3);
  for (const float expected : {120.0f, 240.0f}) {
    NEED(stream.upload(NEED(executable.input("x")).address, values));
    NEED(executable.run(stream, {3}));
    const isthmus_tensor_t output = NEED(executable.output("doubled"));
    CHECK(output.dims[0] == 3);
    NEED(stream.download(sums, NEED(executable.output("total")).address));
    NEED(stream.download(copies, output.address));
    NEED(stream.wait());
    CHECK(sums[0] == expected && copies[2] == 6);
  }
  CHECK(calls == 2);
  CHECK(released == 0);
  executable = isthmus::Executable();
  CHECK(released == 1);
}

// x + step again and again, as long as it is below 10; then its negative if asked for.
void test_control_flow(isthmus::Device& device) {
  auto body = NEED(isthmus::Graph::create());
  NEED(body.input("i", ISTHMUS_I64, {}));
  const isthmus_value_t old_x = NEED(body.input("x", ISTHMUS_F32, {1}));
  const isthmus_value_t new_x = NEED(body.op("add", {old_x, NEED(body.input("step", ISTHMUS_F32, {1}))}));
  const isthmus_value_t ten = NEED(body.constant<float>("ten", ISTHMUS_F32, {1}, {10}));
  NEED(body.output("again", NEED(body.op("less", {new_x, ten}))));
  NEED(body.output("new x", new_x));
  auto negate = NEED(isthmus::Graph::create()), keep = NEED(isthmus::Graph::create());
  NEED(negate.output("y", NEED(negate.op("neg", {NEED(negate.input("x", ISTHMUS_F32, {1}))}))));
  NEED(keep.output("y", NEED(keep.op("identity", {NEED(keep.input("x", ISTHMUS_F32, {1}))}))));

  auto graph = NEED(isthmus::Graph::create());
  const isthmus_value_t x = NEED(graph.input("x", ISTHMUS_F32, {1}));
  const isthmus_value_t asked = NEED(graph.input("negative", ISTHMUS_BOOL, {}));
  const isthmus_value_t step = NEED(graph.constant<float>("step", ISTHMUS_F32, {1}, {4}));
  CHECK(graph.loop(ISTHMUS_NO_VALUE, ISTHMUS_NO_VALUE, {x}, body, 1).error().message.find("takes 3 inputs") !=
        std::string::npos);
  CHECK(graph.if_else(asked, {x}, negate, body, 1).error().message.find("takes 3 inputs") !=
        std::string::npos);
  CHECK(graph.if_else(asked, {x}, negate, keep, 2).error().message.find("2 outputs, it has 1") !=
        std::string::npos);
  const auto looped = NEED(graph.loop(ISTHMUS_NO_VALUE, ISTHMUS_NO_VALUE, {x, step}, body, 1));
  NEED(graph.output("y", NEED(graph.if_else(asked, looped, negate, keep, 1))[0]));
  auto executable = NEED(graph.compile(device));
  for (isthmus::Graph* region : {&body, &negate, &keep}) *region = isthmus::Graph();  // They were read.
  auto stream = NEED(device.create_stream());
  const std::vector<float> three = {3};
  std::vector<float> result(1);
  for (const std::vector<uint8_t>& negative : {std::vector<uint8_t>{0}, std::vector<uint8_t>{1}}) {
    NEED(stream.upload(NEED(executable.input("x")).address, three));
    NEED(stream.upload(NEED(executable.input("negative")).address, negative));
    NEED(executable.run(stream));
    NEED(stream.download(result, NEED(executable.output("y")).address));
    NEED(stream.wait());
    CHECK(result[0] == (negative[0] ? -11 : 11));
  }
}

// A shape rule's complaint and a callback's unknown code reach the caller.
void test_outside_errors(isthmus::Device& device) {
  const isthmus::Error error =
      isthmus::Op::prepare(device, "test.count", {dense(ISTHMUS_F32, {2, 2}), dense(ISTHMUS_F32, {1})})
          .error();
  CHECK(error.code == ISTHMUS_INVALID_ARGUMENT &&
        error.message.find("x must have rank 1") != std::string::npos);
  CHECK(isthmus::Op::prepare(device, "add", {dense(ISTHMUS_F32, {2, -2}), dense(ISTHMUS_F32, {1})})
            .error()
            .code == ISTHMUS_INVALID_ARGUMENT);
}

void test_model(isthmus::Platform& platform, const char* path) {
  auto model = NEED(isthmus::Model::open(path));
  const auto tokens = NEED(model.tokenize("The ferry", ISTHMUS_TOKENS_ADD_SPECIAL));
  CHECK(NEED(model.detokenize(tokens, ISTHMUS_TOKENS_SKIP_SPECIAL)).find("The ferry") != std::string::npos);
  auto engine = NEED(isthmus::Engine::create(model, platform));
  auto sequence = NEED(isthmus::Sequence::create(engine, tokens));
  isthmus::GenerationOptions options;
  options.c.max_tokens = 8;
  options.c.ignore_end = 1;
  options.c.seed = 5;
  std::string streamed;
  int count = 0;
  options.on_text = [&](std::string_view text) { streamed += text; };
  options.on_token = [&](int32_t) { ++count; };
  const isthmus::Reply reply = NEED(sequence.generate(options));
  CHECK(reply.tokens.size() == 8 && count == 8 && reply.text == streamed);
  // The same seed gives the same reply.
  auto again = NEED(isthmus::Sequence::create(engine, tokens));
  CHECK(NEED(again.generate(options)).tokens == reply.tokens);
  engine = isthmus::Engine();  // its sequences keep it
  CHECK(NEED(again.logits()).size() > 256);
}

}  // namespace

int main(int argc, char** argv) {
  CHECK(argc == 2);
  auto platform = NEED(isthmus::Platform::create());
  CHECK(!platform.devices().empty());
  auto device = NEED(platform.open("cpu"));
  test_graph(device);
  test_control_flow(device);
  test_outside_errors(device);
  test_model(platform, argv[1]);
  return 0;
}
