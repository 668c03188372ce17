// SPDX-License-Identifier: Apache-2.0
#include "cli/generation_options.h"

#include <random>

#include "cli/validators.h"

namespace isthmus::cli {

void add_text_options(CLI::App& command, TextOptions& o) {
  const char* group = "How it writes";
  SamplingOptions& s = o.sampling;
  auto add = [&](const char* name, auto& value, const char* help, const char* type) {
    command.add_option(name, value, help)->group(group)->type_name(type)->capture_default_str();
  };
  add("--temperature", s.temperature, "How freely it chooses; 0: always the most likely token", "X");
  add("--top-k", s.top_k, "Choose among the K most likely tokens; 0: all", "K");
  add("--top-p", s.top_p, "Choose among the most likely tokens that make up P of the probability", "P");
  add("--min-p", s.min_p, "Leave out tokens less than P times as likely as the most likely", "P");
  add("--repetition-penalty", s.repetition_penalty, "Make tokens seen before less likely; 1: off", "X");
  add("--presence-penalty", s.presence_penalty, "Taken off the logit of tokens seen before", "X");
  add("--frequency-penalty", s.frequency_penalty, "Taken off once per time a token was seen", "X");
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

void print_stats(const Reply& reply, ColorMode mode) {
  const double decoded = static_cast<double>(reply.tokens.size()) - 1;
  const std::string line = fmt::format(
      "[{} prompt tokens ({} reused) in {:.2f} s, {} tokens at {:.1f}/s, ended: {}]", reply.prompt_tokens,
      reply.reused_tokens, reply.prefill_seconds, reply.tokens.size(),
      reply.decode_seconds > 0 ? decoded / reply.decode_seconds : 0.0, stop_reason_name(reply.reason));
  print_note(fmt::format("{}\n", styled(line, Style::kDim, use_color(mode, stderr))));
}

}  // namespace isthmus::cli
