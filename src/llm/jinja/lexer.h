// SPDX-License-Identifier: Apache-2.0
// Splits a template into text, tags and the words and operators inside tags.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "llm/jinja/value.h"

namespace isthmus::jinja {

struct Position {
  uint32_t line = 1, column = 1;
};

struct Token {
  enum class Type {
    kText,
    kBlockBegin,
    kBlockEnd,
    kPrintBegin,
    kPrintEnd,
    kName,
    kString,
    kNumber,
    kOperator,
    kEnd
  };

  Type type = Type::kEnd;
  std::string text;  // the text, name, operator, or the string without its quotes and escapes
  Value value;       // of a number
  Position at;

  bool is(Type other) const { return type == other; }
  bool is_name(std::string_view name) const { return type == Type::kName && text == name; }
  bool is_operator(std::string_view symbol) const { return type == Type::kOperator && text == symbol; }
};

// "line 3, column 14: MESSAGE"
Status error_at(Position at, std::string_view message);

// White space around tags is already gone from the text tokens, as `-` and `+` marks, trim_blocks and
// lstrip_blocks ask. The last token is kEnd. Errors: broken UTF-8, unknown characters, unclosed tags, strings
// and brackets.
Result<std::vector<Token>> tokenize(std::string_view source);

}  // namespace isthmus::jinja
