// SPDX-License-Identifier: Apache-2.0
// Text out of tokens that arrive one by one.
#pragma once

#include <cstdint>
#include <string>

#include "llm/tokenizer/tokenizer.h"

namespace isthmus {

// All pieces together are what Tokenizer::decode gives for all tokens at once. A code point whose bytes are
// spread over several tokens comes out with the last of them. The tokenizer must outlive this.
class StreamDecoder {
 public:
  explicit StreamDecoder(const Tokenizer& tokenizer, DecodeOptions options = {})
      : tokenizer_(&tokenizer), options_(options) {}

  // The text that is now certain; often empty. Always valid UTF-8.
  std::string push(int32_t token);
  // What was held back, as U+FFFD. The decoder can then be used for another text.
  std::string finish();

 private:
  const Tokenizer* tokenizer_;
  DecodeOptions options_;
  std::string held_;  // at most 3 bytes between calls
};

}  // namespace isthmus
