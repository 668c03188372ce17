// SPDX-License-Identifier: Apache-2.0
// What may follow a value: attributes, items, slices, calls, filters and tests.
#include "llm/jinja/parser.h"

namespace isthmus::jinja {

Result<ExpressionPtr> Parser::parse_postfix(ExpressionPtr node) {
  for (;;) {
    if (current().is_operator(".") || current().is_operator("[")) {
      ASSIGN_OR_RETURN(node, parse_subscript(std::move(node)));
    } else if (current().is_operator("(")) {
      ASSIGN_OR_RETURN(node, parse_call(std::move(node)));
    } else {
      return node;
    }
    RETURN_IF_ERROR(check_height(*node));
  }
}

Result<ExpressionPtr> Parser::parse_filters_and_tests(ExpressionPtr node) {
  for (;;) {
    if (current().is_operator("|")) {
      ASSIGN_OR_RETURN(node, parse_filter(std::move(node)));
    } else if (current().is_name("is")) {
      ASSIGN_OR_RETURN(node, parse_test(std::move(node)));
    } else if (current().is_operator("(")) {
      ASSIGN_OR_RETURN(node, parse_call(std::move(node)));
    } else {
      return node;
    }
    RETURN_IF_ERROR(check_height(*node));
  }
}

Result<ExpressionPtr> Parser::parse_subscript(ExpressionPtr object) {
  const Position at = current().at;
  if (skip_operator(".")) {
    if (current().is(Token::Type::kName)) {
      auto node = make(Expression::Kind::kAttribute, at, take().text);
      adopt(*node, std::move(object));
      return node;
    }
    if (!current().is(Token::Type::kNumber) || !current().value.is_integral())
      return unexpected("a name or an index behind '.'");
    auto index = make(Expression::Kind::kConstant, current().at);
    index->value = take().value;
    auto node = make(Expression::Kind::kItem, at);
    adopt(*node, std::move(object));
    adopt(*node, std::move(index));
    return node;
  }
  RETURN_IF_ERROR(expect_operator("["));
  // Each part between colons may be left out; commas make the index a tuple.
  ExpressionPtr parts[3];
  int colons = 0;
  std::vector<ExpressionPtr> indices;
  bool is_tuple = current().is_operator("]");
  while (!current().is_operator("]")) {
    if (skip_operator(":")) {
      if (is_tuple || !indices.empty() || ++colons > 2) return unexpected("']'");
    } else if (current().is_operator(",") && colons == 0 && parts[0]) {
      take();
      is_tuple = true;
      indices.push_back(std::move(parts[0]));
    } else if (!parts[colons]) {
      ASSIGN_OR_RETURN(parts[colons], parse_expression());
    } else {
      return unexpected("']'");
    }
  }
  RETURN_IF_ERROR(expect_operator("]"));
  if (colons > 0) {
    auto node = make(Expression::Kind::kSlice, at);
    adopt(*node, std::move(object));
    for (ExpressionPtr& part : parts) adopt(*node, std::move(part));
    return node;
  }
  ExpressionPtr index = std::move(parts[0]);
  if (is_tuple) {
    auto tuple = make(Expression::Kind::kTuple, at);
    for (ExpressionPtr& item : indices) adopt(*tuple, std::move(item));
    if (index) adopt(*tuple, std::move(index));
    index = std::move(tuple);
  }
  auto node = make(Expression::Kind::kItem, at);
  adopt(*node, std::move(object));
  adopt(*node, std::move(index));
  return node;
}

Result<ExpressionPtr> Parser::parse_call(ExpressionPtr callee) {
  auto node = make(Expression::Kind::kCall, current().at);
  adopt(*node, std::move(callee));
  ASSIGN_OR_RETURN(node->arguments, parse_arguments(*node));
  return node;
}

Result<std::unique_ptr<CallArguments>> Parser::parse_arguments(Expression& call) {
  auto arguments = std::make_unique<CallArguments>();
  RETURN_IF_ERROR(expect_operator("("));
  const auto argument = [&]() -> Result<ExpressionPtr> {
    ASSIGN_OR_RETURN(ExpressionPtr value, parse_expression());
    call.height = std::max(call.height, value->height + 1);
    return value;
  };
  bool first = true;
  while (!current().is_operator(")")) {
    if (!first) RETURN_IF_ERROR(expect_operator(","));
    if (current().is_operator(")")) break;
    first = false;
    if (skip_operator("**")) {
      if (arguments->named_rest) return unexpected("only one '**' argument");
      ASSIGN_OR_RETURN(arguments->named_rest, argument());
    } else if (skip_operator("*")) {
      if (arguments->rest || arguments->named_rest) return unexpected("only one '*' argument, before '**'");
      ASSIGN_OR_RETURN(arguments->rest, argument());
    } else if (current().is(Token::Type::kName) && next().is_operator("=")) {
      if (arguments->named_rest) return unexpected("'**' as the last argument");
      std::string name = take().text;
      take();
      ASSIGN_OR_RETURN(ExpressionPtr value, argument());
      arguments->named.emplace_back(std::move(name), std::move(value));
    } else {
      if (arguments->rest || arguments->named_rest || !arguments->named.empty())
        return unexpected("a named argument, because one came before");
      ASSIGN_OR_RETURN(ExpressionPtr value, argument());
      arguments->positional.push_back(std::move(value));
    }
  }
  RETURN_IF_ERROR(expect_operator(")"));
  return arguments;
}

Result<std::string> Parser::parse_dotted_name() {
  ASSIGN_OR_RETURN(std::string name, expect_any_name());
  while (skip_operator(".")) {
    ASSIGN_OR_RETURN(const std::string part, expect_any_name());
    name += "." + part;
  }
  return name;
}

// `at_name`: at the first filter's name, as in {% filter upper %}, with no "|" before it.
Result<ExpressionPtr> Parser::parse_filter(ExpressionPtr input, bool at_name) {
  while (at_name || current().is_operator("|")) {
    if (!at_name) take();
    at_name = false;
    auto node = make(Expression::Kind::kFilter, current().at);
    ASSIGN_OR_RETURN(node->name, parse_dotted_name());
    adopt(*node, std::move(input));
    if (current().is_operator("(")) {
      ASSIGN_OR_RETURN(node->arguments, parse_arguments(*node));
    }
    RETURN_IF_ERROR(check_height(*node));
    input = std::move(node);
  }
  return input;
}

Result<ExpressionPtr> Parser::parse_test(ExpressionPtr input) {
  take();  // "is"
  const Position at = current().at;
  const bool negated = skip_name("not");
  auto node = make(Expression::Kind::kTest, at);
  ASSIGN_OR_RETURN(node->name, parse_dotted_name());
  adopt(*node, std::move(input));
  const Token& token = current();
  if (token.is_operator("(")) {
    ASSIGN_OR_RETURN(node->arguments, parse_arguments(*node));
  } else if ((token.is(Token::Type::kName) && !token.is_name("else") && !token.is_name("or") &&
              !token.is_name("and")) ||
             token.is(Token::Type::kString) || token.is(Token::Type::kNumber) || token.is_operator("[") ||
             token.is_operator("{")) {
    // One argument may stand without parentheses: x is divisibleby 3.
    if (token.is_name("is")) return error_at(token.at, "tests cannot be chained with 'is'");
    ASSIGN_OR_RETURN(ExpressionPtr argument, parse_primary());
    ASSIGN_OR_RETURN(argument, parse_postfix(std::move(argument)));
    node->height = std::max(node->height, argument->height + 1);
    node->arguments = std::make_unique<CallArguments>();
    node->arguments->positional.push_back(std::move(argument));
  }
  if (!negated) return node;
  auto inverse = make(Expression::Kind::kNot, at);
  adopt(*inverse, std::move(node));
  return inverse;
}

}  // namespace isthmus::jinja
