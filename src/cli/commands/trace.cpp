// SPDX-License-Identifier: Apache-2.0
// isthmus trace [MODEL] --digest: one number for everything a model computed, to compare chips and machines
// by.
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "cli/context.h"
#include "cli/digest.h"
#include "cli/model_options.h"
#include "cli/output_file.h"
#include "cli/print.h"
#include "cli/run_report.h"
#include "cli/trace_file.h"
#include "cli/validators.h"

namespace isthmus::cli {
namespace {

constexpr const char* kPrompt = "The quick brown fox jumps over the lazy dog. Why is the sky blue?";

struct TraceOptions {
  std::string path, prompt = kPrompt, save, compare;
  bool exact = false, digest = false;
  int64_t tokens = 32;
  int chunk = 512;
  ModelOptions run;
};

// Where tools/fetch_model leaves the default model.
std::string default_model() {
  const char *cache = std::getenv("XDG_CACHE_HOME"), *home = std::getenv("HOME");
  const std::string folder = cache && *cache ? cache : std::string(home ? home : "") + "/.cache";
  return folder + "/isthmus/models/SmolLM2-135M-Instruct.Q4_1.gguf";
}

// Says where two runs part, if they do.
Status report(const TraceComparison& result, const std::string& other) {
  if (result.compared == 0)
    return error(Code::kFailedPrecondition,
                 "nothing was compared: {} has no value of this run; is it of "
                 "another model?",
                 other);
  if (!result.here) {
    fmt::print("all {} values that both runs have are equal to those of {}\n", result.compared, other);
    return ok();
  }
  return error(Code::kFailedPrecondition,
               "run {}, node {} ({}, number {} of that name), output {}: {} here and {} in {} differ; it is "
               "the first of "
               "{} values in both",
               result.here->run, result.here->node, result.here->op, result.here->occurrence,
               result.here->output, result.here->type, result.there->type, other, result.compared);
}

Status trace(const TraceOptions& options, const Context& context) {
  std::vector<TraceRow> other;
  if (!options.compare.empty()) {
    ASSIGN_OR_RETURN(other, load_trace(options.compare));
  }
  if (!options.save.empty()) RETURN_IF_ERROR(check_writable(options.save));
  const std::string path = options.path.empty() ? default_model() : options.path;
  if (options.path.empty() && !std::filesystem::exists(path))
    return with_hint(error(Code::kNotFound, "no MODEL given, and the default one is not at {}", path),
                     "tools/fetch_model fetches it; or give a GGUF file");
  ASSIGN_OR_RETURN(const std::shared_ptr<const Model> model, open_model(path));
  ASSIGN_OR_RETURN(const std::vector<int32_t> prompt,
                   model->tokenizer().encode(options.prompt, {.parse_special = true, .add_special = true}));
  if (prompt.empty()) return invalid_argument("--prompt is empty: nothing to compute");

  EngineOptions engine_options = cli::engine_options(options.run);
  engine_options.chunk_tokens = engine_options.output_rows = options.chunk;
  ASSIGN_OR_RETURN(const auto engine, load_engine(model, options.run, engine_options));
  print_run_summary(*engine, context.color);
  TraceRecorder recorder;
  if (!options.save.empty() || !options.compare.empty())
    engine->observe([&recorder](const Executable::Observed& value) {
      recorder.add(value);
      return ok();
    });
  ASSIGN_OR_RETURN(const Digest digest,
                   digest_tokens(*engine, prompt, options.tokens, [&recorder] { recorder.begin_run(); }));
  if (!options.save.empty()) RETURN_IF_ERROR(save_trace(options.save, recorder.rows()));
  const TraceComparison comparison = compare_traces(recorder.rows(), other);
  const std::string text = model->tokenizer().decode(digest.greedy);

  if (context.json) {
    print_json({{"model", path},
                {"device", engine->device_id()},
                {"device_name", engine->device_name()},
                {"prompt_tokens", prompt.size()},
                {"greedy_tokens", digest.greedy},
                {"text", text},
                {"sha256", digest.sha256}});
    return options.compare.empty() || (comparison.compared > 0 && !comparison.here)
               ? ok()
               : report(comparison, options.compare);
  } else {
    if (!options.compare.empty()) RETURN_IF_ERROR(report(comparison, options.compare));
    fmt::print("{} prompt tokens, then \"{}\"\n{}\n", prompt.size(), escaped(text), digest.sha256);
  }
  return ok();
}

}  // namespace

void add_trace(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand(
      "trace",
      "Print one digest of all that a model computes\n"
      "isthmus trace model.gguf --exact --digest --no-fallback\n"
      "isthmus trace --device opencl --threads 2 --prompt \"Once upon a time\"\n"
      "The last line is the SHA-256 of the logits at every position of the prompt (F32, "
      "little-endian), then of the\n"
      "greedy tokens that follow (I32, little-endian). Equal lines mean equal bits: on every "
      "exact chip, with any number\n"
      "of threads, in chunks of any size. Without MODEL the default model is taken.\n"
      "isthmus trace model.gguf --save cpu.jsonl, then --device opencl --compare cpu.jsonl\n"
      "names the first operator at which two runs part (exit code 1).");
  command->group(kMeasureGroup);
  auto options = std::make_shared<TraceOptions>();
  command->add_option("MODEL", options->path, "The model's file (GGUF)");
  command->add_option("--prompt", options->prompt, "The text, without a chat template")
      ->type_name("TEXT")
      ->capture_default_str();
  command->add_flag("--exact", options->exact,
                    "Ask for the fixed order of every sum (the default; a chip that cannot keep it refuses)");
  command->add_flag("--digest", options->digest, "Print the digest (the default)");
  command->add_option("-n,--tokens", options->tokens, "Greedy tokens after the prompt")
      ->check(CLI::Range(0, 100000))
      ->type_name("N")
      ->capture_default_str();
  command->add_option("--chunk", options->chunk, "Rows in one step: the digest does not depend on it")
      ->check(CLI::Range(1, 4096))
      ->type_name("N")
      ->capture_default_str();
  command
      ->add_option("--save", options->save, "Write a digest of every value computed, one JSON object a line")
      ->check(not_empty())
      ->type_name("FILE");
  command->add_option("--compare", options->compare, "Name the first value that differs from those of --save")
      ->check(not_empty())
      ->type_name("FILE");
  add_model_options(*command, options->run);
  command->callback(
      [options, &context] { context.action = [options, &context] { return trace(*options, context); }; });
}

}  // namespace isthmus::cli
