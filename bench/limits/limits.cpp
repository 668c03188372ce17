// SPDX-License-Identifier: Apache-2.0
// Prints what this machine can do at most: memory read, and products of int8, BF16 and F32, per number of
// threads.
#include <fmt/format.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/limits.h"

namespace {

constexpr std::string_view kUsage =
    "limits [--threads N,N,…] [--seconds S] [--json]\n"
    "Measures memory read bandwidth (2 MiB and 4 KiB pages) and the arithmetic peak of one processor "
    "instruction\n"
    "each for int8, BF16 and F32, S seconds each (default 0.5), on 1 thread and on all processors.\n";

struct Row {
  std::string name;
  const char* unit;
  double scale;
  isthmus::Result<isthmus::MeasuredLimit> limit;
};

std::vector<Row> measure(int threads, double seconds) {
  using isthmus::PageSize;
  std::vector<Row> rows;
  rows.push_back({"read_2mib_pages", "GB/s", 1e9, isthmus::measure_read_bandwidth(threads, seconds)});
  rows.push_back(
      {"read_4kib_pages", "GB/s", 1e9, isthmus::measure_read_bandwidth(threads, seconds, PageSize::k4KiB)});
  rows.push_back({"int8", "TOP/s", 1e12, isthmus::measure_int8_peak(threads, seconds)});
  rows.push_back({"bf16", "TFLOP/s", 1e12, isthmus::measure_bf16_peak(threads, seconds)});
  rows.push_back({"f32", "TFLOP/s", 1e12, isthmus::measure_f32_peak(threads, seconds)});
  return rows;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<int> threads = {1};
  if (const int all = static_cast<int>(std::thread::hardware_concurrency()); all > 1) threads.push_back(all);
  double seconds = 0.5;
  bool json = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--json") {
      json = true;
    } else if (word == "--seconds" && i + 1 < argc) {
      seconds = std::atof(argv[++i]);
    } else if (word == "--threads" && i + 1 < argc) {
      threads.clear();
      for (char* at = argv[++i]; *at; at += *at == ',') threads.push_back(std::strtol(at, &at, 10));
    } else {
      fmt::print(word == "--help" ? stdout : stderr, "{}", kUsage);
      return word == "--help" ? 0 : 2;
    }
  }
  std::string separator = "[\n";
  for (const int count : threads) {
    for (const Row& row : measure(count, seconds)) {
      if (!row.limit.ok()) {
        fmt::print(stderr, "limits: {}: {}\n", row.name, row.limit.status().to_string());
        return 1;
      }
      const double median = row.limit->median / row.scale, best = row.limit->best / row.scale;
      if (json) {
        fmt::print(
            "{}  {{\"limit\": \"{}\", \"threads\": {}, \"unit\": \"{}\", "
            "\"median\": {:.4g}, \"best\": {:.4g}, \"how\": \"{}\"}}",
            separator, row.name, count, row.unit, median, best, row.limit->how);
        separator = ",\n";
      } else {
        fmt::print("{:<16} {} thread{} {:8.3f} {:<7} (best {:.3f})  {}\n", row.name, count,
                   count == 1 ? " " : "s", median, row.unit, best, row.limit->how);
      }
    }
  }
  if (json) fmt::print("\n]\n");
}
