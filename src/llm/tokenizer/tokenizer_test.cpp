// SPDX-License-Identifier: Apache-2.0
// Tokenizers against ids stored from Hugging Face's, and what no oracle covers: options, limits, bad files.
#include "llm/tokenizer/tokenizer.h"

#include <gtest/gtest.h>

#include <ctime>
#include <fstream>
#include <thread>

#include "llm/tokenizer/byte_alphabet.h"
#include "llm/tokenizer/stream_decoder.h"
#include "llm/tokenizer/test_source.h"

namespace isthmus {
namespace {

nlohmann::json stored(const std::string& family) {
  std::ifstream file(std::string(ISTHMUS_SOURCE_DIR) + "/tests/tokenizer/data/" + family + ".json");
  return nlohmann::json::parse(file);
}

// All single bytes, then "ab", "abc", "a" doubled six times over, and three special tokens.
TokenizerSource small_source(const std::string& pre = "gpt-2") {
  TokenizerSource source;
  source.pre = pre;
  for (int byte = 0; byte < 256; ++byte)
    source.tokens.push_back(bytes_to_alphabet(std::string(1, char(byte))));
  const auto merge = [&](const std::string& left, const std::string& right) {
    source.merges.push_back(left + " " + right);
    source.tokens.push_back(left + right);
  };
  merge("a", "b");
  merge("ab", "c");
  for (int doubling = 0; doubling < 6; ++doubling)
    merge(std::string(1 << doubling, 'a'), std::string(1 << doubling, 'a'));
  source.token_types.assign(source.tokens.size(), 1);
  const std::pair<const char*, int32_t> special[] = {{"<s>", 3}, {"</s>", 3}, {"<tool>", 4}};
  for (const auto& [text, type] : special) {
    source.tokens.push_back(text);
    source.token_types.push_back(type);
  }
  source.bos = 264;
  source.eos = 265;
  return source;
}

std::unique_ptr<Tokenizer> make(TokenizerSource source) {
  auto tokenizer = Tokenizer::create(std::move(source));
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.status().to_string();
  return std::move(tokenizer).value();
}

std::vector<int32_t> encode(const Tokenizer& tokenizer, std::string_view text, EncodeOptions options = {}) {
  auto ids = tokenizer.encode(text, options);
  EXPECT_TRUE(ids.ok()) << ids.status().to_string();
  return ids.ok() ? *ids : std::vector<int32_t>{};
}

class StoredCases : public testing::TestWithParam<const char*> {};

TEST_P(StoredCases, AgreeWithHuggingFace) {
  const nlohmann::json data = stored(GetParam());
  const auto tokenizer = make(source_from_json(data.at("source")));
  EXPECT_GE(data.at("cases").size(), 200u);
  for (const auto& stored_case : data.at("cases")) {
    const std::string line = bytes_from_hex(stored_case[0].get<std::string>());
    const auto parsed = encode(*tokenizer, line, {.parse_special = true});
    EXPECT_EQ(parsed, stored_case[1].get<std::vector<int32_t>>()) << stored_case[0];
    EXPECT_EQ(encode(*tokenizer, line), stored_case[2].get<std::vector<int32_t>>()) << stored_case[0];
    EXPECT_EQ(tokenizer->decode(parsed), stored_case[3].get<std::string>());
    EXPECT_EQ(tokenizer->decode(parsed, {.skip_special = true}), stored_case[4].get<std::string>());
    StreamDecoder stream(*tokenizer);
    std::string text;
    for (const int32_t id : parsed) text += stream.push(id);
    EXPECT_EQ(text + stream.finish(), stored_case[3].get<std::string>());
  }
}

INSTANTIATE_TEST_SUITE_P(Families, StoredCases,
                         testing::Values("gpt2", "smollm2", "llama3", "qwen2", "qwen3"),
                         [](const auto& info) { return std::string(info.param); });

TEST(Tokenizer, MergesLowestRankFirst) {
  const auto tokenizer = make(small_source());
  EXPECT_EQ(encode(*tokenizer, "abc"), std::vector<int32_t>{257});
  EXPECT_EQ(encode(*tokenizer, "aab"), (std::vector<int32_t>{'a', 256}));
  EXPECT_TRUE(encode(*tokenizer, "").empty());
}

TEST(Tokenizer, AddsBeginAndEndOnlyWhenAskedAndWanted) {
  auto source = small_source();
  source.add_bos = true;
  source.add_eos = true;
  const auto both = make(source);
  EXPECT_EQ(encode(*both, "b", {.add_special = true}), (std::vector<int32_t>{264, 'b', 265}));
  EXPECT_EQ(encode(*both, "b"), std::vector<int32_t>{'b'});
  source.add_bos.reset();
  source.add_eos.reset();
  EXPECT_FALSE(make(source)->add_bos());
  source.pre = "llama-bpe";
  EXPECT_TRUE(make(source)->add_bos()) << "Llama 3 begins every text";
  source.bos = -1;
  EXPECT_FALSE(make(source)->add_bos()) << "there is nothing to add";
}

TEST(Tokenizer, ControlTokensInUntrustedTextAreText) {
  const auto tokenizer = make(small_source());
  EXPECT_EQ(encode(*tokenizer, "<s>", {.parse_special = true}), std::vector<int32_t>{264});
  EXPECT_EQ(encode(*tokenizer, "<s>"), (std::vector<int32_t>{'<', 's', '>'}));
  EXPECT_EQ(encode(*tokenizer, "<tool>"), std::vector<int32_t>{266});
  EXPECT_EQ(tokenizer->decode(std::vector<int32_t>{264, 'x', 266}, {.skip_special = true}), "x<tool>");
}

TEST(Tokenizer, StrippingTokensTakeWhiteSpace) {
  auto source = small_source();
  source.strip_left = {264};
  source.strip_right = {266};
  const auto tokenizer = make(source);
  EXPECT_EQ(encode(*tokenizer, "x \n<s> y<tool> \xC2\xA0 <s>z", {.parse_special = true}),
            (std::vector<int32_t>{'x', 264, ' ', 'y', 266, 264, 'z'}));
}

TEST(Tokenizer, FindsTokensByText) {
  const auto tokenizer = make(small_source());
  EXPECT_EQ(tokenizer->find("</s>"), 265);
  EXPECT_EQ(tokenizer->find("abc"), 257);
  EXPECT_EQ(tokenizer->find(" "), ' ');
  EXPECT_EQ(tokenizer->find("abcd"), std::nullopt);
  EXPECT_EQ(tokenizer->token_bytes(0xFF), "\xFF");
  EXPECT_EQ(tokenizer->token_bytes(-1), "");
  EXPECT_EQ(tokenizer->token_bytes(267), "");
}

TEST(Tokenizer, EndOfGenerationIsWhatTheFileNamesAndKnownControlTokens) {
  auto source = small_source();
  for (const auto& [text, type] : {std::pair("<|eot_id|>", 3), std::pair("<|im_end|>", 4)}) {
    source.tokens.push_back(text);
    source.token_types.push_back(type);
  }
  const auto tokenizer = make(source);
  EXPECT_EQ(tokenizer->end_of_generation(), (std::vector<int32_t>{265, 267}));
  EXPECT_TRUE(tokenizer->is_end_of_generation(265));
  EXPECT_FALSE(tokenizer->is_end_of_generation(268)) << "a user-defined token is text";
  EXPECT_FALSE(tokenizer->is_end_of_generation(-1));
}

TEST(Tokenizer, BytesWithoutATokenVanish) {
  auto source = small_source();
  source.tokens[4] = "[none]";
  source.tokens['z'] = "[none either]";
  const auto tokenizer = make(source);
  EXPECT_EQ(encode(*tokenizer, "x\x04zy"), (std::vector<int32_t>{'x', 'y'}));
  EXPECT_EQ(encode(*tokenizer, "azb"), std::vector<int32_t>{256}) << "what stood on both sides merges";
  EXPECT_EQ(encode(*tokenizer, std::string(40, 'z') + "ab"), std::vector<int32_t>{256});
  EXPECT_TRUE(encode(*tokenizer, std::string(40, 'z')).empty());
}

TEST(Tokenizer, LongAndShortWordsMergeAlike) {
  const auto tokenizer = make(small_source());
  // 32 bytes are merged by scanning, 33 with a queue; a last byte that merges with nothing changes nothing
  // before it.
  for (const std::string_view unit : {"a", "ab", "abc", "aab", "aaabc", "aaaaab"}) {
    std::string word;
    while (word.size() < 32) word += unit;
    word.resize(32);
    auto want = encode(*tokenizer, word);
    want.push_back('y');
    EXPECT_EQ(encode(*tokenizer, word + "y"), want) << unit;
  }
}

TEST(Tokenizer, ManyThreadsGetTheSameIds) {
  const auto tokenizer = make(small_source("qwen2"));
  const std::string text = "abc aab aaaa été 123 " + std::string(100, 'a');
  const auto want = encode(*tokenizer, text);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int repeat = 0; repeat < 200; ++repeat) EXPECT_EQ(encode(*tokenizer, text), want);
    });
  }
  for (auto& thread : threads) thread.join();
}

// Each of these makes some naive step quadratic. A megabyte takes well under a second; quadratic time takes
// hours.
TEST(Tokenizer, HostileTextTakesLinearTime) {
  constexpr size_t kSize = 1 << 18;
  const auto repeated = [](std::string_view unit) {
    std::string text;
    while (text.size() < kSize) text += unit;
    return text;
  };
  const std::string texts[] = {
      std::string(1 << 20, 'a'),
      repeated("ab"),
      repeated(" "),
      repeated("\n"),
      repeated(" \n"),
      repeated("\r"),
      repeated("1"),
      repeated("'"),
      repeated("\xCC\x81"),          // acute
      repeated("\xCC\x81\xCC\xA3"),  // acute, dot below: every pair out of order
      "a" + repeated("\xCC\xA3\xCC\x81"),
      repeated("\xFF"),
      repeated("\xE2\x82"),
      repeated("<s"),
      repeated("<tool>"),
      repeated("\xE4\xBD\xA0"),
      repeated(" ") + "x",
      repeated("\xE3\x80\x80"),
      repeated("\xF0\x9F\x98\x80"),
  };
  for (const char* pre : {"gpt-2", "smollm", "llama-bpe", "qwen2"}) {
    const auto tokenizer = make(small_source(pre));
    for (const std::string& text : texts) {
      const std::clock_t begin = std::clock();  // processor time: a busy machine is no fault
      const auto ids = tokenizer->encode(text, {.parse_special = true});
      const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
      ASSERT_TRUE(ids.ok()) << pre << " " << text.substr(0, 8) << ": " << ids.status().to_string();
      EXPECT_LT(seconds, 30) << pre << " " << text.substr(0, 8);
    }
  }
}

TEST(Tokenizer, RefusesBadFiles) {
  const auto message = [](auto change) {
    auto source = small_source();
    change(source);
    auto tokenizer = Tokenizer::create(std::move(source));
    return tokenizer.ok() ? std::string("accepted") : tokenizer.status().to_string();
  };
  EXPECT_EQ(
      message([](auto& s) { s.model = "llama"; }),
      "unimplemented: tokenizer model 'llama' is not known; supported is 'gpt2' (byte-level byte pairs)");
  EXPECT_NE(message([](auto& s) { s.pre = "klingon"; }).find("'klingon' is not known; supported are gpt-2"),
            std::string::npos);
  EXPECT_EQ(message([](auto& s) { s.tokens.clear(); }), "invalid argument: the vocabulary is empty");
  EXPECT_EQ(message([](auto& s) { s.token_types.pop_back(); }),
            "invalid argument: the vocabulary has 267 tokens and 266 token types");
  EXPECT_EQ(message([](auto& s) { s.token_types[5] = 77; }),
            "invalid argument: token 5 'ą' has type 77; types are 1 to 6");
  EXPECT_EQ(message([](auto& s) { s.eos = 267; }),
            "invalid argument: the end-of-sequence token is 267, but the vocabulary has 267 tokens");
  EXPECT_EQ(message([](auto& s) { s.merges[1] = "nospace"; }),
            "invalid argument: merge 1 is 'nospace'; expected two tokens with a space between");
  EXPECT_EQ(message([](auto& s) { s.merges[1] = ""; }),
            "invalid argument: merge 1 is ''; expected two tokens with a space between");
  EXPECT_EQ(message([](auto& s) { s.merges[1] = "x y"; }),
            "invalid argument: merge 1 is 'x y', but its result is not in the vocabulary");
  EXPECT_EQ(message([](auto& s) { s.merges[1] = "x 漢"; }),
            "invalid argument: merge 1 is 'x 漢', which is not in the byte alphabet");
  EXPECT_EQ(message([](auto& s) { s.tokens[264] = std::string(600, '<'); }),
            "invalid argument: special token 264 has 600 bytes; at most 512 are supported");
}

TEST(StreamDecoder, HoldsBackWhatIsNotComplete) {
  const auto tokenizer = make(small_source());
  StreamDecoder stream(*tokenizer);
  EXPECT_EQ(stream.push(0xF0), "");
  EXPECT_EQ(stream.push(0x9F), "");
  EXPECT_EQ(stream.push(0x98), "");
  EXPECT_EQ(stream.push(0x80), "😀");
  EXPECT_EQ(stream.push(0xE2), "");
  EXPECT_EQ(stream.push('a'), "\uFFFDa") << "one for the broken start, as in Hugging Face tokenizers";
  EXPECT_EQ(stream.push(0xFF), "\uFFFD") << "can never begin anything";
  EXPECT_EQ(stream.push(0xE2), "");
  EXPECT_EQ(stream.finish(), "\uFFFD");
  EXPECT_EQ(stream.finish(), "");
}

}  // namespace
}  // namespace isthmus
