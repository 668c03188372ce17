// SPDX-License-Identifier: Apache-2.0
// isthmus profile MODEL: where the time of prefill and decode goes, operator by operator.
#include <algorithm>

#include "base/text.h"
#include "cli/busy.h"
#include "cli/context.h"
#include "cli/model_options.h"
#include "cli/output_file.h"
#include "cli/profile_report.h"
#include "cli/run_report.h"

namespace isthmus::cli {
namespace {

struct ProfileOptions {
  std::string path, timeline;
  SpeedOptions speed;
  ModelOptions run;
};

struct Phase {
  std::string name;
  int runs;
  ProfileSummary summary;
};

// Both phases once unrecorded, so that pages and caches are warm, then once recorded.
Result<std::vector<Phase>> measure(Engine& engine, Profile& profile, const ProfileOptions& options,
                                   MachineLimits& limits) {
  std::vector<Phase> phases;
  const int threads = std::max(1, engine.parts().front().device->properties().parallelism);
  SpeedOptions prefill = options.speed, decode = options.speed;
  prefill.generate_tokens = prefill.depth = 0;
  decode.prompt_tokens = 1;
  RETURN_IF_ERROR(measure_speed(engine, prefill).status());
  RETURN_IF_ERROR(measure_speed(engine, decode).status());
  ASSIGN_OR_RETURN(limits, measure_limits(threads, 0.2));
  profile.record(true);
  RETURN_IF_ERROR(measure_speed(engine, prefill).status());
  phases.push_back(
      {fmt::format("prefill of {}", counted(prefill.prompt_tokens, "token")), 1, summarise(profile, limits)});
  if (!options.timeline.empty())
    RETURN_IF_ERROR(write_timeline(options.timeline + ".prefill.json", profile, limits));
  profile.record(false);
  profile.clear();
  decode.before_decode = [&profile] { profile.record(true); };
  RETURN_IF_ERROR(measure_speed(engine, decode).status());
  phases.push_back({fmt::format("decode of a token, mean of {}{}", decode.generate_tokens,
                                decode.depth ? fmt::format(", after {}", decode.depth) : ""),
                    static_cast<int>(decode.generate_tokens), summarise(profile, limits)});
  if (!options.timeline.empty())
    RETURN_IF_ERROR(write_timeline(options.timeline + ".decode.json", profile, limits));
  profile.record(false);
  return phases;
}

Status profile(const ProfileOptions& options, const Context& context) {
  if (!options.timeline.empty())
    for (const char* phase : {".prefill.json", ".decode.json"})
      RETURN_IF_ERROR(check_writable(options.timeline + phase));
  Profile profile;
  ModelOptions run = options.run;
  run.profile = &profile;
  EngineOptions engine_options = cli::engine_options(run);
  engine_options.prefix_reuse = false;
  ASSIGN_OR_RETURN(const auto engine, load_engine(options.path, run, engine_options));
  const int64_t wanted =
      std::max(options.speed.prompt_tokens, options.speed.depth + options.speed.generate_tokens + 1);
  if (wanted > engine->context())
    return with_hint(error(Code::kOutOfRange, "{} do not fit the context of {}", counted(wanted, "token"),
                           counted(engine->context(), "token")),
                     fmt::format("give --context {} or fewer tokens", wanted));
  print_run_summary(*engine, context.color);
  MachineLimits limits;
  const BusyWatch busy;
  ASSIGN_OR_RETURN(const std::vector<Phase> phases, measure(*engine, profile, options, limits));
  busy.warn();
  if (context.json) {
    Json document = {{"model", options.path},
                     {"device", engine->device_id()},
                     {"limits",
                      {{"read_bytes", limits.read_bytes},
                       {"int8", limits.int8},
                       {"bf16", limits.bf16},
                       {"f32", limits.f32}}},
                     {"phases", Json::array()}};
    for (const Phase& phase : phases) {
      Json one = profile_json(phase.summary, phase.runs);
      one["phase"] = phase.name;
      document["phases"].push_back(std::move(one));
    }
    print_json(document);
    return ok();
  }
  for (const Phase& phase : phases)
    fmt::print("{}{}: {:.3f} ms\n{}", &phase == &phases.front() ? "" : "\n", phase.name,
               phase.summary.whole_seconds * 1e3 / phase.runs,
               profile_text(phase.summary, phase.runs, use_color(context.color, stdout)));
  return ok();
}

}  // namespace

void add_profile(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand(
      "profile",
      "Show where the time of a model goes, operator by operator\n"
      "isthmus profile model.gguf\n"
      "isthmus profile model.gguf --threads 1 --depth 4096 --timeline trace\n"
      "Operators of the same shapes are one row, the longest first: microseconds and share of the phase, how "
      "often it ran,\n"
      "what it read and wrote, and the share of the limit that is nearest: memory reads or the arithmetic "
      "peak "
      "for the\n"
      "weight's format, both measured beside. Data that lies in caches can exceed the memory's limit. "
      "Recorded "
      "runs are not\n"
      "replayed, so they are a little slower than isthmus bench.");
  command->group(kMeasureGroup);
  auto options = std::make_shared<ProfileOptions>();
  options->speed.generate_tokens = 16;
  add_model_argument(*command, options->path);
  const auto count = [command](const char* name, int64_t& value, const char* text) {
    command->add_option(name, value, text)->check(CLI::Range(int64_t{1}, int64_t{1} << 30))->type_name("N");
  };
  count("-p,--prompt-tokens", options->speed.prompt_tokens, "Tokens of the prompt (512)");
  count("-n,--generate-tokens", options->speed.generate_tokens, "Tokens to generate (16)");
  command->add_option("-d,--depth", options->speed.depth, "Tokens in the cache before generating (0)")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 30))
      ->type_name("N");
  command
      ->add_option(
          "--timeline", options->timeline,
          "Write NAME.prefill.json and NAME.decode.json, which Perfetto (https://ui.perfetto.dev) opens")
      ->type_name("NAME");
  add_model_options(*command, options->run);
  command->callback(
      [options, &context] { context.action = [options, &context] { return profile(*options, context); }; });
}

}  // namespace isthmus::cli
