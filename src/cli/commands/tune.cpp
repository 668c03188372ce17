// SPDX-License-Identifier: Apache-2.0
// isthmus tune MODEL: finds the CPU chip's fastest choices for this processor and keeps them.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>

#include "base/cpu_tuning.h"
#include "base/text.h"
#include "cli/busy.h"
#include "cli/context.h"
#include "cli/model_options.h"
#include "cli/print.h"
#include "cli/speed.h"
#include "cli/validators.h"
#include "runtime/threads.h"

namespace isthmus::cli {
namespace {

// A choice that gains less is left as it is: the next run would find another.
constexpr double kWorth = 1.02;
constexpr int kMostSequences = 8;  // that cpu_choices() asks for

struct TuneOptions {
  std::string path;
  ModelOptions run;
  SpeedOptions speed;
  int rounds = 7;
  bool dry_run = false, show = false, reset = false;
};

// One choice and what trying it showed.
struct Tried {
  const CpuChoiceInfo* info;
  int32_t before, best;
  double gain = 1;  // of the best over what was before, in the phase the choice is for
};

Result<std::unique_ptr<Engine>> engine_with(const TuneOptions& options, const CpuTuning& tuning) {
  std::string choices;
  for (const CpuChoiceInfo& info : cpu_choices())
    choices += fmt::format("{} {},", info.name, tuning[info.choice]);
  setenv("ISTHMUS_CPU_TUNING", choices.c_str(), 1);
  EngineOptions engine = engine_options(options.run);
  engine.prefix_reuse = false;
  engine.context = options.speed.prompt_tokens + options.speed.generate_tokens + 1;
  engine.max_sequences = kMostSequences;
  auto made = load_engine(options.path, options.run, engine);
  unsetenv("ISTHMUS_CPU_TUNING");
  return made;
}

Result<double> seconds_of(Engine& engine, const TuneOptions& options, int sequences) {
  SpeedSample sample;
  if (sequences > 0) {
    SpeedOptions speed = options.speed;
    speed.parallel = sequences;
    RETURN_IF_ERROR(measure_decode(engine, speed, sample));
    return sample.decode_seconds;
  }
  RETURN_IF_ERROR(measure_prefill(engine, options.speed.prompt_tokens, sample));
  return sample.prefill_seconds;
}

// How many times as fast `candidate` is as `current`: the median over rounds in which they take turns; 1
// where not three rounds of four agree that it is faster.
Result<double> gain_of(Engine& candidate, Engine& current, const TuneOptions& options, int sequences) {
  std::vector<double> gains;
  for (int round = 0; round < options.rounds + 1; ++round) {
    Engine *first = round % 2 ? &candidate : &current, *second = round % 2 ? &current : &candidate;
    ASSIGN_OR_RETURN(const double a, seconds_of(*first, options, sequences));
    ASSIGN_OR_RETURN(const double b, seconds_of(*second, options, sequences));
    if (round > 0) gains.push_back(round % 2 ? b / a : a / b);  // the first warms up
  }
  const auto faster = std::count_if(gains.begin(), gains.end(), [](double gain) { return gain > 1; });
  return 4 * faster >= 3 * static_cast<int64_t>(gains.size()) ? median(gains) : 1.0;
}

std::vector<int32_t> candidates_of(const CpuChoiceInfo& info, int threads) {
  std::vector<int32_t> values = info.candidates;
  if (info.choice == kNarrowThreads)
    for (const int count : {threads / 4, threads / 2, threads * 3 / 4})
      if (count > 0 && count < threads && count != values.back()) values.push_back(count);
  return values;
}

Result<std::vector<Tried>> find_best(const TuneOptions& options, int threads, CpuTuning& tuning) {
  const bool progress = isatty(STDERR_FILENO);
  ASSIGN_OR_RETURN(std::unique_ptr<Engine> current, engine_with(options, tuning));
  std::vector<Tried> all;
  for (const CpuChoiceInfo& info : cpu_choices()) {
    Tried tried = {&info, tuning[info.choice], tuning[info.choice]};
    for (const int32_t value : candidates_of(info, threads)) {
      if (value == tried.before) continue;
      if (progress)
        fmt::print(stderr, "\r\033[KTrying {} {} ({} of {})…", info.name, value, info.choice + 1,
                   +kCpuChoices);
      CpuTuning changed = tuning;
      changed.values[info.choice] = value;
      ASSIGN_OR_RETURN(std::unique_ptr<Engine> candidate, engine_with(options, changed));
      ASSIGN_OR_RETURN(const double gain, gain_of(*candidate, *current, options, info.sequences));
      if (gain < kWorth) continue;
      tried.gain *= gain;
      tried.best = value;
      tuning = changed;
      current = std::move(candidate);
    }
    all.push_back(tried);
  }
  if (progress) fmt::print(stderr, "\r\033[K");
  return all;
}

Status store(const CpuTuning& tuning, const std::string& path) {
  std::error_code failed;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), failed);
  const std::string part = path + ".part";
  std::ofstream file(part);
  file << "# Choices of the CPU chip for " << cpu_model() << ", found by isthmus tune\n"
       << write_cpu_tuning(tuning);
  file.close();
  if (file) std::filesystem::rename(part, path, failed);
  if (!file || failed) return error(Code::kUnavailable, "{} cannot be written", path);
  return ok();
}

Json choices_json(const CpuTuning& tuning) {
  Json json;
  for (const CpuChoiceInfo& info : cpu_choices()) json[info.name] = tuning[info.choice];
  return json;
}

void print_choices(const CpuTuning& tuning, const std::vector<Tried>& tried, bool color) {
  using Align = Table::Align;
  Table table({Align::kLeft, Align::kRight, Align::kLeft, Align::kLeft});
  for (const CpuChoiceInfo& info : cpu_choices()) {
    std::string note = tuning[info.choice] == info.preset ? "" : fmt::format("preset {}", info.preset);
    for (const Tried& t : tried)
      if (t.info == &info && t.best != t.before)
        note = fmt::format("was {}: {} {:.1f} % faster", t.before, info.sequences ? "decode" : "prefill",
                           100 * (t.gain - 1));
    table.add({info.name, std::to_string(tuning[info.choice]), note, info.meaning});
  }
  fmt::print("{}", table.text(color, 2));
}

// Whatever is kept, which may be damaged.
Result<DevicePtr> open_untuned(int threads) {
  const char* const set = std::getenv("ISTHMUS_CPU_TUNING");
  const std::string before = set ? set : "";
  setenv("ISTHMUS_CPU_TUNING", "off", 1);
  Result<std::shared_ptr<Platform>> chips = discover_chips(threads);
  Result<DevicePtr> device = chips.ok() ? (*chips)->open("cpu") : chips.status();
  set ? setenv("ISTHMUS_CPU_TUNING", before.c_str(), 1) : unsetenv("ISTHMUS_CPU_TUNING");
  return device;
}

Status tune(const TuneOptions& options, const Context& context) {
  const auto device = open_untuned(options.run.threads);
  RETURN_IF_ERROR(device.status());
  const int threads = std::max(1, (*device)->properties().parallelism);
  const std::string architecture = (*device)->properties().architecture;
  const std::string path = cpu_tuning_path(architecture.substr(architecture.find('-') + 1), threads);
  if (path.empty())
    return error(Code::kFailedPrecondition,
                 "there is no folder to keep choices in: neither HOME nor XDG_CACHE_HOME is set, or "
                 "ISTHMUS_TUNED is off");
  if (options.reset) {
    std::error_code ignored;
    const bool removed = std::filesystem::remove(path, ignored);
    fmt::print("{} {}\n", path, removed ? "removed: the presets hold" : "was not there: the presets hold");
    return ok();
  }
  ASSIGN_OR_RETURN(CpuTuning tuning, load_cpu_tuning(path));
  std::vector<Tried> tried;
  if (!options.show) {
    if (options.path.empty())
      return with_hint(invalid_argument("a model to measure with is needed"),
                       "isthmus tune model.gguf, or isthmus tune --show");
    const BusyWatch busy;
    ASSIGN_OR_RETURN(tried, find_best(options, threads, tuning));
    busy.warn();
    if (!options.dry_run) RETURN_IF_ERROR(store(tuning, path));
  }
  if (context.json) {
    print_json({{"path", path}, {"threads", threads}, {"choices", choices_json(tuning)}});
    return ok();
  }
  fmt::print("{}, {}, {}\n", cpu_model(), architecture, counted(threads, "thread"));
  print_choices(tuning, tried, use_color(context.color, stdout));
  if (!options.show) fmt::print("{} {}\n", options.dry_run ? "Not kept:" : "Kept in", path);
  return ok();
}

}  // namespace

void add_tune(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand(
      "tune",
      "Find the CPU chip's fastest choices for this processor, and keep them\n"
      "isthmus tune model.gguf\n"
      "Tile sizes, distances of fetching ahead and numbers of threads are tried by turns against what holds "
      "now, "
      "while\nthe model reads a prompt or generates. No choice changes a bit of a result. They are kept for "
      "each "
      "processor,\ninstruction set and number of threads. Run it on an idle machine, with the model you use "
      "most; it takes a few minutes.");
  command->group(kMeasureGroup);
  auto options = std::make_shared<TuneOptions>();
  options->speed.prompt_tokens = 256;
  options->speed.generate_tokens = 24;
  command->add_option("MODEL", options->path, "The model's file (GGUF)")->type_name("");
  command->add_option("-p,--prompt-tokens", options->speed.prompt_tokens, "Tokens of the prompt (256)")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 30))
      ->type_name("N");
  command->add_flag("--show", options->show, "Print the choices that hold, and try nothing");
  command->add_flag("--dry-run", options->dry_run, "Try, and keep nothing");
  command->add_flag("--reset", options->reset, "Forget what was kept: the presets hold again");
  command
      ->add_option("-r,--rounds", options->rounds, "Turns of each candidate, at least 4; medians count (7)")
      ->check(CLI::Range(4, 1000))
      ->type_name("N");
  command
      ->add_option("-t,--threads", options->run.threads,
                   "Threads of the CPU (one per core that this process may use)")
      ->check(CLI::Range(1, 1024))
      ->type_name("N");
  command->callback(
      [options, &context] { context.action = [options, &context] { return tune(*options, context); }; });
}

}  // namespace isthmus::cli
