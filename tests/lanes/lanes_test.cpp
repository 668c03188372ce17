// SPDX-License-Identifier: Apache-2.0
// Sixteen lanes give the bits of one number: elementary functions, halves, fma, max, min and sums, on every
// instruction set this machine runs.
#include "lanes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <map>
#include <vector>

#include "base/elementary-inl.h"
#include "base/half.h"
#include "devices/cpu/kernel_table.h"

namespace isthmus {
namespace {

constexpr int64_t kChunk = 4096;

bool same(float a, float b) { return std::memcmp(&a, &b, 4) == 0 || (a != a && b != b); }
// Halves as numbers: all NaN are equal.
bool same_half(uint16_t a, uint16_t b, uint16_t infinity) {
  return a == b || ((a & 0x7fff) > infinity && (b & 0x7fff) > infinity);
}
float number(uint64_t pattern) {
  return elementary::from_bits(static_cast<int32_t>(static_cast<uint32_t>(pattern)));
}

// Calls f with chunks of numbers from all magnitudes.
void sweep(uint64_t step, const std::function<void(const std::vector<float>&)>& f) {
  std::vector<float> x(kChunk);
  for (uint64_t pattern = 0; pattern < (uint64_t{1} << 32); pattern += step * kChunk) {
    for (int64_t i = 0; i < kChunk; ++i)
      x[static_cast<size_t>(i)] = number(pattern + step * static_cast<uint64_t>(i));
    f(x);
  }
}

void for_each_isa(const std::function<void(const std::string&, const cpu::Lanes&)>& f) {
  int count = 0;
  for (const cpu::LanesOfIsa* row = cpu::kLanes; row->isa; ++row) {
    if (!cpu::isa_supported(row->isa)) continue;
    f(row->isa, *row->lanes);
    ++count;
  }
  EXPECT_GT(count, 0);
}

const std::map<std::string, float (*)(float)> kScalar = {
#define ISTHMUS_SCALAR(NAME) {#NAME, [](float x) { return elementary::NAME(x); }}
    ISTHMUS_SCALAR(exp),     ISTHMUS_SCALAR(exp2),     ISTHMUS_SCALAR(expm1),    ISTHMUS_SCALAR(log),
    ISTHMUS_SCALAR(log2),    ISTHMUS_SCALAR(log10),    ISTHMUS_SCALAR(log1p),    ISTHMUS_SCALAR(sin),
    ISTHMUS_SCALAR(cos),     ISTHMUS_SCALAR(tan),      ISTHMUS_SCALAR(sinh),     ISTHMUS_SCALAR(cosh),
    ISTHMUS_SCALAR(tanh),    ISTHMUS_SCALAR(erf),      ISTHMUS_SCALAR(silu),     ISTHMUS_SCALAR(softplus),
    ISTHMUS_SCALAR(sigmoid), ISTHMUS_SCALAR(gelu_erf), ISTHMUS_SCALAR(gelu_tanh)};

TEST(Lanes, ElementaryFunctions) {
  std::vector<float> y(kChunk);
  for_each_isa([&](const std::string& isa, const cpu::Lanes& lanes) {
    for (const cpu::Lanes::Function* f = lanes.functions; f->name; ++f) {
      const auto scalar = kScalar.at(f->name);
      sweep(19937, [&](const std::vector<float>& x) {
        f->apply(x.data(), y.data(), kChunk);
        for (size_t i = 0; i < x.size(); ++i)
          ASSERT_TRUE(same(scalar(x[i]), y[i]))
              << isa << " " << f->name << "(" << x[i] << "): " << y[i] << ", alone " << scalar(x[i]);
      });
    }
  });
}

TEST(Lanes, HalvesAreLoadedExactly) {
  std::vector<uint16_t> halves(65536);
  for (size_t i = 0; i < halves.size(); ++i) halves[i] = static_cast<uint16_t>(i);
  std::vector<float> y(halves.size());
  for_each_isa([&](const std::string& isa, const cpu::Lanes& lanes) {
    lanes.load_f16(halves.data(), y.data(), 65536);
    for (size_t i = 0; i < halves.size(); ++i)
      ASSERT_TRUE(same(f16_to_f32(halves[i]), y[i])) << isa << " F16 " << i;
    lanes.load_bf16(halves.data(), y.data(), 65536);
    for (size_t i = 0; i < halves.size(); ++i)
      ASSERT_TRUE(same(bf16_to_f32(halves[i]), y[i])) << isa << " BF16 " << i;
  });
}

TEST(Lanes, HalvesAreStoredRounded) {
  std::vector<uint16_t> y(kChunk);
  for_each_isa([&](const std::string& isa, const cpu::Lanes& lanes) {
    // Steps that hit ties between halves and their neighbours, and steps that hit anything.
    for (const uint64_t step : {uint64_t{2048}, uint64_t{19937}}) {
      sweep(step, [&](const std::vector<float>& x) {
        lanes.store_f16(x.data(), y.data(), kChunk);
        for (size_t i = 0; i < x.size(); ++i)
          ASSERT_TRUE(same_half(f32_to_f16(x[i]), y[i], 0x7c00)) << isa << " F16 of " << x[i];
        lanes.store_bf16(x.data(), y.data(), kChunk);
        for (size_t i = 0; i < x.size(); ++i)
          ASSERT_TRUE(same_half(f32_to_bf16(x[i]), y[i], 0x7f80)) << isa << " BF16 of " << x[i];
      });
    }
  });
}

TEST(Lanes, FmaRoundsOnce) {
  std::vector<float> b(kChunk), c(kChunk), y(kChunk);
  for_each_isa([&](const std::string& isa, const cpu::Lanes& lanes) {
    sweep(1000003, [&](const std::vector<float>& a) {
      for (size_t i = 0; i < a.size(); ++i) {
        b[i] = number((i * 2654435761u) % (uint64_t{1} << 32));
        // Near minus the product, so that what rounding once keeps is all that is left.
        c[i] = i % 2 ? -(a[i] * b[i]) : number((i * 40503u) % (uint64_t{1} << 32));
      }
      lanes.fma(a.data(), b.data(), c.data(), y.data(), kChunk);
      for (size_t i = 0; i < a.size(); ++i)
        ASSERT_TRUE(same(std::fma(a[i], b[i], c[i]), y[i]))
            << isa << " " << a[i] << " " << b[i] << " " << c[i];
    });
  });
}

TEST(Lanes, MaxAndMinOfNanAndZeros) {
  const float nan = std::nanf("");
  const std::vector<float> some = {0.0f, -0.0f, 1.0f, -1.0f, nan, INFINITY, -INFINITY, 1e-45f};
  std::vector<float> x, y, z(64);
  for (const float a : some)
    for (const float b : some) x.push_back(a), y.push_back(b);
  for_each_isa([&](const std::string& isa, const cpu::Lanes& lanes) {
    lanes.max(x.data(), y.data(), z.data(), 64);
    for (size_t i = 0; i < 64; ++i) {
      const bool zeros = x[i] == 0 && y[i] == 0;
      const float expected = x[i] != x[i] || y[i] != y[i] ? nan
                             : zeros ? (std::signbit(x[i]) && std::signbit(y[i]) ? -0.0f : 0.0f)
                                     : std::max(x[i], y[i]);
      EXPECT_TRUE(same(expected, z[i])) << isa << " max " << x[i] << " " << y[i] << ": " << z[i];
    }
    lanes.min(x.data(), y.data(), z.data(), 64);
    for (size_t i = 0; i < 64; ++i) {
      const bool zeros = x[i] == 0 && y[i] == 0;
      const float expected = x[i] != x[i] || y[i] != y[i] ? nan
                             : zeros ? (std::signbit(x[i]) || std::signbit(y[i]) ? -0.0f : 0.0f)
                                     : std::min(x[i], y[i]);
      EXPECT_TRUE(same(expected, z[i])) << isa << " min " << x[i] << " " << y[i] << ": " << z[i];
    }
  });
}

TEST(Lanes, SumsFoldInTheCanonicalOrder) {
  std::vector<float> x(16);
  for (int i = 0; i < 16; ++i)
    x[static_cast<size_t>(i)] = std::ldexp(1.0f + 0.1f * static_cast<float>(i), i * 5 % 16);
  std::vector<float> t = x;
  for (size_t step = 8; step > 0; step /= 2)
    for (size_t j = 0; j < step; ++j) t[j] += t[j + step];
  for_each_isa([&](const std::string& isa, const cpu::Lanes& lanes) {
    EXPECT_TRUE(same(t[0], lanes.sum(x.data()))) << isa;
  });
}

}  // namespace
}  // namespace isthmus
