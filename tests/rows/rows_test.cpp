// SPDX-License-Identifier: Apache-2.0
// The bits of a row of a norm, a softmax, a rotary embedding or attention do not depend on what is computed
// beside it: 1, 3, 64 and 512 rows, 1 and 2 threads, whole and in chunks, on every instruction set, against
// the reference.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "../products/call_kernel.h"
#include "base/half.h"
#include "ops/registry.h"

namespace isthmus {
namespace {

constexpr int64_t kRows = 512;

std::vector<float> normal(int64_t n, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> distribution;
  std::vector<float> values(static_cast<size_t>(n));
  for (float& value : values) value = distribution(random);
  return values;
}

// An operand, and how many of its elements belong to one row; 0 where all rows share it.
struct RowOperand {
  KernelOperand operand;
  int64_t per_row = 0;
};

struct Problem {
  std::string op;
  Attributes attributes;
  std::vector<RowOperand> inputs;
  RowOperand output;
};

std::vector<isthmus_attribute_t> to_c(const Attributes& complete) {
  std::vector<isthmus_attribute_t> list;
  for (const auto& [name, value] : complete.values()) {
    isthmus_attribute_t a = {};
    a.size = sizeof a;
    a.name = name.c_str();
    if (const auto* i = std::get_if<int64_t>(&value)) a.i = *i;
    if (const auto* f = std::get_if<double>(&value)) a.f = *f;
    if (const auto* s = std::get_if<std::string>(&value)) a.s = s->c_str();
    list.push_back(a);
  }
  return list;
}

KernelOperand slice(const RowOperand& whole, int64_t first, int64_t rows) {
  KernelOperand o = whole.operand;
  if (whole.per_row == 0) return o;
  o.dims[0] = rows;
  o.data = static_cast<unsigned char*>(o.data) + dtype_bytes(o.dtype, first * whole.per_row);
  return o;
}

Tensor tensor(const KernelOperand& o) {
  Tensor t;
  t.data = o.data;
  t.dtype = o.dtype;
  t.rank = static_cast<int>(o.dims.size());
  std::copy(o.dims.begin(), o.dims.end(), t.dims);
  contiguous_strides(t.dims, t.rank, t.strides);
  return t;
}

void check(Problem problem) {
  const OpDef* def = find_op(problem.op);
  ASSERT_NE(def, nullptr);
  const Attributes attributes = def->complete(problem.attributes).value();
  const int64_t width = problem.output.per_row;
  std::vector<float> expected(static_cast<size_t>(kRows * width)), y(expected.size());
  std::vector<Tensor> in;
  for (const RowOperand& o : problem.inputs) in.push_back(tensor(o.operand));
  problem.output.operand.data = expected.data();
  const Tensor out = tensor(problem.output.operand);
  ASSERT_TRUE(def->reference({in, {&out, 1}, attributes}).ok());

  int kernels = 0;
  for_each_kernel(problem.op, [&](const std::string& isa, const cpu::Kernel& kernel) {
    ++kernels;
    for (const auto& [rows, first] : std::vector<std::pair<int64_t, int64_t>>{{512, 0},
                                                                              {64, 0},
                                                                              {64, 320},
                                                                              {64, 448},
                                                                              {3, 0},
                                                                              {3, 191},
                                                                              {3, 509},
                                                                              {1, 0},
                                                                              {1, 63},
                                                                              {1, 64},
                                                                              {1, 511}}) {
      for (const int threads : {1, 2, 3}) {
        y.assign(y.size(), std::nanf(""));
        problem.output.operand.data = y.data();
        std::vector<KernelOperand> operands;
        for (const RowOperand& o : problem.inputs) operands.push_back(slice(o, first, rows));
        operands.push_back(slice(problem.output, first, rows));
        KernelCall call;
        ASSERT_EQ(call.prepare(kernel, operands, static_cast<int>(problem.inputs.size()), to_c(attributes)),
                  "");
        call.run(threads);
        EXPECT_EQ(std::memcmp(y.data() + first * width, expected.data() + first * width,
                              static_cast<size_t>(rows * width) * sizeof(float)),
                  0)
            << problem.op << " on " << isa << ", " << threads << " threads, rows " << first << " to "
            << first + rows;
      }
    }
  });
  EXPECT_GT(kernels, 0);
}

RowOperand rows_of(std::vector<float>& values, std::vector<int64_t> row) {
  int64_t per_row = 1;
  for (const int64_t d : row) per_row *= d;
  row.insert(row.begin(), kRows);
  return {{Dtype::kF32, row, values.data()}, per_row};
}

TEST(Rows, Norms) {
  for (const int64_t n : {64, 576, 1000}) {
    std::vector<float> x = normal(kRows * n, 1), weight = normal(n, 2), bias = normal(n, 3), y;
    const RowOperand w{{Dtype::kF32, {n}, weight.data()}}, b{{Dtype::kF32, {n}, bias.data()}};
    check({"rms_norm", {{"eps", 1e-5}}, {rows_of(x, {n}), w}, rows_of(y, {n})});
    check({"layer_norm", {{"eps", 1e-5}}, {rows_of(x, {n}), w, b}, rows_of(y, {n})});
  }
}

TEST(Rows, Softmax) {
  for (const int64_t n : {33, 512, 1000}) {
    std::vector<float> x = normal(kRows * n, 1), y;
    check({"softmax", {}, {rows_of(x, {n})}, rows_of(y, {n})});
    check({"log_softmax", {}, {rows_of(x, {n})}, rows_of(y, {n})});
  }
}

TEST(Rows, Rope) {
  constexpr int64_t kHeads = 3, kDim = 64;
  std::vector<float> x = normal(kRows * kHeads * kDim, 1), frequencies, y;
  for (int i = 0; i < kDim / 2; ++i)
    frequencies.push_back(std::pow(10000.0f, -2.0f * static_cast<float>(i) / kDim));
  std::vector<int32_t> positions;
  for (int i = 0; i < kRows; ++i) positions.push_back(i * 17);
  check({"rope",
         {},
         {rows_of(x, {kHeads, kDim}),
          {{Dtype::kI32, {kRows}, positions.data()}, 1},
          {{Dtype::kF32, {kDim / 2}, frequencies.data()}}},
         rows_of(y, {kHeads, kDim})});
}

struct Cache {
  Dtype dtype;
  int64_t heads, kv_heads, d, window;
  bool sinks;
};

TEST(Rows, Attention) {
  for (const Cache& c : {Cache{Dtype::kF16, 6, 2, 32, 0, false}, Cache{Dtype::kF32, 3, 3, 32, 100, true},
                         Cache{Dtype::kBF16, 4, 1, 40, 0, true}, Cache{Dtype::kI8, 6, 2, 64, 0, false}}) {
    // One sequence of 400 rows after a stored prefix, then single queries of others and a prompt of 50 rows.
    constexpr int64_t kBlocks = 12, kSequences = 64;
    std::vector<int32_t> table, sequence, positions;
    for (int64_t s = 0; s < kSequences; ++s)
      for (int64_t b = 0; b < kBlocks; ++b) table.push_back(static_cast<int32_t>((s * 5 + b * 7) % 40));
    for (int i = 0; i < 400; ++i) sequence.push_back(0), positions.push_back(100 + i);
    for (int i = 0; i < 62; ++i) sequence.push_back(1 + i), positions.push_back(i * 12);
    for (int i = 0; i < 50; ++i) sequence.push_back(63), positions.push_back(i);
    const int64_t elements = 40 * c.kv_heads * c.d * 64;
    const auto cache = [&](uint32_t seed) {
      const std::vector<float> values = normal(elements, seed);
      Bytes bytes(static_cast<size_t>(dtype_bytes(c.dtype, elements)));
      for (size_t i = 0; i < values.size(); ++i) {
        if (c.dtype == Dtype::kI8)
          bytes.as<int8_t>()[i] = static_cast<int8_t>(std::clamp(values[i] * 50, -127.0f, 127.0f));
        else if (c.dtype == Dtype::kF32)
          bytes.as<float>()[i] = values[i];
        else
          bytes.as<uint16_t>()[i] = c.dtype == Dtype::kF16 ? f32_to_f16(values[i]) : f32_to_bf16(values[i]);
      }
      return bytes;
    };
    Bytes k = cache(1), v = cache(2);
    const std::vector<float> scale_values = normal(elements / 32, 5);
    Bytes scales(static_cast<size_t>(elements / 32 * 2));
    for (size_t i = 0; i < scale_values.size(); ++i)
      scales.as<uint16_t>()[i] = f32_to_f16(0.05f * scale_values[i]);
    std::vector<float> q = normal(kRows * c.heads * c.d, 3), sinks = normal(c.heads, 4), y;
    Problem problem{"attention",
                    {{"window", c.window}},
                    {rows_of(q, {c.heads, c.d}),
                     {{c.dtype, {40, c.kv_heads, c.d, 64}, k.data(), ISTHMUS_ROLE_STATE}},
                     {{c.dtype, {40, c.kv_heads, 64, c.d}, v.data(), ISTHMUS_ROLE_STATE}},
                     {{Dtype::kI32, {kSequences, kBlocks}, table.data()}},
                     {{Dtype::kI32, {kRows}, sequence.data()}, 1},
                     {{Dtype::kI32, {kRows}, positions.data()}, 1},
                     {},
                     {},
                     {},
                     {}},
                    rows_of(y, {c.heads, c.d})};
    if (c.dtype == Dtype::kI8) {
      problem.inputs[8].operand = {
          Dtype::kF16, {40, c.kv_heads, c.d / 32, 64}, scales.data(), ISTHMUS_ROLE_STATE};
      problem.inputs[9].operand = {
          Dtype::kF16, {40, c.kv_heads, 64, c.d / 32}, scales.data(), ISTHMUS_ROLE_STATE};
    }
    if (c.sinks) problem.inputs[7].operand = {Dtype::kF32, {c.heads}, sinks.data()};
    check(problem);
  }
}

}  // namespace
}  // namespace isthmus
