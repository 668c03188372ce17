// SPDX-License-Identifier: Apache-2.0
// Making a tokenizer from what a model file says, none of which is trusted.
#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "llm/tokenizer/byte_alphabet.h"
#include "llm/tokenizer/tokenizer.h"
#include "llm/tokenizer/utf8.h"

namespace isthmus {
namespace {

// Files name one or two of the tokens that end a reply; models also use these.
constexpr std::string_view kKnownEnds[] = {
    "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>", "<|im_end|>", "<|endoftext|>",
    "<|end|>",    "<|return|>", "<|call|>",        "<EOT>",      "<end_of_turn>",
};

// Text from a file as it may appear in a message.
std::string quoted(std::string_view text) {
  std::string shown;
  append_repaired_utf8(text.substr(0, 80), shown);
  return "'" + shown + (text.size() > 80 ? "…'" : "'");
}

Status check_id(std::string_view name, int32_t id, size_t size) {
  if (id < -1 || (id >= 0 && static_cast<size_t>(id) >= size))
    return invalid_argument("the {} token is {}, but the vocabulary has {} tokens", name, id, size);
  return ok();
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> Tokenizer::create(TokenizerSource source) {
  if (source.model != "gpt2")
    return unimplemented("tokenizer model {} is not known; supported is 'gpt2' (byte-level byte pairs)",
                         quoted(source.model));
  ASSIGN_OR_RETURN(const PreTokenizerRow* row, find_pre_tokenizer_row(source.pre));

  auto tokenizer = std::unique_ptr<Tokenizer>(new Tokenizer);
  ASSIGN_OR_RETURN(tokenizer->pre_tokenizer_, PreTokenizer::create(*row));
  tokenizer->nfc_ = row->nfc;
  tokenizer->ignore_merges_ = row->ignore_merges;
  RETURN_IF_ERROR(tokenizer->read_tokens(source));
  RETURN_IF_ERROR(tokenizer->read_special_tokens(source));
  RETURN_IF_ERROR(tokenizer->read_merges(source.merges));

  tokenizer->add_bos_ = source.add_bos.value_or(row->add_bos) && tokenizer->bos_ >= 0;
  tokenizer->add_eos_ = source.add_eos.value_or(false) && tokenizer->eos_ >= 0;
  return tokenizer;
}

Status Tokenizer::read_tokens(TokenizerSource& source) {
  const size_t size = source.tokens.size();
  if (size == 0) return invalid_argument("the vocabulary is empty");
  if (size > static_cast<size_t>(std::numeric_limits<int32_t>::max()))
    return invalid_argument("the vocabulary has {} tokens; ids have 31 bits", size);
  if (!source.token_types.empty() && source.token_types.size() != size)
    return invalid_argument("the vocabulary has {} tokens and {} token types", size,
                            source.token_types.size());

  types_.assign(size, TokenType::kNormal);
  for (size_t id = 0; id < source.token_types.size(); ++id) {
    const int32_t type = source.token_types[id];
    if (type < 0 || type > static_cast<int32_t>(TokenType::kByte))
      return invalid_argument("token {} {} has type {}; types are 1 to 6", id, quoted(source.tokens[id]),
                              type);
    if (type != 0) types_[id] = static_cast<TokenType>(type);  // 0 is written by some tools for "not said"
  }
  // Without types nothing in the file tells special tokens from others, except that it names some by their
  // id.
  const std::pair<std::string_view, int32_t> named[] = {
      {"beginning-of-sequence", source.bos}, {"end-of-sequence", source.eos}, {"end-of-turn", source.eot},
      {"end-of-message", source.eom},        {"unknown", source.unk},         {"padding", source.pad}};
  for (const auto& [name, id] : named) {
    RETURN_IF_ERROR(check_id(name, id, size));
    if (source.token_types.empty() && id >= 0) types_[id] = TokenType::kControl;
  }

  token_bytes_ = std::move(source.tokens);
  for (size_t id = 0; id < size; ++id) {
    const bool special = types_[id] == TokenType::kControl || types_[id] == TokenType::kUserDefined ||
                         types_[id] == TokenType::kUnused;
    if (special) continue;
    // An entry outside the alphabet cannot come out of merging; it decodes to its own text.
    if (auto bytes = bytes_from_alphabet(token_bytes_[id])) token_bytes_[id] = std::move(*bytes);
  }
  model_tokens_.reserve(size);
  for (size_t id = 0; id < size; ++id) {
    if (types_[id] != TokenType::kControl && types_[id] != TokenType::kUnused && !token_bytes_[id].empty())
      model_tokens_.try_emplace(token_bytes_[id], static_cast<int32_t>(id));
  }
  return ok();
}

Status Tokenizer::read_special_tokens(const TokenizerSource& source) {
  for (const auto& [name, ids] :
       {std::pair("left-stripping", &source.strip_left), std::pair("right-stripping", &source.strip_right)}) {
    for (const int32_t id : *ids) RETURN_IF_ERROR(check_id(name, id, size()));
  }
  const auto contains = [](const std::vector<int32_t>& ids, int32_t id) {
    return std::find(ids.begin(), ids.end(), id) != ids.end();
  };
  std::vector<SpecialToken> special;
  for (size_t i = 0; i < size(); ++i) {
    if (types_[i] != TokenType::kControl && types_[i] != TokenType::kUserDefined) continue;
    const auto id = static_cast<int32_t>(i);
    special.push_back({token_bytes_[i], id, types_[i] == TokenType::kControl, contains(source.strip_left, id),
                       contains(source.strip_right, id)});
  }
  ASSIGN_OR_RETURN(special_tokens_, SpecialTokens::create(std::move(special)));

  bos_ = source.bos;
  eos_ = source.eos;
  eot_ = source.eot;
  pad_ = source.pad;
  for (const int32_t id : {source.eos, source.eot, source.eom}) {
    if (id >= 0) end_of_generation_.push_back(id);
  }
  for (const std::string_view text : kKnownEnds) {
    const SpecialToken* token = special_tokens_.find(text);
    if (token && token->control) end_of_generation_.push_back(token->id);
  }
  auto& ends = end_of_generation_;
  std::sort(ends.begin(), ends.end());
  ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
  return ok();
}

Status Tokenizer::read_merges(const std::vector<std::string>& merges) {
  if (merges.size() >= std::numeric_limits<uint32_t>::max())
    return invalid_argument("{} merges; ranks have 32 bits", merges.size());
  const auto find_model_token = [&](std::string_view bytes) {
    const auto at = model_tokens_.find(bytes);
    return at == model_tokens_.end() ? BytePairEncoder::kNoToken : at->second;
  };
  std::array<int32_t, 256> token_of_byte;
  for (size_t byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    token_of_byte[byte] = find_model_token({&c, 1});
  }

  std::vector<BytePairEncoder::Merge> parsed;
  parsed.reserve(merges.size());
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const std::string_view merge = merges[rank];
    const size_t space = merge.find(' ', 1);
    if (space == std::string_view::npos)
      return invalid_argument("merge {} is {}; expected two tokens with a space between", rank,
                              quoted(merge));
    const auto left = bytes_from_alphabet(merge.substr(0, space));
    const auto right = bytes_from_alphabet(merge.substr(space + 1));
    if (!left || !right)
      return invalid_argument("merge {} is {}, which is not in the byte alphabet", rank, quoted(merge));
    const BytePairEncoder::Merge ids = {find_model_token(*left), find_model_token(*right),
                                        find_model_token(*left + *right)};
    for (const auto& [what, id] : {std::pair("left part", ids.left), std::pair("right part", ids.right),
                                   std::pair("result", ids.merged)}) {
      if (id == BytePairEncoder::kNoToken)
        return invalid_argument("merge {} is {}, but its {} is not in the vocabulary", rank, quoted(merge),
                                what);
    }
    parsed.push_back(ids);
  }
  encoder_.emplace(token_of_byte, parsed);
  return ok();
}

}  // namespace isthmus
