// SPDX-License-Identifier: Apache-2.0
// Status and Result<T>: how every fallible function of the library reports errors.
#pragma once

#include <fmt/format.h>

#include <cassert>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "isthmus/status.h"

namespace isthmus {

// The codes of include/isthmus/status.h under their C++ names; the numbers are shared.
enum class Code {
  kOk = ISTHMUS_OK,
  kInvalidArgument = ISTHMUS_INVALID_ARGUMENT,
  kNotFound = ISTHMUS_NOT_FOUND,
  kOutOfMemory = ISTHMUS_OUT_OF_MEMORY,
  kUnimplemented = ISTHMUS_UNIMPLEMENTED,
  kUnavailable = ISTHMUS_UNAVAILABLE,
  kDeviceLost = ISTHMUS_DEVICE_LOST,
  kFailedPrecondition = ISTHMUS_FAILED_PRECONDITION,
  kOutOfRange = ISTHMUS_OUT_OF_RANGE,
  kDataLoss = ISTHMUS_DATA_LOSS,
  kCancelled = ISTHMUS_CANCELLED,
  kInternal = ISTHMUS_INTERNAL,
};

// "invalid argument", "not found", …
std::string_view code_name(Code code);

// A code and, unless it is kOk, a message in plain English. Success costs one null pointer.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string message);
  Status(const Status& other);
  Status& operator=(const Status& other);
  Status(Status&&) noexcept = default;
  Status& operator=(Status&&) noexcept = default;

  bool ok() const { return !error_; }
  Code code() const { return error_ ? error_->code : Code::kOk; }
  // The message alone; empty when ok.
  const std::string& message() const;
  // "not found: no device named 'x'"; "ok" when ok.
  std::string to_string() const;
  // Puts "CONTEXT: " before the message, on the way up. Does nothing when ok.
  Status&& with_context(std::string_view context) &&;

 private:
  struct Error {
    Code code;
    std::string message;
  };
  std::unique_ptr<Error> error_;
};

inline Status ok() { return {}; }

// error(Code::kNotFound, "no device named '{}'", name)
template <typename... Args>
Status error(Code code, fmt::format_string<Args...> format, Args&&... args) {
  return Status(code, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
Status invalid_argument(fmt::format_string<Args...> format, Args&&... args) {
  return Status(Code::kInvalidArgument, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
Status data_loss(fmt::format_string<Args...> format, Args&&... args) {
  return Status(Code::kDataLoss, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
Status unimplemented(fmt::format_string<Args...> format, Args&&... args) {
  return Status(Code::kUnimplemented, fmt::format(format, std::forward<Args>(args)...));
}

// A value or the Status that says why there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}         // NOLINT: implicit by design, `return value;`
  Result(Status status) : status_(std::move(status)) {  // NOLINT: implicit, `return error(...);`
    assert(!status_.ok() && "a Result without a value needs an error");
  }

  bool ok() const { return value_.has_value(); }
  const Status& status() const& { return status_; }
  Status status() && { return std::move(status_); }

  T& value() & { return *value_; }
  const T& value() const& { return *value_; }
  T value() && { return std::move(*value_); }
  T& operator*() & { return *value_; }
  const T& operator*() const& { return *value_; }
  T operator*() && { return std::move(*value_); }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }

 private:
  std::optional<T> value_;
  Status status_;
};

}  // namespace isthmus

// RETURN_IF_ERROR(f());  RETURN_IF_ERROR(f(), "while importing node {}", name);
#define RETURN_IF_ERROR(expression, ...)                                       \
  do {                                                                         \
    if (::isthmus::Status isthmus_status = (expression); !isthmus_status.ok()) \
      return ::isthmus::Status(std::move(isthmus_status))                      \
          __VA_OPT__(.with_context(::fmt::format(__VA_ARGS__)));               \
  } while (false)

// ASSIGN_OR_RETURN(auto device, open_device(name));
#define ASSIGN_OR_RETURN(declaration, expression, ...)                               \
  ISTHMUS_ASSIGN_OR_RETURN_(ISTHMUS_CONCAT_(isthmus_result_, __LINE__), declaration, \
                            expression __VA_OPT__(, ) __VA_ARGS__)
#define ISTHMUS_ASSIGN_OR_RETURN_(result, declaration, expression, ...)                                      \
  auto result = (expression);                                                                                \
  if (!result.ok()) return std::move(result).status() __VA_OPT__(.with_context(::fmt::format(__VA_ARGS__))); \
  declaration = std::move(result).value()
#define ISTHMUS_CONCAT_(a, b) ISTHMUS_CONCAT2_(a, b)
#define ISTHMUS_CONCAT2_(a, b) a##b
