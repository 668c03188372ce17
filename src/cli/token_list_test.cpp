// SPDX-License-Identifier: Apache-2.0
#include "cli/token_list.h"

#include <gtest/gtest.h>

namespace isthmus::cli {
namespace {

TEST(TokenList, TakesTheUsualSpellings) {
  const std::vector<int32_t> expected = {1, 20, 300};
  for (const char* text : {"1 20 300", "1,20,300", "[1, 20, 300]", "  1\n20\t300 "}) {
    const auto ids = parse_token_list(text, 301);
    ASSERT_TRUE(ids.ok()) << text << ": " << ids.status().to_string();
    EXPECT_EQ(*ids, expected) << text;
  }
  EXPECT_TRUE(parse_token_list("", 10)->empty());
}

TEST(TokenList, RefusesWhatIsNoId) {
  for (const char* text : {"1 x", "1.5", "0x10", "99999999999999999999", "1-2"})
    EXPECT_EQ(parse_token_list(text, 1000).status().code(), Code::kInvalidArgument) << text;
}

TEST(TokenList, RefusesIdsOutsideTheVocabulary) {
  for (const char* text : {"-1", "300", "4294967296"}) {
    const auto ids = parse_token_list(text, 300);
    EXPECT_EQ(ids.status().code(), Code::kOutOfRange) << text;
    EXPECT_NE(ids.status().message().find("299"), std::string::npos) << ids.status().message();
  }
}

}  // namespace
}  // namespace isthmus::cli
