// SPDX-License-Identifier: Apache-2.0
// isthmus bench MODEL: speed and memory of a model here, as a share of what this machine can do.
#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <memory>

#include "base/text.h"
#include "cli/busy.h"
#include "cli/context.h"
#include "cli/model_options.h"
#include "cli/print.h"
#include "cli/run_report.h"
#include "cli/speed.h"
#include "cli/speed_turns.h"

namespace isthmus::cli {
namespace {

constexpr double kLimitSeconds = 0.2;  // for each limit, beside each round

struct BenchOptions {
  std::string path;
  SpeedOptions speed;
  int repeat = 3;
  bool turns = false;
  ModelOptions run;
};

// Medians over the rounds.
struct BenchResult {
  std::string model;
  WeightWork work;
  int threads = 0;
  SpeedOptions speed;
  double prefill_rate = 0, decode_rate = 0, first_token_seconds = 0;
  uint64_t memory_bytes = 0;
  WeightMode weights = WeightMode::kMapped;
  MachineLimits limits;
  std::vector<std::string> fallbacks;

  // A step reads the weights once for all sequences.
  double bandwidth_share() const {
    return static_cast<double>(work.bytes_per_token) * decode_rate / static_cast<double>(speed.parallel) /
           limits.read_bytes;
  }
  double peak_share() const {
    return 2 * static_cast<double>(work.products_per_token) * prefill_rate / peak_of(work.format, limits);
  }
};

Result<std::unique_ptr<Engine>> start_engine(const BenchOptions& options) {
  EngineOptions engine = engine_options(options.run);
  engine.prefix_reuse = false;
  engine.max_sequences = static_cast<int>(options.speed.parallel);
  const int64_t wanted =
      std::max(options.speed.prompt_tokens, options.speed.depth + options.speed.generate_tokens + 1);
  if (engine.context == 0) engine.context = wanted;
  if (engine.context < wanted)
    return with_hint(error(Code::kOutOfRange, "{} do not fit the context of {}", counted(wanted, "token"),
                           counted(engine.context, "token")),
                     fmt::format("give --context {} or fewer tokens", wanted));
  return load_engine(options.path, options.run, engine);
}

std::vector<std::string> fallen_back(const Engine& engine) {
  std::vector<std::string> names;
  for (const Executable::ReportRow& row : engine.report())
    if (row.fallback && (names.empty() || names.back() != row.op)) names.push_back(row.op);
  return names;
}

// The limits are taken between the rounds: on a shared machine they change within seconds.
Status measure(Engine& engine, const BenchOptions& options, BenchResult& result) {
  const bool progress = isatty(STDERR_FILENO);
  RETURN_IF_ERROR(measure_speed(engine, {.prompt_tokens = std::min<int64_t>(options.speed.prompt_tokens, 32),
                                         .generate_tokens = 2})
                      .status(),
                  "warming up");
  std::vector<double> prefill, decode, first, read, int8, bf16, f32;
  for (int round = 0; round < options.repeat; ++round) {
    if (progress) print_note(fmt::format("\rround {} of {} ", round + 1, options.repeat));
    ASSIGN_OR_RETURN(const MachineLimits limits, measure_limits(result.threads, kLimitSeconds));
    ASSIGN_OR_RETURN(const SpeedSample sample, measure_speed(engine, options.speed));
    prefill.push_back(static_cast<double>(options.speed.prompt_tokens) / sample.prefill_seconds);
    decode.push_back(static_cast<double>(options.speed.generate_tokens * options.speed.parallel) /
                     sample.decode_seconds);
    first.push_back(sample.first_token_seconds);
    result.memory_bytes = std::max(result.memory_bytes, sample.memory_bytes);
    read.push_back(limits.read_bytes);
    int8.push_back(limits.int8);
    bf16.push_back(limits.bf16);
    f32.push_back(limits.f32);
  }
  if (progress) print_note(fmt::format("\r\033[K"));
  result.prefill_rate = median(prefill);
  result.decode_rate = median(decode);
  result.first_token_seconds = median(first);
  result.limits = {median(read), median(int8), median(bf16), median(f32)};
  return ok();
}

// bench/llm/compare and other scripts read these keys.
Json result_json(const BenchResult& result) {
  return {{"model", result.model},
          {"format", dtype_name(result.work.format)},
          {"threads", result.threads},
          {"prompt_tokens", result.speed.prompt_tokens},
          {"generated_tokens", result.speed.generate_tokens},
          {"sequences", result.speed.parallel},
          {"prefill_tokens_per_s", result.prefill_rate},
          {"decode_tokens_per_s", result.decode_rate},
          {"time_to_first_token_s", result.first_token_seconds},
          {"memory_bytes", result.memory_bytes},
          {"weights", result.weights == WeightMode::kMapped ? "mapped" : "resident"},
          {"read_bandwidth_gb_s", result.limits.read_bytes / 1e9},
          {"bandwidth_share", result.bandwidth_share()},
          {"int8_peak_tops", result.limits.int8 / 1e12},
          {"bf16_peak_tflops", result.limits.bf16 / 1e12},
          {"f32_peak_tflops", result.limits.f32 / 1e12},
          {"peak_share", result.peak_share()},
          {"fallbacks", result.fallbacks}};
}

void print_result(const BenchResult& result, int repeat, bool color) {
  using Align = Table::Align;
  const auto rate = [](double value) { return fmt::format("{:.{}f} tokens/s", value, value < 100 ? 1 : 0); };
  fmt::print("{}  {}, {}, median of {}\n", styled(result.model, Style::kBold, color),
             dtype_name(result.work.format), counted(result.threads, "thread"), repeat);
  Table table({Align::kLeft, Align::kRight, Align::kLeft});
  table.add({fmt::format("prefill of {}", counted(result.speed.prompt_tokens, "token")),
             rate(result.prefill_rate),
             fmt::format("{:.0f} % of the {} peak of {:.2f} T operations/s", 100 * result.peak_share(),
                         peak_name(result.work.format), peak_of(result.work.format, result.limits) / 1e12)});
  table.add(
      {fmt::format("decode of {}", counted(result.speed.generate_tokens, "token")), rate(result.decode_rate),
       fmt::format("{:.0f} % of the memory bandwidth of {:.1f} GB/s; a token reads {:.1f} MB of weights",
                   100 * result.bandwidth_share(), result.limits.read_bytes / 1e9,
                   static_cast<double>(result.work.bytes_per_token) / 1e6)});
  if (result.speed.parallel > 1)
    table.add({"  of", fmt::format("{} sequences", result.speed.parallel), "in the same steps"});
  if (result.speed.depth > 0) table.add({"  after", counted(result.speed.depth, "token"), ""});
  table.add({"time to first token", fmt::format("{:.3f} s", result.first_token_seconds), ""});
  table.add({"memory", bytes_text(result.memory_bytes),
             result.weights == WeightMode::kMapped ? "resident set, with the mapped weights"
                                                   : "resident set, weights in memory of its own"});
  fmt::print("{}", table.text(color, 2));
}

Status bench(const BenchOptions& options, const Context& context) {
  BenchResult result;
  result.speed = options.speed;
  result.weights = options.run.weights;
  ASSIGN_OR_RETURN(const auto engine, start_engine(options));
  print_run_summary(*engine, context.color);
  ASSIGN_OR_RETURN(const GgufFile file, GgufFile::open(options.path));
  result.model = std::filesystem::path(options.path).filename().string();
  result.work = weight_work(file.tensors());
  result.threads = std::max(1, engine->parts().front().device->properties().parallelism);
  result.fallbacks = fallen_back(*engine);
  if (options.turns) return obey_turns(*engine, result.threads, std::cin);
  const BusyWatch busy;
  RETURN_IF_ERROR(measure(*engine, options, result));
  busy.warn();
  if (context.json) {
    print_json(result_json(result));
  } else {
    print_result(result, options.repeat, use_color(context.color, stdout));
  }
  return ok();
}

}  // namespace

void add_bench(CLI::App& app, Context& context) {
  CLI::App* command =
      app.add_subcommand("bench",
                         "Measure a model's speed here, beside what the machine can do\n"
                         "isthmus bench model.gguf\n"
                         "isthmus bench model.gguf --threads 1 --prompt-tokens 2048 --depth 2048\n"
                         "Prefill reads a prompt of so many tokens; decode generates tokens one by one, from "
                         "an empty cache or after\n"
                         "--depth tokens. The shares compare prefill's products in the layers with the "
                         "arithmetic peak for the weights'\n"
                         "format, and the weights read per token with the memory's read bandwidth, both "
                         "measured between the rounds.");
  command->group(kMeasureGroup);
  auto options = std::make_shared<BenchOptions>();
  add_model_argument(*command, options->path);
  const auto count = [command](const char* name, int64_t& value, const char* text) {
    command->add_option(name, value, text)->check(CLI::Range(int64_t{1}, int64_t{1} << 30))->type_name("N");
  };
  count("-p,--prompt-tokens", options->speed.prompt_tokens, "Tokens of the prompt (512)");
  count("-n,--generate-tokens", options->speed.generate_tokens, "Tokens to generate (64)");
  command->add_option("-d,--depth", options->speed.depth, "Tokens in the cache before generating (0)")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 30))
      ->type_name("N");
  command
      ->add_option("--sequences", options->speed.parallel,
                   "Sequences that generate together, a token of each per step; the rate counts them all (1)")
      ->check(CLI::Range(int64_t{1}, int64_t{1024}))
      ->type_name("N");
  command->add_option("-r,--repeat", options->repeat, "Rounds; medians are shown (3)")
      ->check(CLI::Range(1, 1000))
      ->type_name("N");
  command->add_flag(
      "--turns", options->turns,
      "Measure what each line of standard input asks for, for scripts that alternate with another "
      "program: src/cli/speed_turns.h");
  add_model_options(*command, options->run);
  command->callback(
      [options, &context] { context.action = [options, &context] { return bench(*options, context); }; });
}

}  // namespace isthmus::cli
