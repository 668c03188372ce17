// SPDX-License-Identifier: Apache-2.0
// Byte-level byte-pair tokenizers: text to token ids and back, as the model was trained with.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/status.h"
#include "llm/tokenizer/byte_pair_encoder.h"
#include "llm/tokenizer/pre_tokenizer.h"
#include "llm/tokenizer/special_tokens.h"
#include "llm/tokenizer/word_cache.h"

namespace isthmus {

// The numbers of GGUF's `tokenizer.ggml.token_type`.
enum class TokenType : int32_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,      // <|im_end|>: matched in trusted text, hidden from people
  kUserDefined = 4,  // <tool_call>: always matched, always shown
  kUnused = 5,       // padding of the vocabulary
  kByte = 6,
};

// What a model file says about its tokenizer, field by field as in the keys `tokenizer.ggml.*` of GGUF.
struct TokenizerSource {
  std::string model = "gpt2";       // .model
  std::string pre;                  // .pre
  std::vector<std::string> tokens;  // .tokens, normal ones in the byte alphabet ("Ġthe")
  std::vector<int32_t>
      token_types;                  // .token_type; may be empty: then all are normal except those named below
  std::vector<std::string> merges;  // .merges, "Ġ the"
  int32_t bos = -1;                 // .bos_token_id and so on; -1: none
  int32_t eos = -1;
  int32_t eot = -1;
  int32_t eom = -1;
  int32_t unk = -1;
  int32_t pad = -1;
  std::optional<bool> add_bos;  // .add_bos_token; unset: what the family does
  std::optional<bool> add_eos;  // .add_eos_token
  // Special tokens that swallow white space beside them. GGUF has no key for it; a model family may fill
  // these in.
  std::vector<int32_t> strip_left;
  std::vector<int32_t> strip_right;
};

struct EncodeOptions {
  bool parse_special = false;  // control tokens in the text count; only for text made by a chat template
  bool add_special = false;    // begin and end of sequence, where the model wants them
};

struct DecodeOptions {
  bool skip_special = false;  // leave out control tokens
};

// Immutable after creation; every function may be called from several threads at once.
class Tokenizer {
 public:
  // Longer text is refused: merging needs some 40 bytes of memory per byte of its longest word.
  static constexpr size_t kMaxTextBytes = size_t{256} << 20;

  static Result<std::unique_ptr<Tokenizer>> create(TokenizerSource source);

  // Bytes that are not UTF-8 are read as U+FFFD (as Python's errors='replace').
  Result<std::vector<int32_t>> encode(std::string_view text, EncodeOptions options = {}) const;

  // Valid UTF-8: broken bytes become U+FFFD. Ids outside the vocabulary are left out.
  std::string decode(std::span<const int32_t> tokens, DecodeOptions options = {}) const;
  // The bytes of one token, not necessarily UTF-8; empty for an id outside the vocabulary.
  std::string_view token_bytes(int32_t token) const;

  size_t size() const { return token_bytes_.size(); }
  TokenType type(int32_t token) const;  // kUnused for an id outside the vocabulary
  bool is_control(int32_t token) const { return type(token) == TokenType::kControl; }
  // The token with exactly this text: special tokens by their own ("<|im_end|>"), others by their bytes ("
  // the").
  std::optional<int32_t> find(std::string_view text) const;

  // Tokens that end a reply: those the file names, and control tokens known for it by their text. Sorted.
  const std::vector<int32_t>& end_of_generation() const { return end_of_generation_; }
  bool is_end_of_generation(int32_t token) const;

  // -1: none.
  int32_t bos() const { return bos_; }
  int32_t eos() const { return eos_; }
  int32_t eot() const { return eot_; }
  int32_t pad() const { return pad_; }
  bool add_bos() const { return add_bos_; }
  bool add_eos() const { return add_eos_; }

 private:
  Tokenizer() = default;
  Status read_tokens(TokenizerSource& source);
  Status read_special_tokens(const TokenizerSource& source);
  Status read_merges(const std::vector<std::string>& merges);
  Status encode_text(std::string_view text, WordCache* cache, std::vector<int32_t>& out) const;

  std::vector<std::string> token_bytes_;
  std::vector<TokenType> types_;
  // Tokens that merges may make, by their bytes; the keys point into token_bytes_.
  std::unordered_map<std::string_view, int32_t> model_tokens_;
  SpecialTokens special_tokens_;
  std::unique_ptr<PreTokenizer> pre_tokenizer_;
  std::optional<BytePairEncoder> encoder_;
  bool nfc_ = false;
  bool ignore_merges_ = false;
  int32_t bos_ = -1, eos_ = -1, eot_ = -1, pad_ = -1;
  bool add_bos_ = false, add_eos_ = false;
  std::vector<int32_t> end_of_generation_;

  // Used by whoever gets the lock; another thread at the same time does without.
  mutable std::mutex cache_mutex_;
  mutable WordCache cache_;
};

}  // namespace isthmus
