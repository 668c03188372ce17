// SPDX-License-Identifier: Apache-2.0
// The registry: one declaration per name, complete ones only, near names in errors.
#include "ops/registry.h"

#include <gtest/gtest.h>

#include <set>

#include "ops/ops_table.h"

namespace isthmus {
namespace {

TEST(Registry, NoNameIsDeclaredTwice) {
  std::set<std::string> names;
  for (const OpDefsFunction* defs = kOpsTable; *defs; ++defs)
    for (const OpDef& def : (*defs)()) EXPECT_TRUE(names.insert(def.name).second) << def.name;
  EXPECT_EQ(names.size(), all_ops().size());
}

TEST(Registry, EveryDeclarationIsComplete) {
  for (const OpDef* def : all_ops()) {
    EXPECT_FALSE(def->meaning.empty()) << def->name;
    EXPECT_FALSE(def->order.empty()) << def->name;
    EXPECT_TRUE(def->infer && def->reference && def->samples) << def->name;
    EXPECT_EQ(find_op(def->name), def);
  }
}

TEST(Registry, ErrorsNameWhatIsNear) {
  const auto op = require_op("sofmax");
  ASSERT_FALSE(op.ok());
  EXPECT_NE(op.status().message().find("'softmax'"), std::string::npos) << op.status().message();
}

TEST(Registry, RefusesTakenNamesAndIncompleteDeclarations) {
  OpDef taken = *find_op("add");
  EXPECT_FALSE(register_op(taken).ok());
  OpDef empty;
  empty.name = "empty_operator";
  EXPECT_FALSE(register_op(empty).ok());
}

}  // namespace
}  // namespace isthmus
