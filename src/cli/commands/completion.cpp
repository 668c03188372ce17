// SPDX-License-Identifier: Apache-2.0
// isthmus completion bash|zsh|fish: prints the script that teaches a shell to complete isthmus.
#include "cli/completion.h"

#include <memory>

#include "cli/context.h"

namespace isthmus::cli {

void add_completion(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("completion",
                                         "Print a script that teaches your shell to complete isthmus\n"
                                         "For bash, once: isthmus completion bash >> ~/.bashrc\n"
                                         "for fish: isthmus completion fish > "
                                         "~/.config/fish/completions/isthmus.fish");
  command->group(kShellGroup);
  auto shell = std::make_shared<std::string>();
  command->add_option("SHELL", *shell, "Your shell: bash, zsh or fish")
      ->required()
      ->type_name("")
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->callback([shell, &context] {
    refuse_json(context, "the script is for a shell");
    context.action = [shell, root = context.root] {
      if (*shell == "bash") fmt::print("{}", bash_completion(*root));
      if (*shell == "zsh") fmt::print("{}", zsh_completion(*root));
      if (*shell == "fish") fmt::print("{}", fish_completion(*root));
      return ok();
    };
  });
}

}  // namespace isthmus::cli
