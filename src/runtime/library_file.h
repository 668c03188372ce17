// SPDX-License-Identifier: Apache-2.0
// What is looked at in a shared library's file before the system's loader gets it.
#pragma once

#include <string>

#include "base/status.h"

namespace isthmus {

// The loader would wait for ever for a named pipe, and end the process with SIGBUS where a half-copied
// library ends; everything else it refuses in its own words.
Status check_library_file(const std::string& path);

}  // namespace isthmus
