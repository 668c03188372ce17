// SPDX-License-Identifier: Apache-2.0
#include "cann/aclnn/plan_cache.h"

#include <list>
#include <mutex>
#include <string>
#include <unordered_map>

namespace isthmus::cann {
namespace {

// A model's step takes some thousand calls, few of them of different shapes.
constexpr size_t kMostPlans = 4096;

struct Entry {
  std::string key;
  PlanPtr plan;
};

struct Cache {
  std::mutex mutex;
  std::list<Entry> entries;                                                 // the latest used first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_key;  // views of the entries' keys
  PlanCacheCounts counts;
};

// Lives as long as the process: programs may call until their last moment.
Cache& cache() {
  static auto* const cache = new Cache;
  return *cache;
}

}  // namespace

PlanPtr find_plan(std::string_view key) {
  Cache& c = cache();
  std::lock_guard lock(c.mutex);
  const auto found = c.by_key.find(key);
  if (found == c.by_key.end()) return nullptr;
  ++c.counts.found;
  c.entries.splice(c.entries.begin(), c.entries, found->second);
  return found->second->plan;
}

void keep_plan(std::string_view key, PlanPtr plan) {
  Cache& c = cache();
  PlanPtr dropped;  // destroyed after the lock is given back
  std::lock_guard lock(c.mutex);
  ++c.counts.made;
  if (c.by_key.contains(key)) return;  // Another thread made it at the same time.
  c.entries.push_front({std::string(key), std::move(plan)});
  c.by_key.emplace(c.entries.front().key, c.entries.begin());
  if (c.entries.size() <= kMostPlans) return;
  dropped = std::move(c.entries.back().plan);
  c.by_key.erase(c.entries.back().key);
  c.entries.pop_back();
}

void forget_plans(const Device* device) {
  Cache& c = cache();
  std::list<Entry> dropped;
  std::lock_guard lock(c.mutex);
  for (auto it = c.entries.begin(); it != c.entries.end();) {
    const auto next = std::next(it);
    if (!device || it->plan->device.get() == device) {
      c.by_key.erase(it->key);
      dropped.splice(dropped.begin(), c.entries, it);
    }
    it = next;
  }
}

PlanCacheCounts plan_cache_counts() {
  Cache& c = cache();
  std::lock_guard lock(c.mutex);
  PlanCacheCounts counts = c.counts;
  counts.kept = c.entries.size();
  return counts;
}

}  // namespace isthmus::cann
