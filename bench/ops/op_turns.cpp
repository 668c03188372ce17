// SPDX-License-Identifier: Apache-2.0
// Times products and attention alone on the CPU chip, as engines call them, asked for line by line: for
// bench/llm/compare, which alternates with other libraries' programs that understand the same lines.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <random>
#include <sstream>

#include "base/half.h"
#include "base/limits.h"
#include "chip_call.h"
#include "timing.h"

namespace isthmus {
namespace {

constexpr const char* kUsage =
    "op_turns THREADS\n"
    "Answers lines of standard input with lines of JSON, {\"seconds\": …, \"bytes\": …}: the median time of "
    "one "
    "call\n"
    "and the bytes of weights or cache it reads. What does not go is answered with {\"error\": …}.\n"
    "  product FORMAT ROWS K N SECONDS    of F32 activations; what is read exceeds the caches where rows are "
    "few\n"
    "  attention FORMAT TOKENS CONTEXT HEADS KV_HEADS HEAD_SIZE SECONDS\n"
    "                                     the last TOKENS of CONTEXT positions, causal\n"
    "  limit NAME SECONDS                 {\"per_second\": …}: of the machine; see base/limits.h\n";

// What few rows read exceeds the caches: that many bytes of copies.
constexpr int64_t kRing = int64_t{192} << 20;

int ring_copies(int64_t rows, int64_t bytes) {
  return rows > 32 ? 1 : static_cast<int>(std::clamp<int64_t>(kRing / bytes, 2, 64));
}

// The calls of one case, and the buffers they work on.
struct Case {
  std::vector<Buffer> buffers;
  std::vector<ChipCall> calls;
  int copies = 1;  // of the case among the calls
  int64_t bytes = 0;
};

class Bench {
 public:
  Bench(DevicePtr device, std::unique_ptr<Stream> stream, int threads)
      : device_(std::move(device)), stream_(std::move(stream)), threads_(threads) {}

  Result<std::string> answer(const std::string& line) {
    std::istringstream words(line);
    std::string what, name;
    int64_t n[5] = {};
    double seconds = 0;
    words >> what >> name;
    const int numbers = what == "product" ? 3 : what == "attention" ? 5 : 0;
    for (int i = 0; i < numbers; ++i) words >> n[i];
    words >> seconds;
    if (!words || !(seconds > 0) ||
        !std::all_of(n, n + numbers, [](int64_t x) { return x > 0 && x < 1 << 20; }))
      return invalid_argument("what does '{}' mean?\n{}", line, kUsage);
    if (what == "limit") {
      ASSIGN_OR_RETURN(const MeasuredLimit limit, measure_limit(name, threads_, seconds));
      return fmt::format("{{\"per_second\": {}}}", limit.median);
    }
    const std::string wanted = line.substr(0, line.find_last_of(' '));
    if (wanted != prepared_) {
      prepared_.clear();
      case_ = {};
      const std::optional<Dtype> dtype = dtype_from_name(name);
      if (!dtype) return invalid_argument("no format is named {}", name);
      RETURN_IF_ERROR(what == "product" ? prepare_product(*dtype, n[0], n[1], n[2])
                                        : prepare_attention(*dtype, n[0], n[1], n[2], n[3], n[4]));
      ASSIGN_OR_RETURN(double unused, time(0.01));  // pages and caches
      (void)unused;
      prepared_ = wanted;
    }
    ASSIGN_OR_RETURN(const double time_of_one, time(seconds));
    return fmt::format("{{\"seconds\": {}, \"bytes\": {}}}", time_of_one, case_.bytes);
  }

 private:
  Result<double> time(double seconds) {
    std::vector<double> times;
    const double start = wall_seconds();
    while (times.empty() || wall_seconds() - start < seconds) {
      const double from = wall_seconds();
      for (ChipCall& call : case_.calls) RETURN_IF_ERROR(call.run(*stream_));
      RETURN_IF_ERROR(stream_->wait());
      times.push_back((wall_seconds() - from) / case_.copies);
    }
    return median(std::move(times));
  }

  // A buffer filled with what `bytes` hold, over and over.
  Result<isthmus_address_t> buffer(uint64_t size, const void* bytes = nullptr, uint64_t count = 0) {
    ASSIGN_OR_RETURN(Buffer made, device_->allocate(size));
    char* to = static_cast<char*>(made.host());
    if (!count) std::fill_n(to, size, 0);
    for (uint64_t at = 0; count && at < size; at += count)
      std::copy_n(static_cast<const char*>(bytes), std::min(count, size - at), to + at);
    case_.buffers.push_back(std::move(made));
    return case_.buffers.back().address();
  }

  Status prepare_product(Dtype format, int64_t rows, int64_t k, int64_t n) {
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    std::vector<float> x(static_cast<size_t>(rows * k)), row(static_cast<size_t>(k));
    for (float& v : x) v = normal(random);
    if (!is_weight_format(format)) return invalid_argument("{} is no format of weights", dtype_name(format));
    const int64_t row_bytes = dtype_bytes(format, k);
    std::vector<unsigned char> weight(static_cast<size_t>(row_bytes * n));
    for (int64_t i = 0; i < n; ++i) {
      // Some rows serve many times: quantising takes longer than all else here.
      if (i % 64 == i)
        for (float& v : row) v = 0.05f * normal(random);
      if (i % 64 == i) quantize(format, row.data(), weight.data() + i * row_bytes, k);
      if (i % 64 != i)
        std::copy_n(weight.data() + i % 64 * row_bytes, row_bytes, weight.data() + i * row_bytes);
    }
    case_.bytes = static_cast<int64_t>(weight.size());
    case_.copies = ring_copies(rows, case_.bytes);
    ASSIGN_OR_RETURN(const isthmus_address_t xs, buffer(x.size() * 4, x.data(), x.size() * 4));
    ASSIGN_OR_RETURN(const isthmus_address_t y, buffer(static_cast<uint64_t>(rows * n * 4)));
    ASSIGN_OR_RETURN(const isthmus_address_t q, buffer(x.size()));
    ASSIGN_OR_RETURN(const isthmus_address_t scale, buffer(x.size() / 4 + 64));
    ASSIGN_OR_RETURN(const isthmus_address_t sum, buffer(x.size() / 4 + 64));
    const ChipOperand ox{{Dtype::kF32, {rows, k}}, xs}, oy{{Dtype::kF32, {rows, n}}, y};
    const ChipOperand ow{{format, {n, k}}, 0, ISTHMUS_ROLE_CONSTANT, weight.data()};
    const ChipOperand oq{{Dtype::kI8, {rows, k}}, q}, oscale{{Dtype::kF32, {rows, k / 16}}, scale};
    const ChipOperand osum{{Dtype::kI32, {rows, k / 16}}, sum};
    for (int i = 0; i < case_.copies; ++i) {
      if (is_block(format)) RETURN_IF_ERROR(add("quantize_rows", {ox, oq, oscale, osum}, 1));
      RETURN_IF_ERROR(is_block(format) ? add("linear_quantized", {oq, oscale, osum, ow, {}, oy}, 5)
                                       : add("linear", {ox, ow, {}, oy}, 3));
    }
    return ok();
  }

  // Q8_0 is kept as numbers beside scales.
  Status prepare_attention(Dtype format, int64_t tokens, int64_t context, int64_t heads, int64_t kv_heads,
                           int64_t d) {
    const bool quantized = format == Dtype::kQ8_0;
    const Dtype dtype = quantized ? Dtype::kI8 : format;
    if (quantized ? d % 32 != 0 : !(format == Dtype::kF16 || format == Dtype::kBF16 || format == Dtype::kF32))
      return invalid_argument("no cache of {} for heads of {}", dtype_name(format), d);
    if (tokens > context) return invalid_argument("{} tokens of {} positions", tokens, context);
    const int64_t blocks = (context + 63) / 64, elements = blocks * 64 * kv_heads * d;
    std::vector<uint16_t> numbers(4096), scales(4096, f32_to_f16(0.01f));
    for (size_t i = 0; i < numbers.size(); ++i) {
      const float value = static_cast<float>(i * 7919 % 2001) * 1e-3f - 1;
      numbers[i] = quantized ? static_cast<uint16_t>(i * 7919) : f32_to_f16(value);
      if (format == Dtype::kBF16 || format == Dtype::kF32) numbers[i] = f32_to_bf16(value);
    }
    std::vector<int32_t> table, sequence(static_cast<size_t>(tokens), 0), positions;
    for (int64_t i = 0; i < blocks; ++i) table.push_back(static_cast<int32_t>(i));
    for (int64_t t = 0; t < tokens; ++t) positions.push_back(static_cast<int32_t>(context - tokens + t));
    std::vector<float> q(static_cast<size_t>(tokens * heads * d), 0.01f);

    const auto cache_bytes = static_cast<uint64_t>(dtype_bytes(dtype, elements));
    const auto scale_bytes = quantized ? static_cast<uint64_t>(elements / 16) : 0;
    case_.bytes = static_cast<int64_t>(2 * (cache_bytes + scale_bytes));
    case_.copies = ring_copies(tokens, case_.bytes);
    ASSIGN_OR_RETURN(const isthmus_address_t qs, buffer(q.size() * 4, q.data(), q.size() * 4));
    ASSIGN_OR_RETURN(const isthmus_address_t y, buffer(q.size() * 4));
    ASSIGN_OR_RETURN(const isthmus_address_t tables,
                     buffer(table.size() * 4, table.data(), table.size() * 4));
    ASSIGN_OR_RETURN(const isthmus_address_t sequences,
                     buffer(sequence.size() * 4, sequence.data(), sequence.size() * 4));
    ASSIGN_OR_RETURN(const isthmus_address_t at,
                     buffer(positions.size() * 4, positions.data(), positions.size() * 4));
    for (int i = 0; i < case_.copies; ++i) {
      ASSIGN_OR_RETURN(const isthmus_address_t k, buffer(cache_bytes, numbers.data(), numbers.size() * 2));
      ASSIGN_OR_RETURN(const isthmus_address_t v, buffer(cache_bytes, numbers.data(), numbers.size() * 2));
      std::vector<ChipOperand> operands = {{{Dtype::kF32, {tokens, heads, d}}, qs},
                                           {{dtype, {blocks, kv_heads, d, 64}}, k, ISTHMUS_ROLE_STATE},
                                           {{dtype, {blocks, kv_heads, 64, d}}, v, ISTHMUS_ROLE_STATE},
                                           {{Dtype::kI32, {1, blocks}}, tables},
                                           {{Dtype::kI32, {tokens}}, sequences},
                                           {{Dtype::kI32, {tokens}}, at},
                                           {},
                                           {},
                                           {},
                                           {}};
      if (quantized) {
        ASSIGN_OR_RETURN(const isthmus_address_t ks, buffer(scale_bytes, scales.data(), scales.size() * 2));
        ASSIGN_OR_RETURN(const isthmus_address_t vs, buffer(scale_bytes, scales.data(), scales.size() * 2));
        operands[8] = {{Dtype::kF16, {blocks, kv_heads, d / 32, 64}}, ks, ISTHMUS_ROLE_STATE};
        operands[9] = {{Dtype::kF16, {blocks, kv_heads, 64, d / 32}}, vs, ISTHMUS_ROLE_STATE};
      }
      operands.push_back({{Dtype::kF32, {tokens, heads, d}}, y});
      RETURN_IF_ERROR(add("attention", operands, 10));
    }
    return ok();
  }

  Status add(const char* op, const std::vector<ChipOperand>& operands, int inputs) {
    ASSIGN_OR_RETURN(ChipCall call, ChipCall::prepare(device_, op, operands, inputs));
    case_.calls.push_back(std::move(call));
    return ok();
  }

  DevicePtr device_;
  std::unique_ptr<Stream> stream_;
  int threads_;
  std::string prepared_;
  Case case_;
};

Status run(int threads) {
  HostOptions host;
  host.thread_count = threads;
  ASSIGN_OR_RETURN(std::shared_ptr<Plugin> plugin, Plugin::load(ISTHMUS_PLUGIN_DIR "/isthmus_cpu.so", host));
  ASSIGN_OR_RETURN(DevicePtr device, Device::open(plugin, 0));
  ASSIGN_OR_RETURN(std::unique_ptr<Stream> stream, device->create_stream());
  Bench bench(device, std::move(stream), threads);
  for (std::string line; std::getline(std::cin, line);) {
    Result<std::string> answer = bench.answer(line);
    if (answer.ok()) {
      fmt::print("{}\n", *answer);
    } else {
      std::string why = std::move(answer).status().to_string();
      std::replace_if(
          why.begin(), why.end(), [](unsigned char c) { return c == '"' || c == '\\' || c < ' '; }, ' ');
      fmt::print("{{\"error\": \"{}\"}}\n", why);
    }
    std::fflush(stdout);
  }
  return ok();
}

}  // namespace
}  // namespace isthmus

int main(int argc, char** argv) {
  const int threads = argc == 2 ? std::atoi(argv[1]) : 0;
  if (threads < 1) {
    fmt::print(stderr, "{}", isthmus::kUsage);
    return 2;
  }
  const isthmus::Status status = isthmus::run(threads);
  if (!status.ok()) fmt::print(stderr, "op_turns: {}\n", status.to_string());
  return status.ok() ? 0 : 1;
}
