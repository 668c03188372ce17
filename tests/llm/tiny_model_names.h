// SPDX-License-Identifier: Apache-2.0
// Names of the tiny models: the folders of tests/llm/data that hold one, so that a new family adds itself.
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

namespace isthmus {

inline std::vector<std::string> tiny_model_names() {
  std::vector<std::string> names;
  std::error_code error;  // a folder that cannot be read leaves the list empty, which tests refuse
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(ISTHMUS_SOURCE_DIR) + "/tests/llm/data", error))
    if (std::filesystem::exists(entry.path() / "model.gguf", error))
      names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace isthmus
