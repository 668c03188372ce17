// SPDX-License-Identifier: Apache-2.0
// The `loop` variable, and the walk over a for loop's items behind it.
#include "llm/jinja/loop.h"

#include "llm/jinja/format.h"

namespace isthmus::jinja {
namespace {

Loop& loop_of(const Value& self) { return static_cast<Loop&>(*self.object()); }

Result<Value> cycle(Runtime&, const Value& self, Arguments& arguments) {
  if (arguments.positional.empty()) return invalid_argument("'cycle' needs values to choose from");
  const auto count = static_cast<Integer>(arguments.positional.size());
  return arguments.positional[static_cast<size_t>(loop_of(self).index0 % count)];
}

Result<Value> changed(Runtime& runtime, const Value& self, Arguments& arguments) {
  Loop& loop = loop_of(self);
  ASSIGN_OR_RETURN(Value now, make_tuple(std::move(arguments.positional)));
  bool same = false;
  if (loop.last_changed) {
    ASSIGN_OR_RETURN(same, runtime.equal(*loop.last_changed, now));
  }
  loop.last_changed = std::move(now);
  return Value(!same);
}

}  // namespace

Result<std::optional<Value>> Loop::fetch() {
  while (taken < items.size()) {
    RETURN_IF_ERROR(interpreter.step());
    const Value& item = items[taken++];
    if (!statement.expressions[1] || counted) return std::optional<Value>(item);
    ASSIGN_OR_RETURN(const bool passes, interpreter.passes(statement, scope, item));
    if (passes) return std::optional<Value>(item);
  }
  return std::optional<Value>();
}

Status Loop::peek() {
  if (!after) {
    ASSIGN_OR_RETURN(after, fetch());
  }
  return ok();
}

Result<bool> Loop::advance() {
  std::optional<Value> next = std::move(after);
  after.reset();
  if (!next) {
    ASSIGN_OR_RETURN(next, fetch());
  }
  if (!next) return false;
  index0++;
  before = std::move(current);
  current = std::move(next);
  return true;
}

Result<Integer> Loop::count() {
  if (!counted) {
    if (statement.expressions[1]) {
      // The rest must be tried now to be counted; what passes takes its place.
      List rest;
      for (;;) {
        ASSIGN_OR_RETURN(std::optional<Value> item, fetch());
        if (!item) break;
        rest.push_back(std::move(*item));
      }
      items = std::move(rest);
      taken = 0;
      counted = static_cast<size_t>(index0) + 1 + (after ? 1 : 0) + items.size();
    } else {
      counted = items.size();
    }
  }
  return static_cast<Integer>(*counted);
}

Result<std::optional<Value>> Loop::attribute(Runtime& runtime, const Value& self, std::string_view name) {
  const auto found = [](Value value) { return std::optional<Value>(std::move(value)); };
  if (name == "index") return found(index0 + 1);
  if (name == "index0") return found(index0);
  if (name == "first") return found(index0 == 0);
  if (name == "depth") return found(depth0 + 1);
  if (name == "depth0") return found(depth0);
  if (name == "last") {
    RETURN_IF_ERROR(peek());
    return found(!after);
  }
  if (name == "nextitem") {
    RETURN_IF_ERROR(peek());
    return found(after ? *after : Value::undefined("the last round of a loop has no next item"));
  }
  if (name == "previtem")
    return found(before ? *before : Value::undefined("the first round of a loop has no previous item"));
  if (name == "length" || name == "revindex" || name == "revindex0") {
    ASSIGN_OR_RETURN(const Integer length, count());
    return found(name == "length" ? length : name == "revindex" ? length - index0 : length - index0 - 1);
  }
  if (name == "cycle" || name == "changed") {
    ASSIGN_OR_RETURN(Value method, runtime.function(name, name == "cycle" ? cycle : changed, self));
    return found(std::move(method));
  }
  return std::optional<Value>();
}

Result<Value> Loop::call(Runtime&, Arguments arguments) {
  if (!statement.recursive) return invalid_argument("only a loop marked 'recursive' can be called");
  if (arguments.positional.size() != 1 || !arguments.named.empty())
    return invalid_argument("a recursive loop is called with one argument, the items");
  return interpreter.run_recursive_loop(statement, scope, arguments.positional[0],
                                        static_cast<uint32_t>(depth0) + 1);
}

std::string Loop::repr() const {
  return fmt::format("<LoopContext {}/{}>", format_integer(index0 + 1), length().value_or(0));
}

void Loop::clear() {
  items.clear();
  scope.reset();
}

}  // namespace isthmus::jinja
