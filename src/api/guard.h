// SPDX-License-Identifier: Apache-2.0
// The C line: turns Status into a code and this thread's message, and lets no exception through.
#pragma once

#include <exception>
#include <new>
#include <string_view>

#include "base/status.h"
#include "isthmus/library.h"

namespace isthmus::api {

// Keeps the message for isthmus_last_error() and gives the code.
isthmus_status_t report(const Status& status) noexcept;
// Before a callback: what an earlier failure left is not its message.
void clear_last_error() noexcept;
// What a callback's code says, with the message it left by isthmus_fail.
Status callback_status(isthmus_status_t code, std::string_view what);

// An error that names the first null pointer. ISTHMUS_POINTERS(a, b) gives its arguments.
struct Pointer {
  const void* value;
  const char* name;
};
template <typename... P>
Status require(const char* function, P... pointers) {
  for (const Pointer& p : {pointers...})
    if (!p.value) return invalid_argument("{}: '{}' is NULL", function, p.name);
  return ok();
}

// Runs body() -> Status. Memory may run out anywhere in it, and other libraries throw.
template <typename Body>
isthmus_status_t guard(const Body& body) noexcept {
  try {
    return report(body());
  } catch (const std::bad_alloc&) {
    return isthmus_fail(ISTHMUS_OUT_OF_MEMORY, "out of host memory");
  } catch (const std::exception& e) {
    return isthmus_fail(ISTHMUS_INTERNAL, e.what());
  } catch (...) {
    return isthmus_fail(ISTHMUS_INTERNAL, "an exception of no known type");
  }
}

}  // namespace isthmus::api

#define ISTHMUS_POINTER(p) \
  ::isthmus::api::Pointer { p, #p }
