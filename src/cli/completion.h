// SPDX-License-Identifier: Apache-2.0
// Shell completion scripts, written from the commands and options the program itself declares.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace isthmus::cli {

std::string bash_completion(const CLI::App& root);
std::string zsh_completion(const CLI::App& root);
std::string fish_completion(const CLI::App& root);

}  // namespace isthmus::cli
