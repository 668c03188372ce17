// SPDX-License-Identifier: Apache-2.0
// isthmus inspect MODEL: what a model's file holds, whether it can run here, and the memory it will need.
#include <memory>

#include "cli/context.h"
#include "cli/model_facts.h"
#include "cli/model_options.h"
#include "llm/chat_template.h"

namespace isthmus::cli {
namespace {

struct InspectOptions {
  std::string path;
  bool tensors = false, metadata = false;
  ModelOptions run;
};

// A file, and the model in it where a family knows its architecture.
struct Inspected {
  GgufFile file;
  Result<std::shared_ptr<const Model>> model;
  MemoryNeed need;
  StepLimits limits;

  bool supported() const { return model.ok(); }
  std::string text(std::string_view key) const {
    const Result<std::string_view> value = file.get_string(key);
    return value.ok() ? std::string(*value) : "";
  }
  uint64_t parameters() const {
    uint64_t count = 0;
    for (const GgufTensor& tensor : file.tensors()) count += static_cast<uint64_t>(tensor.elements);
    return count;
  }
  // Why the chat template in the file cannot be used; empty when it can.
  std::string template_error() const {
    const Result<ChatTemplate> parsed = ChatTemplate::parse(text("tokenizer.chat_template"));
    return parsed.ok() ? "" : parsed.status().message();
  }
};

int64_t positions(const StepLimits& limits) { return limits.cache_blocks * kCacheBlock; }

Json tokenizer_json(const Inspected& inspected) {
  Json json = {{"model", inspected.text("tokenizer.ggml.model")},
               {"pre", inspected.text("tokenizer.ggml.pre")}};
  if (!inspected.supported()) {
    const GgufEntry* tokens = inspected.file.find("tokenizer.ggml.tokens");
    json["tokens"] = tokens && tokens->value.is_array() ? tokens->value.count : 0;
    return json;
  }
  const Tokenizer& tokenizer = (*inspected.model)->tokenizer();
  json["tokens"] = tokenizer.size();
  json["bos"] = tokenizer.bos();
  json["eos"] = tokenizer.eos();
  json["add_bos"] = tokenizer.add_bos();
  json["add_eos"] = tokenizer.add_eos();
  json["end_of_generation"] = Json::array();
  for (const int32_t id : tokenizer.end_of_generation())
    json["end_of_generation"].push_back({{"id", id}, {"text", tokenizer.token_bytes(id)}});
  return json;
}

Json template_json(const Inspected& inspected) {
  const std::string source = inspected.text("tokenizer.chat_template");
  if (source.empty()) return nullptr;
  const std::string error = inspected.template_error();
  return {{"bytes", source.size()},
          {"usable", error.empty()},
          {"error", error.empty() ? Json(nullptr) : Json(error)},
          {"tools", source.find("tools") != std::string::npos}};
}

Json tensors_json(const GgufFile& file) {
  Json list = Json::array();
  for (const GgufTensor& tensor : file.tensors()) {
    list.push_back({{"name", tensor.name},
                    {"dtype", dtype_name(tensor.dtype)},
                    {"dims", tensor.shape()},
                    {"bytes", tensor.size_bytes},
                    {"offset", tensor.offset}});
  }
  return list;
}

Json inspected_json(const Inspected& inspected, const InspectOptions& options) {
  const GgufFile& file = inspected.file;
  Json json = {{"path", file.path()},
               {"format", fmt::format("GGUF {}", file.version())},
               {"bytes", file.size_bytes()},
               {"name", inspected.text("general.name")},
               {"architecture", inspected.text("general.architecture")},
               {"supported", inspected.supported()},
               {"reason", inspected.supported() ? Json(nullptr) : Json(inspected.model.status().message())},
               {"parameters", inspected.parameters()},
               {"dtypes", Json::array()}};
  for (const DtypeTotal& total : totals_by_dtype(file.tensors()))
    json["dtypes"].push_back({{"dtype", dtype_name(total.dtype)},
                              {"tensors", total.tensors},
                              {"elements", total.elements},
                              {"bytes", total.bytes}});
  json["tokenizer"] = tokenizer_json(inspected);
  json["chat_template"] = template_json(inspected);
  if (inspected.supported()) {
    const TransformerConfig& config = (*inspected.model)->config();
    json["config"] = {{"layers", config.layers},       {"heads", config.heads},
                      {"kv_heads", config.kv_heads},   {"head_dim", config.head_dim},
                      {"mlp_width", config.mlp_width}, {"context", config.context}};
    const uint64_t available = available_memory();
    json["memory"] = {{"context", positions(inspected.limits)},
                      {"cache_dtype", dtype_name(inspected.limits.cache_dtype)},
                      {"weights_bytes", inspected.need.weights},
                      {"cache_bytes", inspected.need.cache},
                      {"activations_bytes", inspected.need.activations},
                      {"total_bytes", inspected.need.total()},
                      {"available_bytes", available},
                      {"fits", inspected.need.total() <= available}};
  }
  if (options.metadata) {
    Json& metadata = json["metadata"] = Json::object();
    for (const GgufEntry& entry : file.metadata())
      metadata[std::string(entry.key)] = metadata_json(entry.value);
  }
  if (options.tensors) json["tensors"] = tensors_json(file);
  return json;
}

std::string tokenizer_text(const Inspected& inspected) {
  const std::string kind = fmt::format("{}{}{}", escaped(inspected.text("tokenizer.ggml.model")),
                                       inspected.text("tokenizer.ggml.pre").empty() ? "" : " with ",
                                       escaped(inspected.text("tokenizer.ggml.pre")));
  if (!inspected.supported()) return kind.empty() ? "none" : kind;
  const Tokenizer& tokenizer = (*inspected.model)->tokenizer();
  std::string ends;
  for (const int32_t id : tokenizer.end_of_generation())
    ends += fmt::format("{}{} ({})", ends.empty() ? "" : ", ", escaped(tokenizer.token_bytes(id)), id);
  return fmt::format("{}, {} tokens; replies end with {}", kind, tokenizer.size(),
                     ends.empty() ? "none" : ends);
}

std::string template_text(const Inspected& inspected) {
  const std::string source = inspected.text("tokenizer.chat_template");
  if (source.empty()) return "none";
  const std::string error = inspected.template_error();
  if (!error.empty()) return "unusable: " + escaped(error);
  return fmt::format("{}{}", bytes_text(source.size()),
                     source.find("tools") == std::string::npos ? "" : ", knows of tools");
}

void add_running(const Inspected& inspected, Table& table) {
  const TransformerConfig& config = (*inspected.model)->config();
  table.add(
      {"layers", fmt::format("{}, {} heads of {} over {} of keys and values, gated width {}", config.layers,
                             config.heads, config.head_dim, config.kv_heads, config.mlp_width)});
  table.add({"context", fmt::format("{} tokens at most", config.context)});
  const MemoryNeed& need = inspected.need;
  table.add({"memory", fmt::format("{} for {} tokens: {} weights, {} cache ({}), {} activations",
                                   bytes_text(need.total()), positions(inspected.limits),
                                   bytes_text(need.weights), bytes_text(need.cache),
                                   dtype_name(inspected.limits.cache_dtype), bytes_text(need.activations))});
  const uint64_t available = available_memory();
  const bool fits = need.total() <= available;
  table.add({"", fmt::format("{} the {} available{}", fits ? "fits in" : "does NOT fit in",
                             bytes_text(available), fits ? "" : "; a smaller --context needs less")},
            fits ? Style::kPlain : Style::kRed);
}

void print_summary(const Inspected& inspected, bool color) {
  using Align = Table::Align;
  const GgufFile& file = inspected.file;
  fmt::print("{}\n", styled(file.path(), Style::kBold, color));
  Table table({Align::kLeft, Align::kLeft});
  const std::string architecture = escaped(inspected.text("general.architecture"));
  if (const std::string name = inspected.text("general.name"); !name.empty())
    table.add({"name", escaped(name)});
  if (inspected.supported()) {
    table.add({"architecture", fmt::format("{} ({})", architecture, (*inspected.model)->family().models)});
  } else {
    table.add({"architecture", architecture.empty() ? "none" : architecture});
    table.add({"cannot run", escaped(inspected.model.status().message())}, Style::kYellow);
  }
  table.add(
      {"format", fmt::format("GGUF {}, {}, {} keys, {} tensors", file.version(),
                             bytes_text(file.size_bytes()), file.metadata().size(), file.tensors().size())});
  table.add({"parameters", count_text(inspected.parameters())});
  table.add({"tokenizer", tokenizer_text(inspected)});
  table.add({"chat template", template_text(inspected)});
  if (inspected.supported()) add_running(inspected, table);
  fmt::print("{}\n", table.text(color, 2));

  Table dtypes({Align::kLeft, Align::kRight, Align::kRight, Align::kRight});
  dtypes.add({"dtype", "tensors", "elements", "bytes"}, Style::kBold);
  for (const DtypeTotal& total : totals_by_dtype(file.tensors()))
    dtypes.add({std::string(dtype_name(total.dtype)), fmt::format("{}", total.tensors),
                count_text(total.elements), bytes_text(total.bytes)});
  fmt::print("{}", dtypes.text(color, 2));
}

void print_metadata(const GgufFile& file, bool color) {
  Table table({Table::Align::kLeft, Table::Align::kLeft, Table::Align::kLeft});
  table.add({"key", "type", "value"}, Style::kBold);
  for (const GgufEntry& entry : file.metadata())
    table.add({escaped(entry.key), entry.value.type_name(), entry.value.to_short_string()});
  fmt::print("\n{}", table.text(color, 2));
}

void print_tensors(const GgufFile& file, bool color) {
  using Align = Table::Align;
  Table table({Align::kLeft, Align::kLeft, Align::kRight, Align::kRight});
  table.add({"tensor", "dtype", "dimensions", "bytes"}, Style::kBold);
  for (const GgufTensor& tensor : file.tensors())
    table.add({escaped(tensor.name), std::string(dtype_name(tensor.dtype)), dims_text(tensor.shape()),
               fmt::format("{}", tensor.size_bytes)});
  fmt::print("\n{}", table.text(color, 2));
}

Status inspect(const InspectOptions& options, const Context& context) {
  auto file = GgufFile::open(options.path);
  if (!file.ok()) return with_file_hint(std::move(file).status(), options.path);
  // What keeps the model from running is part of the answer here, not an error.
  Inspected inspected{std::move(file).value(), Model::open(options.path), {}, {}};
  if (inspected.supported()) {
    ASSIGN_OR_RETURN(inspected.limits, step_limits(**inspected.model, engine_options(options.run)));
    inspected.need = (*inspected.model)->memory_need(inspected.limits);
  }
  if (context.json) {
    print_json(inspected_json(inspected, options));
    return ok();
  }
  const bool color = use_color(context.color, stdout);
  print_summary(inspected, color);
  if (options.metadata) print_metadata(inspected.file, color);
  if (options.tensors) print_tensors(inspected.file, color);
  return ok();
}

}  // namespace

void add_inspect(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand(
      "inspect",
      "Show what a model's file holds and what running it takes\n"
      "isthmus inspect model.gguf                   the model, its tokenizer, the memory it will need\n"
      "isthmus inspect model.gguf --context 32768   memory for longer conversations\n"
      "isthmus inspect model.gguf --tensors         every tensor with dtype and dimensions\n"
      "Files whose architecture cannot run yet are shown as well. Nothing of the weights is read.");
  command->group(kLookGroup);
  auto options = std::make_shared<InspectOptions>();
  add_model_argument(*command, options->path);
  command->add_flag("--tensors", options->tensors, "List every tensor");
  command->add_flag("--metadata", options->metadata, "List every key of the file");
  add_context_options(*command, options->run);
  command->callback(
      [options, &context] { context.action = [options, &context] { return inspect(*options, context); }; });
}

}  // namespace isthmus::cli
