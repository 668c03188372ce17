// SPDX-License-Identifier: Apache-2.0
// Times llama.cpp's products and attention alone on its CPU backend, asked for line by line as op_turns is,
// through ggml's C API. Built against a llama.cpp build by bench/llm/llamacpp.py.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "ggml-alloc.h"
#include "ggml-backend.h"
#include "ggml-cpu.h"
#include "ggml.h"

namespace {

constexpr const char* kUsage =
    "llamacpp_turns THREADS\n"
    "  flash on|off, product FORMAT ROWS K N SECONDS, attention FORMAT TOKENS CONTEXT HEADS KV_HEADS "
    "HEAD_SIZE "
    "SECONDS\n";

[[noreturn]] void fail(const std::string& message) {
  std::fprintf(stderr, "llamacpp_turns: %s\n", message.c_str());
  std::exit(1);
}

ggml_type type_of(const std::string& name) {
  for (int i = 0; i < GGML_TYPE_COUNT; ++i) {
    std::string upper =
        ggml_type_name(static_cast<ggml_type>(i)) ? ggml_type_name(static_cast<ggml_type>(i)) : "";
    std::transform(upper.begin(), upper.end(), upper.begin(), ::toupper);
    if (upper == name) return static_cast<ggml_type>(i);
  }
  return GGML_TYPE_COUNT;
}

// What few rows read exceeds the caches.
int ring_copies(int64_t rows, int64_t bytes) {
  return rows > 32 ? 1 : static_cast<int>(std::clamp<int64_t>((int64_t{192} << 20) / bytes, 2, 64));
}

std::vector<float> some_floats(int64_t count, float scale) {
  std::vector<float> values(static_cast<size_t>(count));
  uint32_t number = 1;
  for (float& v : values) {
    number = number * 1664525u + 1013904223u;
    v = scale * (static_cast<float>(number >> 8) / float(1 << 23) - 1);
  }
  return values;
}

// Tensors without memory yet, and what they are given.
ggml_context* new_context() {
  return ggml_init({.mem_size = size_t{4} << 20, .mem_buffer = nullptr, .no_alloc = true});
}

class Case {
 public:
  explicit Case(ggml_backend_t backend) : backend_(backend), weights_(new_context()), work_(new_context()) {
    graph_ = ggml_new_graph(work_);
  }
  ~Case() {
    for (ggml_backend_buffer_t buffer : buffers_) ggml_backend_buffer_free(buffer);
    ggml_free(weights_);
    ggml_free(work_);
  }
  Case(const Case&) = delete;

  void product(ggml_type type, int64_t rows, int64_t k, int64_t n) {
    const int64_t row_bytes = static_cast<int64_t>(ggml_row_size(type, k));
    bytes_ = row_bytes * n;
    copies_ = ring_copies(rows, bytes_);
    // A row serves many times: quantising takes longer than all else here.
    const std::vector<float> values = some_floats(64 * k, 0.1f);
    std::vector<char> data(static_cast<size_t>(bytes_));
    if (type == GGML_TYPE_F32)
      std::copy_n(reinterpret_cast<const char*>(values.data()), 64 * row_bytes, data.data());
    else
      ggml_quantize_chunk(type, values.data(), data.data(), 0, 64, k, nullptr);
    for (int64_t i = 64; i < n; ++i)
      std::copy_n(data.data() + i % 64 * row_bytes, row_bytes, data.data() + i * row_bytes);
    ggml_tensor* x = ggml_new_tensor_2d(work_, GGML_TYPE_F32, k, rows);
    for (int i = 0; i < copies_; ++i) {
      ggml_tensor* w = ggml_new_tensor_2d(weights_, type, k, n);
      ggml_tensor* y = ggml_mul_mat(work_, w, x);
      place(w, y);
      ggml_backend_tensor_set(w, data.data(), 0, data.size());
      ggml_build_forward_expand(graph_, y);
    }
    buffers_.push_back(ggml_backend_alloc_ctx_tensors(work_, backend_));
    const std::vector<float> activations = some_floats(rows * k, 1);
    ggml_backend_tensor_set(x, activations.data(), 0, activations.size() * 4);
  }

  // Cache and products laid out as llama.cpp's own graphs have them.
  bool attention(ggml_type type, int64_t tokens, int64_t context, int64_t heads, int64_t kv_heads, int64_t d,
                 bool flash) {
    if (!flash && type != GGML_TYPE_F16) return false;
    const int64_t width = kv_heads * d;
    bytes_ = 2 * static_cast<int64_t>(ggml_row_size(type, width)) * context;
    copies_ = ring_copies(tokens, bytes_);
    ggml_tensor* q = ggml_new_tensor_3d(work_, GGML_TYPE_F32, d, tokens, heads);
    ggml_tensor* mask = ggml_new_tensor_2d(work_, GGML_TYPE_F16, context, tokens);
    std::vector<ggml_tensor*> caches;
    const float scale = 0.125f;
    for (int i = 0; i < copies_; ++i) {
      ggml_tensor* keys = ggml_new_tensor_2d(weights_, type, width, context);
      ggml_tensor* values = ggml_new_tensor_2d(weights_, type, width, context);
      caches.insert(caches.end(), {keys, values});
      const size_t head = ggml_row_size(type, d), row = ggml_row_size(type, width);
      ggml_tensor* k = ggml_view_3d(work_, keys, d, context, kv_heads, row, head, 0);
      if (flash) {
        ggml_tensor* v = ggml_view_3d(work_, values, d, context, kv_heads, row, head, 0);
        ggml_build_forward_expand(graph_, ggml_flash_attn_ext(work_, q, k, v, mask, scale, 0, 0));
      } else {
        const size_t line = ggml_row_size(type, context);
        ggml_tensor* v = ggml_view_3d(work_, values, context, d, kv_heads, line, line * d, 0);
        ggml_tensor* scores = ggml_soft_max_ext(work_, ggml_mul_mat(work_, k, q), mask, scale, 0);
        ggml_build_forward_expand(graph_, ggml_mul_mat(work_, v, scores));
      }
    }
    buffers_.push_back(ggml_backend_alloc_ctx_tensors(weights_, backend_));
    buffers_.push_back(ggml_backend_alloc_ctx_tensors(work_, backend_));
    const std::vector<float> floats = some_floats(width * 64, 1);
    std::vector<char> rows(ggml_row_size(type, width) * 64);
    ggml_quantize_chunk(type, floats.data(), rows.data(), 0, 64, width, nullptr);
    for (ggml_tensor* cache : caches)
      for (size_t at = 0; at < ggml_nbytes(cache); at += rows.size())
        ggml_backend_tensor_set(cache, rows.data(), at, std::min(rows.size(), ggml_nbytes(cache) - at));
    const std::vector<float> queries = some_floats(tokens * heads * d, 1);
    ggml_backend_tensor_set(q, queries.data(), 0, queries.size() * 4);
    std::vector<ggml_fp16_t> hidden(static_cast<size_t>(context * tokens));
    for (int64_t t = 0; t < tokens; ++t)
      for (int64_t j = 0; j < context; ++j)
        hidden[static_cast<size_t>(t * context + j)] =
            ggml_fp32_to_fp16(j > context - tokens + t ? -INFINITY : 0.0f);
    ggml_backend_tensor_set(mask, hidden.data(), 0, hidden.size() * 2);
    return true;
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
      if (ggml_backend_graph_compute(backend_, graph_) != GGML_STATUS_SUCCESS) fail("a graph failed");
      times.push_back(since(from) / copies_);
    }
    std::nth_element(times.begin(), times.begin() + static_cast<ptrdiff_t>(times.size() / 2), times.end());
    return times[times.size() / 2];
  }
  int64_t bytes() const { return bytes_; }

 private:
  // In the first of the CPU's special layouts that takes the product, as llama.cpp places weights.
  void place(ggml_tensor* w, ggml_tensor* product) {
    ggml_backend_dev_t device = ggml_backend_get_device(backend_);
    const auto extra = reinterpret_cast<ggml_backend_dev_get_extra_bufts_t>(ggml_backend_reg_get_proc_address(
        ggml_backend_dev_backend_reg(device), "ggml_backend_dev_get_extra_bufts"));
    ggml_backend_buffer_type_t layout = ggml_backend_cpu_buffer_type();
    for (ggml_backend_buffer_type_t* each = extra ? extra(device) : nullptr; each && *each; ++each) {
      w->buffer = ggml_backend_buft_alloc_buffer(*each, 0);
      const bool takes = ggml_backend_dev_supports_op(device, product);
      ggml_backend_buffer_free(w->buffer);
      w->buffer = nullptr;
      if (!takes) continue;
      layout = *each;
      break;
    }
    ggml_backend_buffer_t buffer =
        ggml_backend_buft_alloc_buffer(layout, ggml_backend_buft_get_alloc_size(layout, w));
    ggml_backend_buffer_set_usage(buffer, GGML_BACKEND_BUFFER_USAGE_WEIGHTS);
    buffers_.push_back(buffer);
    if (ggml_backend_tensor_alloc(buffer, w, ggml_backend_buffer_get_base(buffer)) != GGML_STATUS_SUCCESS)
      fail("no place for the weights");
  }

  ggml_backend_t backend_;
  ggml_context *weights_, *work_;
  ggml_cgraph* graph_;
  std::vector<ggml_backend_buffer_t> buffers_;
  int copies_ = 1;
  int64_t bytes_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc == 2 ? std::atoi(argv[1]) : 0;
  if (threads < 1) fail(kUsage);
  ggml_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
  ggml_backend_t backend = ggml_backend_cpu_init();
  ggml_backend_cpu_set_n_threads(backend, threads);
  bool flash = true;
  std::string prepared;
  std::unique_ptr<Case> prepared_case;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string what, format;
    int64_t n[5] = {};
    double seconds = 0;
    words >> what >> format;
    if (what == "flash") {
      flash = format == "on";
      prepared.clear();
      std::puts("{}");
    } else {
      const int numbers = what == "product" ? 3 : what == "attention" ? 5 : 0;
      for (int i = 0; i < numbers; ++i) words >> n[i];
      words >> seconds;
      const ggml_type type = type_of(format);
      bool known = words && numbers && type != GGML_TYPE_COUNT;
      if (const std::string wanted = line.substr(0, line.rfind(' ')); known && wanted != prepared) {
        prepared.clear();
        prepared_case.reset();
        prepared_case = std::make_unique<Case>(backend);
        if (what == "product")
          prepared_case->product(type, n[0], n[1], n[2]);
        else
          known = prepared_case->attention(type, n[0], n[1], n[2], n[3], n[4], flash);
        if (known) {
          prepared_case->time(0.01);  // pages and caches
          prepared = wanted;
        }
      }
      if (known)
        std::printf("{\"seconds\": %.9g, \"bytes\": %lld}\n", prepared_case->time(seconds),
                    static_cast<long long>(prepared_case->bytes()));
      else
        std::puts("{\"error\": \"llama.cpp has no such operator, or the line is not understood\"}");
    }
    std::fflush(stdout);
  }
  prepared_case.reset();
  ggml_backend_free(backend);
}
