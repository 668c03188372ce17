// SPDX-License-Identifier: Apache-2.0
// The table of pre-tokenizers, and splitting with PCRE2.
#include "llm/tokenizer/pre_tokenizer.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <fmt/ranges.h>
#include <pcre2.h>

#include <algorithm>

#include "llm/tokenizer/unicode_additions.h"
#include "llm/tokenizer/utf8.h"

namespace isthmus {
namespace {

// Words with the space before them, numbers, everything else, runs of space.
constexpr std::string_view kGpt2 =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
// Digits one by one. The ranges are numbers of Unicode 17.0: this rule follows a newer version than the
// others.
constexpr std::string_view kSingleDigits = R"(\p{N}|[\x{11DE0}-\x{11DE9}\x{16FF4}-\x{16FF6}])";
// Numbers by up to three digits, a word takes any one mark or space before it, lines end with punctuation.
constexpr std::string_view kLlama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*)"
    R"(|\s*[\r\n]+|\s+(?!\S)|\s+)";
// The same with single digits.
constexpr std::string_view kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*)"
    R"(|\s*[\r\n]+|\s+(?!\S)|\s+)";

const std::vector<PreTokenizerRow>& table() {
  static const std::vector<PreTokenizerRow> rows = {
      {.names = {"gpt-2", "default", ""}, .patterns = {kGpt2}},
      {.names = {"smollm"}, .patterns = {kSingleDigits, kGpt2}},
      {.names = {"llama-bpe", "llama3", "llama-v3"},
       .patterns = {kLlama3},
       .ignore_merges = true,
       .add_bos = true},
      {.names = {"smaug-bpe"}, .patterns = {kLlama3}},  // SmolLM3
      {.names = {"qwen2", "deepseek-r1-qwen"}, .patterns = {kQwen2}, .nfc = true},
  };
  return rows;
}

std::string pcre2_message(int code) {
  PCRE2_UCHAR buffer[256];
  pcre2_get_error_message(code, buffer, sizeof buffer);
  return reinterpret_cast<const char*>(buffer);
}

struct FreeMatch {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};

}  // namespace

Result<const PreTokenizerRow*> find_pre_tokenizer_row(std::string_view name) {
  std::vector<std::string_view> known;
  for (const PreTokenizerRow& row : table()) {
    for (const std::string_view candidate : row.names) {
      if (candidate == name) return &row;
      if (!candidate.empty()) known.push_back(candidate);
    }
  }
  return unimplemented("pre-tokenizer '{}' is not known; supported are {}", name, fmt::join(known, ", "));
}

// One compiled expression. PCRE2's compiled code is read-only, so threads share it.
class PreTokenizer::Pattern {
 public:
  static Result<std::unique_ptr<Pattern>> compile(std::string_view source) {
    auto pattern = std::unique_ptr<Pattern>(new Pattern);
    int code = 0;
    PCRE2_SIZE offset = 0;
    pattern->code_ = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(source.data()), source.size(),
                                   PCRE2_UTF | PCRE2_UCP, &code, &offset, nullptr);
    if (!pattern->code_)
      return error(Code::kInternal, "pre-tokenizer pattern, byte {}: {}", offset, pcre2_message(code));
    pattern->context_ = pcre2_match_context_create(nullptr);
    if (!pattern->context_) return error(Code::kOutOfMemory, "no memory for a match context");
    pcre2_set_heap_limit(pattern->context_, kHeapLimitKibibytes);
    // Without just-in-time compilation the interpreter does the same, slower.
    (void)pcre2_jit_compile(pattern->code_, PCRE2_JIT_COMPLETE);
    return pattern;
  }
  ~Pattern() {
    pcre2_match_context_free(context_);
    pcre2_code_free(code_);
  }

  // Calls on_piece(offset, length) for matches and gaps in order.
  template <typename OnPiece>
  Status split(std::string_view text, const OnPiece& on_piece) const {
    const std::unique_ptr<pcre2_match_data, FreeMatch> data(pcre2_match_data_create(1, nullptr));
    if (!data) return error(Code::kOutOfMemory, "no memory for a match");
    size_t done = 0;  // pieces up to here have been given out
    size_t from = 0;  // where the next search starts
    while (from < text.size()) {
      int found = match(text, from, 0, data.get());
      // A long backtrack can exceed the small stack of compiled code; the interpreter keeps its stack on the
      // heap.
      if (found == PCRE2_ERROR_JIT_STACKLIMIT) found = match(text, from, PCRE2_NO_JIT, data.get());
      if (found == PCRE2_ERROR_NOMATCH) break;
      if (found < 0)
        return error(Code::kOutOfRange, "splitting {} bytes of text at byte {}: {}", text.size(), from,
                     pcre2_message(found));
      const PCRE2_SIZE* match_range = pcre2_get_ovector_pointer(data.get());
      if (match_range[1] ==
          match_range[0]) {  // none of the patterns can match nothing; never loop if one does
        from += utf8_step(text.substr(from)).length;
        continue;
      }
      if (match_range[0] > done) RETURN_IF_ERROR(on_piece(done, match_range[0] - done));
      RETURN_IF_ERROR(on_piece(match_range[0], match_range[1] - match_range[0]));
      done = from = match_range[1];
    }
    if (done < text.size()) return on_piece(done, text.size() - done);
    return ok();
  }

 private:
  static constexpr uint32_t kHeapLimitKibibytes = 256 * 1024;

  Pattern() = default;
  int match(std::string_view text, size_t from, uint32_t options, pcre2_match_data* data) const {
    return pcre2_match(code_, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), from,
                       options | PCRE2_NO_UTF_CHECK, data, context_);
  }

  pcre2_code* code_ = nullptr;
  pcre2_match_context* context_ = nullptr;
};

PreTokenizer::PreTokenizer() = default;
PreTokenizer::~PreTokenizer() = default;

Result<std::unique_ptr<PreTokenizer>> PreTokenizer::create(const PreTokenizerRow& row) {
  auto pre_tokenizer = std::unique_ptr<PreTokenizer>(new PreTokenizer);
  for (const std::string_view source : row.patterns) {
    ASSIGN_OR_RETURN(auto pattern, Pattern::compile(source));
    pre_tokenizer->patterns_.push_back(std::move(pattern));
  }
  return pre_tokenizer;
}

Status PreTokenizer::split(std::string_view text, const WordCallback& on_word) const {
  const auto stand_in = stand_in_text(text);
  return split_from(0, text, stand_in ? std::string_view(*stand_in) : text, on_word);
}

// `matched` is what the patterns see in place of `text`, byte for byte. The depth of the recursion is the
// number of patterns in the row. Each piece is matched as a text of its own, so that look-ahead ends where
// the piece ends.
Status PreTokenizer::split_from(size_t step, std::string_view text, std::string_view matched,
                                const WordCallback& on_word) const {
  if (step == patterns_.size()) {
    on_word(text);
    return ok();
  }
  return patterns_[step]->split(matched, [&](size_t offset, size_t length) {
    return split_from(step + 1, text.substr(offset, length), matched.substr(offset, length), on_word);
  });
}

}  // namespace isthmus
