// SPDX-License-Identifier: Apache-2.0
// Cuts text into the words that byte pairs may not cross, by the rules of each model family.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace isthmus {

// What a file only names in `tokenizer.ggml.pre`: one row of the table in pre_tokenizer.cpp.
struct PreTokenizerRow {
  std::vector<std::string_view> names;
  // Regular expressions applied one after the other; each cuts the pieces of the one before into its matches
  // and what lies between them.
  std::vector<std::string_view> patterns;
  bool nfc = false;            // Unicode form C first
  bool ignore_merges = false;  // a word that is itself a token is that token, whatever the merges say
  bool add_bos = false;        // when the file does not say
};

// The row of a name; "" and "default" are GPT-2's. An unknown name is an error that lists what is supported.
Result<const PreTokenizerRow*> find_pre_tokenizer_row(std::string_view name);

class PreTokenizer {
 public:
  static Result<std::unique_ptr<PreTokenizer>> create(const PreTokenizerRow& row);
  ~PreTokenizer();

  using WordCallback = std::function<void(std::string_view)>;
  // Calls `on_word` for every word in order; together they are `text`, which must be valid UTF-8. May be
  // called from several threads at once. Fails only when a pattern exceeds its limits of time or memory on
  // this text.
  Status split(std::string_view text, const WordCallback& on_word) const;

 private:
  class Pattern;
  PreTokenizer();
  Status split_from(size_t step, std::string_view text, std::string_view matched,
                    const WordCallback& on_word) const;

  std::vector<std::unique_ptr<Pattern>> patterns_;
};

}  // namespace isthmus
