// SPDX-License-Identifier: Apache-2.0
#include "base/status.h"

#include "base/text.h"

namespace isthmus {

std::string_view code_name(Code code) {
  switch (code) {
    case Code::kOk: return "ok";
    case Code::kInvalidArgument: return "invalid argument";
    case Code::kNotFound: return "not found";
    case Code::kOutOfMemory: return "out of memory";
    case Code::kUnimplemented: return "unimplemented";
    case Code::kUnavailable: return "unavailable";
    case Code::kDeviceLost: return "device lost";
    case Code::kFailedPrecondition: return "failed precondition";
    case Code::kOutOfRange: return "out of range";
    case Code::kDataLoss: return "damaged data";
    case Code::kCancelled: return "cancelled";
    case Code::kInternal: return "internal error";
  }
  return "unknown status";
}

Status::Status(Code code, std::string message) {
  if (code != Code::kOk) error_ = std::make_unique<Error>(Error{code, printable(message)});
}

Status::Status(const Status& other)
    : error_(other.error_ ? std::make_unique<Error>(*other.error_) : nullptr) {}

Status& Status::operator=(const Status& other) {
  error_ = other.error_ ? std::make_unique<Error>(*other.error_) : nullptr;
  return *this;
}

const std::string& Status::message() const {
  static const std::string empty;
  return error_ ? error_->message : empty;
}

std::string Status::to_string() const {
  if (ok()) return "ok";
  return fmt::format("{}: {}", code_name(error_->code), error_->message);
}

Status&& Status::with_context(std::string_view context) && {
  if (error_) error_->message = fmt::format("{}: {}", printable(context), error_->message);
  return std::move(*this);
}

}  // namespace isthmus
