// SPDX-License-Identifier: Apache-2.0
// Normalisation form C: the rules, the version of Unicode, and the time it takes.
#include "llm/tokenizer/nfc.h"

#include <gtest/gtest.h>

#include <string>

namespace isthmus {
namespace {

TEST(Nfc, ComposesAndOrders) {
  EXPECT_EQ(normalize_nfc(""), "");
  EXPECT_EQ(normalize_nfc("plain"), "plain");
  EXPECT_EQ(normalize_nfc("e\u0301"), "\u00e9");
  EXPECT_EQ(normalize_nfc("a\u0301\u0323"), "\u1ea1\u0301") << "the dot below comes first and composes";
  EXPECT_EQ(normalize_nfc("\u212b"), "\u00c5") << "the Ångström sign is a letter written twice";
  EXPECT_EQ(normalize_nfc("\u0958"), "\u0915\u093c") << "excluded from composition";
  EXPECT_EQ(normalize_nfc("\u1100\u1161\u11a8"), "\uac01");
  EXPECT_EQ(normalize_nfc("\uac00\u11a7"), "\uac00\u11a7")
      << "U+11A7 is one before the first final consonant";
}

// Every expected text here is what Hugging Face's NFC gives.
TEST(Nfc, LeavesNewerMarksWhereTheyAre) {
  EXPECT_EQ(normalize_nfc("e\u0ece\u0301"), "e\u0ece\u0301") << "Unicode 15";
  EXPECT_EQ(normalize_nfc("\u09fe\u0323"), "\u09fe\u0323") << "Unicode 11";
  EXPECT_EQ(normalize_nfc("\U00011935\U00011930"), "\U00011935\U00011930") << "Unicode 13";
}

TEST(Nfc, LongRunsOfMarksAreOrderedQuickly) {
  std::string marks = "a";
  for (int i = 0; i < 200000; ++i) marks += "\u0301\u0323";
  const std::string normal = normalize_nfc(marks);
  EXPECT_EQ(normal.size(), marks.size() - 1 - 2 + 3) << "only the first dot composed";
  EXPECT_TRUE(normal.starts_with("\u1ea1\u0323"));
  EXPECT_TRUE(normal.ends_with("\u0301\u0301"));
}

}  // namespace
}  // namespace isthmus
