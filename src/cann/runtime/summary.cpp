// SPDX-License-Identifier: Apache-2.0
// What ran where: counted, and told in one line when the program ends.
#include <atomic>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "cann/runtime.h"
#include "cann/runtime/library.h"

namespace isthmus::cann {
namespace {

std::atomic<uint64_t> operators{0}, fallbacks{0};

// What ISTHMUS_CANN_SUMMARY asks for: nothing, a line, or also one with the calls by their names.
enum class Wish { kNothing, kLine, kCalls };
Wish wish() {
  static const Wish wish = [] {
    const char* text = std::getenv("ISTHMUS_CANN_SUMMARY");
    if (!text) return Wish::kLine;
    return std::string_view(text) == "0"       ? Wish::kNothing
           : std::string_view(text) == "calls" ? Wish::kCalls
                                               : Wish::kLine;
  }();
  return wish;
}

struct Calls {
  std::mutex mutex;
  std::map<std::string_view, uint64_t> counts;
};
Calls& calls() {
  static auto* const calls = new Calls;
  return *calls;
}

}  // namespace

bool fallback_forbidden() {
  static const bool forbidden = environment_flag("ISTHMUS_NO_FALLBACK");
  return forbidden;
}

void count_operator(bool fell_back) {
  operators.fetch_add(1, std::memory_order_relaxed);
  if (fell_back) fallbacks.fetch_add(1, std::memory_order_relaxed);
}

void count_call(const char* name) {
  if (wish() != Wish::kCalls) return;
  std::lock_guard lock(calls().mutex);
  ++calls().counts[name];
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
  if (wish() == Wish::kNothing) return;
  std::call_once(once, [] {
    const std::string text = run_summary();
    if (text.empty()) return;
    fmt::print(stderr, "{}\n", text);
    std::lock_guard lock(calls().mutex);
    if (calls().counts.empty()) return;
    std::string names;
    for (const auto& [name, count] : calls().counts)
      names += fmt::format("{}aclnn{} {}", names.empty() ? "" : ", ", name, count);
    fmt::print(stderr, "isthmus: called {}\n", names);
  });
}

}  // namespace isthmus::cann
