// SPDX-License-Identifier: Apache-2.0
#include "cann/runtime/library.h"

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>

#include "acl/acl.h"
#include "cann/error.h"
#include "cann/runtime/context.h"
#include "cann/runtime/copy.h"

namespace isthmus::cann {
namespace {

enum class Phase { kBefore, kBetween, kAfter };
std::mutex mutex;
std::atomic<Phase> phase{Phase::kBefore};

// The configuration is JSON: one object. Nothing in it changes anything here, so that keys are not looked at.
aclError check_config(const char* path) {
  std::error_code is_file;
  const bool regular = std::filesystem::is_regular_file(path, is_file);  // opening a pipe would wait for ever
  std::ifstream file;
  if (regular) file.open(path, std::ios::binary);
  if (!file.is_open()) return fail(ACL_ERROR_INVALID_FILE, "aclInit: {} cannot be read", path);
  constexpr uint64_t kLargest = 10 << 20;
  if (std::filesystem::file_size(path, is_file) > kLargest)
    return fail(ACL_ERROR_INVALID_FILE_SIZE, "aclInit: {} has more than {} bytes", path, kLargest);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) return ACL_SUCCESS;
  const auto config = nlohmann::json::parse(text, nullptr, false);
  if (config.is_discarded()) return fail(ACL_ERROR_PARSE_FILE, "aclInit: {} is not JSON", path);
  if (!config.is_object())
    return fail(ACL_ERROR_PARSE_FILE, "aclInit: {} holds a JSON {}, an object is expected", path,
                config.type_name());
  return ACL_SUCCESS;
}

}  // namespace

bool initialized() { return phase == Phase::kBetween; }

aclError need_init(const char* entry) {
  if (initialized()) return ACL_SUCCESS;
  return fail(ACL_ERROR_UNINITIALIZE, "{}: {}", entry,
              phase == Phase::kAfter ? "aclFinalize was called before" : "aclInit comes first");
}

}  // namespace isthmus::cann

using namespace isthmus;        // NOLINT: entry points stand outside of namespaces
using namespace isthmus::cann;  // NOLINT

aclError aclInit(const char* config) {
  std::lock_guard lock(mutex);
  if (initialized()) return fail(ACL_ERROR_REPEAT_INITIALIZE, "aclInit: was called before");
  if (config && *config) {
    if (const aclError code = check_config(config)) return code;
  }
  if (phase == Phase::kBefore) std::atexit(print_summary);  // for programs that end without aclFinalize
  phase = Phase::kBetween;
  return ACL_SUCCESS;
}

aclError aclFinalize(void) {
  std::lock_guard lock(mutex);
  if (phase == Phase::kAfter) return fail(ACL_ERROR_REPEAT_FINALIZE, "aclFinalize: was called before");
  if (phase == Phase::kBefore) return fail(ACL_ERROR_UNINITIALIZE, "aclFinalize: aclInit was never called");
  end_all_contexts();
  release_copy_streams();
  close_devices();
  print_summary();
  phase = Phase::kAfter;
  return ACL_SUCCESS;
}

aclError aclrtGetVersion(int32_t* major, int32_t* minor, int32_t* patch) {
  if (!major || !minor || !patch)
    return fail(ACL_ERROR_INVALID_PARAM, "aclrtGetVersion: no place for the answer");
  *major = ACL_MAJOR_VERSION;
  *minor = ACL_MINOR_VERSION;
  *patch = ACL_PATCH_VERSION;
  return ACL_SUCCESS;
}

const char* aclGetRecentErrMsg(void) { return take_recent_message(); }
