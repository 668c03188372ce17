// SPDX-License-Identifier: Apache-2.0
// For tests: a TokenizerSource from JSON, and bytes from hexadecimal text.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "llm/tokenizer/tokenizer.h"

namespace isthmus {

inline TokenizerSource source_from_json(const nlohmann::json& json) {
  TokenizerSource source;
  source.pre = json.at("pre").get<std::string>();
  source.tokens = json.at("tokens").get<std::vector<std::string>>();
  source.token_types = json.at("token_types").get<std::vector<int32_t>>();
  source.merges = json.at("merges").get<std::vector<std::string>>();
  source.bos = json.value("bos", -1);
  source.eos = json.value("eos", -1);
  source.eot = json.value("eot", -1);
  source.strip_left = json.value("strip_left", std::vector<int32_t>{});
  source.strip_right = json.value("strip_right", std::vector<int32_t>{});
  return source;
}

inline std::string bytes_from_hex(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  return bytes;
}

}  // namespace isthmus
