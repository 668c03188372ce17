// SPDX-License-Identifier: Apache-2.0
// Methods of strings that look at text: startswith, find, count, isdigit, …
#include <algorithm>
#include <unordered_map>

#include "llm/jinja/text_methods.h"
#include "llm/jinja/unicode.h"

namespace isthmus::jinja {
namespace {

// The part of the text between two character positions, as find(sub, start, end) and the like take them.
struct Window {
  std::u32string characters;
  size_t start = 0;
  bool empty = false;  // start lies behind end: not even nothing is found there

  std::u32string_view text() const { return std::u32string_view(characters).substr(start); }
};

Result<Window> window_of(Runtime& runtime, const Value& self, const Parameters& parameters) {
  RETURN_IF_ERROR(runtime.charge(self.as_string().size()));
  Window window{to_characters(self.as_string())};
  const auto size = static_cast<Integer>(window.characters.size());
  const auto place = [&](size_t i, Integer otherwise) -> Result<Integer> {
    if (parameters.is_none(i)) return otherwise;
    ASSIGN_OR_RETURN(Integer at, parameters.integer(i, otherwise));
    if (at < 0) at = std::max<Integer>(at + size, 0);
    return at;
  };
  ASSIGN_OR_RETURN(const Integer start, place(1, 0));
  ASSIGN_OR_RETURN(const Integer end, place(2, size));
  window.empty = start > std::min(end, size);
  if (!window.empty) {
    window.characters.resize(static_cast<size_t>(std::min(end, size)));
    window.start = static_cast<size_t>(start);
  }
  return window;
}

// startswith and endswith: one string, or a tuple of which any may fit.
template <bool kEnd>
Result<Value> affix(Runtime& runtime, const Value& self, Arguments& arguments) {
  ASSIGN_OR_RETURN(const Parameters parameters, Parameters::bind(kEnd ? "endswith" : "startswith", arguments,
                                                                 {"prefix", "start", "end"}, 1));
  List candidates = {parameters[0]};
  if (parameters[0].is(Value::Kind::kSequence) && parameters[0].sequence().is_tuple())
    candidates = parameters[0].sequence().items;
  std::string part;
  bool in_part = true;
  std::string_view text = self.as_string();
  if (parameters.has(1)) {
    ASSIGN_OR_RETURN(const Window window, window_of(runtime, self, parameters));
    part = to_utf8(window.text());
    text = part;
    in_part = !window.empty;
  }
  for (const Value& candidate : candidates) {
    if (!candidate.is_string())
      return invalid_argument("'{}' needs a string or a tuple of strings, not '{}'",
                              kEnd ? "endswith" : "startswith", type_name(candidate));
    const std::string& affix = candidate.as_string();
    if (in_part && (kEnd ? text.ends_with(affix) : text.starts_with(affix))) return Value(true);
  }
  return Value(false);
}

template <bool kFromRight, bool kMustBeThere>
Result<Value> find(Runtime& runtime, const Value& self, Arguments& arguments) {
  ASSIGN_OR_RETURN(const Parameters parameters,
                   Parameters::bind("find", arguments, {"sub", "start", "end"}, 1));
  ASSIGN_OR_RETURN(const std::string wanted, parameters.string(0, ""));
  ASSIGN_OR_RETURN(const Window window, window_of(runtime, self, parameters));
  const std::u32string sub = to_characters(wanted);
  const std::u32string_view text = window.text();
  const size_t at = window.empty ? std::u32string_view::npos : kFromRight ? text.rfind(sub) : text.find(sub);
  if (at != std::u32string_view::npos) return Value::from_size(window.start + at);
  if (kMustBeThere) return invalid_argument("the text to be found is not there");
  return Value(-1);
}

Result<Value> count(Runtime& runtime, const Value& self, Arguments& arguments) {
  ASSIGN_OR_RETURN(const Parameters parameters,
                   Parameters::bind("count", arguments, {"sub", "start", "end"}, 1));
  ASSIGN_OR_RETURN(const std::string wanted, parameters.string(0, ""));
  ASSIGN_OR_RETURN(const Window window, window_of(runtime, self, parameters));
  const std::u32string sub = to_characters(wanted);
  const std::u32string_view text = window.text();
  if (window.empty) return Value(0);
  if (sub.empty()) return Value::from_size(text.size() + 1);
  size_t found = 0;
  for (size_t at = text.find(sub); at != std::u32string_view::npos; at = text.find(sub, at + sub.size()))
    found++;
  return Value::from_size(found);
}

// True for text that is not empty and all of whose characters are of the class.
template <bool (*kInClass)(char32_t)>
Result<Value> all_are(Runtime&, const Value& self, Arguments& arguments) {
  RETURN_IF_ERROR(Parameters::bind("the method", arguments, {}).status());
  const std::u32string text = to_characters(self.as_string());
  return Value(!text.empty() && std::all_of(text.begin(), text.end(), kInClass));
}

bool is_alphanumeric(char32_t c) { return c != '_' && is_word(c); }

// There are letters with case, and all of them are of this one.
template <bool (*kWanted)(char32_t), bool (*kOther)(char32_t)>
Result<Value> has_case(Runtime&, const Value& self, Arguments& arguments) {
  RETURN_IF_ERROR(Parameters::bind("the method", arguments, {}).status());
  const std::u32string text = to_characters(self.as_string());
  return Value(std::any_of(text.begin(), text.end(), kWanted) &&
               std::none_of(text.begin(), text.end(), kOther));
}

Result<Value> isascii(Runtime&, const Value& self, Arguments& arguments) {
  RETURN_IF_ERROR(Parameters::bind("isascii", arguments, {}).status());
  return Value(std::all_of(self.as_string().begin(), self.as_string().end(),
                           [](char c) { return static_cast<unsigned char>(c) < 0x80; }));
}

Result<Value> isprintable(Runtime&, const Value& self, Arguments& arguments) {
  RETURN_IF_ERROR(Parameters::bind("isprintable", arguments, {}).status());
  const std::u32string text = to_characters(self.as_string());
  return Value(std::all_of(text.begin(), text.end(), is_printable));
}

Result<Value> isidentifier(Runtime&, const Value& self, Arguments& arguments) {
  RETURN_IF_ERROR(Parameters::bind("isidentifier", arguments, {}).status());
  const std::u32string text = to_characters(self.as_string());
  return Value(!text.empty() && !is_digit(text[0]) && std::all_of(text.begin(), text.end(), is_word));
}

Result<Value> istitle(Runtime&, const Value& self, Arguments& arguments) {
  RETURN_IF_ERROR(Parameters::bind("istitle", arguments, {}).status());
  bool in_word = false, any = false;
  for (const char32_t c : to_characters(self.as_string())) {
    if (is_upper(c) ? in_word : is_lower(c) && !in_word) return Value(false);
    in_word = is_upper(c) || is_lower(c);
    any |= in_word;
  }
  return Value(any);
}

}  // namespace

Method find_text_inquiry(std::string_view name) {
  static const std::unordered_map<std::string_view, Method> table = {
      {"startswith", affix<false>},
      {"endswith", affix<true>},
      {"find", find<false, false>},
      {"rfind", find<true, false>},
      {"index", find<false, true>},
      {"rindex", find<true, true>},
      {"count", count},
      {"isalpha", all_are<is_letter>},
      {"isdigit", all_are<is_digit>},
      {"isdecimal", all_are<is_digit>},
      {"isnumeric", all_are<is_number>},
      {"isalnum", all_are<is_alphanumeric>},
      {"isspace", all_are<is_space>},
      {"isupper", has_case<is_upper, is_lower>},
      {"islower", has_case<is_lower, is_upper>},
      {"isascii", isascii},
      {"isprintable", isprintable},
      {"isidentifier", isidentifier},
      {"istitle", istitle},
  };
  const auto it = table.find(name);
  return it == table.end() ? nullptr : it->second;
}

}  // namespace isthmus::jinja
