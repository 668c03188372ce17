// SPDX-License-Identifier: Apache-2.0
// isthmus chat MODEL: a conversation in the terminal.
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <memory>

#include "cli/context.h"
#include "cli/generation_options.h"
#include "cli/model_options.h"
#include "cli/run_report.h"
#include "llm/chat_session.h"

namespace isthmus::cli {
namespace {

struct ChatCommand {
  std::string model;
  ModelOptions engine;
  TextOptions text;
};

constexpr const char* kHelp =
    "/reset         forget the conversation\n"
    "/system TEXT   set the system prompt and start anew\n"
    "/stats         speed and token counts after each reply, on and off\n"
    "/exit          end (Ctrl-D too); Ctrl-C ends a reply\n";

enum class Line { kText, kEnd, kInterrupted };

Line read_line(std::string& line) {
  if (std::getline(std::cin, line)) return Line::kText;
  if (!interrupted()) return Line::kEnd;
  clear_interrupt();
  std::cin.clear();
  std::clearerr(stdin);
  return Line::kInterrupted;
}

Status chat(const ChatCommand& o, const Context& context) {
  bool stats = o.text.stats;
  ASSIGN_OR_RETURN(GenerationOptions options, generation_options(o.text));
  ASSIGN_OR_RETURN(const auto engine, load_engine(o.model, o.engine, engine_options(o.engine)));
  ASSIGN_OR_RETURN(const auto session,
                   ChatSession::create(*engine, o.text.system, {{"enable_thinking", o.text.thinking}}));
  print_run_summary(*engine, context.color);
  const bool terminal = isatty(STDIN_FILENO);
  const bool color = use_color(context.color, stdout);
  if (terminal)
    print_note(
        fmt::format("{}\n", styled("Type a message and press Enter; /help lists commands, Ctrl-D ends.",
                                   Style::kDim, use_color(context.color, stderr))));
  catch_interrupts();
  std::string line;
  for (;;) {
    if (terminal) fmt::print("{}", styled("> ", Style::kBold, color));
    std::fflush(stdout);
    const Line got = read_line(line);
    if (got == Line::kInterrupted) {
      fmt::print("\n");
      continue;
    }
    if (got == Line::kEnd || line == "/exit" || line == "/quit") break;
    if (line.empty()) continue;
    if (line == "/help") {
      fmt::print("{}", kHelp);
      continue;
    }
    if (line == "/reset") {
      session->reset();
      continue;
    }
    if (line == "/stats") {
      stats = !stats;
      continue;
    }
    if (line.rfind("/system ", 0) == 0) {
      session->set_system_prompt(line.substr(8));
      continue;
    }
    if (line[0] == '/' && line.find(' ') == std::string::npos) {
      fmt::print("There is no command {}.\n{}", line, kHelp);
      continue;
    }
    clear_interrupt();
    Result<Reply> reply = session->reply(line, options, [&](std::string_view piece) {
      std::fwrite(piece.data(), 1, piece.size(), stdout);
      std::fflush(stdout);
    });
    fmt::print("\n");
    if (!reply.ok()) {
      // The conversation is as it was before the message; only what is beyond repair ends the chat.
      if (reply.status().code() != Code::kOutOfRange && reply.status().code() != Code::kFailedPrecondition)
        return reply.status();
      print_error(reply.status().message(), "/reset starts a new conversation", context.color);
    } else if (stats) {
      print_stats(*reply, context.color);
    }
    clear_interrupt();
  }
  if (terminal) fmt::print("\n");
  return ok();
}

}  // namespace

void add_chat(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand(
      "chat",
      "Talk with a model\n"
      "Each turn computes only what is new. Ctrl-C ends a reply, Ctrl-D the chat; /help lists "
      "commands.\nExample: isthmus chat model.gguf --system \"You are a pirate.\"");
  command->group(kTalkGroup);
  auto o = std::make_shared<ChatCommand>();
  add_model_argument(*command, o->model);
  add_text_options(*command, o->text);
  add_model_options(*command, o->engine);
  command->callback([o, &context] { context.action = [o, &context] { return chat(*o, context); }; });
}

}  // namespace isthmus::cli
