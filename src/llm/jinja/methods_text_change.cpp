// SPDX-License-Identifier: Apache-2.0
// Methods of strings that give changed text or its parts: strip, split, replace, upper, join, format, …
#include <algorithm>
#include <unordered_map>

#include "llm/jinja/format.h"
#include "llm/jinja/text_methods.h"
#include "llm/jinja/unicode.h"

namespace isthmus::jinja {
namespace {

// The result of a method is as safe from escaping as the text it came from.
Result<Value> like(Runtime& runtime, const Value& self, std::string text) {
  return runtime.text(std::move(text), self.text().markup);
}

template <std::string (*kChange)(std::string_view)>
Result<Value> change_case(Runtime& runtime, const Value& self, Arguments& arguments) {
  RETURN_IF_ERROR(Parameters::bind("the method", arguments, {}).status());
  RETURN_IF_ERROR(runtime.charge(self.as_string().size() * 4));
  return like(runtime, self, kChange(self.as_string()));
}

template <bool kLeft, bool kRight>
Result<Value> strip(Runtime& runtime, const Value& self, Arguments& arguments) {
  ASSIGN_OR_RETURN(const Parameters parameters, Parameters::bind("strip", arguments, {"chars"}));
  std::string_view text = self.as_string();
  if (parameters.is_none(0)) {
    if (kLeft) text = strip_left(text);
    if (kRight) text = strip_right(text);
    return like(runtime, self, std::string(text));
  }
  ASSIGN_OR_RETURN(const std::string given, parameters.string(0, ""));
  const std::u32string chars = to_characters(given), all = to_characters(text);
  RETURN_IF_ERROR(runtime.step(all.size() * chars.size() / 16));
  std::u32string_view rest = all;
  if (kLeft) rest.remove_prefix(std::min(rest.find_first_not_of(chars), rest.size()));
  if (kRight) rest = rest.substr(0, rest.find_last_not_of(chars) + 1);
  return like(runtime, self, to_utf8(rest));
}

Result<Value> parts_of(Runtime& runtime, const Value& self, const std::vector<std::string_view>& parts) {
  List items;
  RETURN_IF_ERROR(runtime.charge(parts.size() * (sizeof(Value) + sizeof(Text))));
  RETURN_IF_ERROR(runtime.charge(self.as_string().size()));
  for (const std::string_view part : parts) items.emplace_back(std::string(part), self.text().markup);
  return runtime.list(std::move(items));
}

// At white space, from the left.
std::vector<std::string_view> split_words(std::string_view text, Integer limit) {
  std::vector<std::string_view> parts;
  for (text = strip_left(text); !text.empty(); text = strip_left(text)) {
    if (limit >= 0 && static_cast<Integer>(parts.size()) == limit) {
      parts.push_back(text);
      break;
    }
    size_t end = 0;
    while (end < text.size()) {
      size_t next = end;
      if (is_space(next_character(text, next))) break;
      end = next;
    }
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return parts;
}

// At white space, from the right.
std::vector<std::string_view> split_words_right(std::string_view text, Integer limit) {
  std::vector<std::string_view> parts;
  for (text = strip_right(text); !text.empty(); text = strip_right(text)) {
    if (limit >= 0 && static_cast<Integer>(parts.size()) == limit) {
      parts.push_back(text);
      break;
    }
    size_t start = 0;  // of the last word: behind the last white space
    for (size_t at = 0; at < text.size();)
      if (is_space(next_character(text, at))) start = at;
    parts.push_back(text.substr(start));
    text = text.substr(0, start);
    if (limit < 0) break;
  }
  std::reverse(parts.begin(), parts.end());
  return parts;
}

template <bool kFromRight>
Result<Value> split(Runtime& runtime, const Value& self, Arguments& arguments) {
  ASSIGN_OR_RETURN(const Parameters parameters, Parameters::bind("split", arguments, {"sep", "maxsplit"}));
  ASSIGN_OR_RETURN(const Integer limit, parameters.integer(1, -1));
  const std::string& text = self.as_string();
  std::vector<std::string_view> parts;
  if (parameters.is_none(0)) {
    const bool from_right = kFromRight && limit >= 0;  // without a limit both ways give the same
    if (from_right)
      RETURN_IF_ERROR(runtime.step(text.size() * static_cast<uint64_t>(std::min<Integer>(limit, 1000)) / 64));
    parts = from_right ? split_words_right(text, limit) : split_words(text, limit);
    return parts_of(runtime, self, parts);
  }
  ASSIGN_OR_RETURN(const std::string separator, parameters.string(0, ""));
  if (separator.empty()) return invalid_argument("'split' needs a separator that is not empty");
  std::string_view rest = text;
  while (limit < 0 || static_cast<Integer>(parts.size()) < limit) {
    const size_t at = kFromRight ? rest.rfind(separator) : rest.find(separator);
    if (at == std::string_view::npos) break;
    parts.push_back(kFromRight ? rest.substr(at + separator.size()) : rest.substr(0, at));
    rest = kFromRight ? rest.substr(0, at) : rest.substr(at + separator.size());
  }
  parts.push_back(rest);
  if (kFromRight) std::reverse(parts.begin(), parts.end());
  return parts_of(runtime, self, parts);
}

Result<Value> splitlines(Runtime& runtime, const Value& self, Arguments& arguments) {
  ASSIGN_OR_RETURN(const Parameters parameters, Parameters::bind("splitlines", arguments, {"keepends"}));
  std::vector<std::string_view> lines;
  split_lines(self.as_string(), lines, parameters.truthy(0));
  return parts_of(runtime, self, lines);
}

template <bool kFromRight>
Result<Value> partition(Runtime&, const Value& self, Arguments& arguments) {
  ASSIGN_OR_RETURN(const Parameters parameters, Parameters::bind("partition", arguments, {"sep"}, 1));
  ASSIGN_OR_RETURN(const std::string separator, parameters.string(0, ""));
  if (separator.empty()) return invalid_argument("'partition' needs a separator that is not empty");
  const std::string& text = self.as_string();
  const size_t at = kFromRight ? text.rfind(separator) : text.find(separator);
  const auto part = [&](std::string piece) { return Value(std::move(piece), self.text().markup); };
  if (at == std::string::npos)
    return kFromRight ? make_tuple({part(""), part(""), self}) : make_tuple({self, part(""), part("")});
  return make_tuple({part(text.substr(0, at)), part(separator), part(text.substr(at + separator.size()))});
}

Result<Value> replace(Runtime& runtime, const Value& self, Arguments& arguments) {
  ASSIGN_OR_RETURN(const Parameters parameters,
                   Parameters::bind("replace", arguments, {"old", "new", "count"}, 2));
  ASSIGN_OR_RETURN(const std::string from, parameters.string(0, ""));
  ASSIGN_OR_RETURN(const std::string to, parameters.string(1, ""));
  ASSIGN_OR_RETURN(const Integer count, parameters.integer(2, -1));
  ASSIGN_OR_RETURN(std::string text, replace_text(runtime, self.as_string(), from, to, count));
  return like(runtime, self, std::move(text));
}

Result<Value> join(Runtime& runtime, const Value& self, Arguments& arguments) {
  ASSIGN_OR_RETURN(const Parameters parameters, Parameters::bind("join", arguments, {"iterable"}, 1));
  ASSIGN_OR_RETURN(const List items, runtime.items_of(parameters[0]));
  std::string text;
  for (size_t i = 0; i < items.size(); i++) {
    if (!items[i].is_string())
      return invalid_argument("'join' needs strings, but item {} is of type '{}'", i, type_name(items[i]));
    RETURN_IF_ERROR(runtime.charge(self.as_string().size() + items[i].as_string().size()));
    if (text.size() > runtime.limits().output_bytes)
      return error(Code::kOutOfRange, "'join' makes a text of more than {} bytes",
                   runtime.limits().output_bytes);
    if (i) text += self.as_string();
    text += items[i].as_string();
  }
  return like(runtime, self, std::move(text));
}

Result<Value> removeprefix(Runtime& runtime, const Value& self, Arguments& arguments) {
  ASSIGN_OR_RETURN(const Parameters parameters, Parameters::bind("removeprefix", arguments, {"prefix"}, 1));
  ASSIGN_OR_RETURN(const std::string prefix, parameters.string(0, ""));
  if (!self.as_string().starts_with(prefix)) return self;
  return like(runtime, self, self.as_string().substr(prefix.size()));
}

Result<Value> removesuffix(Runtime& runtime, const Value& self, Arguments& arguments) {
  ASSIGN_OR_RETURN(const Parameters parameters, Parameters::bind("removesuffix", arguments, {"suffix"}, 1));
  ASSIGN_OR_RETURN(const std::string suffix, parameters.string(0, ""));
  if (!self.as_string().ends_with(suffix)) return self;
  return like(runtime, self, self.as_string().substr(0, self.as_string().size() - suffix.size()));
}

enum class Side { kLeft, kRight, kCenter, kZeros };

template <Side kSide>
Result<Value> pad(Runtime& runtime, const Value& self, Arguments& arguments) {
  ASSIGN_OR_RETURN(const Parameters parameters,
                   Parameters::bind("the method", arguments, {"width", "fillchar"}, 1));
  ASSIGN_OR_RETURN(const Integer width, parameters.integer(0, 0));
  ASSIGN_OR_RETURN(std::string fill, parameters.string(1, kSide == Side::kZeros ? "0" : " "));
  if (count_characters(fill) != 1)
    return invalid_argument("the fill character must be exactly one character");
  const Integer missing = width - static_cast<Integer>(count_characters(self.as_string()));
  if (missing <= 0) return self;
  if (missing > Integer{1} << 40) return error(Code::kOutOfRange, "a text is padded too wide");
  RETURN_IF_ERROR(runtime.charge(static_cast<uint64_t>(missing) * fill.size()));
  const auto blanks = [&](Integer count) {
    std::string text;
    for (Integer i = 0; i < count; i++) text += fill;
    return text;
  };
  std::string text = self.as_string();
  switch (kSide) {
    case Side::kLeft: text += blanks(missing); break;
    case Side::kRight: text = blanks(missing) + text; break;
    case Side::kZeros: {
      const size_t sign = text.starts_with('-') || text.starts_with('+') ? 1 : 0;
      text.insert(sign, blanks(missing));
      break;
    }
    case Side::kCenter: {
      const Integer left = missing / 2 + (missing & width & 1);  // where Python puts the odd blank
      text = blanks(left) + text + blanks(missing - left);
    }
  }
  return like(runtime, self, std::move(text));
}

Result<Value> expandtabs(Runtime& runtime, const Value& self, Arguments& arguments) {
  ASSIGN_OR_RETURN(const Parameters parameters, Parameters::bind("expandtabs", arguments, {"tabsize"}));
  ASSIGN_OR_RETURN(const Integer size, parameters.integer(0, 8));
  if (size > 1000) return error(Code::kOutOfRange, "tabs wider than 1000 columns");
  std::string out;
  Integer column = 0;
  const std::string& text = self.as_string();
  RETURN_IF_ERROR(runtime.charge(text.size() * static_cast<uint64_t>(std::max<Integer>(size, 1))));
  for (size_t at = 0; at < text.size();) {
    const char32_t c = next_character(text, at);
    if (c == '\t') {
      const Integer blanks = size > 0 ? size - column % size : 0;
      out.append(static_cast<size_t>(blanks), ' ');
      column += blanks;
    } else {
      append(out, c);
      column = c == '\n' || c == '\r' ? 0 : column + 1;
    }
  }
  return like(runtime, self, std::move(out));
}

Result<Value> format(Runtime& runtime, const Value& self, Arguments& arguments) {
  return format_braces(runtime, self.text(), arguments);
}

}  // namespace

Result<std::string> replace_text(Runtime& runtime, std::string_view text, std::string_view from,
                                 std::string_view to, Integer count) {
  std::string out;
  const auto add = [&](std::string_view part) -> Status {
    RETURN_IF_ERROR(runtime.charge(part.size()));
    out += part;
    if (out.size() > runtime.limits().output_bytes)
      return error(Code::kOutOfRange, "'replace' makes a text of more than {} bytes",
                   runtime.limits().output_bytes);
    return ok();
  };
  size_t at = 0;
  for (; count != 0; count--) {
    // Nothing is found in front of every character and at the end.
    const size_t found = from.empty() ? at : text.find(from, at);
    if (found == std::string_view::npos) break;
    RETURN_IF_ERROR(add(text.substr(at, found - at)));
    RETURN_IF_ERROR(add(to));
    at = found + from.size();
    if (from.empty()) {
      if (at >= text.size()) break;
      size_t next = at;
      next_character(text, next);
      RETURN_IF_ERROR(add(text.substr(at, next - at)));
      at = next;
    }
  }
  RETURN_IF_ERROR(add(text.substr(at)));
  return out;
}

void split_lines(std::string_view text, std::vector<std::string_view>& lines, bool keep_ends) {
  size_t start = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = at;
    const char32_t c = next_character(text, at);
    if (!is_line_break(c)) continue;
    if (c == '\r' && at < text.size() && text[at] == '\n') at++;
    lines.push_back(text.substr(start, (keep_ends ? at : end) - start));
    start = at;
  }
  if (start < text.size()) lines.push_back(text.substr(start));
}

Method find_text_change(std::string_view name) {
  static const std::unordered_map<std::string_view, Method> table = {
      {"upper", change_case<to_upper>},
      {"lower", change_case<to_lower>},
      {"casefold", change_case<to_lower>},
      {"capitalize", change_case<capitalize>},
      {"swapcase", change_case<swap_case>},
      {"title", change_case<title_words>},
      {"strip", strip<true, true>},
      {"lstrip", strip<true, false>},
      {"rstrip", strip<false, true>},
      {"split", split<false>},
      {"rsplit", split<true>},
      {"splitlines", splitlines},
      {"partition", partition<false>},
      {"rpartition", partition<true>},
      {"replace", replace},
      {"join", join},
      {"removeprefix", removeprefix},
      {"removesuffix", removesuffix},
      {"ljust", pad<Side::kLeft>},
      {"rjust", pad<Side::kRight>},
      {"center", pad<Side::kCenter>},
      {"zfill", pad<Side::kZeros>},
      {"expandtabs", expandtabs},
      {"format", format},
  };
  const auto it = table.find(name);
  return it == table.end() ? nullptr : it->second;
}

}  // namespace isthmus::jinja
