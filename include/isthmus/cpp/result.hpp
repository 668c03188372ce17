// SPDX-License-Identifier: Apache-2.0
// How the C++ layer fails: Result<T>, a value or an Error. Nothing here throws.
#pragma once

#include <cassert>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "isthmus/library.h"

// The layer is header-only C++20 over the C interface, so it has no binary interface of its own; its inline
// namespace keeps it apart from anything else of the same names in one process.
namespace isthmus {
inline namespace v0 {

struct Error {
  isthmus_status_t code = ISTHMUS_INTERNAL;
  std::string message;
  std::string to_string() const { return std::string(isthmus_status_name(code)) + ": " + message; }
};

// What the latest failing call of this thread left.
inline Error last_error(isthmus_status_t code) { return {code, isthmus_last_error()}; }

// A value or an Error. Asking for the one that is not there is a mistake of the caller.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}      // NOLINT: implicit, `return value;`
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit, `return error;`
  bool ok() const { return value_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const {
    assert(!ok());
    return error_;
  }
  T& value() {
    assert(ok());
    return *value_;
  }
  T& operator*() { return value(); }
  T* operator->() { return &value(); }

 private:
  std::optional<T> value_;
  Error error_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit, `return error;`
  // Of a C function's status.
  static Result of(isthmus_status_t code) { return code == ISTHMUS_OK ? Result() : Result(last_error(code)); }
  bool ok() const { return !error_; }
  explicit operator bool() const { return ok(); }
  const Error& error() const {
    assert(!ok());
    return *error_;
  }

 private:
  std::optional<Error> error_;
};
using Status = Result<void>;

// Owns a C handle. Move-only; empty after a move.
template <typename C, void (*destroy)(C*)>
class Handle {
 public:
  Handle() = default;
  explicit Handle(C* handle) : handle_(handle) {}
  C* get() const { return handle_.get(); }

 private:
  struct Destroy {
    void operator()(C* handle) const { destroy(handle); }
  };
  std::unique_ptr<C, Destroy> handle_;
};

}  // namespace v0
}  // namespace isthmus
