// SPDX-License-Identifier: Apache-2.0
// Files that commands write their results to.
#pragma once

#include <string>

#include "base/status.h"

namespace isthmus::cli {

// Asked before what takes long, whose result would else be lost. Leaves the file as it is.
Status check_writable(const std::string& path);

// The whole text or, where the disk is full, the file as it was.
Status write_output(const std::string& path, const std::string& text);

}  // namespace isthmus::cli
