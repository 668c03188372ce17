// SPDX-License-Identifier: Apache-2.0
// Values with behaviour: functions, bound methods, namespaces, generators, loops.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llm/jinja/value.h"

namespace isthmus::jinja {

class Runtime;

// The arguments of one call of a function, filter or test.
struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
};

struct Object {
  // How much this object was made of; what it gets later does not count, so such objects are kept by the
  // Runtime.
  Extent extent;

  virtual ~Object() = default;
  virtual std::string_view type_name() const = 0;
  virtual std::string repr() const { return fmt::format("<{} object>", type_name()); }
  virtual bool callable() const { return false; }
  virtual Result<Value> call(Runtime&, Arguments) {
    return invalid_argument("a value of type '{}' cannot be called", type_name());
  }
  // The attribute, or nothing where there is none of that name. `self` is this object.
  virtual Result<std::optional<Value>> attribute(Runtime&, const Value& self, std::string_view name) {
    (void)self, (void)name;
    return std::optional<Value>();
  }
  virtual std::optional<size_t> length() const { return std::nullopt; }
  // Drops what it refers to, so that rings of objects do not outlive the rendering.
  virtual void clear() {}
};

// What lazy filters (map, select, items, …) give: can be walked once. Computed at once all the same; an error
// on the way waits in `error` until the walk gets there, because templates may never go that far.
struct Generator : Object {
  List items;
  size_t next = 0;
  Status error;

  std::string_view type_name() const override { return "generator"; }
  void clear() override { items.clear(); }
};

// namespace(): the one thing `set` can change the inside of.
struct Namespace : Object {
  Dict attributes;

  std::string_view type_name() const override { return "Namespace"; }
  Result<std::optional<Value>> attribute(Runtime&, const Value&, std::string_view name) override;
  void clear() override { attributes = Dict(); }
};

// A function of ours: a method bound to its value, or a global such as range.
struct Function : Object {
  using Body = Result<Value> (*)(Runtime&, const Value& self, Arguments&);

  std::string name;
  Body body;
  Value self;

  Function(std::string name, Body body, Value self = None())
      : name(std::move(name)), body(body), self(std::move(self)) {}
  std::string_view type_name() const override { return "builtin_function_or_method"; }
  bool callable() const override { return true; }
  Result<Value> call(Runtime& runtime, Arguments arguments) override {
    return body(runtime, self, arguments);
  }
  void clear() override { self = Value(None()); }
};

}  // namespace isthmus::jinja
