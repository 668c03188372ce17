// SPDX-License-Identifier: Apache-2.0
// Adds an operator from outside, y = max(x, slope * x), and runs it in a graph between operators of the
// library. No chip knows it, so its reference below runs it, and the report says so. The graph takes any
// number of rows.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <isthmus/isthmus.hpp>
#include <vector>

namespace {

// The shape rule: the output is like the input.
isthmus_status_t infer(void*, const isthmus_type_t* inputs, int32_t, const isthmus_attribute_t* attributes,
                       isthmus_type_t* outputs, int32_t) {
  if (!(attributes[0].f >= 0 && attributes[0].f <= 1))
    return isthmus_fail(ISTHMUS_INVALID_ARGUMENT, "slope must be from 0 to 1");
  outputs[0] = inputs[0];
  return ISTHMUS_OK;
}

// The meaning, as plain loops over any strides.
isthmus_status_t reference(void*, const isthmus_tensor_t* inputs, int32_t,
                           const isthmus_attribute_t* attributes, const isthmus_tensor_t* outputs, int32_t) {
  const isthmus_tensor_t &x = inputs[0], &y = outputs[0];
  const auto* from = reinterpret_cast<const float*>(x.address);
  auto* to = reinterpret_cast<float*>(y.address);
  const float slope = static_cast<float>(attributes[0].f);
  for (int64_t i = 0; i < x.dims[0]; ++i)
    for (int64_t j = 0; j < x.dims[1]; ++j) {
      const float value = from[i * x.strides[0] + j * x.strides[1]];
      to[i * y.strides[0] + j * y.strides[1]] = std::max(value, slope * value);
    }
  return ISTHMUS_OK;
}

isthmus::Status declare() {
  static const isthmus_dtype_t dtypes[] = {ISTHMUS_F32};
  isthmus_port_t x = {}, y = {};
  x.size = y.size = sizeof x;
  x.name = "x";
  y.name = "y";
  x.meaning = "[rows, columns]";
  y.meaning = "like x";
  x.dtypes = y.dtypes = dtypes;
  x.dtype_count = y.dtype_count = 1;
  const isthmus_attribute_t slope = isthmus_attribute_float("slope", 0.01);
  isthmus_op_declaration_t op = {};
  op.size = sizeof op;
  op.name = "example.leaky";
  op.meaning = "max(x, slope * x)";
  op.inputs = &x;
  op.input_count = 1;
  op.outputs = &y;
  op.output_count = 1;
  op.attributes = &slope;
  op.attribute_count = 1;
  op.infer = infer;
  op.reference = reference;
  return isthmus::Status::of(isthmus_op_declare(&op));
}

isthmus::Status run() {
  if (auto status = declare(); !status) return status;
  auto platform = isthmus::Platform::create();
  if (!platform) return platform.error();
  auto device = platform->open("cpu");
  if (!device) return device.error();
  auto stream = device->create_stream();
  if (!stream) return stream.error();

  auto graph = isthmus::Graph::create();
  if (!graph) return graph.error();
  auto rows = graph->symbol("rows", 1, 100);
  if (!rows) return rows.error();
  auto x = graph->input("x", ISTHMUS_F32, {*rows, 2});
  if (!x) return x.error();
  auto shift = graph->constant("shift", ISTHMUS_F32, {2}, std::vector<float>{-1, 1});
  if (!shift) return shift.error();
  auto shifted = graph->op("add", {*x, *shift});
  if (!shifted) return shifted.error();
  auto leaky = graph->op("example.leaky", {*shifted}, {isthmus_attribute_float("slope", 0.5)});
  if (!leaky) return leaky.error();
  auto y = graph->op("neg", {*leaky});
  if (!y) return y.error();
  if (auto status = graph->output("y", *y); !status) return status;
  auto executable = graph->compile(*device);
  if (!executable) return executable.error();
  for (const isthmus_report_row_t& row : executable->report())
    std::printf("%-14s %s%s%s\n", row.op, row.implementation, row.fallback ? ": " : "",
                row.fallback ? row.refusal : "");

  const std::vector<float> values = {0, 0, 1, 1, 2, -4}, expected = {0.5f, -1, 0, -2, -1, 1.5f};
  std::vector<float> result(values.size());
  auto input = executable->input("x");
  if (!input) return input.error();
  if (auto status = stream->upload(input->address, values); !status) return status;
  if (auto status = executable->run(*stream, {3}); !status) return status;
  auto output = executable->output("y");
  if (!output) return output.error();
  if (auto status = stream->download(result, output->address); !status) return status;
  if (auto status = stream->wait(); !status) return status;
  for (float value : result) std::printf("%g ", static_cast<double>(value));
  std::printf("\n");
  if (result != expected) return isthmus::Error{ISTHMUS_INTERNAL, "not what was expected"};
  return {};
}

}  // namespace

int main() {
  const isthmus::Status status = run();
  if (!status) std::fprintf(stderr, "outside_operator: %s\n", status.error().to_string().c_str());
  return status ? 0 : 1;
}
