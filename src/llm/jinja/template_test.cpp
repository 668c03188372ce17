// SPDX-License-Identifier: Apache-2.0
// Templates against stored results of Jinja2, their errors, and what hostile ones get.
#include "llm/jinja/template.h"

#include <gtest/gtest.h>

#include <fstream>

namespace isthmus::jinja {
namespace {

using nlohmann::ordered_json;

Result<std::string> run(std::string_view source, const ordered_json& variables = ordered_json::object(),
                        const Limits& limits = {}) {
  ASSIGN_OR_RETURN(const Template parsed, parse(source));
  ASSIGN_OR_RETURN(const Value globals, from_json(variables));
  return render(parsed, globals, limits);
}

std::string text_of(std::string_view source) {
  Result<std::string> text = run(source);
  return text.ok() ? *text : text.status().to_string();
}

// The error's text, or "no error".
std::string error_of(std::string_view source, const Limits& limits = {}) {
  const Result<std::string> text = run(source, ordered_json::object(), limits);
  return text.ok() ? "no error" : text.status().message();
}

TEST(JinjaTemplate, RendersRandomTemplatesAsJinja2) {
  std::ifstream file(ISTHMUS_SOURCE_DIR "/tests/chat_template/data/random.json");
  ASSERT_TRUE(file.good());
  const ordered_json rows = ordered_json::parse(file);
  const ordered_json& variables = rows.at(0).at("variables");
  size_t rendered = 0;
  for (size_t i = 1; i < rows.size(); i++) {
    const auto& source = rows[i].at("template").get_ref<const std::string&>();
    const Result<std::string> text = run(source, variables);
    if (rows[i].contains("error")) {
      EXPECT_FALSE(text.ok()) << source << "\nJinja2 fails: " << rows[i].at("error") << "\nours: " << *text;
    } else {
      EXPECT_TRUE(text.ok()) << source << "\n" << text.status().to_string();
      if (text.ok()) {
        EXPECT_EQ(*text, rows[i].at("text").get_ref<const std::string&>()) << source;
      }
      rendered++;
    }
  }
  EXPECT_GT(rendered, 200u);
}

TEST(JinjaTemplate, ErrorsNameThePlace) {
  EXPECT_EQ(error_of("a\n  {{ 1 + }}"), "line 2, column 10: expected an expression, found '}}'");
  EXPECT_EQ(error_of("{% if x %}\n"),
            "line 1, column 11: expected '{% elif %}' or '{% else %}' or '{% endif %}', "
            "found the end of the template");
  EXPECT_EQ(error_of("ä {{ 'x }}"), "line 1, column 6: this string is never closed");
  EXPECT_EQ(error_of("\n\n{# "), "line 3, column 1: this comment is never closed with '#}'");
  EXPECT_EQ(error_of("{% fro x %}"), "line 1, column 4: unknown statement 'fro'");
  EXPECT_EQ(error_of("{% include 'x' %}"),
            "line 1, column 4: 'include' is not supported: a chat template is one file");
  EXPECT_EQ(error_of("{{ a\n.b }}"), "line 2, column 1: 'a' is undefined");
  EXPECT_EQ(error_of("{{ ({}).a.b }}"), "line 1, column 10: a value of type 'dict' has no attribute 'a'");
  EXPECT_EQ(error_of("{{ 1|nope }}"), "line 1, column 6: there is no filter named 'nope'");
  EXPECT_EQ(error_of("{{ 1 is nope }}"), "line 1, column 9: there is no test named 'nope'");
  EXPECT_EQ(error_of("{{ [].append(1) }}"),
            "line 1, column 13: 'append' would change a value of type 'list', which templates may not");
  EXPECT_EQ(error_of("{% for x in 3 %}{% endfor %}"),
            "line 1, column 4: a value of type 'int' cannot be iterated over");
  EXPECT_EQ(error_of("\xff"), "line 1, column 1: the template is not valid UTF-8");
}

TEST(JinjaTemplate, TheTemplateCanRefuse) {
  const Result<std::string> text = run("{{ raise_exception('no system message, please') }}");
  ASSERT_FALSE(text.ok());
  EXPECT_EQ(text.status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(text.status().message(),
            "line 1, column 19: the template refuses this conversation: no system message, please");
}

TEST(JinjaTemplate, HostileTemplatesMeetLimits) {
  Limits small;
  small.steps = 10'000;
  small.output_bytes = 100'000;
  small.allocated_bytes = 1'000'000;
  const auto refused = [&](std::string_view source) {
    const Result<std::string> text = run(source, ordered_json::object(), small);
    return !text.ok() && text.status().code() == Code::kOutOfRange;
  };
  EXPECT_TRUE(refused("{{ range(1000000000) }}"));
  EXPECT_TRUE(refused("{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}"));
  EXPECT_TRUE(refused("{{ 'x' * 1000000000 }}"));
  EXPECT_TRUE(refused("{{ [0] * 1000000000 }}"));
  EXPECT_TRUE(refused("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"));
  EXPECT_TRUE(refused("{{ 'x'|center(1000000000) }}"));
  EXPECT_TRUE(refused("{{ '%999999999d' % 1 }}"));
  EXPECT_TRUE(refused("{{ '{:999999999}'.format(1) }}"));
  EXPECT_TRUE(refused("{{ '%*d' % (-999999999, 1) }}"));
  EXPECT_TRUE(refused("{{ 'x'.zfill(-(2 ** 126)) }}"));
  EXPECT_TRUE(refused("{{ 'x'|indent(1000000000, true) }}"));
  EXPECT_TRUE(refused("{{ 2 ** 1000 }}"));
  // A list of lists of lists, each twice the one before, would print as 2^60 items.
  EXPECT_TRUE(
      refused("{% set ns = namespace(x=[0]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}"
              "{% endfor %}{{ ns.x }}"));
  EXPECT_TRUE(
      refused("{% set ns = namespace(s='xxxxxxxx') %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}"
              "{% endfor %}{{ ns.s }}"));
}

TEST(JinjaTemplate, RingsOfNamespacesEnd) {
  EXPECT_EQ(error_of("{% set a = namespace() %}{% set a.b = a %}{{ a }}"),
            "line 1, column 43: a namespace that contains itself cannot be printed");
  EXPECT_EQ(
      text_of(
          "{% set a = namespace() %}{% macro m() %}{{ a.x }}{% endmacro %}{% set a.m = m %}{% set a.x = 1 %}"
          "{{ a.m() }}"),
      "1");
}

TEST(JinjaTemplate, DeepNestingIsRefusedNotFollowed) {
  for (const char* open : {"(", "[", "-", "not ", "{'a':", "f(", "x if ", "x[", "1 + ", "x|f(", "a."}) {
    std::string source = "{{ ";
    for (int i = 0; i < 20'000; i++) source += open;
    EXPECT_FALSE(parse(source).ok()) << open;
    EXPECT_FALSE(parse(source + "1 }}").ok()) << open;
  }
  std::string blocks;
  for (int i = 0; i < 20'000; i++) blocks += "{% if x %}";
  EXPECT_FALSE(parse(blocks).ok());
  std::string tests = "{{ 1";
  for (int i = 0; i < 20'000; i++) tests += " is defined";
  EXPECT_FALSE(parse(tests + " }}").ok());
}

TEST(JinjaTemplate, JsonNestedTooDeeplyIsRefused) {
  ordered_json json = 1;
  for (int i = 0; i < 1000; i++) json = ordered_json::array({std::move(json)});
  EXPECT_FALSE(from_json(json).ok());
}

}  // namespace
}  // namespace isthmus::jinja
