// SPDX-License-Identifier: Apache-2.0
// Products on the CPU: the bits of the reference on every instruction set, and of a row whatever is computed
// beside it.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "base/block_formats.h"
#include "base/half.h"
#include "call_kernel.h"
#include "ops/registry.h"

namespace isthmus {
namespace {

Tensor tensor(const KernelOperand& o) {
  Tensor t;
  t.data = o.data;
  t.dtype = o.dtype;
  t.rank = static_cast<int>(o.dims.size());
  std::copy(o.dims.begin(), o.dims.end(), t.dims);
  contiguous_strides(t.dims, t.rank, t.strides);
  return t;
}

void run_reference(const std::string& op, const std::vector<KernelOperand>& operands, int inputs) {
  std::vector<Tensor> in, out;
  for (int i = 0; i < static_cast<int>(operands.size()); ++i)
    (i < inputs ? in : out).push_back(tensor(operands[i]));
  ASSERT_TRUE(find_op(op)->reference({in, out, find_op(op)->complete({}).value()}).ok());
}

bool same(float a, float b) { return std::memcmp(&a, &b, 4) == 0 || (std::isnan(a) && std::isnan(b)); }

Bytes random_floats(int64_t n, uint32_t seed, float scale = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, scale);
  Bytes bytes(n * 4);
  for (int64_t i = 0; i < n; ++i) bytes.as<float>()[i] = normal(random);
  return bytes;
}

Bytes random_weight(Dtype dtype, int64_t n, int64_t k, uint32_t seed) {
  Bytes values = random_floats(n * k, seed, 0.1f), bytes(dtype_bytes(dtype, n * k));
  quantize(dtype, values.as<float>(), bytes.data(), n * k);
  return bytes;
}

struct Quantized {
  Bytes q, scale, sum;
  Quantized(float* x, int64_t rows, int64_t k) : q(rows * k), scale(rows * k / 4), sum(rows * k / 4) {
    run_reference("quantize_rows",
                  {{Dtype::kF32, {rows, k}, x},
                   {Dtype::kI8, {rows, k}, q.data()},
                   {Dtype::kF32, {rows, k / 16}, scale.data()},
                   {Dtype::kI32, {rows, k / 16}, sum.data()}},
                  1);
  }
};

// Row `first` on, `rows` of them, of a product whose operands have more.
std::vector<KernelOperand> slice(Quantized& x, Bytes& weight, Dtype format, float* bias, float* y,
                                 int64_t first, int64_t rows, int64_t k, int64_t n) {
  return {{Dtype::kI8, {rows, k}, x.q.as<int8_t>() + first * k},
          {Dtype::kF32, {rows, k / 16}, x.scale.as<float>() + first * (k / 16)},
          {Dtype::kI32, {rows, k / 16}, x.sum.as<int32_t>() + first * (k / 16)},
          {format, {n, k}, weight.data(), ISTHMUS_ROLE_CONSTANT},
          bias ? KernelOperand{Dtype::kF32, {n}, bias} : KernelOperand{},
          {Dtype::kF32, {rows, n}, y + first * n}};
}

class BlockProducts : public testing::TestWithParam<Dtype> {};

TEST_P(BlockProducts, KernelsGiveTheBitsOfTheReference) {
  const Dtype format = GetParam();
  const int64_t unit = dtype_info(format).block_elements;
  for (const auto& [rows, blocks, n] : std::vector<std::array<int64_t, 3>>{{1, 3, 33},
                                                                           {2, 1, 5},
                                                                           {3, 2, 64},
                                                                           {4, 5, 31},
                                                                           {5, 1, 16},
                                                                           {6, 2, 48},
                                                                           {7, 3, 40},
                                                                           {29, 1, 17},
                                                                           {9, 20, 70},
                                                                           {11, 36, 33},
                                                                           {27, 36, 40}}) {
    const int64_t k = blocks * unit;
    Bytes x = random_floats(rows * k, 1), bias = random_floats(n, 2), y(rows * n * 4), expected(rows * n * 4);
    x.as<float>()[5] = 3e30f;  // a block with a scale far from the others
    if (rows > 4) x.as<float>()[4 * k + 3] = std::nanf("");
    Quantized quantized(x.as<float>(), rows, k);
    Bytes weight = random_weight(format, n, k, 3);
    for (float* b : {bias.as<float>(), static_cast<float*>(nullptr)}) {
      const auto reference = slice(quantized, weight, format, b, expected.as<float>(), 0, rows, k, n);
      run_reference("linear_quantized", reference, 5);
      for_each_kernel("linear_quantized", [&](const std::string& isa, const cpu::Kernel& kernel) {
        KernelCall call;
        ASSERT_EQ("",
                  call.prepare(kernel, slice(quantized, weight, format, b, y.as<float>(), 0, rows, k, n), 5));
        for (int threads : {1, 2, 3}) {
          std::memset(y.data(), 0xff, y.size());
          call.run(threads);
          for (int64_t i = 0; i < rows * n; ++i)
            ASSERT_TRUE(same(expected.as<float>()[i], y.as<float>()[i]))
                << dtype_name(format) << " " << isa << " " << kernel.name << " rows " << rows << " k " << k
                << " n " << n << " threads " << threads << " row " << i / n << " column " << i % n << ": "
                << expected.as<float>()[i] << " and " << y.as<float>()[i];
        }
      });
    }
  }
}

// Weights and activations at their extremes: nothing may saturate.
TEST_P(BlockProducts, ExtremeIntegersAreExact) {
  const Dtype format = GetParam();
  const int64_t unit = dtype_info(format).block_elements, k = unit, n = 32, rows = 6;
  Bytes weight(dtype_bytes(format, n * k)), y(rows * n * 4), expected(rows * n * 4), x(rows * k * 4);
  for (int pattern : {0x00, 0xff, 0x80, 0x7f, 0x55, 0xf0}) {
    std::memset(weight.data(), pattern, weight.size());
    for (int64_t i = 0; i < rows * k; ++i)
      x.as<float>()[i] = i / k % 3 == 0 ? 127 : i / k % 3 == 1 ? -127 : (i % 2 ? 127 : -127);
    Quantized quantized(x.as<float>(), rows, k);
    run_reference("linear_quantized",
                  slice(quantized, weight, format, nullptr, expected.as<float>(), 0, rows, k, n), 5);
    for_each_kernel("linear_quantized", [&](const std::string& isa, const cpu::Kernel& kernel) {
      KernelCall call;
      ASSERT_EQ("", call.prepare(kernel,
                                 slice(quantized, weight, format, nullptr, y.as<float>(), 0, rows, k, n), 5));
      call.run(1);
      for (int64_t i = 0; i < rows * n; ++i)
        ASSERT_TRUE(same(expected.as<float>()[i], y.as<float>()[i]))
            << dtype_name(format) << " " << isa << " pattern " << pattern << " row " << i / n << ": "
            << expected.as<float>()[i] << " and " << y.as<float>()[i];
    });
  }
}

TEST_P(BlockProducts, RowsDoNotDependOnTheRowsBesideThem) {
  const Dtype format = GetParam();
  constexpr int64_t kRows = 512, kColumns = 72;
  const int64_t k = 2 * dtype_info(format).block_elements;
  Bytes x = random_floats(kRows * k, 4), whole(kRows * kColumns * 4), y(kRows * kColumns * 4);
  Quantized quantized(x.as<float>(), kRows, k);
  Bytes weight = random_weight(format, kColumns, k, 5);
  for_each_kernel("linear_quantized", [&](const std::string& isa, const cpu::Kernel& kernel) {
    KernelCall all;
    ASSERT_EQ(
        "",
        all.prepare(kernel,
                    slice(quantized, weight, format, nullptr, whole.as<float>(), 0, kRows, k, kColumns), 5));
    all.run(1);
    for (int64_t chunk : {1, 3, 64, 512}) {
      for (int threads : {1, 2}) {
        std::memset(y.data(), 0xff, y.size());
        for (int64_t first = 0; first < kRows; first += chunk) {
          KernelCall part;
          const int64_t rows = std::min(chunk, kRows - first);
          part.prepare(kernel,
                       slice(quantized, weight, format, nullptr, y.as<float>(), first, rows, k, kColumns), 5);
          part.run(threads);
        }
        ASSERT_EQ(0, std::memcmp(whole.data(), y.data(), y.size()))
            << dtype_name(format) << " " << isa << " chunks of " << chunk << " on " << threads << " threads";
      }
    }
  });
}

// Several weights, of different formats and sizes, with more rows than one chunk has.
TEST_P(BlockProducts, GroupsGiveTheBitsOfTheirReference) {
  const Dtype format = GetParam();
  const int64_t unit = dtype_info(format).block_elements, k = unit;
  const Dtype formats[] = {format, unit == 32 ? Dtype::kQ8_0 : Dtype::kQ6_K, format};
  const int64_t columns[] = {40, 65, 7};
  for (const int64_t rows : {1, 5, 130}) {
    Bytes x = random_floats(rows * k, 6), bias = random_floats(65, 7);
    Quantized quantized(x.as<float>(), rows, k);
    std::vector<Bytes> weights, expected, y;
    for (int i = 0; i < 3; ++i) {
      weights.push_back(random_weight(formats[i], columns[i], k, 8 + i));
      expected.emplace_back(rows * columns[i] * 4);
      y.emplace_back(rows * columns[i] * 4);
    }
    const auto operands = [&](int count, std::vector<Bytes>& out) {
      std::vector<KernelOperand> list =
          slice(quantized, weights[0], format, nullptr, nullptr, 0, rows, k, columns[0]);
      list.resize(3);
      for (int i = 0; i < count; ++i) {
        list.push_back({formats[i], {columns[i], k}, weights[i].data(), ISTHMUS_ROLE_CONSTANT});
        list.push_back(i == 1 ? KernelOperand{Dtype::kF32, {columns[i]}, bias.data()} : KernelOperand{});
      }
      for (int i = 0; i < count; ++i) list.push_back({Dtype::kF32, {rows, columns[i]}, out[i].data()});
      return list;
    };
    for (const int count : {2, 3}) {
      const char* op = count == 2 ? "linear_quantized_pair" : "linear_quantized_triple";
      run_reference(op, operands(count, expected), 3 + 2 * count);
      int ran = 0;
      for_each_kernel(op, [&](const std::string& isa, const cpu::Kernel& kernel) {
        KernelCall call;
        ASSERT_EQ("", call.prepare(kernel, operands(count, y), 3 + 2 * count));
        for (const int threads : {1, 3}) {
          for (Bytes& out : y) std::memset(out.data(), 0xff, out.size());
          call.run(threads);
          ++ran;
          for (int i = 0; i < count; ++i)
            for (int64_t e = 0; e < rows * columns[i]; ++e)
              ASSERT_TRUE(same(expected[i].as<float>()[e], y[i].as<float>()[e]))
                  << op << " " << isa << " " << kernel.name << " rows " << rows << " threads " << threads
                  << " product " << i << " element " << e;
        }
      });
      EXPECT_GE(ran, 4) << op;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, BlockProducts, testing::ValuesIn(dtypes::blocks),
                         [](const auto& info) { return std::string(dtype_name(info.param)); });

class DenseProducts : public testing::TestWithParam<Dtype> {};

Bytes to_dtype(Bytes& values, int64_t n, Dtype dtype) {
  Bytes bytes(dtype_bytes(dtype, n));
  for (int64_t i = 0; i < n; ++i) {
    const float v = values.as<float>()[i];
    if (dtype == Dtype::kF32)
      bytes.as<float>()[i] = v;
    else
      bytes.as<uint16_t>()[i] = dtype == Dtype::kF16 ? f32_to_f16(v) : f32_to_bf16(v);
  }
  return bytes;
}

// Factors of about 2^-63 each: products and sums lie around the least normal number.
TEST_P(DenseProducts, KernelsGiveTheBitsOfTheReference) {
  const Dtype format = GetParam();
  for (const auto& [rows, k, n] : std::vector<std::array<int64_t, 3>>{{1, 3, 33},
                                                                      {2, 64, 5},
                                                                      {3, 129, 64},
                                                                      {4, 5, 31},
                                                                      {5, 1, 16},
                                                                      {6, 300, 48},
                                                                      {7, 31, 40},
                                                                      {8, 0, 3},
                                                                      {9, 2, 32},
                                                                      {1, 300, 70},
                                                                      {2, 23, 96},
                                                                      {4, 40, 64},
                                                                      {101, 700, 17},
                                                                      {200, 70, 65}}) {
    for (float size : {1.0f, 0x1p-63f}) {
      const float w_size = format == Dtype::kF16 && size < 1 ? 0x1p-14f : size;
      Bytes x = random_floats(rows * k, 1, format == Dtype::kF16 && size < 1 ? 0x1p-112f : size);
      Bytes w = random_floats(n * k, 2, w_size), weight = to_dtype(w, n * k, format);
      Bytes bias = random_floats(n, 3, size * size), y(rows * n * 4), expected(rows * n * 4);
      if (k > 4 && rows > 1) x.as<float>()[k + 2] = std::nanf(""), x.as<float>()[3] = 1e-40f;
      for (float* b : {bias.as<float>(), static_cast<float*>(nullptr)}) {
        auto operands = [&](isthmus_role_t role, Bytes& out) {
          return std::vector<KernelOperand>{{Dtype::kF32, {rows, k}, x.data()},
                                            {format, {n, k}, weight.data(), role},
                                            b ? KernelOperand{Dtype::kF32, {n}, b} : KernelOperand{},
                                            {Dtype::kF32, {rows, n}, out.data()}};
        };
        run_reference("linear", operands(ISTHMUS_ROLE_CONSTANT, expected), 3);
        int ran = 0;
        for_each_kernel("linear", [&](const std::string& isa, const cpu::Kernel& kernel) {
          for (isthmus_role_t role : {ISTHMUS_ROLE_CONSTANT, ISTHMUS_ROLE_ACTIVATION}) {
            KernelCall call;
            if (!call.prepare(kernel, operands(role, y), 3).empty()) continue;
            ++ran;
            for (int threads : {1, 3}) {
              std::memset(y.data(), 0xff, y.size());
              call.run(threads);
              for (int64_t i = 0; i < rows * n; ++i)
                ASSERT_TRUE(same(expected.as<float>()[i], y.as<float>()[i]))
                    << dtype_name(format) << " " << isa << " " << kernel.name << " rows " << rows << " k "
                    << k << " n " << n << " threads " << threads << " row " << i / n << " column " << i % n
                    << ": " << expected.as<float>()[i] << " and " << y.as<float>()[i];
            }
          }
        });
        EXPECT_GE(ran, 3);
      }
    }
  }
}

TEST_P(DenseProducts, RowsDoNotDependOnTheRowsBesideThem) {
  const Dtype format = GetParam();
  constexpr int64_t kRows = 512, kColumns = 72, k = 515;
  Bytes x = random_floats(kRows * k, 4), w = random_floats(kColumns * k, 5),
        weight = to_dtype(w, kColumns * k, format);
  Bytes whole(kRows * kColumns * 4), y(kRows * kColumns * 4);
  auto operands = [&](int64_t first, int64_t rows, Bytes& out) {
    return std::vector<KernelOperand>{{Dtype::kF32, {rows, k}, x.as<float>() + first * k},
                                      {format, {kColumns, k}, weight.data(), ISTHMUS_ROLE_CONSTANT},
                                      {},
                                      {Dtype::kF32, {rows, kColumns}, out.as<float>() + first * kColumns}};
  };
  for_each_kernel("linear", [&](const std::string& isa, const cpu::Kernel& kernel) {
    KernelCall all;
    ASSERT_EQ("", all.prepare(kernel, operands(0, kRows, whole), 3));
    all.run(1);
    for (int64_t chunk : {1, 3, 64, 512}) {
      for (int threads : {1, 2}) {
        std::memset(y.data(), 0xff, y.size());
        for (int64_t first = 0; first < kRows; first += chunk) {
          KernelCall part;
          part.prepare(kernel, operands(first, std::min(chunk, kRows - first), y), 3);
          part.run(threads);
        }
        ASSERT_EQ(0, std::memcmp(whole.data(), y.data(), y.size()))
            << dtype_name(format) << " " << isa << " chunks of " << chunk << " on " << threads << " threads";
      }
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Formats, DenseProducts, testing::ValuesIn(dtypes::floats),
                         [](const auto& info) { return std::string(dtype_name(info.param)); });

TEST(Matmul, KernelsGiveTheBitsOfTheReference) {
  const OpDef& op = *find_op("matmul");
  std::vector<Sample> samples = op.samples();
  // Right sides of whole blocks and parts of them, column by column and row by row, over several parts of k.
  for (const Dtype dtype : {Dtype::kF32, Dtype::kF16, Dtype::kBF16}) {
    samples.push_back({{{dtype, {3, 171}}, {dtype, {50, 171}}}, {{"transpose_b", int64_t{1}}}});
    samples.push_back({{{dtype, {100, 131}}, {dtype, {131, 64}}}, {}});
  }
  for (Sample& sample : samples) {
    if (!sample.inputs[0].order.empty()) continue;
    const Attributes attributes = op.complete(sample.attributes).value();
    std::vector<TensorType> types;
    for (const SampleOperand& o : sample.inputs)
      types.push_back({o.dtype, Shape(o.dims.begin(), o.dims.end())});
    const std::vector<TensorType> results = op.infer_types(types, attributes).value();
    std::vector<int64_t> y_dims;
    int64_t n = 1;
    for (const Dim& d : results[0].shape) y_dims.push_back(d.offset), n *= d.offset;
    std::vector<Bytes> inputs;
    for (const SampleOperand& o : sample.inputs) {
      int64_t count = 1;
      for (int64_t d : o.dims) count *= d;
      Bytes values = random_floats(count, 7 + static_cast<uint32_t>(inputs.size()));
      if (o.dtype == Dtype::kF64) {
        inputs.emplace_back(count * 8);
        for (int64_t i = 0; i < count; ++i) inputs.back().as<double>()[i] = values.as<float>()[i];
      } else {
        inputs.push_back(to_dtype(values, count, o.dtype));
      }
    }
    const int64_t bytes = dtype_bytes(results[0].dtype, n);
    Bytes expected(bytes), y(bytes);
    auto operands = [&](Bytes& out) {
      return std::vector<KernelOperand>{{sample.inputs[0].dtype, sample.inputs[0].dims, inputs[0].data()},
                                        {sample.inputs[1].dtype, sample.inputs[1].dims, inputs[1].data()},
                                        {results[0].dtype, y_dims, out.data()}};
    };
    const std::vector<KernelOperand> o = operands(expected);
    const Tensor in[2] = {tensor(o[0]), tensor(o[1])}, out[1] = {tensor(o[2])};
    ASSERT_TRUE(op.reference({in, out, attributes}).ok());
    std::vector<isthmus_attribute_t> given;
    for (const auto& [name, value] : attributes.values()) {
      isthmus_attribute_t a = {};
      a.name = name.c_str();
      a.i = std::get<int64_t>(value);
      given.push_back(a);
    }
    for_each_kernel("matmul", [&](const std::string& isa, const cpu::Kernel& kernel) {
      KernelCall call;
      ASSERT_EQ("", call.prepare(kernel, operands(y), 2, given));
      std::memset(y.data(), 0x55, y.size());
      call.run(2);
      EXPECT_EQ(0, std::memcmp(expected.data(), y.data(), bytes))
          << isa << " " << dtype_name(results[0].dtype) << " " << shape_to_string(types[0].shape) << " "
          << shape_to_string(types[1].shape);
    });
  }
}

TEST(QuantizeRows, KernelsGiveTheBitsOfTheReference) {
  for (const Sample& sample : find_op("quantize_rows")->samples()) {
    const std::vector<int64_t>& dims = sample.inputs[0].dims;
    std::vector<int64_t> blocks = dims;
    blocks.back() /= 16;
    int64_t n = 1;
    for (int64_t d : dims) n *= d;
    Bytes x = random_floats(n, 6),
          out[2][3] = {{Bytes(n), Bytes(n / 4), Bytes(n / 4)}, {Bytes(n), Bytes(n / 4), Bytes(n / 4)}};
    for (size_t i = 0; i < sample.inputs[0].values.size(); ++i)
      x.as<float>()[i] = static_cast<float>(sample.inputs[0].values[i]);
    if (sample.inputs[0].fill == Fill::kAwkward)
      for (int64_t i = 0; i < n; i += 37)
        x.as<float>()[i] = i % 2 ? INFINITY : i % 3 ? std::nanf("") : 1e-42f;
    auto operands = [&](Bytes(&o)[3]) {
      return std::vector<KernelOperand>{{Dtype::kF32, dims, x.data()},
                                        {Dtype::kI8, dims, o[0].data()},
                                        {Dtype::kF32, blocks, o[1].data()},
                                        {Dtype::kI32, blocks, o[2].data()}};
    };
    run_reference("quantize_rows", operands(out[0]), 1);
    for_each_kernel("quantize_rows", [&](const std::string& isa, const cpu::Kernel& kernel) {
      KernelCall call;
      ASSERT_EQ("", call.prepare(kernel, operands(out[1]), 1));
      call.run(2);
      EXPECT_EQ(0, std::memcmp(out[0][0].data(), out[1][0].data(), n)) << isa << " " << kernel.name;
      EXPECT_EQ(0, std::memcmp(out[0][2].data(), out[1][2].data(), n / 4)) << isa << " " << kernel.name;
      for (int64_t i = 0; i < n / 16; ++i)
        EXPECT_TRUE(same(out[0][1].as<float>()[i], out[1][1].as<float>()[i])) << isa << " " << kernel.name;
    });
  }
}

}  // namespace
}  // namespace isthmus
