// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "api/guard.h"

namespace isthmus::api {
namespace {

// Keeping a message must not fail when memory has run out.
struct LastError {
  std::string text;
  const char* shown = "";

  void set(std::string_view message) noexcept {
    try {
      text = message;
      shown = text.c_str();
    } catch (...) {
      shown = "out of host memory, also for the message";
    }
  }
};
thread_local LastError g_last_error;

bool known(isthmus_status_t status) { return status >= ISTHMUS_OK && status <= ISTHMUS_INTERNAL; }

}  // namespace

isthmus_status_t report(const Status& status) noexcept {
  if (status.ok()) return ISTHMUS_OK;
  g_last_error.set(status.message());
  return static_cast<isthmus_status_t>(status.code());
}

void clear_last_error() noexcept { g_last_error.set(""); }

Status callback_status(isthmus_status_t code, std::string_view what) {
  if (code == ISTHMUS_OK) return ok();
  if (!known(code))
    return error(Code::kInternal, "{}: returned the unknown status {}", what, static_cast<int>(code));
  const std::string message = *g_last_error.shown ? g_last_error.shown : "it gave no reason";
  return error(static_cast<Code>(code), "{}: {}", what, message);
}

}  // namespace isthmus::api

using namespace isthmus;
using namespace isthmus::api;

const char* isthmus_version(void) { return ISTHMUS_VERSION_STRING; }

const char* isthmus_last_error(void) { return g_last_error.shown; }

const char* isthmus_status_name(isthmus_status_t status) {
  return known(status) ? code_name(static_cast<Code>(status)).data() : "unknown status";
}

isthmus_status_t isthmus_fail(isthmus_status_t status, const char* message) {
  g_last_error.set(message ? message : "");
  return status;
}
