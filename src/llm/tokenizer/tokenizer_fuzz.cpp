// SPDX-License-Identifier: Apache-2.0
// Fuzz target: any text through every family, and tokenizers made of any bytes.
// The first byte chooses: even, the rest is text for a small fixed vocabulary; odd, the rest up to a zero
// byte is a tokenizer, one token or merge per line, and what follows is text.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llm/tokenizer/byte_alphabet.h"
#include "llm/tokenizer/stream_decoder.h"
#include "llm/tokenizer/tokenizer.h"
#include "llm/tokenizer/utf8.h"

namespace isthmus {
namespace {

constexpr const char* kPreTokenizers[] = {"gpt-2", "smollm", "llama-bpe", "qwen2"};

void require(bool truth) {
  if (!truth) std::abort();
}

TokenizerSource byte_source(std::string pre) {
  TokenizerSource source;
  source.pre = std::move(pre);
  for (int byte = 0; byte < 256; ++byte)
    source.tokens.push_back(bytes_to_alphabet(std::string(1, static_cast<char>(byte))));
  source.token_types.assign(256, 1);
  return source;
}

TokenizerSource fixed_source(const char* pre) {
  TokenizerSource source = byte_source(pre);
  for (const auto& [left, right] :
       {std::pair("a", "a"), {"aa", "aa"}, {"t", "h"}, {"th", "e"}, {"Ġ", "the"}, {"1", "2"}}) {
    source.merges.push_back(std::string(left) + " " + right);
    source.tokens.push_back(std::string(left) + right);
    source.token_types.push_back(1);
  }
  for (const auto& [text, type] : {std::pair("<s>", 3), {"<s>>", 3}, {"<tool>", 4}, {" ", 4}}) {
    source.tokens.push_back(text);
    source.token_types.push_back(type);
  }
  return source;
}

// A line "K text": K is the type of a token, or 'm' for a merge, or 'l' and 'r' for tokens that strip.
TokenizerSource source_from_lines(std::string_view lines, const char* pre) {
  TokenizerSource source = byte_source(pre);
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(lines.size(), line.size() + 1));
    const char kind = line.empty() ? '1' : line[0];
    const std::string text(line.substr(std::min<size_t>(2, line.size())));
    if (kind == 'm') {
      source.merges.push_back(text);
      continue;
    }
    const auto id = static_cast<int32_t>(source.tokens.size());
    if (kind == 'l') source.strip_left.push_back(id);
    if (kind == 'r') source.strip_right.push_back(id);
    source.tokens.push_back(text);
    source.token_types.push_back(kind == 'l' || kind == 'r' ? 3 : kind - '0');
  }
  return source;
}

// With every byte in the vocabulary nothing is lost, and a stream decodes like the whole.
void check(const Tokenizer& tokenizer, std::string_view text, bool parse_special, const std::string* want) {
  const auto ids = tokenizer.encode(text, {.parse_special = parse_special, .add_special = true});
  if (!ids.ok()) return;
  for (const int32_t id : *ids) require(id >= 0 && static_cast<size_t>(id) < tokenizer.size());
  const std::string whole = tokenizer.decode(*ids);
  require(is_valid_utf8(whole));
  if (want) require(whole == *want);
  StreamDecoder stream(tokenizer);
  std::string streamed;
  for (const int32_t id : *ids) streamed += stream.push(id);
  require(streamed + stream.finish() == whole);
}

const Tokenizer& fixed_tokenizer(size_t index) {
  static const auto tokenizers = [] {
    std::vector<std::unique_ptr<Tokenizer>> made;
    for (const char* pre : kPreTokenizers) made.push_back(Tokenizer::create(fixed_source(pre)).value());
    return made;
  }();
  return *tokenizers[index];
}

}  // namespace
}  // namespace isthmus

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace isthmus;
  if (size == 0) return 0;
  const uint8_t choice = data[0];
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t row = choice >> 1 & 3;
  const bool parse_special = choice >> 3 & 1;
  if (choice & 1) {
    const size_t end = std::min(rest.find('\0'), rest.size());
    auto tokenizer = Tokenizer::create(source_from_lines(rest.substr(0, end), kPreTokenizers[row]));
    if (tokenizer.ok()) check(**tokenizer, rest.substr(end), parse_special, nullptr);
    return 0;
  }
  std::string want;
  append_repaired_utf8(rest, want);
  // Qwen normalises, so its text need not come back as it was.
  const bool changes_text = row == 3;
  check(fixed_tokenizer(row), rest, parse_special, changes_text ? nullptr : &want);
  return 0;
}
