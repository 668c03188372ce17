// SPDX-License-Identifier: Apache-2.0
// Words of each family, where the families differ and where versions of Unicode do.
#include "llm/tokenizer/pre_tokenizer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "llm/tokenizer/unicode_additions.h"

namespace isthmus {
namespace {

using Words = std::vector<std::string>;

Words words(std::string_view name, std::string_view text) {
  const auto row = find_pre_tokenizer_row(name);
  EXPECT_TRUE(row.ok()) << row.status().to_string();
  const auto pre_tokenizer = PreTokenizer::create(**row);
  EXPECT_TRUE(pre_tokenizer.ok()) << pre_tokenizer.status().to_string();
  Words result;
  const Status status =
      (*pre_tokenizer)->split(text, [&](std::string_view word) { result.emplace_back(word); });
  EXPECT_TRUE(status.ok()) << status.to_string();
  return result;
}

TEST(PreTokenizer, FamiliesCutDifferently) {
  const std::string text = "I'LL pay $12345\n\n  now";
  EXPECT_EQ(words("", text), (Words{"I", "'", "LL", " pay", " $", "12345", "\n\n ", " now"}));
  EXPECT_EQ(words("smollm", text),
            (Words{"I", "'", "LL", " pay", " $", "1", "2", "3", "4", "5", "\n\n ", " now"}));
  EXPECT_EQ(words("llama-bpe", text), (Words{"I", "'LL", " pay", " $", "123", "45", "\n\n", " ", " now"}));
  EXPECT_EQ(words("smaug-bpe", text), words("llama-bpe", text));
  EXPECT_EQ(words("qwen2", text),
            (Words{"I", "'LL", " pay", " $", "1", "2", "3", "4", "5", "\n\n", " ", " now"}));
}

TEST(PreTokenizer, LookAheadEndsWithThePiece) {
  EXPECT_EQ(words("smollm", "a  1"), (Words{"a", "  ", "1"})) << "the digit is not seen from before it";
  EXPECT_EQ(words("gpt-2", "a  1"), (Words{"a", " ", " 1"}));
}

TEST(PreTokenizer, LettersAndNumbersOfNewerUnicode) {
  EXPECT_EQ(words("qwen2", "a\U00031350b"), Words{"a\U00031350b"}) << "a Han letter of Unicode 15";
  EXPECT_EQ(words("qwen2", "a\u1c89\ua7cbb"), Words{"a\u1c89\ua7cbb"}) << "letters of Unicode 16";
  EXPECT_EQ(words("llama3", "1\U0001E4F0\U00010D40"), Words{"1\U0001E4F0\U00010D40"}) << "numbers";
  EXPECT_EQ(words("smollm", "!\U00011DE0!"), (Words{"!", "\U00011DE0", "!"})) << "a number of Unicode 17";
  EXPECT_EQ(words("qwen2", "!\u180e!"), Words{"!\u180e!"}) << "no longer a space";
}

TEST(PreTokenizer, StandInTextKeepsItsLength) {
  EXPECT_EQ(stand_in_text("plain, 漢字, 😀"), std::nullopt);
  EXPECT_EQ(stand_in_text("a\u1c8a\U000323AF\u180e"), "a\u4e00\U00020000\u200b");
}

TEST(PreTokenizer, UnknownNamesAreRefusedWithWhatIsSupported) {
  const auto row = find_pre_tokenizer_row("tekken");
  ASSERT_FALSE(row.ok());
  EXPECT_EQ(row.status().to_string(),
            "unimplemented: pre-tokenizer 'tekken' is not known; supported are gpt-2, default, smollm, "
            "llama-bpe, llama3, llama-v3, smaug-bpe, qwen2, deepseek-r1-qwen");
}

}  // namespace
}  // namespace isthmus
