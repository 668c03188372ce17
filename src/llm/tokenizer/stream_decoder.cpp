// SPDX-License-Identifier: Apache-2.0
// Text out of tokens that arrive one by one.
#include "llm/tokenizer/stream_decoder.h"

#include <string_view>
#include <utility>

#include "llm/tokenizer/utf8.h"

namespace isthmus {

std::string StreamDecoder::push(int32_t token) {
  if (options_.skip_special && tokenizer_->is_control(token)) return {};
  held_ += tokenizer_->token_bytes(token);
  const size_t certain = held_.size() - incomplete_utf8_tail(held_);
  std::string text;
  append_repaired_utf8(std::string_view(held_).substr(0, certain), text);
  held_.erase(0, certain);
  return text;
}

std::string StreamDecoder::finish() {
  std::string text;
  append_repaired_utf8(std::exchange(held_, {}), text);
  return text;
}

}  // namespace isthmus
