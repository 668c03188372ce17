// SPDX-License-Identifier: Apache-2.0
// Splits a template into tokens. White space follows Jinja's trim_blocks and lstrip_blocks, both on: the
// newline behind a block or comment goes, and so do the blanks between the start of the line and one.
#include "llm/jinja/lexer.h"

#include <algorithm>
#include <array>

#include "llm/jinja/lex_literal.h"
#include "llm/jinja/unicode.h"

namespace isthmus::jinja {
namespace {

constexpr std::array<std::string_view, 27> kOperators = {"**", "//", "==", "!=", ">=", "<=", "+", "-", "/",
                                                         "*",  "%",  "~",  "[",  "]",  "(",  ")", "{", "}",
                                                         ">",  "<",  "=",  ".",  ":",  "|",  ",", ";", ""};

bool is_blank(std::string_view text) { return strip_left(text).empty(); }

// Newlines become \n, and one at the very end goes.
std::string normalize(std::string_view source) {
  std::string text;
  text.reserve(source.size());
  for (size_t i = 0; i < source.size(); i++) {
    if (source[i] != '\r') {
      text += source[i];
    } else {
      text += '\n';
      if (i + 1 < source.size() && source[i + 1] == '\n') i++;
    }
  }
  if (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

class Lexer {
 public:
  explicit Lexer(std::string source) : source_(std::move(source)) {}

  Result<std::vector<Token>> run() {
    if (const size_t bad = find_invalid_utf8(source_); bad != std::string_view::npos)
      return error_at(position(bad), "the template is not valid UTF-8");
    while (at_ < source_.size()) RETURN_IF_ERROR(text_and_tag());
    add(Token::Type::kEnd, source_.size());
    return std::move(tokens_);
  }

 private:
  std::string_view rest() const { return std::string_view(source_).substr(at_); }
  bool looking_at(std::string_view word) const { return rest().starts_with(word); }

  // Positions are asked for in rising order, so the walk goes on from the last one.
  Position position(size_t offset) {
    for (; counted_ < offset; counted_++) {
      if (source_[counted_] == '\n') {
        counted_position_.line++;
        counted_position_.column = 1;
      } else if ((static_cast<unsigned char>(source_[counted_]) & 0xC0) != 0x80) {
        counted_position_.column++;
      }
    }
    return counted_position_;
  }

  Token& add(Token::Type type, size_t offset, std::string text = {}) {
    tokens_.push_back(Token{type, std::move(text), Value(), position(offset)});
    return tokens_.back();
  }

  void skip_space() { at_ = source_.size() - strip_left(rest()).size(); }

  // Adds the text before a tag, without the blanks the tag's mark or the rules for blocks take away.
  void add_text(size_t start, std::string_view text, char mark, bool is_print) {
    if (mark == '-') {
      text = strip_right(text);
    } else if (mark != '+' && !is_print) {
      const size_t newline = text.rfind('\n');
      const size_t line = newline == std::string_view::npos ? 0 : newline + 1;
      if ((line > 0 || line_starting_) && is_blank(text.substr(line))) text = text.substr(0, line);
    }
    if (!text.empty()) add(Token::Type::kText, start, std::string(text));
  }

  char take_mark() {
    if (at_ < source_.size() && (source_[at_] == '-' || source_[at_] == '+')) return source_[at_++];
    return 0;
  }

  // Behind the end of a block or comment: "-" takes all white space, else one newline goes, unless "+" keeps
  // it.
  void finish_tag(char mark) {
    if (mark == '-') {
      skip_space();
    } else if (mark != '+' && looking_at("\n")) {
      at_++;
    }
    line_starting_ = at_ > 0 && source_[at_ - 1] == '\n';
  }

  Status text_and_tag() {
    const size_t start = at_;
    size_t tag = start;
    for (;; tag++) {
      tag = source_.find('{', tag);
      if (tag == std::string::npos || tag + 1 >= source_.size()) {
        add(Token::Type::kText, start, source_.substr(start));
        at_ = source_.size();
        return ok();
      }
      const char next = source_[tag + 1];
      if (next == '{' || next == '%' || next == '#') break;
    }
    const char kind = source_[tag + 1];
    const std::string_view text = std::string_view(source_).substr(start, tag - start);
    at_ = tag + 2;
    const char mark = take_mark();
    if (kind == '%') {
      if (const size_t body = raw_body(); body != 0) {
        add_text(start, text, mark, false);
        at_ = body;
        line_starting_ = source_[at_ - 1] == '\n';
        return raw(tag);
      }
    }
    add_text(start, text, mark, kind == '{');
    line_starting_ = false;
    if (kind == '#') return comment(tag);
    add(kind == '%' ? Token::Type::kBlockBegin : Token::Type::kPrintBegin, tag);
    return expression(kind == '%', tag);
  }

  Status comment(size_t tag) {
    const size_t end = source_.find("#}", at_);
    if (end == std::string::npos) return error_at(position(tag), "this comment is never closed with '#}'");
    const char mark = end > at_ ? source_[end - 1] : 0;
    at_ = end + 2;
    finish_tag(mark);
    return ok();
  }

  // Behind "{%": where the body starts if this is {% raw %}, else 0.
  size_t raw_body() const {
    std::string_view text = strip_left(rest());
    if (!text.starts_with("raw")) return 0;
    text = strip_left(text.substr(3));
    if (text.starts_with("-%}")) return source_.size() - strip_left(text.substr(3)).size();
    return text.starts_with("%}") ? source_.size() - text.size() + 2 : 0;
  }

  Status raw(size_t tag) {
    const size_t start = at_;
    for (size_t end = source_.find("{%", start); end != std::string::npos;
         end = source_.find("{%", end + 1)) {
      at_ = end + 2;
      const char mark = take_mark();
      std::string_view text = strip_left(rest());
      if (!text.starts_with("endraw")) continue;
      text = strip_left(text.substr(6));
      const char end_mark = text.starts_with('-') || text.starts_with('+') ? text[0] : 0;
      if (!text.substr(end_mark ? 1 : 0).starts_with("%}")) continue;
      add_text(start, std::string_view(source_).substr(start, end - start), mark, false);
      at_ = source_.size() - text.size() + (end_mark ? 3 : 2);
      finish_tag(end_mark);
      return ok();
    }
    return error_at(position(tag), "this raw block is never closed with '{% endraw %}'");
  }

  // The inside of {{ … }} or {% … %}, and its end.
  Status expression(bool is_block, size_t tag) {
    std::string open;  // brackets still to be closed
    const std::string_view close = is_block ? "%}" : "}}";
    for (;;) {
      skip_space();
      if (at_ >= source_.size())
        return error_at(position(tag), fmt::format("this tag is never closed with '{}'", close));
      if (open.empty()) {
        const char mark = looking_at("-") || (is_block && looking_at("+")) ? source_[at_] : 0;
        if (rest().substr(mark ? 1 : 0).starts_with(close)) {
          add(is_block ? Token::Type::kBlockEnd : Token::Type::kPrintEnd, at_);
          at_ += mark ? 3 : 2;
          if (is_block || mark) {
            finish_tag(mark);
          } else {
            line_starting_ = false;
          }
          return ok();
        }
      }
      RETURN_IF_ERROR(word(open));
    }
  }

  Status word(std::string& open) {
    const size_t start = at_;
    size_t next = at_;
    const char32_t c = next_character(source_, next);
    if (is_digit(c) && c < 0x80) return number();
    if (c == '\'' || c == '"') return string();
    if (c >= 0x80 || is_word(c)) {
      while (at_ < source_.size()) {
        next = at_;
        const char32_t letter = next_character(source_, next);
        if (letter < 0x80 ? !is_word(letter) : is_space(letter)) break;
        at_ = next;
      }
      add(Token::Type::kName, start, source_.substr(start, at_ - start));
      return ok();
    }
    const auto symbol = *std::find_if(kOperators.begin(), kOperators.end(),
                                      [&](std::string_view candidate) { return looking_at(candidate); });
    if (symbol.empty())
      return error_at(position(start),
                      fmt::format("unexpected character {}", source_.substr(start, next - start)));
    RETURN_IF_ERROR(balance(symbol, open));
    add(Token::Type::kOperator, start, std::string(symbol));
    at_ += symbol.size();
    return ok();
  }

  Status balance(std::string_view symbol, std::string& open) {
    if (symbol == "(" || symbol == "[" || symbol == "{") {
      open += symbol == "(" ? ')' : symbol == "[" ? ']' : '}';
    } else if (symbol == ")" || symbol == "]" || symbol == "}") {
      if (open.empty()) return error_at(position(at_), fmt::format("unexpected '{}'", symbol));
      if (open.back() != symbol[0])
        return error_at(position(at_), fmt::format("unexpected '{}', expected '{}'", symbol, open.back()));
      open.pop_back();
    }
    return ok();
  }

  Status number() {
    const size_t length = number_length(rest(), at_ > 0 && source_[at_ - 1] == '.');
    Result<Value> value = parse_number(rest().substr(0, length));
    if (!value.ok()) return error_at(position(at_), value.status().message());
    add(Token::Type::kNumber, at_).value = std::move(value).value();
    at_ += length;
    return ok();
  }

  Status string() {
    const char mark = source_[at_];
    size_t end = at_ + 1;
    while (end < source_.size() && source_[end] != mark) end += source_[end] == '\\' ? 2 : 1;
    if (end >= source_.size()) return error_at(position(at_), "this string is never closed");
    Result<std::string> text = unescape(std::string_view(source_).substr(at_ + 1, end - at_ - 1));
    if (!text.ok()) return error_at(position(at_), text.status().message());
    add(Token::Type::kString, at_, std::move(text).value());
    at_ = end + 1;
    return ok();
  }

  std::string source_;
  size_t at_ = 0;
  bool line_starting_ = true;  // whether at_ is the first character of a line, for lstrip_blocks
  size_t counted_ = 0;
  Position counted_position_;
  std::vector<Token> tokens_;
};

}  // namespace

Status error_at(Position at, std::string_view message) {
  return invalid_argument("line {}, column {}: {}", at.line, at.column, message);
}

Result<std::vector<Token>> tokenize(std::string_view source) { return Lexer(normalize(source)).run(); }

}  // namespace isthmus::jinja
