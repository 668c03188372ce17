// SPDX-License-Identifier: Apache-2.0
// What ran where: counted, and told in one line when the program ends.
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <string>

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

std::string run_summary() {
  const uint64_t all = operators, fell_back = fallbacks;
  if (all == 0) return "";
  std::string chips;
  for (const std::string& name : open_device_names()) chips += (chips.empty() ? "" : ", ") + name;
  std::string text = fmt::format("isthmus: {} ran {} operator{}; ", chips, all, all == 1 ? "" : "s");
  return text + (fell_back ? fmt::format("{} fell back to the host", fell_back) : "nothing fell back");
}

void print_summary() {
  static std::once_flag once;
  const char* wish = std::getenv("ISTHMUS_CANN_SUMMARY");
  if (wish && std::string_view(wish) == "0") return;
  std::call_once(once, [] {
    if (const std::string text = run_summary(); !text.empty()) fmt::print(stderr, "{}\n", text);
  });
}

}  // namespace isthmus::cann
