// SPDX-License-Identifier: Apache-2.0
// The codes that CANN programs get, and the sentence behind each, which they read with aclGetRecentErrMsg.
#pragma once

#include <fmt/format.h>

#include "acl/acl_base.h"
#include "base/status.h"

namespace isthmus::cann {

// Remembers the sentence for the calling thread and returns the code, for `return fail(…)` in an entry point.
aclError fail(aclError code, std::string sentence);
template <typename... Args>
aclError fail(aclError code, fmt::format_string<Args...> format, Args&&... args) {
  return fail(code, fmt::format(format, std::forward<Args>(args)...));
}

// The runtime's code that fits a Status (ACL_ERROR_RT_…), 0 when it is ok; remembers its message under the
// name of the entry point: "aclrtMalloc: out of memory: …".
aclError report(const char* entry, const Status& status);
// The same with the codes that aclnn functions return (161001 …).
int report_aclnn(const char* entry, const Status& status);

// The codes alone. kFailedPrecondition is what current_device() says of a thread without a context.
aclError runtime_code(Code code);
int aclnn_code(Code code);

// Of a handle that find() refused: ACL_ERROR_INVALID_PARAM for null, else ACL_ERROR_RT_INVALID_HANDLE.
aclError handle_code(const void* handle);
// report() of what looked a stream up, where a wrong handle is one of the causes.
aclError report_handle(const char* entry, const void* handle, const Status& status);

// Codes of captures, which AscendCL's list of names does not have: of use that makes one worthless; of an end
// on another stream than it began on; of work on other streams that is left behind.
inline constexpr aclError kCaptureInvalid = 507903;
inline constexpr aclError kCaptureElsewhere = 107024;
inline constexpr aclError kCaptureLeftBehind = 107025;

// What aclnn functions return.
inline constexpr int kAclnnNullArgument = 161001;
inline constexpr int kAclnnInvalidArgument = 161002;
inline constexpr int kAclnnRuntime = 361001;   // the runtime failed below the operator
inline constexpr int kAclnnInternal = 561000;  // nothing here can do it

// The code of the calling thread's last fail(), 0 when there was none.
aclError last_code(bool forget);
// The last sentence of the calling thread, or null; taking it forgets it.
const char* take_recent_message();

}  // namespace isthmus::cann
