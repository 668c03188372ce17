// SPDX-License-Identifier: Apache-2.0
// isthmus perplexity MODEL --file TEXT: how well a model foresees a text.
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>

#include "base/text.h"
#include "cli/context.h"
#include "cli/model_options.h"
#include "cli/print.h"
#include "cli/read_text.h"
#include "cli/run_report.h"
#include "cli/score.h"
#include "cli/token_list.h"

namespace isthmus::cli {
namespace {

constexpr int kRows = 128;  // of logits at once: 75 MiB for a vocabulary of 150,000

struct PerplexityOptions {
  std::string path, file, logits;
  bool ids = false, plain = false;
  ModelOptions run;
};

// The file that --logits names; does nothing when there is none.
class LogitsFile {
 public:
  static Result<LogitsFile> create(const std::string& path) {
    LogitsFile file;
    if (path.empty()) return file;
    file.path_ = path;
    file.file_.reset(std::fopen(path.c_str(), "wb"));
    if (!file.file_) return file.failed();
    return file;
  }

  Status add(std::span<const float> logits) {
    static_assert(std::endian::native == std::endian::little, "the file is little-endian");
    if (!file_ || std::fwrite(logits.data(), sizeof(float), logits.size(), file_.get()) == logits.size())
      return ok();
    return failed();
  }

  Status close() {
    if (!file_ || std::fclose(file_.release()) == 0) return ok();
    return failed();
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  Status failed() const {
    return error(Code::kUnavailable, "{}: cannot write the logits: {}", path_, std::strerror(errno));
  }
  std::string path_;
  std::unique_ptr<std::FILE, Close> file_;
};

Result<std::vector<int32_t>> read_tokens(const PerplexityOptions& options, const Tokenizer& tokenizer) {
  ASSIGN_OR_RETURN(const std::string text, read_text(options.file));
  std::vector<int32_t> tokens;
  if (options.ids) {
    ASSIGN_OR_RETURN(tokens, parse_token_list(text, static_cast<int64_t>(tokenizer.size())), "{}",
                     options.file);
  } else {
    ASSIGN_OR_RETURN(tokens, tokenizer.encode(text, {.parse_special = !options.plain, .add_special = true}),
                     "{}", options.file);
  }
  if (tokens.size() < 2)
    return invalid_argument("{}: {}; a perplexity needs at least 2", options.file,
                            counted(tokens.size(), "token"));
  return tokens;
}

Result<std::unique_ptr<Engine>> start_engine(const PerplexityOptions& options,
                                             std::shared_ptr<const Model> model, int64_t tokens) {
  EngineOptions engine = engine_options(options.run);
  engine.prefix_reuse = false;
  engine.chunk_tokens = engine.output_rows = kRows;
  // A short text needs no cache for the whole context.
  if (engine.context == 0) {
    ASSIGN_OR_RETURN(const StepLimits limits, step_limits(*model, engine));
    if (tokens <= limits.max_blocks * kCacheBlock) engine.context = std::min(tokens, model->config().context);
  }
  return load_engine(std::move(model), options.run, engine);
}

Status perplexity(const PerplexityOptions& options, const Context& context) {
  ASSIGN_OR_RETURN(const std::shared_ptr<const Model> model, open_model(options.path));
  ASSIGN_OR_RETURN(const std::vector<int32_t> tokens, read_tokens(options, model->tokenizer()));
  ASSIGN_OR_RETURN(const auto engine, start_engine(options, model, static_cast<int64_t>(tokens.size())));
  if (engine->context() < 2)
    return invalid_argument("a perplexity needs a context of at least 2 tokens, found {}", engine->context());
  print_run_summary(*engine, context.color);
  ASSIGN_OR_RETURN(LogitsFile logits_file, LogitsFile::create(options.logits));

  const bool progress = isatty(STDERR_FILENO);
  const auto start = std::chrono::steady_clock::now();
  auto score = score_tokens(*engine, tokens, [&](int64_t position, std::span<const float> logits) {
    if (progress && position % kRows == 0)
      print_note(fmt::format("\r{} of {} ", position, counted(tokens.size(), "token")));
    return logits_file.add(logits);
  });
  if (progress) print_note(fmt::format("\r\033[K"));
  if (!score.ok()) return std::move(score).status();
  RETURN_IF_ERROR(logits_file.close());
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();

  if (context.json) {
    print_json({{"model", options.path},
                {"file", options.file},
                {"tokens", tokens.size()},
                {"scored", score->scored},
                {"context", engine->context()},
                {"vocabulary", engine->vocabulary()},
                {"nll", score->nll},
                {"perplexity", score->perplexity()},
                {"seconds", seconds}});
  } else {
    fmt::print("perplexity {:.4f} over {} of {} tokens, context {}, in {:.1f} s\n", score->perplexity(),
               score->scored, tokens.size(), engine->context(), seconds);
  }
  return ok();
}

}  // namespace

void add_perplexity(CLI::App& app, Context& context) {
  CLI::App* command =
      app.add_subcommand("perplexity",
                         "Measure how well a model foresees a text\n"
                         "isthmus perplexity model.gguf --file book.txt\n"
                         "isthmus perplexity model.gguf --file book.txt --json --logits logits.bin\n"
                         "The text is split into chunks of --context tokens without overlap. Each chunk "
                         "starts from an empty cache, and\n"
                         "every token but its first is scored given those before it; the result is exp of "
                         "the mean of -log p. The first\n"
                         "chunk begins with the model's begin token where it has one. (llama.cpp's own tool "
                         "scores only the second half\n"
                         "of each chunk of 512, so its figure for long texts is another.)");
  command->group(kMeasureGroup);
  auto options = std::make_shared<PerplexityOptions>();
  add_model_argument(*command, options->path);
  command->add_option("-f,--file", options->file, "The text (- is standard input)")
      ->required()
      ->type_name("FILE");
  command
      ->add_option("--logits", options->logits,
                   "Write the logits of every position: F32, little-endian, [tokens, vocabulary]")
      ->type_name("FILE");
  CLI::Option* ids = command->add_flag("--ids", options->ids, "The file holds token ids instead of text");
  command->add_flag("--plain", options->plain, "Control tokens in the text are ordinary text")->excludes(ids);
  add_model_options(*command, options->run);
  command->callback([options, &context] {
    context.action = [options, &context] { return perplexity(*options, context); };
  });
}

}  // namespace isthmus::cli
