// SPDX-License-Identifier: Apache-2.0
// Measures what this machine can do at most, so that a benchmark can say which share of it was reached.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/status.h"

namespace isthmus {

enum class PageSize { k4KiB, k2MiB };

// A rate measured over several rounds. Machines shared with others change under the measurement: take it
// beside the run that it is compared with, and more than once.
struct MeasuredLimit {
  double median = 0;  // per second
  double best = 0;
  std::string_view how;  // the instruction or the access measured; static storage
};

// Each call blocks for about `seconds` on `threads` threads that it starts and joins, and fails only if
// `threads` or `seconds` is not positive or memory is short. Any thread may call; two at once spoil each
// other's figures.

// Bytes read per second from `bytes` of memory (split over the threads), far larger than the caches unless
// the caller asks for less. 2 MiB pages are asked for, not guaranteed: `how` says which were asked for.
inline constexpr size_t kReadBytes = size_t{512} << 20;
Result<MeasuredLimit> measure_read_bandwidth(int threads, double seconds, PageSize pages = PageSize::k2MiB,
                                             size_t bytes = kReadBytes);

// Operations per second of products from registers alone; a multiply and an add are two operations.
Result<MeasuredLimit> measure_int8_peak(int threads, double seconds);
Result<MeasuredLimit> measure_bf16_peak(int threads, double seconds);  // F32 where there is no BF16 product
Result<MeasuredLimit> measure_f32_peak(int threads, double seconds);

// By name, for scripts: "read" (2 MiB pages), "read_4kib", "int8", "bf16" or "f32".
Result<MeasuredLimit> measure_limit(std::string_view name, int threads, double seconds);

}  // namespace isthmus
