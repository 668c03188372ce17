// SPDX-License-Identifier: Apache-2.0
// What a run of the checks says about one plug-in, in a form that can be checked again.
#pragma once

#include <nlohmann/json.hpp>

#include "conform/child.h"

namespace isthmus::conform {

struct Counts {
  int passed = 0, failed = 0, never = 0, not_yet = 0, unexpected = 0;
};
Counts count(const std::vector<CheckResult>& results);

// SHA-256 of a file.
Result<std::string> file_sha256(const std::string& path);

// passed and failed first; then what was tested (hashes of plug-in and kit), the results, and their hash.
// kit: the program that ran the checks.
Result<nlohmann::ordered_json> make_certificate(const Device& device, const std::string& kit, bool quick,
                                                const std::vector<CheckResult>& results);

// Whether a certificate is whole, and of this kit and this plug-in: each hash is taken again.
Status verify_certificate(const nlohmann::ordered_json& certificate, const std::string& kit,
                          const std::string& plugin);

}  // namespace isthmus::conform
