// SPDX-License-Identifier: Apache-2.0
// Builds the tree of a template from its tokens.
#pragma once

#include <initializer_list>
#include <string_view>
#include <vector>

#include "llm/jinja/ast.h"

namespace isthmus::jinja {

// Errors name line and column. Trees nested too deeply to be walked safely are refused.
Result<Tree> parse_template(std::string_view source);

// The two halves of the parser, expressions and statements, share the place in the token list.
class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  Result<Body> parse_all();

 private:
  using Names = std::initializer_list<std::string_view>;

  // Expressions (parse_expression.cpp), by rising precedence.
  Result<ExpressionPtr> parse_expression();
  Result<ExpressionPtr> parse_or();
  Result<ExpressionPtr> parse_and();
  Result<ExpressionPtr> parse_not();
  Result<ExpressionPtr> parse_comparison();
  Result<ExpressionPtr> parse_sum();
  Result<ExpressionPtr> parse_concatenation();
  Result<ExpressionPtr> parse_product();
  Result<ExpressionPtr> parse_power();
  Result<ExpressionPtr> parse_unary(bool with_filter = true);
  Result<ExpressionPtr> parse_primary();
  Result<ExpressionPtr> parse_list();
  Result<ExpressionPtr> parse_dict();
  Result<ExpressionPtr> parse_postfix(ExpressionPtr node);
  Result<ExpressionPtr> parse_filters_and_tests(ExpressionPtr node);
  Result<ExpressionPtr> parse_subscript(ExpressionPtr node);
  Result<ExpressionPtr> parse_call(ExpressionPtr node);
  Result<ExpressionPtr> parse_filter(ExpressionPtr node, bool at_name = false);
  Result<ExpressionPtr> parse_test(ExpressionPtr node);
  Result<std::unique_ptr<CallArguments>> parse_arguments(Expression& call);
  // One expression, or several with commas between them as a tuple. `end` is a name that ends it.
  Result<ExpressionPtr> parse_tuple(bool with_condition, bool in_parentheses = false,
                                    std::string_view end = {});
  Result<std::string> parse_dotted_name();

  // Statements (parser.cpp).
  Result<Body> parse_body(Names ends);
  Result<Body> parse_block_body(Names ends);  // expects the end of the opening tag first
  Status parse_statement(Body& body, Names ends);
  Status parse_if(Statement& node);
  Status parse_for(Statement& node);
  Status parse_set(Statement& node);
  Status parse_macro(Statement& node);
  Status parse_call_block(Statement& node);
  Status parse_with(Statement& node);
  Status parse_signature(Signature& signature);
  Status parse_callable_body(Statement& node, std::string_view end);
  Result<ExpressionPtr> parse_target(bool with_fields, std::string_view end = {});
  Result<ExpressionPtr> parse_single_target(bool with_fields);

  const Token& current() const { return tokens_[at_]; }
  const Token& next() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  Token& take() { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }
  bool skip_name(std::string_view name);
  bool skip_operator(std::string_view symbol);
  Status expect_operator(std::string_view symbol);
  Status expect_name(std::string_view name);
  Status expect_block_end();
  Result<std::string> expect_any_name();
  Status unexpected(std::string_view wanted) const;

  ExpressionPtr make(Expression::Kind kind, Position at, std::string name = {});
  // Adds a child and keeps count of the height.
  static void adopt(Expression& parent, ExpressionPtr child);
  Status check_height(const Expression& node) const;
  Status too_deep() const;

  // How deep the parser may call itself, for expressions and statements together.
  static constexpr uint32_t kMaxParseDepth = 200;

  std::vector<Token> tokens_;
  size_t at_ = 0;
  uint32_t depth_ = 0;  // of the parser's own recursion
  uint32_t loops_ = 0;  // loops open inside the innermost macro, for break and continue
  std::vector<Signature*> signatures_;
};

}  // namespace isthmus::jinja
