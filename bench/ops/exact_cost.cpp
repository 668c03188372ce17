// SPDX-License-Identifier: Apache-2.0
// What the exact order costs, per class of kernels, on one thread of the CPU: our kernel beside the fastest
// of rivals that promise no order. Rivals: the same kernel compiled with -ffast-math; plain loops compiled
// with -ffast-math and the C library's vector functions; oneDNN where it is installed. exact_cost
// [--markdown]
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <random>

#include "../../tests/products/call_kernel.h"
#include "base/block_formats.h"
#include "base/half.h"
#include "exact_cost_loops.h"
#include "timing.h"
#ifdef ISTHMUS_ONEDNN
#include <dnnl.hpp>
#endif

// The kernels compiled once more, free to reorder: the object library of that name in bench/CMakeLists.txt.
namespace isthmus::cpu::unordered {
extern const Kernel kernels_attention[], kernels_gated[], kernels_linear[], kernels_linear_quantized[],
    kernels_norm[], kernels_reduce[], kernels_softmax[], kernels_unary[];
const Kernel* const kLists[] = {kernels_attention, kernels_gated,  kernels_linear,  kernels_linear_quantized,
                                kernels_norm,      kernels_reduce, kernels_softmax, kernels_unary};
}  // namespace isthmus::cpu::unordered

namespace isthmus {
namespace {

constexpr int kRounds = 15;
constexpr double kSecondsPerTurn = 0.01;

struct Rival {
  const char* name;
  std::function<void()> run;
};

void report(const std::string& name, const std::function<void()>& exact, const std::vector<Rival>& rivals,
            bool markdown) {
  const auto repeats_of = [](const std::function<void()>& run) {
    turn(run, 1);
    return std::max(1, static_cast<int>(kSecondsPerTurn / std::max(turn(run, 1), 1e-9)));
  };
  const int repeats = repeats_of(exact);
  double ours = 0, best_ratio = 0;
  std::string all;
  for (const Rival& rival : rivals) {
    const int rival_repeats = repeats_of(rival.run);
    const Turns turns = by_turns(
        kRounds, [&] { return turn(exact, repeats); }, [&] { return turn(rival.run, rival_repeats); });
    ours = turns.first;
    all += fmt::format("{}{} {:.2f}", all.empty() ? "" : ", ", rival.name, turns.ratio);
    best_ratio = std::max(best_ratio, turns.ratio);
  }
  fmt::print(
      fmt::runtime(markdown ? "| {} | {:.1f} | {:.2f} | {} |\n" : "{:44} {:10.1f} us   {:5.2f}   {}\n"), name,
      ours * 1e6, best_ratio, all);
  std::fflush(stdout);
}

// The kernel of an operator for the best instruction set here, or the unordered one, prepared for operands.
struct Pair {
  KernelCall exact, unordered;
  bool has_unordered = false;

  Pair(const std::string& op, const std::vector<KernelOperand>& operands, int inputs,
       const std::vector<isthmus_attribute_t>& attributes = {}) {
    const cpu::Kernel* kernel = nullptr;
    std::string isa;
    // Rows are from the worst to the best instruction set, and of one set the best accepted first.
    for_each_kernel(op, [&](const std::string& kernel_isa, const cpu::Kernel& candidate) {
      KernelCall trial;
      if (kernel_isa == isa || !trial.prepare(candidate, operands, inputs, attributes).empty()) return;
      isa = kernel_isa;
      kernel = &candidate;
    });
    if (!kernel) {
      fmt::print(stderr, "no kernel takes {}\n", op);
      std::exit(1);
    }
    exact.prepare(*kernel, operands, inputs, attributes);
    for (const cpu::Kernel* list : cpu::unordered::kLists) {
      for (; list->op && !has_unordered; ++list)
        if (op == list->op) {
          KernelCall trial;
          if (!trial.prepare(*list, operands, inputs, attributes).empty()) continue;
          has_unordered = unordered.prepare(*list, operands, inputs, attributes).empty();
        }
    }
  }
  std::function<void()> run_exact() {
    return [this] { exact.run(1); };
  }
  std::vector<Rival> rivals(std::vector<Rival> more = {}) {
    if (has_unordered) more.insert(more.begin(), {"reordered", [this] { unordered.run(1); }});
    return more;
  }
};

std::vector<float> normal(int64_t count, float deviation) {
  std::mt19937 random(1);
  std::normal_distribution<float> distribution(0, deviation);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& v : values) v = distribution(random);
  return values;
}

KernelOperand operand(Dtype dtype, std::vector<int64_t> dims, void* data,
                      isthmus_role_t role = ISTHMUS_ROLE_ACTIVATION) {
  return {dtype, std::move(dims), data, role};
}

isthmus_attribute_t attribute(const char* name, double value) {
  isthmus_attribute_t a = {};
  a.name = name;
  a.f = value;
  a.i = static_cast<int64_t>(value);
  return a;
}

#ifdef ISTHMUS_ONEDNN
// y = x W^T by oneDNN, weights reordered to the layout it asks for.
class OneDnnProduct {
 public:
  OneDnnProduct(const float* x, const float* w, float* y, int64_t rows, int64_t k, int64_t n, bool bf16) {
    using dnnl::memory;
    const auto type = bf16 ? memory::data_type::bf16 : memory::data_type::f32;
    const memory::desc any_x({rows, k}, type, memory::format_tag::ab);
    const memory::desc any_w({k, n}, type, memory::format_tag::any);
    const memory::desc y_desc({rows, n}, memory::data_type::f32, memory::format_tag::ab);
    const dnnl::matmul::primitive_desc plan(dnnl::matmul::desc(any_x, any_w, y_desc), engine_);
    product_ = dnnl::matmul(plan);
    const memory given_x({{rows, k}, memory::data_type::f32, memory::format_tag::ab}, engine_,
                         const_cast<float*>(x));
    const memory given_w({{k, n}, memory::data_type::f32, memory::format_tag::ba}, engine_,
                         const_cast<float*>(w));
    x_ = memory(plan.src_desc(), engine_);
    w_ = memory(plan.weights_desc(), engine_);
    y_ = memory(plan.dst_desc(), engine_, y);
    dnnl::reorder(given_x, x_).execute(stream_, const_cast<memory&>(given_x), x_);
    dnnl::reorder(given_w, w_).execute(stream_, const_cast<memory&>(given_w), w_);
    stream_.wait();
  }
  void run() {
    product_.execute(stream_, {{DNNL_ARG_SRC, x_}, {DNNL_ARG_WEIGHTS, w_}, {DNNL_ARG_DST, y_}});
    stream_.wait();
  }

 private:
  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  dnnl::matmul product_;
  dnnl::memory x_, w_, y_;
};
#endif

void dense_product(Dtype format, int64_t rows, bool markdown) {
  const int64_t k = 2048, n = 2048;
  std::vector<float> x = normal(rows * k, 1), w = normal(n * k, 0.05f);
  std::vector<float> y(static_cast<size_t>(rows * n));
  std::vector<uint16_t> w16(w.size());
  for (size_t i = 0; i < w.size(); ++i) w16[i] = f32_to_bf16(w[i]);
  void* weight = format == Dtype::kBF16 ? static_cast<void*>(w16.data()) : w.data();
  Pair pair("linear",
            {operand(Dtype::kF32, {rows, k}, x.data()),
             operand(format, {n, k}, weight, ISTHMUS_ROLE_CONSTANT),
             {},
             operand(Dtype::kF32, {rows, n}, y.data())},
            3);
  std::vector<Rival> more;
#ifdef ISTHMUS_ONEDNN
  OneDnnProduct product(x.data(), w.data(), y.data(), rows, k, n, format == Dtype::kBF16);
  more.push_back({"oneDNN", [&] { product.run(); }});
#endif
  report(fmt::format("product {}, {} row{}", dtype_name(format), rows, rows == 1 ? "" : "s"),
         pair.run_exact(), pair.rivals(more), markdown);
}

void quantized_product(Dtype format, int64_t rows, bool markdown) {
  const int64_t k = 2048, n = 2048;
  const std::vector<float> w = normal(n * k, 0.05f);
  std::vector<unsigned char> blocks(static_cast<size_t>(dtype_bytes(format, n * k)));
  for (int64_t i = 0; i < n; ++i)
    quantize(format, w.data() + i * k, blocks.data() + i * dtype_bytes(format, k), k);
  std::vector<int8_t> q(static_cast<size_t>(rows * k));
  for (size_t i = 0; i < q.size(); ++i) q[i] = static_cast<int8_t>(i * 7919 % 255 - 127);
  std::vector<float> scales(static_cast<size_t>(rows * k / 16), 0.01f), y(static_cast<size_t>(rows * n));
  std::vector<int32_t> sums(scales.size(), 3);
  Pair pair("linear_quantized",
            {operand(Dtype::kI8, {rows, k}, q.data()),
             operand(Dtype::kF32, {rows, k / 16}, scales.data()),
             operand(Dtype::kI32, {rows, k / 16}, sums.data()),
             operand(format, {n, k}, blocks.data(), ISTHMUS_ROLE_CONSTANT),
             {},
             operand(Dtype::kF32, {rows, n}, y.data())},
            5);
  report(fmt::format("product {}, {} row{}", dtype_name(format), rows, rows == 1 ? "" : "s"),
         pair.run_exact(), pair.rivals(), markdown);
}

void attention(int64_t tokens, int64_t context, bool markdown) {
  const int64_t heads = 16, kv_heads = 8, d = 128, blocks = (context + 63) / 64;
  std::vector<uint16_t> k(static_cast<size_t>(blocks * 64 * kv_heads * d)), v(k.size());
  const std::vector<float> values = normal(static_cast<int64_t>(k.size()), 0.5f);
  for (size_t i = 0; i < k.size(); ++i) k[i] = v[k.size() - 1 - i] = f32_to_f16(values[i]);
  std::vector<float> q = normal(tokens * heads * d, 1), y(q.size());
  std::vector<int32_t> table(static_cast<size_t>(blocks)), sequence(static_cast<size_t>(tokens), 0),
      positions(static_cast<size_t>(tokens));
  for (size_t i = 0; i < table.size(); ++i) table[i] = static_cast<int32_t>(i);
  for (size_t i = 0; i < positions.size(); ++i)
    positions[i] = static_cast<int32_t>(context - tokens) + static_cast<int32_t>(i);
  Pair pair("attention",
            {operand(Dtype::kF32, {tokens, heads, d}, q.data()),
             operand(Dtype::kF16, {blocks, kv_heads, d, 64}, k.data(), ISTHMUS_ROLE_STATE),
             operand(Dtype::kF16, {blocks, kv_heads, 64, d}, v.data(), ISTHMUS_ROLE_STATE),
             operand(Dtype::kI32, {1, blocks}, table.data()),
             operand(Dtype::kI32, {tokens}, sequence.data()),
             operand(Dtype::kI32, {tokens}, positions.data()),
             {},
             {},
             {},
             {},
             operand(Dtype::kF32, {tokens, heads, d}, y.data())},
            10, {attribute("causal", 1)});
  report(fmt::format("attention, {} quer{} of {} positions", tokens, tokens == 1 ? "y" : "ies", context),
         pair.run_exact(), pair.rivals(), markdown);
}

void rows_of(int64_t rows, bool markdown) {
  const int64_t n = 2048;
  std::vector<float> x = normal(rows * n, 1), up = normal(rows * n, 1), weight = normal(n, 1);
  std::vector<float> y(x.size());
  const KernelOperand in = operand(Dtype::kF32, {rows, n}, x.data()),
                      out = operand(Dtype::kF32, {rows, n}, y.data());
  const std::string size = fmt::format(", {} x {}", rows, n);
  const auto one = [&](const char* op, auto loop) {
    Pair pair(op, {in, out}, 1);
    report(op + size, pair.run_exact(), pair.rivals({{"loops", [&] { loop(x.data(), y.data(), rows, n); }}}),
           markdown);
  };
  {
    isthmus_attribute_t axes = {};
    const int64_t last = -1;
    axes.name = "axes";
    axes.ints = &last;
    axes.count = 1;
    Pair pair("reduce_sum", {in, operand(Dtype::kF32, {rows}, y.data())}, 1,
              {axes, attribute("keep_dims", 0)});
    report("reduce_sum" + size, pair.run_exact(),
           pair.rivals({{"loops", [&] { loops::sum(x.data(), y.data(), rows, n); }}}), markdown);
  }
  {
    Pair pair("rms_norm", {in, operand(Dtype::kF32, {n}, weight.data()), out}, 2, {attribute("eps", 1e-5)});
    report(
        "rms_norm" + size, pair.run_exact(),
        pair.rivals({{"loops", [&] { loops::rms_norm(x.data(), weight.data(), y.data(), rows, n, 1e-5f); }}}),
        markdown);
  }
  {
    Pair pair("softmax", {in, out}, 1, {attribute("axis", -1)});
    report("softmax" + size, pair.run_exact(),
           pair.rivals({{"loops", [&] { loops::softmax(x.data(), y.data(), rows, n); }}}), markdown);
  }
  {
    Pair pair("swiglu", {in, operand(Dtype::kF32, {rows, n}, up.data()), out}, 2);
    report("swiglu" + size, pair.run_exact(),
           pair.rivals({{"loops", [&] { loops::swiglu(x.data(), up.data(), y.data(), rows, n); }}}),
           markdown);
  }
  one("exp", loops::exp);
  one("tanh", loops::tanh);
  one("sin", loops::sin);
}

}  // namespace
}  // namespace isthmus

int main(int argc, char** argv) {
  using namespace isthmus;
  if (argc > 1 && std::string_view(argv[1]) != "--markdown") {
    fmt::print(
        stderr,
        "exact_cost [--markdown]\n"
        "Our exact kernels beside rivals that promise no order of summation, by turns on one thread.\n");
    return 2;
  }
  // oneDNN's threads are read when the program starts.
  if (!std::getenv("OMP_NUM_THREADS")) {
    setenv("OMP_NUM_THREADS", "1", 1);
    execv("/proc/self/exe", argv);
  }
  const bool markdown = argc > 1 && std::string_view(argv[1]) == "--markdown";
  fmt::print("{}", markdown ? "| kernel | exact, us | exact / fastest | each rival |\n|---|---|---|---|\n"
                            : "kernel, exact time, exact / fastest rival, exact / each rival\n");
  for (const int64_t rows : {1, 512})
    for (const Dtype format : {Dtype::kF32, Dtype::kBF16}) dense_product(format, rows, markdown);
  for (const int64_t rows : {1, 512})
    for (const Dtype format : {Dtype::kQ8_0, Dtype::kQ4_0, Dtype::kQ4_K, Dtype::kQ6_K, Dtype::kMXFP4})
      quantized_product(format, rows, markdown);
  attention(1, 4096, markdown);
  attention(256, 1024, markdown);
  for (const int64_t rows : {1, 512}) rows_of(rows, markdown);
}
