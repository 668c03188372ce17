// SPDX-License-Identifier: Apache-2.0
// One neutral description of the command tree, then one writer per shell. Values without a list complete as
// files.
#include "cli/completion.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

#include "cli/help.h"

namespace isthmus::cli {
namespace {

constexpr const char* kBashScript =
    R"script(# isthmus completion for bash. To load it: eval "$(isthmus completion bash)"
_isthmus() {
  local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command= words= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in @ONE_OF@) command=${COMP_WORDS[i]}; break ;; esac
  done
  case "$command $previous" in
@CASES@  esac
  case $command in
    '') words='@NAMES@' ;;
@WORDS@  esac
  COMPREPLY=($(compgen -W "$words @COMMON@" -- "$word"))
}
complete -o default -F _isthmus isthmus
)script";

constexpr const char* kZshScript =
    R"script(#compdef isthmus
# isthmus completion for zsh. To load it: eval "$(isthmus completion zsh)"
_isthmus() {
  local state line
  _arguments -C@COMMON@ \
        '1:command:->command' '*::argument:->argument'
  case $state in
    command)
      local -a commands=(
@COMMANDS@      )
      _describe command commands ;;
    argument)
      case ${line[1]} in
@CASES@      esac ;;
  esac
}
compdef _isthmus isthmus
)script";

std::string filled(std::string script, const std::vector<std::pair<std::string, std::string>>& values) {
  for (const auto& [mark, value] : values) script = CLI::detail::find_and_replace(script, mark, value);
  return script;
}

struct OptionFacts {
  std::vector<std::string> names;  // "-m", "--model"; empty for a positional
  std::string description;
  bool takes_value;
  std::vector<std::string> choices;
};

struct CommandFacts {
  std::string name;
  std::string description;
  std::vector<OptionFacts> options;
};

// CLI11 shows a closed list of values as {a,b,c} at the end of the type's name.
std::vector<std::string> choices_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const size_t begin = type.find('{');
  const size_t end = type.find('}', begin);
  if (begin == std::string::npos || end == std::string::npos) return {};
  return CLI::detail::split(type.substr(begin + 1, end - begin - 1), ',');
}

OptionFacts facts_of(const CLI::Option& option) {
  OptionFacts facts{
      {}, first_line(option.get_description()), option.get_items_expected_max() > 0, choices_of(option)};
  for (const std::string& name : option.get_snames()) facts.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) facts.names.push_back("--" + name);
  return facts;
}

CommandFacts facts_of(const CLI::App& app) {
  CommandFacts facts{app.get_name(), first_line(app.get_description()), {}};
  for (const CLI::Option* option : app.get_options()) facts.options.push_back(facts_of(*option));
  return facts;
}

std::vector<CommandFacts> commands_of(const CLI::App& root) {
  std::vector<CommandFacts> commands;
  for (const CLI::App* app : root.get_subcommands([](const CLI::App*) { return true; })) {
    commands.push_back(facts_of(*app));
  }
  return commands;
}

// Inside single quotes of bash and zsh.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

// What bash offers after `command`: its option names, and the values of a positional with a closed list.
std::string bash_words(const CommandFacts& command) {
  std::vector<std::string> words;
  for (const OptionFacts& option : command.options) {
    const auto& more = option.names.empty() ? option.choices : option.names;
    words.insert(words.end(), more.begin(), more.end());
  }
  return fmt::format("{}", fmt::join(words, " "));
}

std::string bash_choice_cases(const CommandFacts& command) {
  std::string text;
  for (const OptionFacts& option : command.options) {
    if (option.names.empty() || option.choices.empty()) continue;
    text += fmt::format("    '{} {}') COMPREPLY=($(compgen -W {} -- \"$word\")); return ;;\n", command.name,
                        fmt::join(option.names, fmt::format("'|'{} ", command.name)),
                        quoted(fmt::format("{}", fmt::join(option.choices, " "))));
  }
  return text;
}

// One line of zsh's _arguments: '(-m --model)'{-m,--model}'[description]:value:_files'
std::string zsh_argument(const OptionFacts& option) {
  std::string description = option.description;
  for (const char* special : {"[", "]", ":"})
    description = CLI::detail::find_and_replace(description, special, std::string("\\") + special);
  const std::string value =
      option.choices.empty() ? "_files" : fmt::format("({})", fmt::join(option.choices, " "));
  if (option.names.empty()) return quoted(fmt::format("*:{}:{}", description, value));
  const std::string tail = fmt::format("[{}]{}", description, option.takes_value ? ":value:" + value : "");
  if (option.names.size() == 1) return quoted(option.names[0] + tail);
  return fmt::format("'({})'{{{}}}{}", fmt::join(option.names, " "), fmt::join(option.names, ","),
                     quoted(tail));
}

std::string zsh_arguments(const CommandFacts& command) {
  std::string text;
  for (const OptionFacts& option : command.options) text += " \\\n        " + zsh_argument(option);
  return text;
}

std::string fish_option(const OptionFacts& option, const std::string& condition) {
  std::string line = "complete -c isthmus -n " + quoted(condition);
  for (const std::string& name : option.names) {
    line += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  }
  if (option.takes_value && !option.choices.empty()) {
    line += fmt::format(" -{} -a {}", option.names.empty() ? "f" : "x",
                        quoted(fmt::format("{}", fmt::join(option.choices, " "))));
  } else if (option.takes_value) {
    line += " -r";
  }
  return fmt::format("{} -d {}\n", line, quoted(option.description));
}

}  // namespace

std::string bash_completion(const CLI::App& root) {
  const CommandFacts top = facts_of(root);
  std::vector<std::string> names;
  std::string cases, words;
  for (const CommandFacts& command : commands_of(root)) {
    names.push_back(command.name);
    words += fmt::format("    {}) words={} ;;\n", command.name, quoted(bash_words(command)));
    cases += bash_choice_cases(command);
  }
  for (const OptionFacts& option : top.options) {
    if (option.names.empty() || option.choices.empty()) continue;
    cases += fmt::format("    *' {}') COMPREPLY=($(compgen -W {} -- \"$word\")); return ;;\n",
                         fmt::join(option.names, "'|*' "),
                         quoted(fmt::format("{}", fmt::join(option.choices, " "))));
  }
  return filled(kBashScript, {{"@ONE_OF@", fmt::format("{}", fmt::join(names, "|"))},
                              {"@NAMES@", fmt::format("{}", fmt::join(names, " "))},
                              {"@CASES@", cases},
                              {"@WORDS@", words},
                              {"@COMMON@", bash_words(top)}});
}

std::string zsh_completion(const CLI::App& root) {
  const CommandFacts top = facts_of(root);
  std::string list, cases;
  for (const CommandFacts& command : commands_of(root)) {
    list += fmt::format("        {}\n", quoted(command.name + ":" + command.description));
    cases += fmt::format("        {}) _arguments{}{} ;;\n", command.name, zsh_arguments(command),
                         zsh_arguments(top));
  }
  return filled(kZshScript, {{"@COMMON@", zsh_arguments(top)}, {"@COMMANDS@", list}, {"@CASES@", cases}});
}

std::string fish_completion(const CLI::App& root) {
  std::string text = "# isthmus completion for fish. To load it: isthmus completion fish | source\n";
  for (const CommandFacts& command : commands_of(root)) {
    text += fmt::format("complete -c isthmus -n __fish_use_subcommand -f -a {} -d {}\n", command.name,
                        quoted(command.description));
    for (const OptionFacts& option : command.options) {
      text += fish_option(option, "__fish_seen_subcommand_from " + command.name);
    }
  }
  for (const OptionFacts& option : facts_of(root).options) text += fish_option(option, "true");
  return text;
}

}  // namespace isthmus::cli
