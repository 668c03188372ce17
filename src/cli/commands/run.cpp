// SPDX-License-Identifier: Apache-2.0
// isthmus run MODEL PROMPT: one reply, streamed.
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <iterator>
#include <memory>

#include "base/text.h"
#include "cli/context.h"
#include "cli/generation_options.h"
#include "cli/model_options.h"
#include "cli/output_file.h"
#include "cli/profile_report.h"
#include "cli/run_report.h"
#include "llm/chat_session.h"

namespace isthmus::cli {
namespace {

struct RunOptions {
  std::string model, prompt;
  bool raw = false;
  std::string profile;  // where the timeline goes; empty: none
  ModelOptions engine;
  TextOptions text;
};

Status run(const RunOptions& o, const Context& context) {
  std::string prompt = o.prompt;
  if (prompt.empty() && !isatty(STDIN_FILENO)) prompt.assign(std::istreambuf_iterator<char>(std::cin), {});
  if (prompt.empty())
    return with_hint(invalid_argument("there is no prompt"), "isthmus run MODEL \"Why is the sky blue?\"");
  ASSIGN_OR_RETURN(GenerationOptions options, generation_options(o.text));
  Profile profile;
  ModelOptions model_options = o.engine;
  if (!o.profile.empty()) RETURN_IF_ERROR(check_writable(o.profile));
  if (!o.profile.empty()) model_options.profile = &profile;
  ASSIGN_OR_RETURN(const auto engine, load_engine(o.model, model_options, engine_options(o.engine)));
  if (!context.json) print_run_summary(*engine, context.color);
  MachineLimits limits;
  if (!o.profile.empty()) {
    ASSIGN_OR_RETURN(limits, measure_limits(engine->parts().front().device->properties().parallelism, 0.2));
    profile.record(true);
  }
  catch_interrupts();
  const auto print = [&](std::string_view piece) {
    if (context.json) return;
    std::fwrite(piece.data(), 1, piece.size(), stdout);
    std::fflush(stdout);
  };
  Reply reply;
  if (o.raw) {
    ASSIGN_OR_RETURN(const auto tokens, engine->model().tokenizer().encode(prompt, {.add_special = true}));
    ASSIGN_OR_RETURN(const SequenceId id, engine->add(tokens));
    ASSIGN_OR_RETURN(reply, generate(*engine, id, options, print));
  } else {
    ASSIGN_OR_RETURN(const auto session,
                     ChatSession::create(*engine, o.text.system, {{"enable_thinking", o.text.thinking}}));
    ASSIGN_OR_RETURN(reply, session->reply(prompt, options, print));
  }
  if (context.json) {
    fmt::print("{}\n", nlohmann::json{{"text", reply.text},
                                      {"reason", stop_reason_name(reply.reason)},
                                      {"prompt_tokens", reply.prompt_tokens},
                                      {"tokens", reply.tokens.size()},
                                      {"token_ids", reply.tokens},
                                      {"prefill_seconds", reply.prefill_seconds},
                                      {"decode_seconds", reply.decode_seconds},
                                      {"seed", options.sampling.seed},
                                      {"device", engine->device_id()},
                                      {"fallbacks", count_fallbacks(engine->report()).fallbacks}}
                           .dump());
  } else {
    fmt::print("\n");
    print_cut_off(reply, *engine, longer_context(*engine), context.color);
    if (o.text.stats) print_stats(reply, context.color);
  }
  if (!o.profile.empty()) {
    RETURN_IF_ERROR(write_timeline(o.profile, profile, limits));
    print_note(fmt::format("{} in {}; https://ui.perfetto.dev opens it\n",
                           counted(profile.entries().size(), "operator"), o.profile));
  }
  if (reply.reason == StopReason::kCancelled) return error(Code::kCancelled, "interrupted");
  return ok();
}

}  // namespace

void add_run(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand(
      "run",
      "Answer one prompt and end\n"
      "The reply is streamed to standard output, everything else goes to standard error. Without PROMPT the "
      "text is read from standard input.\nExample: isthmus run model.gguf \"Why is the sky blue?\"");
  command->group(kTalkGroup);
  auto o = std::make_shared<RunOptions>();
  add_model_argument(*command, o->model);
  command->add_option("PROMPT", o->prompt, "What to answer")->type_name("");
  command->add_flag("--raw", o->raw, "Continue the text as it is, without the model's chat template");
  command
      ->add_option(
          "--profile", o->profile,
          "Write a timeline of every operator that ran, which Perfetto (https://ui.perfetto.dev) opens")
      ->type_name("FILE");
  add_text_options(*command, o->text);
  add_model_options(*command, o->engine);
  command->callback([o, &context] { context.action = [o, &context] { return run(*o, context); }; });
}

}  // namespace isthmus::cli
