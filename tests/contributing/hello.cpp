// SPDX-License-Identifier: Apache-2.0
// isthmus hello: the subcommand that the test of CONTRIBUTING.md adds.
#include "cli/context.h"

namespace isthmus::cli {

void add_hello(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("hello", "Greet");
  command->group(kShellGroup);
  command->callback([&context] {
    context.action = [] {
      fmt::print("hello\n");
      return ok();
    };
  });
}

}  // namespace isthmus::cli
