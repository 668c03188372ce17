// SPDX-License-Identifier: Apache-2.0
// The parsed form of a template.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "llm/jinja/lexer.h"
#include "llm/jinja/value.h"

namespace isthmus::jinja {

struct Expression;
struct Statement;
using ExpressionPtr = std::unique_ptr<Expression>;
using Body = std::vector<std::unique_ptr<Statement>>;

// f(items…, names=values…, *rest, **named_rest)
struct CallArguments {
  std::vector<ExpressionPtr> positional;
  std::vector<std::pair<std::string, ExpressionPtr>> named;
  ExpressionPtr rest, named_rest;
};

struct Expression {
  enum class Kind {
    kConstant,   // value
    kName,       // name
    kTuple,      // items
    kList,       // items
    kDict,       // items: key, value, key, value, …
    kCondition,  // items: test, value, otherwise (or null)
    kAnd,        // items: left, right
    kOr,
    kNot,          // items: operand
    kUnary,        // name: "-" or "+"; items: operand
    kBinary,       // name: the operator; items: left, right
    kConcatenate,  // items
    kCompare,      // items: first, …; operators between them
    kAttribute,    // items: object; name
    kItem,         // items: object, index
    kSlice,        // items: object, start, stop, step (each of the last three may be null)
    kCall,         // items: callee; arguments
    kFilter,       // items: input (null: the text of the block around); name; arguments
    kTest,         // items: input; name; arguments
    kField,        // only as a target of set: items: none; name "space", value: the attribute's name
  };

  Kind kind;
  Position at;
  std::string name;
  Value value;
  std::vector<ExpressionPtr> items;
  std::vector<std::string> operators;
  std::unique_ptr<CallArguments> arguments;
  uint32_t height = 1;  // of the tree below; bounded by the parser, so recursion over it is too
};

// The parameters of a macro or call block. Those from the end have defaults.
struct Signature {
  std::vector<std::string> names;
  std::vector<ExpressionPtr> defaults;
  // Which of Jinja's implicit variables the body mentions.
  bool uses_caller = false, uses_varargs = false, uses_kwargs = false;
};

// A whole template.
struct Tree {
  Body body;
  std::vector<std::string> unset;  // as in Statement
};

struct Statement {
  enum class Kind {
    kText,         // text
    kPrint,        // expressions
    kIf,           // branches, otherwise
    kFor,          // target, expressions: iterated, condition (or null); body; otherwise; recursive
    kSet,          // target, expressions: value
    kSetBlock,     // target, expressions: filter (or null); body
    kMacro,        // text: name; signature; body
    kCallBlock,    // signature; expressions: call; body
    kFilterBlock,  // expressions: filter; body
    kWith,         // targets and expressions in pairs; body
    kScope,        // body (a named block, a generation block)
    kBreak,
    kContinue,
  };

  Kind kind;
  Position at;
  std::string text;
  std::vector<ExpressionPtr> targets;
  std::vector<ExpressionPtr> expressions;
  std::vector<std::pair<ExpressionPtr, Body>> branches;
  Body body, otherwise;
  Signature signature;
  bool recursive = false;
  // Names that belong to the scope of the body, or of the else branch, and have no value when it starts.
  std::vector<std::string> unset, unset_otherwise;
};

}  // namespace isthmus::jinja
