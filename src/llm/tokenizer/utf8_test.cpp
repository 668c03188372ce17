// SPDX-License-Identifier: Apache-2.0
// Broken UTF-8 is repaired as Python's errors='replace' and Rust's from_utf8_lossy do.
#include "llm/tokenizer/utf8.h"

#include <gtest/gtest.h>

namespace isthmus {
namespace {

std::string repaired(std::string_view text) {
  std::string out;
  append_repaired_utf8(text, out);
  return out;
}

TEST(Utf8, OneReplacementPerBrokenPart) {
  EXPECT_EQ(repaired("plain, längere, 漢字 😀"), "plain, längere, 漢字 😀");
  EXPECT_EQ(repaired("\x80"), "\uFFFD");
  EXPECT_EQ(repaired("\xC0\x80"), "\uFFFD\uFFFD") << "overlong: neither byte can begin anything";
  EXPECT_EQ(repaired("\xE2\x82"), "\uFFFD") << "one cut-off character";
  EXPECT_EQ(repaired("\xE2\x82z"), "\uFFFDz");
  EXPECT_EQ(repaired("\xF0\x9F\x98\xF0\x9F\x98\x80"), "\uFFFD😀");
  EXPECT_EQ(repaired("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD") << "a surrogate";
  EXPECT_EQ(repaired("\xF4\x90\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD") << "above U+10FFFF";
  EXPECT_EQ(repaired("\xF0\x80\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD") << "overlong";
}

TEST(Utf8, ValidityAgreesWithRepair) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      for (const std::string_view tail : {"", "\x80", "\x80\x80", "\xBF\xBFz"}) {
        const std::string text = std::string{char(first), char(second)} + std::string(tail);
        EXPECT_EQ(is_valid_utf8(text), repaired(text) == text) << first << " " << second;
        EXPECT_TRUE(is_valid_utf8(repaired(text)));
      }
    }
  }
}

TEST(Utf8, TailThatMayStillBecomeWhole) {
  EXPECT_EQ(incomplete_utf8_tail(""), 0u);
  EXPECT_EQ(incomplete_utf8_tail("a"), 0u);
  EXPECT_EQ(incomplete_utf8_tail("a\xC3"), 1u);
  EXPECT_EQ(incomplete_utf8_tail("\xE2\x82"), 2u);
  EXPECT_EQ(incomplete_utf8_tail("\xF0\x9F\x98"), 3u);
  EXPECT_EQ(incomplete_utf8_tail("\xF0\x9F\x98\x80"), 0u);
  EXPECT_EQ(incomplete_utf8_tail("\x80\x80\x80\x80"), 0u);
  EXPECT_EQ(incomplete_utf8_tail("\xED\xA0"), 0u) << "a surrogate never becomes whole";
  EXPECT_EQ(incomplete_utf8_tail("\xFF"), 0u);
}

}  // namespace
}  // namespace isthmus
