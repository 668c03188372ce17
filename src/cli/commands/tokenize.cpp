// SPDX-License-Identifier: Apache-2.0
// isthmus tokenize MODEL [TEXT]: a text as the model sees it, or ids back to text.
#include <unistd.h>

#include <memory>

#include "base/text.h"
#include "cli/context.h"
#include "cli/model_options.h"
#include "cli/print.h"
#include "cli/read_text.h"
#include "cli/token_list.h"

namespace isthmus::cli {
namespace {

struct TokenizeOptions {
  std::string path, text, file, ids;
  bool special = false, bos = false;
  CLI::Option *text_option = nullptr, *decode_option = nullptr;
};

// Of any file with a tokenizer: the architecture need not be one that runs.
Result<std::unique_ptr<Tokenizer>> open_tokenizer(const std::string& path) {
  auto file = ModelFile::open(path);
  if (!file.ok()) return with_file_hint(std::move(file).status(), path);
  ASSIGN_OR_RETURN(TokenizerSource source, (*file)->tokenizer(), "{}", path);
  ASSIGN_OR_RETURN(auto tokenizer, Tokenizer::create(std::move(source)), "{}", path);
  return tokenizer;
}

Result<std::string> text_to_encode(const TokenizeOptions& options) {
  if (options.text_option->count() > 0) return options.text;
  if (!options.file.empty()) return read_text(options.file);
  if (isatty(STDIN_FILENO)) print_note(fmt::format("Reading text from the keyboard; Ctrl-D ends it.\n"));
  return read_text("-");
}

void print_tokens(const Tokenizer& tokenizer, const std::vector<int32_t>& ids, size_t text_bytes,
                  const Context& context) {
  if (context.json) {
    Json json = {{"count", ids.size()}, {"ids", ids}, {"pieces", Json::array()}};
    for (const int32_t id : ids) json["pieces"].push_back(tokenizer.token_bytes(id));
    print_json(json);
    return;
  }
  const bool color = use_color(context.color, stdout);
  const size_t width = fmt::formatted_size("{}", tokenizer.size());
  for (const int32_t id : ids) {
    const Style style = tokenizer.is_control(id) ? Style::kCyan : Style::kPlain;
    fmt::print("{:>{}}  {}\n", id, width,
               styled(fmt::format("'{}'", escaped(tokenizer.token_bytes(id))), style, color));
  }
  print_note(fmt::format("{} of {}\n", counted(ids.size(), "token"), counted(text_bytes, "byte")));
}

Status tokenize(const TokenizeOptions& options, const Context& context) {
  ASSIGN_OR_RETURN(const auto tokenizer, open_tokenizer(options.path));
  if (options.decode_option->count() > 0) {
    ASSIGN_OR_RETURN(const std::vector<int32_t> ids,
                     parse_token_list(options.ids, static_cast<int64_t>(tokenizer->size())));
    const std::string text = tokenizer->decode(ids);
    if (context.json) {
      print_json({{"count", ids.size()}, {"ids", ids}, {"text", text}});
    } else {
      fmt::print("{}\n", text);
    }
    return ok();
  }
  ASSIGN_OR_RETURN(const std::string text, text_to_encode(options));
  ASSIGN_OR_RETURN(const std::vector<int32_t> ids,
                   tokenizer->encode(text, {.parse_special = options.special, .add_special = options.bos}));
  print_tokens(*tokenizer, ids, text.size(), context);
  return ok();
}

}  // namespace

void add_tokenize(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand(
      "tokenize",
      "Show a text as the tokens a model sees, or tokens as text\n"
      "isthmus tokenize model.gguf \"Hello world\"\n"
      "isthmus tokenize model.gguf -f letter.txt --json\n"
      "isthmus tokenize model.gguf --special \"<|im_start|>user\"   control tokens in the text count\n"
      "isthmus tokenize model.gguf --decode 19556,905             the other way round\n"
      "Without TEXT and -f the text comes from standard input.");
  command->group(kLookGroup);
  auto options = std::make_shared<TokenizeOptions>();
  add_model_argument(*command, options->path);
  options->text_option = command->add_option("TEXT", options->text, "The text")->type_name("");
  CLI::Option* file =
      command->add_option("-f,--file", options->file, "Read the text from a file (- is standard input)")
          ->type_name("FILE")
          ->excludes(options->text_option);
  options->decode_option = command->add_option("--decode", options->ids, "Token ids to turn into text")
                               ->type_name("IDS")
                               ->excludes(options->text_option)
                               ->excludes(file);
  command->add_flag("--special", options->special,
                    "Control tokens in the text count, as in a chat template's output");
  command->add_flag("--bos", options->bos, "Add begin and end of text where the model wants them");
  command->callback(
      [options, &context] { context.action = [options, &context] { return tokenize(*options, context); }; });
}

}  // namespace isthmus::cli
