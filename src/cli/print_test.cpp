// SPDX-License-Identifier: Apache-2.0
// Numbers for people, and text from files that must not reach a terminal as it is.
#include "cli/print.h"

#include <gtest/gtest.h>

namespace isthmus::cli {
namespace {

TEST(Print, Bytes) {
  EXPECT_EQ(bytes_text(0), "0 B");
  EXPECT_EQ(bytes_text(1023), "1023 B");
  EXPECT_EQ(bytes_text(1024), "1.0 KiB");
  EXPECT_EQ(bytes_text(uint64_t{24} << 30), "24.0 GiB");
  EXPECT_EQ(bytes_text(UINT64_MAX), "16777216.0 TiB");
}

TEST(Print, Counts) {
  EXPECT_EQ(count_text(999), "999");
  EXPECT_EQ(count_text(49152), "49.2 K");
  EXPECT_EQ(count_text(134515008), "134.5 M");
  EXPECT_EQ(count_text(1240000000), "1.24 B");
}

TEST(Print, EscapesWhatSteersATerminal) {
  EXPECT_EQ(escaped("a\033[31mb\n\t\r\\"), "a\\x1b[31mb\\n\\t\\r\\\\");
  EXPECT_EQ(escaped("\x7f"), "\\x7f");
  EXPECT_EQ(escaped("\xc2\x9b"
                    "1m"),
            "\\xc2\\x9b1m")
      << "the C1 form of ESC [";
  EXPECT_EQ(escaped("é漢😀"), "é漢😀");
}

TEST(Print, EscapesBrokenUtf8) {
  EXPECT_EQ(escaped("\xff\xc3"), "\\xff\\xc3");
  EXPECT_EQ(escaped("\xe6\xbc"), "\\xe6\\xbc");
  EXPECT_EQ(escaped("\xc0\x80"), "\\xc0\\x80") << "overlong";
  EXPECT_EQ(escaped("\xed\xa0\x80"), "\\xed\\xa0\\x80") << "a surrogate";
  EXPECT_EQ(escaped("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80") << "beyond U+10FFFF";
}

TEST(Print, TablesAlignByCharacters) {
  Table table({Table::Align::kLeft, Table::Align::kRight});
  table.add({"é", "1"});
  table.add({"long", "100"}, Style::kRed);
  EXPECT_EQ(table.text(false, 1), " é       1\n long  100\n");
  EXPECT_EQ(table.text(true), "é       1\n\033[31mlong  100\033[0m\n");
}

}  // namespace
}  // namespace isthmus::cli
