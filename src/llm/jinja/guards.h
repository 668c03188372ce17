// SPDX-License-Identifier: Apache-2.0
// Scopes and captured output of the interpreter, put back when a block is left in any way.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "llm/jinja/interpreter.h"

namespace isthmus::jinja {

// A new scope inside `parent`.
class Interpreter::ScopeGuard {
 public:
  ScopeGuard(Interpreter& interpreter, std::shared_ptr<Scope> parent) : interpreter_(interpreter) {
    auto scope = std::make_shared<Scope>();
    scope->parent = std::move(parent);
    outer_ = std::exchange(interpreter.scope_, std::move(scope));
  }
  ~ScopeGuard() { interpreter_.scope_ = std::move(outer_); }
  ScopeGuard(const ScopeGuard&) = delete;
  ScopeGuard& operator=(const ScopeGuard&) = delete;

 private:
  Interpreter& interpreter_;
  std::shared_ptr<Scope> outer_;
};

// What is written goes here instead of to the output.
class Interpreter::Capture {
 public:
  explicit Capture(Interpreter& interpreter)
      : interpreter_(interpreter), outer_(std::exchange(interpreter.out_, &text_)) {}
  ~Capture() { interpreter_.out_ = outer_; }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;
  std::string take() { return std::move(text_); }

 private:
  Interpreter& interpreter_;
  std::string* outer_;
  std::string text_;
};

}  // namespace isthmus::jinja
