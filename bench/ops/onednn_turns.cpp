// SPDX-License-Identifier: Apache-2.0
// Times oneDNN's dense products, asked for line by line as op_turns is, with as many threads as
// OMP_NUM_THREADS: `product F32|BF16 ROWS K N SECONDS`. Weights are reordered to the layout that oneDNN asks
// for, before.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <dnnl.hpp>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <unordered_map>
#include <vector>

namespace {

using dnnl::memory;

class Product {
 public:
  Product(bool bf16, int64_t rows, int64_t k, int64_t n) {
    const auto type = bf16 ? memory::data_type::bf16 : memory::data_type::f32;
    const memory::desc x_desc({rows, k}, type, memory::format_tag::ab);
    const memory::desc any_w({k, n}, type, memory::format_tag::any);
    const memory::desc y_desc({rows, n}, memory::data_type::f32, memory::format_tag::ab);
    const dnnl::matmul::primitive_desc plan(dnnl::matmul::desc(x_desc, any_w, y_desc), engine_);
    product_ = dnnl::matmul(plan);
    std::vector<float> x(static_cast<size_t>(rows * k)), w(static_cast<size_t>(n * k));
    for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * 7919 % 2001) * 1e-3f - 1;
    for (size_t i = 0; i < w.size(); ++i) w[i] = static_cast<float>(i * 104729 % 2001) * 1e-4f - 0.1f;
    const memory given_x({{rows, k}, memory::data_type::f32, memory::format_tag::ab}, engine_, x.data());
    const memory given_w({{k, n}, memory::data_type::f32, memory::format_tag::ba}, engine_, w.data());
    bytes_ = n * k * (bf16 ? 2 : 4);
    // What few rows read exceeds the caches.
    const int64_t copies = rows > 32 ? 1 : std::clamp<int64_t>((int64_t{192} << 20) / bytes_, 2, 64);
    x_ = memory(plan.src_desc(), engine_);
    y_ = memory(plan.dst_desc(), engine_);
    dnnl::reorder(given_x, x_).execute(stream_, const_cast<memory&>(given_x), x_);
    for (int64_t i = 0; i < copies; ++i) {
      w_.emplace_back(plan.weights_desc(), engine_);
      dnnl::reorder(given_w, w_.back()).execute(stream_, const_cast<memory&>(given_w), w_.back());
    }
    stream_.wait();
  }

  double time(double seconds) {
    using Clock = std::chrono::steady_clock;
    const auto since = [](Clock::time_point from) {
      return std::chrono::duration<double>(Clock::now() - from).count();
    };
    std::vector<double> times;
    const Clock::time_point start = Clock::now();
    while (times.empty() || since(start) < seconds) {
      const Clock::time_point from = Clock::now();
      for (const memory& w : w_)
        product_.execute(stream_, {{DNNL_ARG_SRC, x_}, {DNNL_ARG_WEIGHTS, w}, {DNNL_ARG_DST, y_}});
      stream_.wait();
      times.push_back(since(from) / static_cast<double>(w_.size()));
    }
    std::nth_element(times.begin(), times.begin() + static_cast<ptrdiff_t>(times.size() / 2), times.end());
    return times[times.size() / 2];
  }
  int64_t bytes() const { return bytes_; }

 private:
  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  dnnl::matmul product_;
  memory x_, y_;
  std::vector<memory> w_;
  int64_t bytes_ = 0;
};

}  // namespace

int main() {
  std::string prepared;
  std::unique_ptr<Product> product;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string what, format;
    int64_t rows = 0, k = 0, n = 0;
    double seconds = 0;
    words >> what >> format >> rows >> k >> n >> seconds;
    if (!words || what != "product" || (format != "F32" && format != "BF16") || rows < 1 || k < 1 || n < 1) {
      std::printf("{\"error\": \"oneDNN is asked for products of F32 and BF16\"}\n");
    } else {
      if (const std::string wanted = line.substr(0, line.rfind(' ')); wanted != prepared) {
        product = std::make_unique<Product>(format == "BF16", rows, k, n);
        product->time(0.01);  // pages and caches
        prepared = wanted;
      }
      std::printf("{\"seconds\": %.9g, \"bytes\": %lld}\n", product->time(seconds),
                  static_cast<long long>(product->bytes()));
    }
    std::fflush(stdout);
  }
}
