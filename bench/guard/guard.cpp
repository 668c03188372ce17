// SPDX-License-Identifier: Apache-2.0
// Our kernels beside a plain one that never changes, on one thread: a change that makes a kernel slower shows
// as a smaller ratio than the recorded one. A report, never a test: machines shared with others move ratios
// by some per cent.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <functional>
#include <map>
#include <random>
#include <sstream>

#include "../../tests/products/call_kernel.h"
#include "../ops/timing.h"
#include "base/block_formats.h"
#include "base/half.h"
#include "baseline.h"

namespace isthmus::guard {
namespace {

constexpr const char* kUsage =
    "guard [--write FILE | FILE]\n"
    "Prints, for each kernel, how many times as many operations (of kernels that work by the element: "
    "elements) it "
    "does in a\n"
    "second as the plain product of bench/guard/baseline.cpp, and beside it the ratio that FILE recorded. "
    "--write "
    "records.\n";

constexpr int kTurns = 7;
constexpr double kTurnSeconds = 0.012;

double seconds_per_call(const std::function<void()>& work, double at_least) {
  int calls = 0;
  const double start = thread_seconds();
  double took = 0;
  do {
    work();
    ++calls;
    took = thread_seconds() - start;
  } while (took < at_least);
  return took / calls;
}

class Guard {
 public:
  explicit Guard(std::map<std::string, double> recorded) : recorded_(std::move(recorded)) {
    for (std::vector<float>* values : {&x_, &w_}) {
      values->resize(static_cast<size_t>(kRows * kSteps + kSteps * kColumns));
      for (size_t i = 0; i < values->size(); ++i)
        (*values)[i] = static_cast<float>(i * 7919 % 2001) * 1e-3f - 1;
    }
    y_.resize(static_cast<size_t>(kRows * kColumns));
  }

  // Turn about with the baseline, so that what slows the machine slows both.
  void measure(const std::string& name, const char* op, double work,
               const std::vector<KernelOperand>& operands, int inputs,
               const std::vector<isthmus_attribute_t>& attributes = {}) {
    KernelCall call;
    std::string best = choose(op, operands, inputs, attributes, &call);
    if (best.empty()) return fmt::print("{:44} no kernel here takes it\n", name);
    seconds_per_call([&] { call.run(1); }, 0);
    const Turns turns = by_turns(
        kTurns,
        [&] {
          return seconds_per_call([&] { baseline_product(x_.data(), w_.data(), y_.data()); }, kTurnSeconds);
        },
        [&] { return seconds_per_call([&] { call.run(1); }, kTurnSeconds); });
    const double ratio = turns.ratio * work / (2.0 * kRows * kColumns * kSteps);
    now_.emplace_back(name, ratio);
    const auto before = recorded_.find(name);
    if (before == recorded_.end())
      fmt::print("{:44} {:8.2f}\n", name, ratio);
    else
      fmt::print("{:44} {:8.2f} {:9.2f} {:+7.0f} %\n", name, ratio, before->second,
                 100 * (ratio / before->second - 1));
    std::fflush(stdout);
  }
  const std::vector<std::pair<std::string, double>>& measured() const { return now_; }
  const std::string& isa() const { return isa_; }

 private:
  // The kernel the chip would take: of the best instruction set the first that accepts.
  std::string choose(const char* op, const std::vector<KernelOperand>& operands, int inputs,
                     const std::vector<isthmus_attribute_t>& attributes, KernelCall* call) {
    const cpu::Kernel* chosen = nullptr;
    std::string isa;
    for_each_kernel(op, [&](const std::string& kernel_isa, const cpu::Kernel& kernel) {
      KernelCall trial;
      if (kernel_isa == isa || !trial.prepare(kernel, operands, inputs, attributes).empty()) return;
      isa = kernel_isa;
      chosen = &kernel;
    });
    if (chosen) call->prepare(*chosen, operands, inputs, attributes);
    if (chosen) isa_ = isa;
    return isa;
  }

  std::map<std::string, double> recorded_;
  std::vector<std::pair<std::string, double>> now_;
  std::vector<float> x_, w_, y_;
  std::string isa_;
};

std::vector<float> normal(int64_t count, float deviation) {
  std::mt19937 random(1);
  std::normal_distribution<float> distribution(0, deviation);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& v : values) v = distribution(random);
  return values;
}

// Small enough for the caches: how fast memory is this moment is not the kernel's doing.
void products(Guard& guard) {
  const int64_t k = 1024, n = 512;
  const std::vector<float> w = normal(n * k, 0.05f);
  for (const int64_t rows : {128, 1}) {
    std::vector<float> x = normal(rows * k, 1), y(static_cast<size_t>(rows * n));
    const double work = 2.0 * static_cast<double>(rows * k * n);
    const auto name = [&](Dtype format) {
      return fmt::format("product {}, {} row{}", dtype_name(format), rows, rows == 1 ? "" : "s");
    };
    const KernelOperand out{Dtype::kF32, {rows, n}, y.data()};
    for (const Dtype format : {Dtype::kF32, Dtype::kF16, Dtype::kBF16}) {
      std::vector<unsigned char> weight(static_cast<size_t>(dtype_bytes(format, n * k)));
      quantize(format, w.data(), weight.data(), n * k);
      guard.measure(name(format), "linear", work,
                    {{Dtype::kF32, {rows, k}, x.data()},
                     {format, {n, k}, weight.data(), ISTHMUS_ROLE_CONSTANT},
                     {},
                     out},
                    3);
    }
    std::vector<int8_t> q(static_cast<size_t>(rows * k));
    for (size_t i = 0; i < q.size(); ++i) q[i] = static_cast<int8_t>(i * 7919 % 255 - 127);
    std::vector<float> scales(q.size() / 16, 0.01f);
    std::vector<int32_t> sums(q.size() / 16, 3);
    const KernelOperand oq{Dtype::kI8, {rows, k}, q.data()},
        oscales{Dtype::kF32, {rows, k / 16}, scales.data()}, osums{Dtype::kI32, {rows, k / 16}, sums.data()};
    for (const Dtype format :
         {Dtype::kQ4_0, Dtype::kQ4_1, Dtype::kQ8_0, Dtype::kQ4_K, Dtype::kQ6_K, Dtype::kMXFP4}) {
      std::vector<unsigned char> weight(static_cast<size_t>(dtype_bytes(format, n * k)));
      quantize(format, w.data(), weight.data(), n * k);
      guard.measure(name(format), "linear_quantized", work,
                    {oq, oscales, osums, {format, {n, k}, weight.data(), ISTHMUS_ROLE_CONSTANT}, {}, out}, 5);
    }
    if (rows > 1)
      guard.measure(fmt::format("quantize_rows, {} x {}", rows, k), "quantize_rows",
                    static_cast<double>(rows * k), {{Dtype::kF32, {rows, k}, x.data()}, oq, oscales, osums},
                    1);
  }
}

void attention(Guard& guard, int64_t tokens, int64_t context) {
  const int64_t heads = 8, kv_heads = 4, d = 128, blocks = context / 64,
                elements = blocks * 64 * kv_heads * d;
  std::vector<float> values = normal(elements, 0.5f), q = normal(tokens * heads * d, 1), y(q.size());
  std::vector<uint16_t> cache(static_cast<size_t>(elements));
  for (size_t i = 0; i < cache.size(); ++i) cache[i] = f32_to_f16(values[i]);
  std::vector<int32_t> table, positions, sequence(static_cast<size_t>(tokens), 0);
  for (int64_t i = 0; i < blocks; ++i) table.push_back(static_cast<int32_t>(i));
  for (int64_t i = context - tokens; i < context; ++i) positions.push_back(static_cast<int32_t>(i));
  isthmus_attribute_t causal = {};
  causal.name = "causal";
  causal.i = 1;
  const double seen =
      static_cast<double>(tokens) * (2 * static_cast<double>(context) - static_cast<double>(tokens) + 1) / 2;
  guard.measure(fmt::format("attention F16, {} of {} positions", tokens, context), "attention",
                4 * seen * static_cast<double>(heads * d),
                {{Dtype::kF32, {tokens, heads, d}, q.data()},
                 {Dtype::kF16, {blocks, kv_heads, d, 64}, cache.data(), ISTHMUS_ROLE_STATE},
                 {Dtype::kF16, {blocks, kv_heads, 64, d}, cache.data(), ISTHMUS_ROLE_STATE},
                 {Dtype::kI32, {1, blocks}, table.data()},
                 {Dtype::kI32, {tokens}, sequence.data()},
                 {Dtype::kI32, {tokens}, positions.data()},
                 {},
                 {},
                 {},
                 {},
                 {Dtype::kF32, {tokens, heads, d}, y.data()}},
                10, {causal});
}

void rows(Guard& guard) {
  const int64_t count = 128, n = 1024;
  std::vector<float> x = normal(count * n, 1), up = normal(count * n, 1), weight = normal(n, 1), y(x.size());
  const KernelOperand in{Dtype::kF32, {count, n}, x.data()}, out{Dtype::kF32, {count, n}, y.data()};
  const auto number = [](const char* name, double value) {
    isthmus_attribute_t a = {};
    a.name = name;
    a.f = value;
    a.i = static_cast<int64_t>(value);
    return a;
  };
  const auto elements = static_cast<double>(count * n);
  guard.measure("rms_norm, 128 x 1024", "rms_norm", elements, {in, {Dtype::kF32, {n}, weight.data()}, out}, 2,
                {number("eps", 1e-5)});
  guard.measure("softmax, 128 x 1024", "softmax", elements, {in, out}, 1, {number("axis", -1)});
  guard.measure("swiglu, 128 x 1024", "swiglu", elements, {in, {Dtype::kF32, {count, n}, up.data()}, out}, 2);
  guard.measure("exp, 128 x 1024", "exp", elements, {in, out}, 1);
}

// The first line is the instruction set that the ratios are of, the others ratio, tab, name.
std::map<std::string, double> read(const std::string& path, std::string* isa) {
  std::map<std::string, double> ratios;
  std::ifstream file(path);
  std::getline(file, *isa);
  for (std::string line; std::getline(file, line);) {
    const size_t tab = line.find('\t');
    if (tab != std::string::npos) ratios[line.substr(tab + 1)] = std::atof(line.c_str());
  }
  return ratios;
}

int run(const std::string& path, bool write) {
  std::string recorded_isa, best;
  std::map<std::string, double> recorded;
  for_each_kernel("linear", [&](const std::string& isa, const cpu::Kernel&) { best = isa; });
  if (!path.empty() && !write) recorded = read(path, &recorded_isa);
  const bool comparable = recorded_isa == best;
  if (!comparable) recorded.clear();
  fmt::print("{:44} {:>8}{}\n", "operations per second over the plain product's", "now",
             comparable ? "   recorded" : "");
  Guard guard(std::move(recorded));
  products(guard);
  attention(guard, 128, 512);
  attention(guard, 1, 1024);
  rows(guard);
  if (!path.empty() && !write && !comparable)
    fmt::print("{} holds ratios of {}, this is {}: nothing to compare with\n", path,
               recorded_isa.empty() ? "nothing" : recorded_isa, best);
  if (!write) return 0;
  std::ofstream file(path);
  file << best << '\n';
  for (const auto& [name, ratio] : guard.measured()) file << fmt::format("{:.2f}\t{}\n", ratio, name);
  file.close();
  if (!file) fmt::print(stderr, "guard: cannot write {}\n", path);
  return file ? 0 : 1;
}

}  // namespace
}  // namespace isthmus::guard

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const bool write = words.size() == 2 && words[0] == "--write";
  if (!write && (words.size() > 1 || (words.size() == 1 && words[0].starts_with("--")))) {
    fmt::print(stderr, "{}", isthmus::guard::kUsage);
    return 2;
  }
  return isthmus::guard::run(words.empty() ? "" : words.back(), write);
}
