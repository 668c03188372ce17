// SPDX-License-Identifier: Apache-2.0
// The `loop` variable, and the walk over a for loop's items behind it.
#pragma once

#include <memory>
#include <optional>

#include "llm/jinja/interpreter.h"
#include "llm/jinja/object.h"

namespace isthmus::jinja {

struct Loop : Object {
  Interpreter& interpreter;
  const Statement& statement;
  std::shared_ptr<Scope> scope;  // the one around the loop
  List items;
  size_t taken = 0;  // items looked at, including those the loop's condition refused
  Integer index0 = -1;
  Integer depth0 = 0;
  std::optional<Value> before, current, after;  // `after` only once something asked for it
  std::optional<Value> last_changed;
  std::optional<size_t> counted;  // once known; `items` then holds only what passes the condition

  Loop(Interpreter& interpreter, const Statement& statement, std::shared_ptr<Scope> scope)
      : interpreter(interpreter), statement(statement), scope(std::move(scope)) {}

  // Goes to the next item, which is then in `current`. False at the end.
  Result<bool> advance();

  std::string_view type_name() const override { return "LoopContext"; }
  std::string repr() const override;
  bool callable() const override { return true; }
  Result<Value> call(Runtime& runtime, Arguments arguments) override;
  Result<std::optional<Value>> attribute(Runtime& runtime, const Value& self, std::string_view name) override;
  std::optional<size_t> length() const override { return counted.value_or(items.size()); }
  void clear() override;

 private:
  // The next item the condition lets pass. Nothing at the end.
  Result<std::optional<Value>> fetch();
  Status peek();
  Result<Integer> count();
};

}  // namespace isthmus::jinja
