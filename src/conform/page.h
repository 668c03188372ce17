// SPDX-License-Identifier: Apache-2.0
// A certificate as a page for people.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace isthmus::conform {

// HTML that needs nothing else, light or dark as the reader's system is. Of make_certificate's certificate.
std::string html_page(const nlohmann::ordered_json& certificate);

}  // namespace isthmus::conform
