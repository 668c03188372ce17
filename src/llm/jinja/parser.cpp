// SPDX-License-Identifier: Apache-2.0
// Statements: what stands in {% … %}, and the text and prints between.
#include "llm/jinja/parser.h"

#include <algorithm>

#include "llm/jinja/scopes.h"

namespace isthmus::jinja {
namespace {

std::string describe(const Token& token) {
  switch (token.type) {
    case Token::Type::kText: return "text";
    case Token::Type::kBlockBegin: return "'{%'";
    case Token::Type::kBlockEnd: return "'%}'";
    case Token::Type::kPrintBegin: return "'{{'";
    case Token::Type::kPrintEnd: return "'}}'";
    case Token::Type::kString: return "a string";
    case Token::Type::kNumber: return "a number";
    case Token::Type::kEnd: return "the end of the template";
    default: return "'" + token.text + "'";
  }
}

std::string any_of(std::initializer_list<std::string_view> names) {
  std::string text;
  for (const std::string_view name : names)
    text += fmt::format("{}'{{% {} %}}'", text.empty() ? "" : " or ", name);
  return text;
}

}  // namespace

Result<Tree> parse_template(std::string_view source) {
  ASSIGN_OR_RETURN(std::vector<Token> tokens, tokenize(source));
  Tree tree;
  ASSIGN_OR_RETURN(tree.body, Parser(std::move(tokens)).parse_all());
  tree.unset = resolve_scopes(tree.body);
  return tree;
}

bool Parser::skip_name(std::string_view name) { return current().is_name(name) && (take(), true); }
bool Parser::skip_operator(std::string_view symbol) {
  return current().is_operator(symbol) && (take(), true);
}

Status Parser::unexpected(std::string_view wanted) const {
  return error_at(current().at, fmt::format("expected {}, found {}", wanted, describe(current())));
}

Status Parser::expect_operator(std::string_view symbol) {
  return skip_operator(symbol) ? ok() : unexpected(fmt::format("'{}'", symbol));
}

Status Parser::expect_name(std::string_view name) {
  return skip_name(name) ? ok() : unexpected(fmt::format("'{}'", name));
}

Status Parser::expect_block_end() {
  if (!current().is(Token::Type::kBlockEnd)) return unexpected("'%}'");
  take();
  return ok();
}

Result<std::string> Parser::expect_any_name() {
  if (!current().is(Token::Type::kName)) return unexpected("a name");
  return take().text;
}

Result<Body> Parser::parse_all() { return parse_body({}); }

// Stops behind "{%" at one of the names in `ends`, which the caller takes.
Result<Body> Parser::parse_body(Names ends) {
  Body body;
  const auto add = [&](Statement::Kind kind) -> Statement& {
    body.push_back(std::make_unique<Statement>());
    body.back()->kind = kind;
    body.back()->at = current().at;
    return *body.back();
  };
  for (;;) {
    switch (current().type) {
      case Token::Type::kEnd:
        if (ends.size() == 0) return body;
        return unexpected(any_of(ends));
      case Token::Type::kText: {
        Statement& node = add(Statement::Kind::kText);
        node.text = take().text;
        break;
      }
      case Token::Type::kPrintBegin: {
        Statement& node = add(Statement::Kind::kPrint);
        take();
        ASSIGN_OR_RETURN(ExpressionPtr value, parse_tuple(true));
        node.expressions.push_back(std::move(value));
        if (!current().is(Token::Type::kPrintEnd)) return unexpected("'}}'");
        take();
        break;
      }
      case Token::Type::kBlockBegin:
        take();
        for (const std::string_view end : ends)
          if (current().is_name(end)) return body;
        RETURN_IF_ERROR(parse_statement(body, ends));
        RETURN_IF_ERROR(expect_block_end());
        break;
      default: return unexpected("text or a tag");
    }
  }
}

Result<Body> Parser::parse_block_body(Names ends) {
  skip_operator(":");
  RETURN_IF_ERROR(expect_block_end());
  return parse_body(ends);
}

Status Parser::parse_statement(Body& body, Names ends) {
  if (!current().is(Token::Type::kName)) return unexpected("the name of a statement");
  if (++depth_ > kMaxParseDepth) return too_deep();
  body.push_back(std::make_unique<Statement>());
  Statement& node = *body.back();
  const Token& tag = take();
  node.at = tag.at;
  const std::string_view name = tag.text;
  if (name == "if") {
    RETURN_IF_ERROR(parse_if(node));
  } else if (name == "for") {
    RETURN_IF_ERROR(parse_for(node));
  } else if (name == "set") {
    RETURN_IF_ERROR(parse_set(node));
  } else if (name == "macro") {
    RETURN_IF_ERROR(parse_macro(node));
  } else if (name == "call") {
    RETURN_IF_ERROR(parse_call_block(node));
  } else if (name == "with") {
    RETURN_IF_ERROR(parse_with(node));
  } else if (name == "filter") {
    node.kind = Statement::Kind::kFilterBlock;
    ASSIGN_OR_RETURN(ExpressionPtr filter, parse_filter(nullptr, true));
    node.expressions.push_back(std::move(filter));
    ASSIGN_OR_RETURN(node.body, parse_block_body({"endfilter"}));
    take();
  } else if (name == "print") {
    node.kind = Statement::Kind::kPrint;
    while (!current().is(Token::Type::kBlockEnd)) {
      if (!node.expressions.empty()) RETURN_IF_ERROR(expect_operator(","));
      ASSIGN_OR_RETURN(ExpressionPtr value, parse_expression());
      node.expressions.push_back(std::move(value));
    }
  } else if (name == "generation" || name == "block") {
    node.kind = Statement::Kind::kScope;
    std::string block;
    if (name == "block") {
      ASSIGN_OR_RETURN(block, expect_any_name());
      skip_name("scoped");
      skip_name("required");
    }
    const uint32_t loops = std::exchange(loops_, 0);
    ASSIGN_OR_RETURN(node.body, parse_block_body({name == "block" ? "endblock" : "endgeneration"}));
    loops_ = loops;
    take();
    if (name == "block") skip_name(block);
  } else if (name == "break" || name == "continue") {
    node.kind = name == "break" ? Statement::Kind::kBreak : Statement::Kind::kContinue;
    if (loops_ == 0) return error_at(node.at, fmt::format("'{}' stands outside of a loop", name));
  } else if (name == "include" || name == "import" || name == "from" || name == "extends" ||
             name == "autoescape") {
    return error_at(node.at, fmt::format("'{}' is not supported: a chat template is one file", name));
  } else {
    std::string message = fmt::format("unknown statement '{}'", name);
    if (ends.size() != 0) message += fmt::format("; looking for {}", any_of(ends));
    return error_at(node.at, message);
  }
  depth_--;
  return ok();
}

Status Parser::parse_if(Statement& node) {
  node.kind = Statement::Kind::kIf;
  for (;;) {
    ASSIGN_OR_RETURN(ExpressionPtr test, parse_tuple(false));
    ASSIGN_OR_RETURN(Body body, parse_block_body({"elif", "else", "endif"}));
    node.branches.emplace_back(std::move(test), std::move(body));
    const std::string_view end = take().text;
    if (end == "elif") continue;
    if (end == "else") {
      ASSIGN_OR_RETURN(node.otherwise, parse_block_body({"endif"}));
      take();
    }
    return ok();
  }
}

Status Parser::parse_for(Statement& node) {
  node.kind = Statement::Kind::kFor;
  ASSIGN_OR_RETURN(ExpressionPtr target, parse_target(false, "in"));
  node.targets.push_back(std::move(target));
  RETURN_IF_ERROR(expect_name("in"));
  ASSIGN_OR_RETURN(ExpressionPtr iterated, parse_tuple(false, false, "recursive"));
  node.expressions.push_back(std::move(iterated));
  ExpressionPtr condition;
  if (skip_name("if")) {
    ASSIGN_OR_RETURN(condition, parse_expression());
  }
  node.expressions.push_back(std::move(condition));
  node.recursive = skip_name("recursive");
  loops_++;
  ASSIGN_OR_RETURN(node.body, parse_block_body({"endfor", "else"}));
  loops_--;
  if (take().text == "else") {
    ASSIGN_OR_RETURN(node.otherwise, parse_block_body({"endfor"}));
    take();
  }
  return ok();
}

Status Parser::parse_set(Statement& node) {
  ASSIGN_OR_RETURN(ExpressionPtr target, parse_target(true));
  node.targets.push_back(std::move(target));
  if (skip_operator("=")) {
    node.kind = Statement::Kind::kSet;
    ASSIGN_OR_RETURN(ExpressionPtr value, parse_tuple(true));
    node.expressions.push_back(std::move(value));
    return ok();
  }
  node.kind = Statement::Kind::kSetBlock;
  ASSIGN_OR_RETURN(ExpressionPtr filter, parse_filter(nullptr));
  node.expressions.push_back(std::move(filter));
  ASSIGN_OR_RETURN(node.body, parse_block_body({"endset"}));
  take();
  return ok();
}

Status Parser::parse_signature(Signature& signature) {
  RETURN_IF_ERROR(expect_operator("("));
  while (!current().is_operator(")")) {
    if (!signature.names.empty()) RETURN_IF_ERROR(expect_operator(","));
    ASSIGN_OR_RETURN(std::string name, expect_any_name());
    signature.names.push_back(std::move(name));
    if (skip_operator("=")) {
      ASSIGN_OR_RETURN(ExpressionPtr value, parse_expression());
      signature.defaults.push_back(std::move(value));
    } else if (!signature.defaults.empty()) {
      return unexpected("a default, because a parameter before has one,");
    }
  }
  return expect_operator(")");
}

Status Parser::parse_callable_body(Statement& node, std::string_view end) {
  signatures_.push_back(&node.signature);
  const uint32_t loops = std::exchange(loops_, 0);
  ASSIGN_OR_RETURN(node.body, parse_block_body({end}));
  loops_ = loops;
  signatures_.pop_back();
  take();
  return ok();
}

Status Parser::parse_macro(Statement& node) {
  node.kind = Statement::Kind::kMacro;
  ASSIGN_OR_RETURN(node.text, expect_any_name());
  RETURN_IF_ERROR(parse_signature(node.signature));
  return parse_callable_body(node, "endmacro");
}

Status Parser::parse_call_block(Statement& node) {
  node.kind = Statement::Kind::kCallBlock;
  if (current().is_operator("(")) RETURN_IF_ERROR(parse_signature(node.signature));
  const Position at = current().at;
  ASSIGN_OR_RETURN(ExpressionPtr call, parse_expression());
  if (call->kind != Expression::Kind::kCall) return error_at(at, "expected a call behind 'call'");
  node.expressions.push_back(std::move(call));
  return parse_callable_body(node, "endcall");
}

Status Parser::parse_with(Statement& node) {
  node.kind = Statement::Kind::kWith;
  while (!current().is(Token::Type::kBlockEnd)) {
    if (!node.targets.empty()) RETURN_IF_ERROR(expect_operator(","));
    ASSIGN_OR_RETURN(ExpressionPtr target, parse_target(false));
    RETURN_IF_ERROR(expect_operator("="));
    ASSIGN_OR_RETURN(ExpressionPtr value, parse_expression());
    node.targets.push_back(std::move(target));
    node.expressions.push_back(std::move(value));
  }
  ASSIGN_OR_RETURN(node.body, parse_block_body({"endwith"}));
  take();
  return ok();
}

Result<ExpressionPtr> Parser::parse_single_target(bool with_fields) {
  const Position at = current().at;
  if (skip_operator("(")) {
    ASSIGN_OR_RETURN(ExpressionPtr inner, parse_target(with_fields));
    RETURN_IF_ERROR(expect_operator(")"));
    return inner;
  }
  ASSIGN_OR_RETURN(std::string name, expect_any_name());
  if (name == "true" || name == "false" || name == "none" || name == "True" || name == "False" ||
      name == "None")
    return error_at(at, fmt::format("cannot assign to '{}'", name));
  if (!with_fields || !skip_operator(".")) return make(Expression::Kind::kName, at, std::move(name));
  auto node = make(Expression::Kind::kField, at, std::move(name));
  ASSIGN_OR_RETURN(std::string field, expect_any_name());
  node->value = Value(std::move(field));
  return node;
}

// A name, namespace.field where allowed, or several with commas between them.
Result<ExpressionPtr> Parser::parse_target(bool with_fields, std::string_view end) {
  if (++depth_ > kMaxParseDepth) return too_deep();
  const Position at = current().at;
  ASSIGN_OR_RETURN(ExpressionPtr first, parse_single_target(with_fields));
  ExpressionPtr node = std::move(first);
  if (current().is_operator(",")) {
    auto tuple = make(Expression::Kind::kTuple, at);
    adopt(*tuple, std::move(node));
    while (skip_operator(",")) {
      if (current().is_operator("=") || current().is_operator(")") || current().is(Token::Type::kBlockEnd) ||
          (!end.empty() && current().is_name(end)))
        break;
      ASSIGN_OR_RETURN(ExpressionPtr item, parse_single_target(with_fields));
      adopt(*tuple, std::move(item));
    }
    node = std::move(tuple);
  }
  depth_--;
  return node;
}

}  // namespace isthmus::jinja
