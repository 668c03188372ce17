// SPDX-License-Identifier: Apache-2.0
// Runs the `isthmus` program and keeps what it said.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace isthmus::e2e {

struct Outcome {
  int code = -1;  // exit code; 128 + signal when it was ended by one
  std::string out, err;
  // Of standard output; null, and a failure of the test, when it is no JSON.
  nlohmann::json json() const;
};

struct Call {
  std::vector<std::string> arguments;
  std::string input;                     // standard input
  std::vector<std::string> environment;  // "NAME=value", besides the caller's
  // Where standard output and standard error go instead of into the outcome; "" for a closed one.
  std::optional<std::string> out = {}, err = {};
};
Outcome run(const Call& call);
Outcome run(std::vector<std::string> arguments);

std::string source_path(const std::string& path);  // of a file of the source tree
std::string model_path(const std::string& name);   // of a tiny model
std::string read_file(const std::string& path);
// A file that this test makes, removed at its end; gives its path. An older one of that name is replaced.
std::string write_file(const std::string& name, const std::string& content);

}  // namespace isthmus::e2e
