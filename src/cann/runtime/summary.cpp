// SPDX-License-Identifier: Apache-2.0
// What ran where, counted.
#include <atomic>

#include "cann/runtime.h"
#include "cann/runtime/library.h"

namespace isthmus::cann {
namespace {

std::atomic<uint64_t> operators{0}, fallbacks{0};

}  // namespace

bool fallback_forbidden() {
  static const bool forbidden = environment_flag("ISTHMUS_NO_FALLBACK");
  return forbidden;
}

void count_operator(bool fell_back) {
  operators.fetch_add(1, std::memory_order_relaxed);
  if (fell_back) fallbacks.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace isthmus::cann
