// SPDX-License-Identifier: Apache-2.0
// Expressions: from the inline if down to names and literals, in Jinja's order of precedence.
#include <algorithm>

#include "llm/jinja/parser.h"

namespace isthmus::jinja {
namespace {

constexpr uint32_t kMaxHeight = 400;

// Counts how deep the parser has called itself.
class Descent {
 public:
  explicit Descent(uint32_t& depth) : depth_(depth) { depth_++; }
  ~Descent() { depth_--; }

 private:
  uint32_t& depth_;
};

bool is_comparison(const Token& token) {
  static constexpr std::string_view kSymbols[] = {"==", "!=", "<", "<=", ">", ">="};
  return token.is(Token::Type::kOperator) &&
         std::find(std::begin(kSymbols), std::end(kSymbols), token.text) != std::end(kSymbols);
}

}  // namespace

ExpressionPtr Parser::make(Expression::Kind kind, Position at, std::string name) {
  auto node = std::make_unique<Expression>();
  node->kind = kind;
  node->at = at;
  node->name = std::move(name);
  return node;
}

void Parser::adopt(Expression& parent, ExpressionPtr child) {
  if (child) parent.height = std::max(parent.height, child->height + 1);
  parent.items.push_back(std::move(child));
}

Status Parser::too_deep() const {
  return error_at(current().at, fmt::format("expressions and statements are nested more than {} levels deep",
                                            kMaxParseDepth));
}

Status Parser::check_height(const Expression& node) const {
  if (node.height > kMaxHeight)
    return error_at(node.at, fmt::format("an expression is nested more than {} levels deep", kMaxHeight));
  return ok();
}

Result<ExpressionPtr> Parser::parse_expression() {
  const Descent descent(depth_);
  if (depth_ > kMaxParseDepth) return too_deep();
  ASSIGN_OR_RETURN(ExpressionPtr value, parse_or());
  while (current().is_name("if")) {
    auto node = make(Expression::Kind::kCondition, take().at);
    ASSIGN_OR_RETURN(ExpressionPtr test, parse_or());
    adopt(*node, std::move(test));
    adopt(*node, std::move(value));
    if (skip_name("else")) {
      ASSIGN_OR_RETURN(ExpressionPtr otherwise, parse_expression());
      adopt(*node, std::move(otherwise));
    } else {
      adopt(*node, nullptr);
    }
    RETURN_IF_ERROR(check_height(*node));
    value = std::move(node);
  }
  return value;
}

Result<ExpressionPtr> Parser::parse_or() {
  ASSIGN_OR_RETURN(ExpressionPtr left, parse_and());
  while (current().is_name("or")) {
    auto node = make(Expression::Kind::kOr, take().at);
    ASSIGN_OR_RETURN(ExpressionPtr right, parse_and());
    adopt(*node, std::move(left));
    adopt(*node, std::move(right));
    RETURN_IF_ERROR(check_height(*node));
    left = std::move(node);
  }
  return left;
}

Result<ExpressionPtr> Parser::parse_and() {
  ASSIGN_OR_RETURN(ExpressionPtr left, parse_not());
  while (current().is_name("and")) {
    auto node = make(Expression::Kind::kAnd, take().at);
    ASSIGN_OR_RETURN(ExpressionPtr right, parse_not());
    adopt(*node, std::move(left));
    adopt(*node, std::move(right));
    RETURN_IF_ERROR(check_height(*node));
    left = std::move(node);
  }
  return left;
}

Result<ExpressionPtr> Parser::parse_not() {
  if (!current().is_name("not")) return parse_comparison();
  const Descent descent(depth_);
  if (depth_ > kMaxParseDepth) return too_deep();
  auto node = make(Expression::Kind::kNot, take().at);
  ASSIGN_OR_RETURN(ExpressionPtr operand, parse_not());
  adopt(*node, std::move(operand));
  return node;
}

Result<ExpressionPtr> Parser::parse_comparison() {
  ASSIGN_OR_RETURN(ExpressionPtr first, parse_sum());
  ExpressionPtr node;
  for (;;) {
    const Position at = current().at;
    std::string symbol;
    if (is_comparison(current())) {
      symbol = take().text;
    } else if (skip_name("in")) {
      symbol = "in";
    } else if (current().is_name("not") && next().is_name("in")) {
      take(), take();
      symbol = "not in";
    } else {
      break;
    }
    if (!node) {
      node = make(Expression::Kind::kCompare, at);
      adopt(*node, std::move(first));
    }
    ASSIGN_OR_RETURN(ExpressionPtr operand, parse_sum());
    node->operators.push_back(std::move(symbol));
    adopt(*node, std::move(operand));
  }
  return node ? std::move(node) : std::move(first);
}

Result<ExpressionPtr> Parser::parse_sum() {
  ASSIGN_OR_RETURN(ExpressionPtr left, parse_concatenation());
  while (current().is_operator("+") || current().is_operator("-")) {
    auto node = make(Expression::Kind::kBinary, current().at, current().text);
    take();
    ASSIGN_OR_RETURN(ExpressionPtr right, parse_concatenation());
    adopt(*node, std::move(left));
    adopt(*node, std::move(right));
    RETURN_IF_ERROR(check_height(*node));
    left = std::move(node);
  }
  return left;
}

Result<ExpressionPtr> Parser::parse_concatenation() {
  ASSIGN_OR_RETURN(ExpressionPtr first, parse_product());
  if (!current().is_operator("~")) return first;
  auto node = make(Expression::Kind::kConcatenate, current().at);
  adopt(*node, std::move(first));
  while (skip_operator("~")) {
    ASSIGN_OR_RETURN(ExpressionPtr operand, parse_product());
    adopt(*node, std::move(operand));
  }
  return node;
}

Result<ExpressionPtr> Parser::parse_product() {
  ASSIGN_OR_RETURN(ExpressionPtr left, parse_power());
  while (current().is_operator("*") || current().is_operator("/") || current().is_operator("//") ||
         current().is_operator("%")) {
    auto node = make(Expression::Kind::kBinary, current().at, current().text);
    take();
    ASSIGN_OR_RETURN(ExpressionPtr right, parse_power());
    adopt(*node, std::move(left));
    adopt(*node, std::move(right));
    RETURN_IF_ERROR(check_height(*node));
    left = std::move(node);
  }
  return left;
}

Result<ExpressionPtr> Parser::parse_power() {
  ASSIGN_OR_RETURN(ExpressionPtr left, parse_unary());
  while (current().is_operator("**")) {
    auto node = make(Expression::Kind::kBinary, current().at, take().text);
    ASSIGN_OR_RETURN(ExpressionPtr right, parse_unary());
    adopt(*node, std::move(left));
    adopt(*node, std::move(right));
    RETURN_IF_ERROR(check_height(*node));
    left = std::move(node);
  }
  return left;
}

Result<ExpressionPtr> Parser::parse_unary(bool with_filter) {
  ExpressionPtr node;
  if (current().is_operator("-") || current().is_operator("+")) {
    const Descent descent(depth_);
    if (depth_ > kMaxParseDepth) return too_deep();
    node = make(Expression::Kind::kUnary, current().at, current().text);
    take();
    ASSIGN_OR_RETURN(ExpressionPtr operand, parse_unary(false));
    adopt(*node, std::move(operand));
  } else {
    ASSIGN_OR_RETURN(node, parse_primary());
  }
  ASSIGN_OR_RETURN(node, parse_postfix(std::move(node)));
  return with_filter ? parse_filters_and_tests(std::move(node)) : std::move(node);
}

Result<ExpressionPtr> Parser::parse_primary() {
  Token& token = take();
  const Position at = token.at;
  auto constant = [&](Value value) {
    auto node = make(Expression::Kind::kConstant, at);
    node->value = std::move(value);
    return node;
  };
  switch (token.type) {
    case Token::Type::kName:
      if (token.text == "true" || token.text == "True") return constant(true);
      if (token.text == "false" || token.text == "False") return constant(false);
      if (token.text == "none" || token.text == "None") return constant(None());
      for (Signature* signature : signatures_) {
        signature->uses_caller |= token.text == "caller";
        signature->uses_varargs |= token.text == "varargs";
        signature->uses_kwargs |= token.text == "kwargs";
      }
      return make(Expression::Kind::kName, at, token.text);
    case Token::Type::kNumber: return constant(token.value);
    case Token::Type::kString: {
      std::string text = std::move(token.text);
      while (current().is(Token::Type::kString)) text += take().text;
      return constant(Value(std::move(text)));
    }
    case Token::Type::kOperator:
      if (token.text == "(") {
        ASSIGN_OR_RETURN(ExpressionPtr node, parse_tuple(true, true));
        RETURN_IF_ERROR(expect_operator(")"));
        return node;
      }
      if (token.text == "[") return parse_list();
      if (token.text == "{") return parse_dict();
      break;
    default: break;
  }
  if (token.is(Token::Type::kEnd)) return unexpected("an expression");
  at_--;
  return unexpected("an expression");
}

Result<ExpressionPtr> Parser::parse_list() {
  auto node = make(Expression::Kind::kList, current().at);
  while (!current().is_operator("]")) {
    if (!node->items.empty()) RETURN_IF_ERROR(expect_operator(","));
    if (current().is_operator("]")) break;
    ASSIGN_OR_RETURN(ExpressionPtr item, parse_expression());
    adopt(*node, std::move(item));
  }
  RETURN_IF_ERROR(expect_operator("]"));
  return node;
}

Result<ExpressionPtr> Parser::parse_dict() {
  auto node = make(Expression::Kind::kDict, current().at);
  while (!current().is_operator("}")) {
    if (!node->items.empty()) RETURN_IF_ERROR(expect_operator(","));
    if (current().is_operator("}")) break;
    ASSIGN_OR_RETURN(ExpressionPtr key, parse_expression());
    RETURN_IF_ERROR(expect_operator(":"));
    ASSIGN_OR_RETURN(ExpressionPtr value, parse_expression());
    adopt(*node, std::move(key));
    adopt(*node, std::move(value));
  }
  RETURN_IF_ERROR(expect_operator("}"));
  return node;
}

Result<ExpressionPtr> Parser::parse_tuple(bool with_condition, bool in_parentheses, std::string_view end) {
  const Position at = current().at;
  std::vector<ExpressionPtr> items;
  bool is_tuple = false;
  const auto at_end = [&] {
    return current().is(Token::Type::kPrintEnd) || current().is(Token::Type::kBlockEnd) ||
           current().is_operator(")") || (!end.empty() && current().is_name(end));
  };
  while (!at_end()) {
    ASSIGN_OR_RETURN(ExpressionPtr item, with_condition ? parse_expression() : parse_or());
    items.push_back(std::move(item));
    if (!skip_operator(",")) break;
    is_tuple = true;
  }
  if (!is_tuple && !items.empty()) return std::move(items[0]);
  if (!is_tuple && !in_parentheses) return unexpected("an expression");
  auto node = make(Expression::Kind::kTuple, at);
  for (ExpressionPtr& item : items) adopt(*node, std::move(item));
  return node;
}

}  // namespace isthmus::jinja
