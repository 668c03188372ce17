// SPDX-License-Identifier: Apache-2.0
// Matrix products per weight format and number of rows, on the CPU chip as engines call it, beside the
// machine's limits.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <random>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "chip_call.h"
#include "runtime/threads.h"

namespace isthmus {
namespace {

constexpr std::string_view kUsage =
    "linear_bench [--formats Q8_0,BF16,…] [--rows 1,8,512] [--k K] [--n N] [--threads N] [--seconds S] "
    "[--plugin PATH]\n"
    "Multiplies random activations with weights that together exceed the caches; prints the median rate and "
    "its share of\n"
    "the limits measured just before: of the int8, BF16 or F32 peak, and of memory reads. Weights count as "
    "their packed\n"
    "bytes. Block formats are timed with quantising of the activations.\n";

struct Options {
  std::vector<Dtype> formats = {Dtype::kQ4_1, Dtype::kQ8_0,  Dtype::kBF16, Dtype::kQ4_0, Dtype::kQ4_K,
                                Dtype::kQ6_K, Dtype::kMXFP4, Dtype::kF16,  Dtype::kF32};
  std::vector<int64_t> rows = {1, 8, 512};
  int64_t k = 2048, n = 2048;
  int threads = 0;
  double seconds = 0.5;
  std::string plugin = ISTHMUS_PLUGIN_DIR "/isthmus_cpu.so";
};

std::vector<unsigned char> random_weight(Dtype format, int64_t n, int64_t k) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0, 0.05f);
  std::vector<float> row(k);
  const int64_t row_bytes = dtype_bytes(format, k);
  std::vector<unsigned char> bytes(row_bytes * n);
  for (int64_t i = 0; i < n; ++i) {
    for (float& v : row) v = normal(random);
    quantize(format, row.data(), bytes.data() + i * row_bytes, k);
  }
  return bytes;
}

struct Limits {
  double read, int8, bf16, f32;
};

Result<Limits> measure_limits(int threads) {
  ASSIGN_OR_RETURN(const MeasuredLimit read, measure_read_bandwidth(threads, 0.2));
  ASSIGN_OR_RETURN(const MeasuredLimit int8, measure_int8_peak(threads, 0.1));
  ASSIGN_OR_RETURN(const MeasuredLimit bf16, measure_bf16_peak(threads, 0.1));
  ASSIGN_OR_RETURN(const MeasuredLimit f32, measure_f32_peak(threads, 0.1));
  return Limits{read.median, int8.median, bf16.median, f32.median};
}

Status measure(const DevicePtr& device, Stream& stream, const Options& options, int threads, Dtype format,
               int64_t rows) {
  const int64_t n = options.n, k = options.k;
  const std::vector<unsigned char> weight = random_weight(format, n, k);
  // Few rows are limited by reading the weights: enough copies that none stays in a cache.
  const int copies =
      rows > 32
          ? 1
          : static_cast<int>(std::clamp<int64_t>((128 << 20) / static_cast<int64_t>(weight.size()), 2, 64));
  ASSIGN_OR_RETURN(Buffer x, device->allocate(rows * k * 4));
  ASSIGN_OR_RETURN(Buffer y, device->allocate(rows * n * 4));
  ASSIGN_OR_RETURN(Buffer q, device->allocate(rows * k));
  ASSIGN_OR_RETURN(Buffer scale, device->allocate(rows * k / 4 + 64));
  ASSIGN_OR_RETURN(Buffer sum, device->allocate(rows * k / 4 + 64));
  std::vector<float> values(rows * k);
  std::mt19937 random(2);
  std::normal_distribution<float> normal;
  for (float& v : values) v = normal(random);
  RETURN_IF_ERROR(stream.upload(x.address(), values.data(), values.size() * 4));
  RETURN_IF_ERROR(stream.wait());

  const TensorType x_type{Dtype::kF32, {rows, k}}, w_type{format, {n, k}}, y_type{Dtype::kF32, {rows, n}};
  const TensorType q_type{Dtype::kI8, {rows, k}}, scale_type{Dtype::kF32, {rows, k / 16}};
  const TensorType sum_type{Dtype::kI32, {rows, k / 16}};
  const ChipOperand ox{x_type, x.address()}, oy{y_type, y.address()};
  const ChipOperand ow{w_type, 0, ISTHMUS_ROLE_CONSTANT, weight.data()};
  const ChipOperand oq{q_type, q.address()}, oscale{scale_type, scale.address()},
      osum{sum_type, sum.address()};
  std::vector<ChipCall> calls;
  const auto add = [&](const char* op, const std::vector<ChipOperand>& operands, int inputs) -> Status {
    ASSIGN_OR_RETURN(ChipCall call, ChipCall::prepare(device, op, operands, inputs));
    calls.push_back(std::move(call));
    return ok();
  };
  for (int i = 0; i < copies; ++i) {
    if (is_block(format)) RETURN_IF_ERROR(add("quantize_rows", {ox, oq, oscale, osum}, 1));
    RETURN_IF_ERROR(is_block(format) ? add("linear_quantized", {oq, oscale, osum, ow, {}, oy}, 5)
                                     : add("linear", {ox, ow, {}, oy}, 3));
  }
  ASSIGN_OR_RETURN(const Limits limits, measure_limits(threads));

  using Clock = std::chrono::steady_clock;
  std::vector<double> times;
  const Clock::time_point start = Clock::now();
  while (times.size() < 4 || std::chrono::duration<double>(Clock::now() - start).count() < options.seconds) {
    const Clock::time_point from = Clock::now();
    for (ChipCall& call : calls) RETURN_IF_ERROR(call.run(stream));
    RETURN_IF_ERROR(stream.wait());
    times.push_back(std::chrono::duration<double>(Clock::now() - from).count() / copies);
  }
  times.erase(times.begin());
  std::sort(times.begin(), times.end());
  const double seconds = times[times.size() / 2];
  const double rate = 2.0 * static_cast<double>(rows * n * k) / seconds;
  const double bytes = static_cast<double>(calls.back().packed[0].bytes()) / seconds;
  const double peak = is_block(format) ? limits.int8 : format == Dtype::kBF16 ? limits.bf16 : limits.f32;
  fmt::print(
      "{:7} {:5} rows  {:9.1f} us  {:7.1f} GFLOP/s {:5.1f} % of {:6.0f}   {:6.1f} GB/s {:5.1f} % of {:5.1f}  "
      " {}\n",
      dtype_name(format), rows, seconds * 1e6, rate / 1e9, 100 * rate / peak, peak / 1e9, bytes / 1e9,
      100 * bytes / limits.read, limits.read / 1e9, calls.back().op->implementation());
  return ok();
}

Status run(const Options& options) {
  HostOptions host;
  host.thread_count = options.threads;
  const int threads = options.threads > 0 ? options.threads : available_threads();
  ASSIGN_OR_RETURN(std::shared_ptr<Plugin> plugin, Plugin::load(options.plugin, host));
  ASSIGN_OR_RETURN(DevicePtr device, Device::open(plugin, 0));
  ASSIGN_OR_RETURN(std::unique_ptr<Stream> stream, device->create_stream());
  fmt::print("{}: [rows, {}] times [{}, {}] transposed, {} threads\n", device->properties().name, options.k,
             options.n, options.k, threads);
  for (Dtype format : options.formats)
    for (int64_t rows : options.rows)
      RETURN_IF_ERROR(measure(device, *stream, options, threads, format, rows));
  return ok();
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    words.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return words;
}

bool parse(int argc, char** argv, Options* options) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i], value = argv[i + 1];
    const int64_t number = std::atoll(argv[i + 1]);
    if (name == "--formats") {
      options->formats.clear();
      for (const std::string& word : split(value)) {
        const auto dtype = dtype_from_name(word);
        if (!dtype || !is_weight_format(*dtype)) return false;
        options->formats.push_back(*dtype);
      }
    } else if (name == "--rows") {
      options->rows.clear();
      for (const std::string& word : split(value))
        options->rows.push_back(std::max(1LL, std::atoll(word.c_str())));
    } else if (name == "--k" && number > 0) {
      options->k = number;
    } else if (name == "--n" && number > 0) {
      options->n = number;
    } else if (name == "--threads" && number > 0) {
      options->threads = static_cast<int>(number);
    } else if (name == "--seconds") {
      options->seconds = std::atof(argv[i + 1]);
    } else if (name == "--plugin") {
      options->plugin = value;
    } else {
      return false;
    }
  }
  return argc % 2 == 1;
}

}  // namespace
}  // namespace isthmus

int main(int argc, char** argv) {
  isthmus::Options options;
  if (!isthmus::parse(argc, argv, &options)) {
    fmt::print(stderr, "{}", isthmus::kUsage);
    return 2;
  }
  const isthmus::Status status = isthmus::run(options);
  if (!status.ok()) fmt::print(stderr, "linear_bench: {}\n", status.to_string());
  return status.ok() ? 0 : 1;
}
