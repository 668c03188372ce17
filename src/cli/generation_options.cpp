// SPDX-License-Identifier: Apache-2.0
#include "cli/generation_options.h"

#include <random>

#include "base/text.h"
#include "cli/validators.h"

namespace isthmus::cli {

void add_text_options(CLI::App& command, TextOptions& o) {
  const char* group = "How it writes";
  SamplingOptions& s = o.sampling;
  auto add = [&](const char* name, auto SamplingOptions::* member, const char* help, const char* type) {
    const auto check = [member](std::string& word) -> std::string {
      SamplingOptions alone;
      if (!CLI::detail::lexical_cast(word, alone.*member)) return "";  // said when it is converted
      return alone.check().message();
    };
    command.add_option(name, s.*member, help)
        ->group(group)
        ->check(CLI::Validator(check, ""))
        ->type_name(type)
        ->capture_default_str();
  };
  add("--temperature", &SamplingOptions::temperature,
      "How freely it chooses; 0: always the most likely token", "X");
  add("--top-k", &SamplingOptions::top_k, "Choose among the K most likely tokens; 0: all", "K");
  add("--top-p", &SamplingOptions::top_p,
      "Choose among the most likely tokens that make up P of the probability", "P");
  add("--min-p", &SamplingOptions::min_p, "Leave out tokens less than P times as likely as the most likely",
      "P");
  add("--repetition-penalty", &SamplingOptions::repetition_penalty,
      "Make tokens seen before less likely; 1: off", "X");
  add("--presence-penalty", &SamplingOptions::presence_penalty, "Taken off the logit of tokens seen before",
      "X");
  add("--frequency-penalty", &SamplingOptions::frequency_penalty, "Taken off once per time a token was seen",
      "X");
  command.add_option("--seed", s.seed, "Makes a reply repeatable; drawn when not given")
      ->group(group)
      ->type_name("N")
      ->each([&o](const std::string&) { o.seed_given = true; });
  command.add_option("--max-tokens,-n", o.max_tokens, "End the reply after N tokens")
      ->group(group)
      ->type_name("N")
      ->check(at_least(0));
  command.add_option("--stop", o.stop, "End the reply before this text; may be given several times")
      ->group(group)
      ->type_name("TEXT")
      ->take_all()
      ->allow_extra_args(false);
  command.add_option("--system", o.system, "A system prompt: who the model should be")
      ->group(group)
      ->type_name("TEXT");
  command.add_flag("!--no-thinking", o.thinking, "Ask reasoning models to answer at once")->group(group);
  command.add_flag("--stats", o.stats, "Print speed and token counts after the reply")->group(group);
}

Result<GenerationOptions> generation_options(const TextOptions& o) {
  GenerationOptions options;
  options.sampling = o.sampling;
  if (!o.seed_given) options.sampling.seed = std::random_device{}();
  RETURN_IF_ERROR(options.sampling.check());
  options.max_tokens = o.max_tokens;
  options.stop = o.stop;
  options.cancelled = interrupted;
  return options;
}

void print_cut_off(const Reply& reply, const Engine& engine, std::string_view way_out, ColorMode mode) {
  std::string line;
  if (reply.reason == StopReason::kLength) {
    line = fmt::format("[cut off after {}: --max-tokens]", counted(reply.tokens.size(), "token"));
  } else if (reply.reason == StopReason::kContext) {
    line = fmt::format("[the context of {} is full{}{}]", counted(engine.context(), "token"),
                       way_out.empty() ? "" : ": ", way_out);
  } else {
    return;
  }
  print_note(fmt::format("{}\n", styled(line, Style::kDim, use_color(mode, stderr))));
}

std::string longer_context(const Engine& engine) {
  const int64_t most = engine.model().config().context;
  return engine.context() < most ? fmt::format("--context N, up to {}", most) : "";
}

void print_stats(const Reply& reply, ColorMode mode) {
  const double decoded = static_cast<double>(reply.tokens.size()) - 1;
  const std::string line = fmt::format(
      "[{} ({} reused) in {:.2f} s, {} at {:.1f}/s, ended: {}]", counted(reply.prompt_tokens, "prompt token"),
      reply.reused_tokens, reply.prefill_seconds, counted(reply.tokens.size(), "token"),
      reply.decode_seconds > 0 ? decoded / reply.decode_seconds : 0.0, stop_reason_name(reply.reason));
  print_note(fmt::format("{}\n", styled(line, Style::kDim, use_color(mode, stderr))));
}

}  // namespace isthmus::cli
