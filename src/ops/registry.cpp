// SPDX-License-Identifier: Apache-2.0
#include "ops/registry.h"

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>

#include "base/text.h"
#include "ops/ops_table.h"

namespace isthmus {
namespace {

struct Registry {
  std::mutex mutex;
  std::map<std::string, std::unique_ptr<OpDef>, std::less<>> by_name;
  std::vector<const OpDef*> in_order;

  void add(OpDef def) {
    auto owned = std::make_unique<OpDef>(std::move(def));
    const OpDef* raw = owned.get();
    if (by_name.emplace(raw->name, std::move(owned)).second) in_order.push_back(raw);
  }
};

Registry& registry() {
  static Registry* instance = [] {
    auto* r = new Registry;  // Never destroyed: executables may outlive static destruction.
    for (const OpDefsFunction* defs = kOpsTable; *defs; ++defs)
      for (OpDef& def : (*defs)()) r->add(std::move(def));
    return r;
  }();
  return *instance;
}

}  // namespace

const OpDef* find_op(std::string_view name) {
  Registry& r = registry();
  std::lock_guard lock(r.mutex);
  auto found = r.by_name.find(name);
  return found == r.by_name.end() ? nullptr : found->second.get();
}

Result<const OpDef*> require_op(std::string_view name) {
  if (const OpDef* def = find_op(name)) return def;
  std::vector<std::pair<size_t, std::string>> near;
  for (const OpDef* def : all_ops()) near.emplace_back(edit_distance(name, def->name), def->name);
  std::sort(near.begin(), near.end());
  std::string list;
  for (size_t i = 0; i < std::min<size_t>(3, near.size()); ++i)
    list += (i ? ", '" : "'") + near[i].second + "'";
  return error(Code::kNotFound, "no operator named '{}' (nearest: {})", name, list);
}

std::vector<const OpDef*> all_ops() {
  Registry& r = registry();
  std::lock_guard lock(r.mutex);
  return r.in_order;
}

Status register_op(OpDef def) {
  if (def.name.empty() || !def.infer || !def.reference)
    return invalid_argument("operator '{}' needs a name, a shape rule and a reference", def.name);
  Registry& r = registry();
  std::lock_guard lock(r.mutex);
  if (r.by_name.count(def.name)) return invalid_argument("operator '{}' is already declared", def.name);
  r.add(std::move(def));
  return ok();
}

}  // namespace isthmus
