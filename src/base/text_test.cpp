// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

#include <gtest/gtest.h>

#include "base/status.h"

namespace isthmus {
namespace {

TEST(Text, PrintableKeepsWhatIsShown) {
  for (const char* text : {"", "plain", "é漢😀", "two\nlines\tand a tab", "back\\slash \"quoted\""})
    EXPECT_EQ(printable(text), text);
}

TEST(Text, PrintableEscapesControlCharactersAndBrokenUtf8) {
  EXPECT_EQ(printable(std::string_view("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(printable("\033[31m\r\x7f"), "\\x1b[31m\\x0d\\x7f");
  EXPECT_EQ(printable("\xc2\x9b"), "\\xc2\\x9b") << "the C1 form of ESC [";
  EXPECT_EQ(printable("\xff\xc3"), "\\xff\\xc3");
  EXPECT_EQ(printable("\xc0\x80 \xe0\x80\x80"), "\\xc0\\x80 \\xe0\\x80\\x80") << "overlong";
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80") << "a surrogate";
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80") << "beyond U+10FFFF";
}

TEST(Text, NumbersOfThings) {
  EXPECT_EQ(counted(0, "layer"), "0 layers");
  EXPECT_EQ(counted(1, "layer"), "1 layer");
  EXPECT_EQ(counted(2, "layer"), "2 layers");
}

TEST(Text, MessagesOfErrorsArePrintable) {
  const Status status = data_loss("key '{}'", "\033[2J\xff");
  EXPECT_EQ(status.message(), "key '\\x1b[2J\\xff'");
  EXPECT_EQ(Status(status).with_context("file \x07").message(), "file \\x07: key '\\x1b[2J\\xff'");
}

}  // namespace
}  // namespace isthmus
