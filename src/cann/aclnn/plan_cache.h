// SPDX-License-Identifier: Apache-2.0
// Plans kept for calls that come again.
#pragma once

#include <cstdint>
#include <string_view>

#include "cann/aclnn/plan.h"

namespace isthmus::cann {

// The plan kept under a key, or null. Thread-safe, as all here.
PlanPtr find_plan(std::string_view key);
// Keeps a plan; those not used for longest go when there are too many.
void keep_plan(std::string_view key, PlanPtr plan);
// Forgets every plan of a device, or of all when it is null: they keep the device alive.
void forget_plans(const Device* device);

struct PlanCacheCounts {
  uint64_t found = 0, made = 0, kept = 0;
};
PlanCacheCounts plan_cache_counts();

}  // namespace isthmus::cann
