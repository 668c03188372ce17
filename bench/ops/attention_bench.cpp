// SPDX-License-Identifier: Apache-2.0
// Attention on the CPU: prefill in GFLOP/s, one query in GB/s of keys and values beside this machine's
// reading of as many bytes at the same moment. attention_bench [isa]; kernels are called without the chip
// around them.
#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <thread>

#include "../../tests/products/call_kernel.h"
#include "base/half.h"
#include "base/limits.h"

namespace isthmus {
namespace {

double seconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Runs work(thread) on every thread, spinning between calls as the chip's pool does.
class Threads {
 public:
  explicit Threads(int count) : count_(count) {
    for (int i = 1; i < count; ++i) threads_.emplace_back([this, i] { serve(i); });
  }
  ~Threads() {
    stop_ = true;
    ++generation_;
    for (std::thread& thread : threads_) thread.join();
  }
  void run(const std::function<void(int)>& work) {
    work_ = &work;
    left_ = count_ - 1;
    ++generation_;
    work(0);
    while (left_ > 0) std::this_thread::yield();
  }
  int count() const { return count_; }

 private:
  void serve(int index) {
    for (int64_t seen = 0;;) {
      while (generation_ == seen) std::this_thread::yield();
      ++seen;
      if (stop_) return;
      (*work_)(index);
      --left_;
    }
  }
  int count_;
  std::vector<std::thread> threads_;
  const std::function<void(int)>* work_ = nullptr;
  std::atomic<int64_t> generation_{0};
  std::atomic<int> left_{0};
  std::atomic<bool> stop_{false};
};

// Memory on huge pages where the system has them, as the chip allocates caches.
class CacheBytes {
 public:
  CacheBytes() = default;
  explicit CacheBytes(size_t size) : size_(size) {
    constexpr size_t kPage = size_t{2} << 20;
    const size_t room = (size + kPage - 1) / kPage * kPage;
    memory_.reset(std::aligned_alloc(kPage, room));
    madvise(memory_.get(), room, MADV_HUGEPAGE);
  }
  void* data() { return memory_.get(); }
  size_t size() const { return size_; }
  template <typename T>
  T* as() {
    return static_cast<T*>(memory_.get());
  }

 private:
  struct Free {
    void operator()(void* p) const { std::free(p); }
  };
  std::unique_ptr<void, Free> memory_;
  size_t size_ = 0;
};

struct Shape {
  const char* name;
  int64_t heads, kv_heads, d;
};

class Problem {
 public:
  Problem(const Shape& shape, Dtype cache, int64_t tokens, int64_t context)
      : shape_(shape), tokens_(tokens), context_(context) {
    const int64_t blocks = (context + 63) / 64;
    elements_ = blocks * 64 * shape.kv_heads * shape.d;
    for (CacheBytes* bytes : {&k_, &v_}) {
      *bytes = CacheBytes(static_cast<size_t>(dtype_bytes(cache, elements_)));
      for (int64_t i = 0; i < elements_; ++i) {
        const float value = static_cast<float>(i * 7919 % 2001 - 1000) * 1e-3f;
        if (cache == Dtype::kI8)
          bytes->as<int8_t>()[i] = static_cast<int8_t>(i * 7919 % 255 - 127);
        else if (cache == Dtype::kF32)
          bytes->as<float>()[i] = value;
        else
          bytes->as<uint16_t>()[i] = cache == Dtype::kF16 ? f32_to_f16(value) : f32_to_bf16(value);
      }
    }
    if (cache == Dtype::kI8)
      for (CacheBytes* bytes : {&k_scales_, &v_scales_}) {
        *bytes = CacheBytes(static_cast<size_t>(elements_ / 32 * 2));
        for (int64_t i = 0; i < elements_ / 32; ++i) bytes->as<uint16_t>()[i] = f32_to_f16(1e-2f);
      }
    q_.assign(static_cast<size_t>(tokens * shape.heads * shape.d), 0.01f);
    y_.resize(q_.size());
    for (int64_t i = 0; i < blocks; ++i) table_.push_back(static_cast<int32_t>(i));
    for (int64_t t = 0; t < tokens; ++t) {
      sequence_.push_back(0);
      positions_.push_back(static_cast<int32_t>(context - tokens + t));
    }
    operands_ = {{Dtype::kF32, {tokens, shape.heads, shape.d}, q_.data()},
                 {cache, {blocks, shape.kv_heads, shape.d, 64}, k_.data(), ISTHMUS_ROLE_STATE},
                 {cache, {blocks, shape.kv_heads, 64, shape.d}, v_.data(), ISTHMUS_ROLE_STATE},
                 {Dtype::kI32, {1, blocks}, table_.data()},
                 {Dtype::kI32, {tokens}, sequence_.data()},
                 {Dtype::kI32, {tokens}, positions_.data()},
                 {},
                 {},
                 {},
                 {},
                 {Dtype::kF32, {tokens, shape.heads, shape.d}, y_.data()}};
    if (cache != Dtype::kI8) return;
    operands_[8] = {
        Dtype::kF16, {blocks, shape.kv_heads, shape.d / 32, 64}, k_scales_.data(), ISTHMUS_ROLE_STATE};
    operands_[9] = {
        Dtype::kF16, {blocks, shape.kv_heads, 64, shape.d / 32}, v_scales_.data(), ISTHMUS_ROLE_STATE};
  }
  const std::vector<KernelOperand>& operands() const { return operands_; }
  double cache_bytes() {
    return static_cast<double>(k_.size() + v_.size() + k_scales_.size() + v_scales_.size());
  }
  double flops() const {
    double positions = 0;
    for (int64_t t = 0; t < tokens_; ++t) positions += static_cast<double>(context_ - tokens_ + t + 1);
    return 4 * positions * static_cast<double>(shape_.heads * shape_.d);
  }

 private:
  Shape shape_;
  int64_t tokens_, context_, elements_;
  CacheBytes k_, v_, k_scales_, v_scales_;
  std::vector<float> q_, y_;
  std::vector<int32_t> table_, sequence_, positions_;
  std::vector<KernelOperand> operands_;
};

void measure(const std::string& isa, const cpu::Kernel& kernel, const Shape& shape, Dtype cache,
             int64_t tokens, int64_t context, int thread_count) {
  Problem problem(shape, cache, tokens, context);
  isthmus_attribute_t causal = {};
  causal.name = "causal";
  causal.i = 1;
  KernelCall call;
  const std::string reason = call.prepare(kernel, problem.operands(), 10, {causal});
  if (!reason.empty()) return fmt::print("{}: {}\n", isa, reason);
  Threads threads(thread_count);
  // The limit is taken between rounds: the machine changes under the measurement.
  double best = 1e9, limit = 0;
  for (int round = 0; round < 3; ++round) {
    const Result<MeasuredLimit> now = tokens == 1
                                          ? measure_read_bandwidth(thread_count, 0.03, PageSize::k2MiB,
                                                                   static_cast<size_t>(problem.cache_bytes()))
                                          : measure_f32_peak(thread_count, 0.03);
    if (now.ok()) limit = std::max(limit, now->best);
    for (int i = 0; i < 6; ++i)
      best = std::min(best, seconds([&] {
                        call.run_on(thread_count,
                                    [&](const std::function<void(int)>& work) { threads.run(work); });
                      }));
  }
  const double rate = (tokens == 1 ? problem.cache_bytes() : problem.flops()) / best;
  fmt::print(
      "{:8} {:20} {:5} {:4} rows at {:5}, {} threads: {:9.1f} us, {:6.1f} {}, {:3.0f} % of the limit\n", isa,
      shape.name, dtype_name(cache), tokens, context, thread_count, best * 1e6, rate * 1e-9,
      tokens == 1 ? "GB/s" : "GFLOP/s", 100 * rate / limit);
  std::fflush(stdout);
}

}  // namespace
}  // namespace isthmus

int main(int argc, char** argv) {
  using namespace isthmus;
  if (argc > 2 || (argc == 2 && argv[1][0] == '-')) {
    fmt::print(stderr,
               "attention_bench [generic|avx2|avx512]\n"
               "Attention of two models' shapes on 1 and 2 threads, of one instruction set or of all this "
               "processor has:\nprompts in GFLOP/s, one query in GB/s of keys and values.\n");
    return 2;
  }
  const Shape shapes[] = {{"SmolLM2-135M 9/3x64", 9, 3, 64}, {"Qwen3-0.6B 16/8x128", 16, 8, 128}};
  for_each_kernel("attention", [&](const std::string& isa, const cpu::Kernel& kernel) {
    if (argc > 1 && isa != argv[1]) return;
    for (const Shape& shape : shapes)
      for (const int threads : {1, 2}) {
        for (const int64_t context : {256, 4096, 32768})
          measure(isa, kernel, shape, Dtype::kF16, 1, context, threads);
        measure(isa, kernel, shape, Dtype::kI8, 1, 4096, threads);
        measure(isa, kernel, shape, Dtype::kI8, 512, 512, threads);
        measure(isa, kernel, shape, Dtype::kF16, 512, 512, threads);
        measure(isa, kernel, shape, Dtype::kF32, 512, 512, threads);
        measure(isa, kernel, shape, Dtype::kF16, 512, 4096, threads);
      }
  });
}
