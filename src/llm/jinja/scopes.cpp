// SPDX-License-Identifier: Apache-2.0
// Finds which variables of a block have no value yet when the block starts.
#include "llm/jinja/scopes.h"

#include <initializer_list>
#include <map>
#include <set>

namespace isthmus::jinja {
namespace {

// What a scope's name means when the scope starts.
enum class Start {
  kGiven,  // a parameter, a variable of the scope around, or one given to the template
  kUnset,
};

struct Symbols {
  const Symbols* parent = nullptr;
  std::map<std::string, Start> names;  // all this scope mentions itself
  std::set<std::string> stores;

  bool knows(const std::string& name) const {
    return names.contains(name) || (parent && parent->knows(name));
  }
  bool parent_knows(const std::string& name) const { return parent && parent->knows(name); }

  void declare(const std::string& name) {
    stores.insert(name);
    names[name] = Start::kGiven;
  }
  void load(const std::string& name) {
    if (!knows(name)) names[name] = Start::kGiven;
  }
  void store(const std::string& name) {
    stores.insert(name);
    if (!names.contains(name)) names[name] = parent_knows(name) ? Start::kGiven : Start::kUnset;
  }
};

void load_all(Symbols& symbols, const Expression* node) {
  if (!node) return;
  if (node->kind == Expression::Kind::kName) symbols.load(node->name);
  for (const auto& item : node->items) load_all(symbols, item.get());
  if (!node->arguments) return;
  for (const auto& argument : node->arguments->positional) load_all(symbols, argument.get());
  for (const auto& [name, argument] : node->arguments->named) load_all(symbols, argument.get());
  load_all(symbols, node->arguments->rest.get());
  load_all(symbols, node->arguments->named_rest.get());
}

void store_all(Symbols& symbols, const Expression& target, bool as_parameter) {
  if (target.kind == Expression::Kind::kField) {
    symbols.load(target.name);
  } else if (target.kind == Expression::Kind::kName) {
    as_parameter ? symbols.declare(target.name) : symbols.store(target.name);
  } else {
    for (const auto& item : target.items) store_all(symbols, *item, as_parameter);
  }
}

void visit(Symbols& symbols, const Body& body);

// A name that only branches set is, before that, what it was outside of the if.
void join(Symbols& symbols, std::initializer_list<const Symbols*> branches) {
  const std::set<std::string> before = symbols.stores;
  for (const Symbols* branch : branches) {
    for (const auto& [name, start] : branch->names) symbols.names[name] = start;
    symbols.stores.insert(branch->stores.begin(), branch->stores.end());
  }
  for (const std::string& name : symbols.stores)
    if (!before.contains(name)) symbols.names[name] = Start::kGiven;
}

void visit_if(Symbols& symbols, const Statement& node) {
  load_all(symbols, node.branches[0].first.get());
  Symbols first = symbols, others = symbols, otherwise = symbols;
  visit(first, node.branches[0].second);
  // Each elif is an if of its own, and they share what they learn of names.
  for (size_t i = 1; i < node.branches.size(); i++) {
    load_all(others, node.branches[i].first.get());
    Symbols branch = others;
    visit(branch, node.branches[i].second);
    join(others, {&branch});
  }
  visit(otherwise, node.otherwise);
  join(symbols, {&first, &others, &otherwise});
}

// What a statement means for the scope it stands in; not for the scope it may open.
void visit(Symbols& symbols, const Statement& node) {
  switch (node.kind) {
    case Statement::Kind::kIf: visit_if(symbols, node); break;
    case Statement::Kind::kFor: load_all(symbols, node.expressions[0].get()); break;
    case Statement::Kind::kSet:
      load_all(symbols, node.expressions[0].get());
      store_all(symbols, *node.targets[0], false);
      break;
    case Statement::Kind::kSetBlock: store_all(symbols, *node.targets[0], false); break;
    case Statement::Kind::kMacro: symbols.store(node.text); break;
    default:
      for (const auto& expression : node.expressions) load_all(symbols, expression.get());
  }
}

void visit(Symbols& symbols, const Body& body) {
  for (const auto& statement : body) visit(symbols, *statement);
}

std::vector<std::string> unset_names(const Symbols& symbols) {
  std::vector<std::string> names;
  for (const auto& [name, start] : symbols.names)
    if (start == Start::kUnset) names.push_back(name);
  return names;
}

void open_scopes(const Symbols& symbols, Body& body);

// The scopes of the bodies inside a statement.
void open_scope(const Symbols& parent, Statement& node) {
  if (node.kind == Statement::Kind::kIf) {
    for (auto& [test, body] : node.branches) open_scopes(parent, body);
    open_scopes(parent, node.otherwise);
    return;
  }
  Symbols inner{&parent, {}, {}};
  if (node.kind == Statement::Kind::kFor) {
    inner.declare("loop");
    Symbols otherwise{&parent, {}, {}};
    visit(otherwise, node.otherwise);
    node.unset_otherwise = unset_names(otherwise);
    open_scopes(otherwise, node.otherwise);
  }
  if (node.kind == Statement::Kind::kFor || node.kind == Statement::Kind::kWith)
    for (const auto& target : node.targets) store_all(inner, *target, true);
  for (const std::string& name : node.signature.names) inner.declare(name);
  if (node.signature.uses_caller) inner.declare("caller");
  if (node.signature.uses_varargs) inner.declare("varargs");
  if (node.signature.uses_kwargs) inner.declare("kwargs");
  for (const auto& value : node.signature.defaults) load_all(inner, value.get());
  visit(inner, node.body);
  node.unset = unset_names(inner);
  open_scopes(inner, node.body);
}

void open_scopes(const Symbols& symbols, Body& body) {
  for (const auto& statement : body) open_scope(symbols, *statement);
}

}  // namespace

std::vector<std::string> resolve_scopes(Body& body) {
  Symbols symbols;
  visit(symbols, body);
  open_scopes(symbols, body);
  return unset_names(symbols);
}

}  // namespace isthmus::jinja
