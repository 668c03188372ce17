// SPDX-License-Identifier: Apache-2.0
// Walks the tree of a template and writes its text.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llm/jinja/ast.h"
#include "llm/jinja/runtime.h"

namespace isthmus::jinja {

// The variables of a block. Loops, macros and captured blocks have their own; an if does not.
struct Scope {
  std::shared_ptr<Scope> parent;
  std::vector<std::pair<std::string_view, Value>> variables;  // names belong to the tree

  const Value* find(std::string_view name) const;
  void set(std::string_view name, Value value);
  void declare(const std::vector<std::string>& unset);
};

struct Loop;

class Interpreter : public Runtime {
 public:
  // The tree and the globals must outlive this.
  Interpreter(const Dict& globals, const Limits& limits);
  ~Interpreter() override;

  Result<std::string> run(const Tree& tree);

  Result<Value> filter(std::string_view name, const Value& input, Arguments arguments) override;
  Result<bool> test(std::string_view name, const Value& input, Arguments arguments) override;
  void keep(std::shared_ptr<Object> object) override { kept_.push_back(std::move(object)); }

  // For macros and loops, which are values that run parts of the tree.
  Result<Value> call_macro(const Statement& macro, std::string_view name, const std::shared_ptr<Scope>& scope,
                           Arguments arguments);
  Result<Value> run_recursive_loop(const Statement& node, const std::shared_ptr<Scope>& scope,
                                   const Value& items, uint32_t depth);
  Result<bool> passes(const Statement& loop, const std::shared_ptr<Scope>& scope, const Value& item);

 private:
  enum class Flow { kNext, kBreak, kContinue };
  class ScopeGuard;
  class Capture;

  Result<Flow> execute(const Body& body);
  Result<Flow> execute(const Statement& node);
  Result<Flow> dispatch(const Statement& node);
  Status print(const Statement& node);
  Result<Flow> run_if(const Statement& node);
  Result<Flow> run_for(const Statement& node, const Value& items, uint32_t depth);
  Status set(const Statement& node);
  Result<Flow> set_block(const Statement& node);
  Status define_macro(const Statement& node);
  Status call_block(const Statement& node);
  Result<Flow> filter_block(const Statement& node);
  Result<Flow> with(const Statement& node);
  Status assign(const Expression& target, Value value);
  Status write(std::string_view text);

  Result<Value> evaluate(const Expression& node);
  Result<Value> dispatch(const Expression& node);
  Result<Value> lookup(std::string_view name);
  Result<Value> list_or_tuple(const Expression& node);
  Result<Value> dict(const Expression& node);
  Result<Value> logic(const Expression& node);
  Result<Value> binary(const Expression& node);
  Result<Value> concatenate(const Expression& node);
  Result<Value> compare(const Expression& node);
  Result<Value> item(const Expression& node);
  Result<Value> slice(const Expression& node);
  Result<Value> call(const Expression& node, const Value* caller = nullptr);
  Result<Value> apply_filter(const Expression& node);
  Result<Value> apply_test(const Expression& node);
  Result<Arguments> evaluate_arguments(const CallArguments* arguments);

  // Puts the place in front of an error, once: the innermost knows best.
  Status located(Status status, Position at);

  const Dict& globals_;
  std::shared_ptr<Scope> scope_;
  std::string* out_ = nullptr;
  const Value* block_text_ = nullptr;  // what a filter without input works on
  uint32_t depth_ = 0;
  bool located_ = false;
  std::vector<std::shared_ptr<Object>> kept_;
};

}  // namespace isthmus::jinja
