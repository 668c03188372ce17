// SPDX-License-Identifier: Apache-2.0
#include "cann/handles.h"

#include <gtest/gtest.h>

namespace isthmus::cann {
namespace {

TEST(Handles, OfDestroyedObjectsStayDead) {
  HandleTable<int> table(1, "number");
  void* const first = table.add(std::make_shared<int>(1));
  ASSERT_TRUE(table.remove(first).ok());
  // Slots are used again at once: more often than a slot has generations.
  for (int i = 0; i < (1 << 20) + 10; ++i) {
    void* const handle = table.add(std::make_shared<int>(i));
    ASSERT_NE(handle, first);
    ASSERT_EQ(**table.find(handle), i);
    ASSERT_TRUE(table.remove(handle).ok());
  }
  EXPECT_EQ(table.find(first).status().message().find("the number "), 0u);
  EXPECT_NE(table.find(first).status().message().find("destroyed before"), std::string::npos);
  EXPECT_FALSE(table.remove(first).ok());
  EXPECT_EQ(table.size(), 0u);
}

TEST(Handles, OfOthersAreRefused) {
  HandleTable<int> table(1, "number"), other(2, "word");
  void* const word = other.add(std::make_shared<int>(1));
  int local = 0;
  EXPECT_EQ(table.find(nullptr).status().message(), "the number is null");
  EXPECT_NE(table.find(&local).status().message().find("is no number"), std::string::npos);
  EXPECT_NE(table.find(word).status().message().find("another kind of object"), std::string::npos);
  EXPECT_FALSE(table.find(static_cast<char*>(word) + 1).ok());
  EXPECT_FALSE(table.find(reinterpret_cast<void*>(~uint64_t{0})).ok());
  EXPECT_FALSE(table.replace(word, std::make_shared<int>(2)).ok());
}

TEST(Handles, SeeWhatReplacedTheirObject) {
  HandleTable<int> table(1, "number");
  void* const handle = table.add(std::make_shared<int>(1));
  const std::shared_ptr<int> before = *table.find(handle);
  ASSERT_TRUE(table.replace(handle, std::make_shared<int>(2)).ok());
  EXPECT_EQ(*before, 1);
  EXPECT_EQ(**table.find(handle), 2);
}

}  // namespace
}  // namespace isthmus::cann
