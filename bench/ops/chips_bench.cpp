// SPDX-License-Identifier: Apache-2.0
// The same operators on two chips by turns, in one process: products per weight format, attention, norms and
// softmax. What counts is the ratio; both chips' outputs are compared bit by bit.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <random>
#include <string_view>
#include <vector>

#include "base/block_formats.h"
#include "ops/prepared_op.h"
#include "ops/registry.h"
#include "runtime/platform.h"
#include "timing.h"

namespace isthmus {
namespace {

constexpr std::string_view kUsage =
    "chips_bench [--devices cpu,opencl] [--cases WORD] [--rounds N]\n"
    "Runs each case on both devices by turns; prints the medians of both and of their ratio, for the cases\n"
    "whose name contains WORD. Block formats are timed with quantising of the activations.\n";

// One operator of a case. Operands name values of the case.
struct Step {
  std::string op;
  Attributes attributes;
  std::vector<int> inputs, outputs;  // -1: absent
};
struct Value {
  TensorType type;
  std::vector<unsigned char> content;  // empty: zeros at first
  bool constant = false;
};
struct Case {
  std::string name, unit;
  double work = 0;  // units in one run, times 1e9
  std::vector<Value> values;
  std::vector<Step> steps;
  int result = 0;  // the value to compare
  int copies = 1;  // of the constants, so that they come from memory as in a model

  int add(Dtype dtype, std::vector<int64_t> dims, std::vector<unsigned char> content = {},
          bool constant = false) {
    Shape shape(dims.begin(), dims.end());
    values.push_back({{dtype, shape}, std::move(content), constant});
    return static_cast<int>(values.size()) - 1;
  }
};

template <typename T>
std::vector<unsigned char> bytes_of(const std::vector<T>& values) {
  std::vector<unsigned char> bytes(values.size() * sizeof(T));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

std::vector<unsigned char> random_numbers(Dtype dtype, int64_t rows, int64_t width, float sigma) {
  std::mt19937 random(static_cast<unsigned>(rows + width));
  std::normal_distribution<float> normal(0, sigma);
  std::vector<float> row(width);
  const int64_t row_bytes = dtype_bytes(dtype, width);
  std::vector<unsigned char> bytes(row_bytes * rows);
  for (int64_t i = 0; i < rows; ++i) {
    for (float& v : row) v = normal(random);
    quantize(dtype, row.data(), bytes.data() + i * row_bytes, width);
  }
  return bytes;
}

Case linear_case(Dtype format, int64_t rows, int64_t k, int64_t n, bool constant = true) {
  Case c;
  c.name =
      fmt::format("linear {} {}x{}x{}{}", dtype_name(format), rows, k, n, constant ? "" : " computed weight");
  c.unit = "GFLOP/s";
  c.work = 2.0 * static_cast<double>(rows * k * n);
  const int x = c.add(Dtype::kF32, {rows, k}, random_numbers(Dtype::kF32, rows, k, 1));
  const int w = c.add(format, {n, k}, random_numbers(format, n, k, 0.05f), constant);
  const int y = c.add(Dtype::kF32, {rows, n});
  if (constant && rows <= 8)
    c.copies = static_cast<int>(std::clamp<int64_t>((96 << 20) / dtype_bytes(format, n * k), 2, 32));
  if (is_block(format)) {
    const int q = c.add(Dtype::kI8, {rows, k}), scale = c.add(Dtype::kF32, {rows, k / 16});
    const int sum = c.add(Dtype::kI32, {rows, k / 16});
    c.steps = {{"quantize_rows", {}, {x}, {q, scale, sum}},
               {"linear_quantized", {}, {q, scale, sum, w, -1}, {y}}};
  } else {
    c.steps = {{"linear", {}, {x, w, -1}, {y}}};
  }
  c.result = y;
  return c;
}

Case matmul_case(int64_t m, int64_t k, int64_t n, bool transposed) {
  Case c;
  c.name = fmt::format("matmul F32 {}x{}x{}{}", m, k, n, transposed ? " transposed" : "");
  c.unit = "GFLOP/s";
  c.work = 2.0 * static_cast<double>(m * k * n);
  const int a = c.add(Dtype::kF32, {m, k}, random_numbers(Dtype::kF32, m, k, 1));
  std::vector<int64_t> dims = {k, n};
  if (transposed) std::swap(dims[0], dims[1]);
  const int b = c.add(Dtype::kF32, dims, random_numbers(Dtype::kF32, k, n, 1));
  c.result = c.add(Dtype::kF32, {m, n});
  Attributes attributes;
  attributes.set("transpose_b", int64_t{transposed});
  c.steps = {{"matmul", attributes, {a, b}, {c.result}}};
  return c;
}

// `tokens` at the end of a sequence of `length` positions, heads of 64 in groups of 3 (SmolLM2's shape).
Case attention_case(int64_t tokens, int64_t length) {
  constexpr int64_t kHeads = 9, kKvHeads = 3, kWidth = 64, kBlock = 64;
  const int64_t blocks = (length + kBlock - 1) / kBlock;
  Case c;
  c.name = fmt::format("attention F16 {} tokens of {}", tokens, length);
  c.unit = "GFLOP/s";
  std::vector<int32_t> table(blocks), positions(tokens);
  for (int64_t i = 0; i < blocks; ++i) table[i] = static_cast<int32_t>((i * 7 + 3) % blocks);
  if (blocks % 7 == 0)
    for (int64_t i = 0; i < blocks; ++i) table[i] = static_cast<int32_t>(blocks - 1 - i);
  for (int64_t t = 0; t < tokens; ++t) {
    positions[t] = static_cast<int32_t>(length - tokens + t);
    c.work += 4.0 * static_cast<double>(kHeads * kWidth * (positions[t] + 1));
  }
  const auto cache = random_numbers(Dtype::kF16, blocks * kKvHeads * kBlock, kWidth, 1);
  const int q =
      c.add(Dtype::kF32, {tokens, kHeads, kWidth}, random_numbers(Dtype::kF32, tokens, kHeads * kWidth, 1));
  const int keys = c.add(Dtype::kF16, {blocks, kKvHeads, kWidth, kBlock}, cache);
  const int cached = c.add(Dtype::kF16, {blocks, kKvHeads, kBlock, kWidth}, cache);
  const int at = c.add(Dtype::kI32, {1, blocks}, bytes_of(table));
  const int sequence = c.add(Dtype::kI32, {tokens}, bytes_of(std::vector<int32_t>(tokens, 0)));
  const int where = c.add(Dtype::kI32, {tokens}, bytes_of(positions));
  c.result = c.add(Dtype::kF32, {tokens, kHeads, kWidth});
  c.steps = {{"attention", {}, {q, keys, cached, at, sequence, where, -1, -1}, {c.result}}};
  return c;
}

// An operator along an axis of one input; counted by bytes read and written.
Case row_case(const char* op, int64_t rows, int64_t width, int64_t axis = 1) {
  Case c;
  c.name = fmt::format("{} F32 {}x{}{}", op, rows, width, axis == 0 ? " axis 0" : "");
  c.unit = "GB/s";
  const std::string_view name = op;
  const bool sums = name.starts_with("reduce_"), finds = name == "argmax";
  c.work = static_cast<double>(rows * width * (sums || finds ? 4 : 8));
  const int x = c.add(Dtype::kF32, {rows, width}, random_numbers(Dtype::kF32, rows, width, 1));
  std::vector<int64_t> dims = {rows, width};
  if (sums || finds) dims[axis] = 1;
  c.result = c.add(finds ? Dtype::kI64 : Dtype::kF32, dims);
  Attributes attributes;
  if (sums)
    attributes.set("axes", std::vector<int64_t>{axis});
  else if (!name.ends_with("_norm"))
    attributes.set("axis", axis);
  std::vector<int> inputs = {x};
  inputs.resize(find_op(op)->inputs.size(), -1);
  c.steps = {{op, attributes, inputs, {c.result}}};
  return c;
}

std::vector<std::function<Case()>> all_cases() {
  std::vector<std::function<Case()>> all;
  using D = Dtype;
  for (const int64_t rows : {512, 1}) {
    for (const D format :
         {D::kF32, D::kF16, D::kBF16, D::kQ8_0, D::kQ4_0, D::kQ4_1, D::kQ4_K, D::kQ6_K, D::kMXFP4})
      all.emplace_back([=] { return linear_case(format, rows, 2048, 2048); });
  }
  all.emplace_back([] { return linear_case(D::kQ4_1, 1, 576, 1536); });
  all.emplace_back([] { return linear_case(D::kF32, 512, 2048, 2048, false); });
  for (const bool transposed : {false, true})
    all.emplace_back([=] { return matmul_case(512, 512, 512, transposed); });
  all.emplace_back([] { return attention_case(512, 512); });
  all.emplace_back([] { return attention_case(1, 1024); });
  for (const int64_t rows : {512, 1}) {
    for (const char* op :
         {"rms_norm", "layer_norm", "softmax", "log_softmax", "reduce_sum", "reduce_max", "argmax"})
      all.emplace_back([=] { return row_case(op, rows, 2048); });
  }
  all.emplace_back([] { return row_case("rms_norm", 4096, 64); });
  all.emplace_back([] { return row_case("argmax", 1, 131072); });
  for (const char* op : {"softmax", "reduce_sum", "reduce_max", "cumulative_sum"})
    all.emplace_back([=] { return row_case(op, 512, 2048, 0); });
  return all;
}

// A case on one device.
struct Run {
  DevicePtr device;
  std::unique_ptr<Stream> stream;
  struct Call {
    std::shared_ptr<PreparedOp> op;
    std::vector<isthmus_tensor_arg_t> args;
  };
  std::vector<Buffer> buffers;
  std::vector<Call> calls;
  uint64_t workspace_bytes = 0;
  Buffer workspace;

  Status prepare(const Case& c) {
    ASSIGN_OR_RETURN(stream, device->create_stream());
    std::vector<isthmus_address_t> addresses;
    for (const Value& value : c.values) {
      const auto bytes =
          static_cast<uint64_t>(dtype_bytes(value.type.dtype, fixed_elements(value.type.shape)));
      ASSIGN_OR_RETURN(Buffer buffer, device->allocate(bytes + 64));
      if (!value.content.empty())
        RETURN_IF_ERROR(stream->upload(buffer.address(), value.content.data(), value.content.size()));
      addresses.push_back(buffer.address());
      buffers.push_back(std::move(buffer));
    }
    RETURN_IF_ERROR(stream->wait());
    for (const Step& step : c.steps) RETURN_IF_ERROR(prepare(c, step, addresses));
    const size_t steps = calls.size();
    for (int copy = 1; copy < c.copies; ++copy)
      for (size_t s = 0; s < steps; ++s) RETURN_IF_ERROR(add_copy(c, c.steps[s], s));
    if (workspace_bytes) {
      ASSIGN_OR_RETURN(workspace, device->allocate(workspace_bytes));
    }
    return ok();
  }

  Status prepare(const Case& c, const Step& step, const std::vector<isthmus_address_t>& addresses) {
    const OpDef& op = *find_op(step.op);
    std::vector<OperandSpec> specs;
    Call call;
    for (const auto* list : {&step.inputs, &step.outputs})
      for (const int v : *list) {
        isthmus_tensor_arg_t arg = {};
        OperandSpec spec;
        if (v >= 0) {
          spec.type = c.values[v].type;
          if (c.values[v].constant) spec.role = ISTHMUS_ROLE_CONSTANT;
          arg.address = addresses[v];
          for (int d = 0; d < spec.type.rank(); ++d) arg.dims[d] = spec.type.shape[d].offset;
          contiguous_strides(arg.dims, spec.type.rank(), arg.strides);
        }
        specs.push_back(spec);
        call.args.push_back(arg);
      }
    ASSIGN_OR_RETURN(const Attributes attributes, op.complete(step.attributes));
    ASSIGN_OR_RETURN(
        call.op, PreparedOp::prepare(device, op, attributes, specs, static_cast<int>(step.inputs.size()), {},
                                     {.no_fallback = true}));
    workspace_bytes = std::max(workspace_bytes, call.op->workspace_bytes());
    for (size_t i = 0; i < step.inputs.size(); ++i)
      if (step.inputs[i] >= 0 && c.values[step.inputs[i]].constant)
        RETURN_IF_ERROR(place(c.values[step.inputs[i]], call, static_cast<int>(i)));
    calls.push_back(std::move(call));
    return ok();
  }

  Status add_copy(const Case& c, const Step& step, size_t first) {
    Call call = calls[first];
    for (size_t i = 0; i < step.inputs.size(); ++i)
      if (step.inputs[i] >= 0 && c.values[step.inputs[i]].constant)
        RETURN_IF_ERROR(place(c.values[step.inputs[i]], call, static_cast<int>(i)));
    calls.push_back(std::move(call));
    return ok();
  }

  // A constant in the layout the operator wants it in.
  Status place(const Value& value, Call& call, int input) {
    std::vector<unsigned char> bytes = value.content;
    if (call.op->packed_layout(input)) {
      bytes.resize(call.op->packed_bytes(input));
      RETURN_IF_ERROR(call.op->pack(input, value.content.data(), bytes.data()));
    }
    ASSIGN_OR_RETURN(Buffer buffer, device->allocate(bytes.size()));
    RETURN_IF_ERROR(stream->upload(buffer.address(), bytes.data(), bytes.size()));
    RETURN_IF_ERROR(stream->wait());
    call.args[input].address = buffer.address();
    buffers.push_back(std::move(buffer));
    return ok();
  }

  // Seconds of one run of the case, over as many as take a while.
  Result<double> measure(int copies, int times) {
    const double from = wall_seconds();
    for (int i = 0; i < times; ++i)
      for (Call& call : calls)
        RETURN_IF_ERROR(call.op->run(call.args.data(), workspace ? workspace.address() : 0, *stream));
    RETURN_IF_ERROR(stream->wait());
    return (wall_seconds() - from) / (copies * times);
  }

  Result<std::vector<unsigned char>> read(const Case& c) {
    const TensorType& type = c.values[c.result].type;
    std::vector<unsigned char> bytes(dtype_bytes(type.dtype, fixed_elements(type.shape)));
    RETURN_IF_ERROR(stream->download(bytes.data(), buffers[c.result].address(), bytes.size()));
    RETURN_IF_ERROR(stream->wait());
    return bytes;
  }

  static int64_t fixed_elements(const Shape& shape) {
    int64_t n = 1;
    for (const Dim& dim : shape) n *= dim.offset;
    return n;
  }
};

Status compare(const Case& c, const std::vector<DevicePtr>& devices, int rounds) {
  Run runs[2];
  int times[2];
  std::vector<unsigned char> results[2];
  for (int d = 0; d < 2; ++d) {
    runs[d].device = devices[d];
    RETURN_IF_ERROR(runs[d].prepare(c), "{} on {}", c.name, devices[d]->id());
    ASSIGN_OR_RETURN(double first, runs[d].measure(c.copies, 1));  // compiles
    ASSIGN_OR_RETURN(results[d], runs[d].read(c));
    ASSIGN_OR_RETURN(first, runs[d].measure(c.copies, 1));
    times[d] = static_cast<int>(std::clamp(0.05 / (first * c.copies), 1.0, 1000.0));
  }
  Status failed;
  const auto seconds = [&](int d) {
    const Result<double> time = runs[d].measure(c.copies, times[d]);
    if (!time.ok()) failed = time.status();
    return time.ok() ? *time : 1;
  };
  const Turns turns = by_turns(rounds, [&] { return seconds(0); }, [&] { return seconds(1); });
  RETURN_IF_ERROR(std::move(failed));
  const double first = c.work / turns.first / 1e9, second = c.work / turns.second / 1e9;
  fmt::print("| {:<34} | {:8.1f} | {:8.1f} | {:<7} | {:5.2f} | {:<9} | {}\n", c.name, first, second, c.unit,
             turns.ratio, results[0] == results[1] ? "the same" : "DIFFERENT",
             runs[1].calls[c.steps.size() - 1].op->implementation());
  std::fflush(stdout);
  return ok();
}

Status run(const std::vector<std::string>& names, std::string_view word, int rounds) {
  ASSIGN_OR_RETURN(const std::shared_ptr<Platform> platform, Platform::discover());
  std::vector<DevicePtr> devices;
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(DevicePtr device, platform->open(name));
    fmt::print("{}: {}, {} in parallel\n", name, device->properties().name, device->properties().parallelism);
    devices.push_back(std::move(device));
  }
  fmt::print("| case | {} | {} | unit | {} of {} | bits | by |\n|---|---|---|---|---|---|---|\n", names[0],
             names[1], names[1], names[0]);
  for (const auto& make : all_cases()) {
    const Case c = make();
    if (c.name.find(word) != c.name.npos) RETURN_IF_ERROR(compare(c, devices, rounds));
  }
  return ok();
}

}  // namespace
}  // namespace isthmus

int main(int argc, char** argv) {
  std::vector<std::string> devices = {"cpu", "opencl"};
  std::string_view word;
  int rounds = 7;
  bool understood = argc % 2 == 1;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i], value = argv[i + 1];
    const size_t comma = value.find(',');
    if (name == "--devices" && comma != value.npos)
      devices = {std::string(value.substr(0, comma)), std::string(value.substr(comma + 1))};
    else if (name == "--cases")
      word = value;
    else if (name == "--rounds" && std::atoi(argv[i + 1]) > 0)
      rounds = std::atoi(argv[i + 1]);
    else
      understood = false;
  }
  if (!understood) {
    fmt::print(stderr, "{}", isthmus::kUsage);
    return 2;
  }
  const isthmus::Status status = isthmus::run(devices, word, rounds);
  if (!status.ok()) fmt::print(stderr, "chips_bench: {}\n", status.to_string());
  return status.ok() ? 0 : 1;
}
