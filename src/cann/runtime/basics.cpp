// SPDX-License-Identifier: Apache-2.0
// What needs no device: the SoC's name, sizes of data types, binary16, and the program's own log.
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "acl/acl_base.h"
#include "base/half.h"

namespace {

// The lowest level that is printed; above ACL_ERROR: none is.
int log_threshold() {
  static const int threshold = [] {
    const char* text = std::getenv("ISTHMUS_CANN_LOG");
    const std::string_view wish = text ? text : "";
    constexpr std::string_view kNames[] = {"debug", "info", "warning", "error", "off"};
    for (int level = 0; level < 5; ++level)
      if (wish == kNames[level]) return level;
    return static_cast<int>(ACL_WARNING);
  }();
  return threshold;
}

}  // namespace

const char* aclrtGetSocName(void) {
  static const std::string& name = *new std::string([] {
    const char* wish = std::getenv("ISTHMUS_CANN_SOC");
    return wish && *wish ? wish : "Ascend910B3";
  }());
  return name.c_str();
}

size_t aclDataTypeSize(aclDataType type) {
  switch (type) {
    case ACL_INT8:
    case ACL_UINT8:
    case ACL_BOOL:
    case ACL_HIFLOAT8:
    case ACL_FLOAT8_E5M2:
    case ACL_FLOAT8_E4M3FN:
    case ACL_FLOAT8_E8M0: return 1;
    case ACL_FLOAT16:
    case ACL_BF16:
    case ACL_INT16:
    case ACL_UINT16: return 2;
    case ACL_FLOAT:
    case ACL_INT32:
    case ACL_UINT32:
    case ACL_COMPLEX32: return 4;
    case ACL_INT64:
    case ACL_UINT64:
    case ACL_DOUBLE:
    case ACL_COMPLEX64: return 8;
    case ACL_COMPLEX128: return 16;
    default: return 0;
  }
}

float aclFloat16ToFloat(aclFloat16 value) { return isthmus::f16_to_f32(value); }
aclFloat16 aclFloatToFloat16(float value) { return isthmus::f32_to_f16(value); }

void aclAppLog(aclLogLevel level, const char* function, const char* file, uint32_t line, const char* format,
               ...) {
  if (static_cast<int>(level) < log_threshold() || !format) return;
  char text[1024];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  constexpr const char* kNames[] = {"debug", "info", "warning", "error"};
  const auto number = static_cast<unsigned>(level);
  std::fprintf(stderr, "[%s] %s (%s:%u): %s\n", number < 4 ? kNames[number] : "log",
               function ? function : "?", file ? file : "?", line, text);
}
