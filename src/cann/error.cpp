// SPDX-License-Identifier: Apache-2.0
#include "cann/error.h"

#include <string>

namespace isthmus::cann {
namespace {

// What the thread's last failure was. `given` is what its last take returned, which lives until the next.
struct Recent {
  std::string sentence, given;
  aclError code = ACL_SUCCESS;
};
thread_local Recent recent;

}  // namespace

aclError fail(aclError code, std::string sentence) {
  recent.sentence = std::move(sentence);
  recent.code = code;
  return code;
}

aclError report(const char* entry, const Status& status) {
  if (status.ok()) return ACL_SUCCESS;
  return fail(runtime_code(status.code()), "{}: {}", entry, status.message());
}

int report_aclnn(const char* entry, const Status& status) {
  if (status.ok()) return 0;
  return fail(aclnn_code(status.code()), "{}: {}", entry, status.message());
}

aclError runtime_code(Code code) {
  switch (code) {
    case Code::kOk: return ACL_SUCCESS;
    case Code::kInvalidArgument:
    case Code::kOutOfRange: return ACL_ERROR_RT_PARAM_INVALID;
    case Code::kNotFound: return ACL_ERROR_RT_INVALID_DEVICEID;
    case Code::kOutOfMemory: return ACL_ERROR_RT_MEMORY_ALLOCATION;
    case Code::kUnimplemented: return ACL_ERROR_RT_FEATURE_NOT_SUPPORT;
    case Code::kUnavailable: return ACL_ERROR_RT_RESOURCE_ALLOC_FAIL;
    case Code::kDeviceLost: return ACL_ERROR_RT_LOST_HEARTBEAT;
    case Code::kFailedPrecondition: return ACL_ERROR_RT_CONTEXT_NULL;
    case Code::kCancelled: return kCaptureInvalid;
    case Code::kDataLoss:
    case Code::kInternal: break;
  }
  return ACL_ERROR_RT_INTERNAL_ERROR;
}

aclError handle_code(const void* handle) {
  return handle ? ACL_ERROR_RT_INVALID_HANDLE : ACL_ERROR_INVALID_PARAM;
}

aclError report_handle(const char* entry, const void* handle, const Status& status) {
  const Code code = status.code();
  if (code == Code::kOk) return ACL_SUCCESS;
  return fail(code == Code::kInvalidArgument ? handle_code(handle) : runtime_code(code), "{}: {}", entry,
              status.message());
}

int aclnn_code(Code code) {
  switch (code) {
    case Code::kOk: return 0;
    case Code::kInvalidArgument:
    case Code::kOutOfRange: return kAclnnInvalidArgument;
    case Code::kUnimplemented:
    case Code::kNotFound: return kAclnnInternal;
    default: break;
  }
  return kAclnnRuntime;
}

aclError last_code(bool forget) { return forget ? std::exchange(recent.code, ACL_SUCCESS) : recent.code; }

const char* take_recent_message() {
  if (recent.sentence.empty()) return nullptr;
  recent.given = std::move(recent.sentence);
  recent.sentence.clear();
  return recent.given.c_str();
}

}  // namespace isthmus::cann
