// SPDX-License-Identifier: Apache-2.0
// isthmus chat MODEL: a conversation in the terminal.
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <memory>

#include "base/text.h"
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
    "/help          these lines\n"
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

class Chat {
 public:
  Chat(const ChatCommand& o, const Context& context, Engine& engine, ChatSession& session,
       GenerationOptions options)
      : context_(context),
        engine_(engine),
        session_(session),
        options_(std::move(options)),
        stats_(o.text.stats) {}

  // Lines from standard input until it ends or /exit.
  Status talk() {
    const bool terminal = isatty(STDIN_FILENO);
    if (terminal) note("Type a message and press Enter; /help lists commands, Ctrl-D ends.");
    std::string line;
    for (;;) {
      if (terminal) fmt::print("{}", styled("> ", Style::kBold, use_color(context_.color, stdout)));
      std::fflush(stdout);
      const Line got = read_line(line);
      if (got == Line::kInterrupted) {
        fmt::print("\n");
        note("Ctrl-D or /exit ends the chat.");
        continue;
      }
      if (got == Line::kEnd || line == "/exit" || line == "/quit") break;
      if (line.empty() || is_command(line)) continue;
      RETURN_IF_ERROR(answer(line));
    }
    if (terminal) fmt::print("\n");
    return ok();
  }

 private:
  // On standard error, so that standard output has the replies alone.
  void note(std::string_view text) {
    print_note(fmt::format("{}\n", styled(text, Style::kDim, use_color(context_.color, stderr))));
  }

  // True if the line was for us and not for the model.
  bool is_command(const std::string& line) {
    if (line == "/help") {
      print_note(kHelp);
    } else if (line == "/reset") {
      session_.reset();
      note("The conversation is forgotten.");
    } else if (line == "/stats") {
      stats_ = !stats_;
      note(stats_ ? "Speed and token counts follow each reply." : "No more speed and token counts.");
    } else if (line.starts_with("/system ")) {
      session_.set_system_prompt(line.substr(8));
      note("The system prompt is set; a new conversation begins.");
    } else if (line == "/system") {
      note("/system needs a text: /system You are a pirate.");
    } else if (line[0] == '/' && line.find(' ') == std::string::npos) {
      print_note(fmt::format("There is no command {}.\n{}", printable(line), kHelp));
    } else {
      return false;
    }
    return true;
  }

  Status answer(const std::string& line) {
    clear_interrupt();
    const Result<Reply> reply = session_.reply(line, options_, [](std::string_view piece) {
      std::fwrite(piece.data(), 1, piece.size(), stdout);
      std::fflush(stdout);
    });
    fmt::print("\n");
    if (!reply.ok()) {
      // The conversation is as it was before the message; only what is beyond repair ends the chat.
      if (reply.status().code() != Code::kOutOfRange && reply.status().code() != Code::kFailedPrecondition)
        return reply.status();
      print_error(reply.status().message(), "/reset starts a new conversation", context_.color);
    } else {
      const std::string longer = longer_context(engine_);
      print_cut_off(*reply, engine_, longer.empty() ? "/reset" : "/reset, or start again with " + longer,
                    context_.color);
      if (stats_) print_stats(*reply, context_.color);
    }
    clear_interrupt();
    return ok();
  }

  const Context& context_;
  Engine& engine_;
  ChatSession& session_;
  const GenerationOptions options_;
  bool stats_;
};

Status chat(const ChatCommand& o, const Context& context) {
  ASSIGN_OR_RETURN(GenerationOptions options, generation_options(o.text));
  ASSIGN_OR_RETURN(const auto engine, load_engine(o.model, o.engine, engine_options(o.engine)));
  ASSIGN_OR_RETURN(const auto session,
                   ChatSession::create(*engine, o.text.system, {{"enable_thinking", o.text.thinking}}));
  print_run_summary(*engine, context.color);
  catch_interrupts();
  return Chat(o, context, *engine, *session, std::move(options)).talk();
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
  command->callback([o, &context] {
    refuse_json(context, "isthmus run --json gives one reply as JSON");
    context.action = [o, &context] { return chat(*o, context); };
  });
}

}  // namespace isthmus::cli
