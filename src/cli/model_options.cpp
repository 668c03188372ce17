// SPDX-License-Identifier: Apache-2.0
#include "cli/model_options.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/disk_cache.h"
#include "base/text.h"
#include "cli/progress.h"
#include "cli/validators.h"

namespace isthmus::cli {
namespace {

constexpr const char* kGroup = "Running the model";
constexpr int kMostThreads = 1024;

void add_cache_dtype(CLI::App& command, ModelOptions& options) {
  command
      .add_option_function<std::string>(
          "--cache-dtype",
          [&options](const std::string& word) { options.cache_dtype = *dtype_from_name(word); },
          "Numbers of the key-value cache: F16 (default), BF16, F32, or Q8_0, which takes about half of F16")
      ->transform(CLI::IsMember({"F16", "BF16", "F32", "Q8_0"}, CLI::ignore_case))
      ->type_name("DTYPE")
      ->group(kGroup);
}

std::vector<int64_t> read_split(const std::string& words, const std::string& devices) {
  std::vector<int64_t> layers;
  for (const std::string& word : CLI::detail::split(words, ',')) {
    int64_t count = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), count);
    if (error != std::errc() || end != word.data() + word.size())
      throw CLI::ValidationError("--split",
                                 fmt::format("expected numbers of layers as 12,18, found '{}'", words));
    layers.push_back(count);
  }
  const auto chips = static_cast<size_t>(std::count(devices.begin(), devices.end(), ',')) + 1;
  if (layers.size() != chips)
    throw CLI::ValidationError("--split",
                               fmt::format("{} for {} of --device {}", counted(layers.size(), "share"),
                                           counted(chips, "chip"), devices));
  return layers;
}

}  // namespace

void add_context_options(CLI::App& command, ModelOptions& options) {
  command
      .add_option("--context", options.context,
                  "Tokens of prompt and reply together (the model's own, at most 8192)")
      ->check(at_least(1))
      ->type_name("TOKENS")
      ->group(kGroup);
  add_cache_dtype(command, options);
}

void add_model_options(CLI::App& command, ModelOptions& options) {
  command
      .add_option("--device", options.device,
                  "Chip that runs it, as listed by isthmus devices, or a plug-in's path; several with commas "
                  "share its layers: cpu,opencl:0 (cpu)")
      ->check(CLI::Validator(
          [](std::string& names) -> std::string {
            if (names.empty()) return "expected a chip's name, found ''";
            if (names.ends_with(',')) return fmt::format("'{}' ends with a comma", names);
            if (names.starts_with(',') || names.find(",,") != std::string::npos)
              return fmt::format("'{}' lacks a name before a comma", names);
            return "";
          },
          ""))
      ->type_name("NAME")
      ->group(kGroup);
  command
      .add_option_function<std::string>(
          "--split",
          // --device is above, so it has its value by now.
          [&options](const std::string& words) { options.split = read_split(words, options.device); },
          "Layers of each chip of --device: 12,18 gives 12 to the first (equal shares)")
      ->type_name("N,N")
      ->group(kGroup);
  command
      .add_option("-t,--threads", options.threads,
                  "Threads of the CPU (one per core that this process may use)")
      ->check(CLI::Range(1, kMostThreads))
      ->type_name("N")
      ->group(kGroup);
  add_context_options(command, options);
  command
      .add_flag("--no-fallback", options.no_fallback,
                "Fail when the chip lacks an operator, instead of running it slowly on the host")
      ->group(kGroup);
  command.add_flag("--ignore-memory", options.ignore_memory, "Start even when memory seems too small")
      ->group(kGroup);
  command
      .add_option("--weights", options.weights,
                  "mapped: read from files, shared by processes (default); resident: copied into this "
                  "process's memory at the start")
      ->transform(CLI::Transformer(std::map<std::string, WeightMode>{{"mapped", WeightMode::kMapped},
                                                                     {"resident", WeightMode::kResident}},
                                   CLI::ignore_case))
      // Runs before the other; alone that one's error shows the numbers behind the words.
      ->transform(CLI::IsMember({"mapped", "resident"}, CLI::ignore_case))
      ->type_name("MODE")
      ->group(kGroup);
  command
      .add_option("--packed-cache", options.packed_cache,
                  "Folder for weights in the chip's own layout, or off (the user's cache folder); "
                  "ISTHMUS_PACKED_CACHE_GIB is the most it may take")
      ->type_name("FOLDER")
      ->group(kGroup);
}

CLI::Option* add_model_argument(CLI::App& command, std::string& path) {
  return command.add_option("MODEL", path, "The model's file (GGUF)")->required()->type_name("");
}

Result<std::shared_ptr<Platform>> discover_chips(int threads, Profile* profile) {
  for (const char* limit : {"ISTHMUS_PACKED_CACHE_GIB", "ISTHMUS_KERNEL_CACHE_GIB"})
    if (const char* text = std::getenv(limit); text && *text && cache_limit(limit) == 0)
      return invalid_argument("{}='{}': a number of GiB greater than 0 is expected", limit, text);
  HostOptions options;
  options.thread_count = threads;
  if (profile) profile->set_host_options(options);
  return Platform::discover(options);
}

EngineOptions engine_options(const ModelOptions& options) {
  EngineOptions engine;
  engine.device = options.device;
  engine.split = options.split;
  engine.context = options.context;
  engine.cache_dtype = options.cache_dtype;
  engine.ignore_memory = options.ignore_memory;
  engine.weights = options.weights;
  engine.policy.no_fallback = options.no_fallback;
  if (options.packed_cache == "off") {
    engine.packed_cache = PackedCache("");
  } else if (!options.packed_cache.empty()) {
    engine.packed_cache = PackedCache(options.packed_cache);
  }
  return engine;
}

Status with_file_hint(Status status, const std::string& path) {
  std::error_code unknown;
  if (std::filesystem::is_regular_file(path, unknown)) return status;
  return with_hint(std::move(status), "MODEL is the path of a GGUF file on this machine");
}

Result<std::shared_ptr<const Model>> open_model(const std::string& path) {
  auto model = Model::open(path);
  if (model.ok()) return model;
  if (model.status().code() == Code::kUnimplemented)
    return with_hint(std::move(model).status(),
                     fmt::format("isthmus inspect {} shows what is in the file", path));
  return with_file_hint(std::move(model).status(), path);
}

Result<std::unique_ptr<Engine>> load_engine(std::shared_ptr<const Model> model, const ModelOptions& options,
                                            const EngineOptions& engine_options) {
  ASSIGN_OR_RETURN(std::shared_ptr<Platform> chips, discover_chips(options.threads, options.profile));
  if (auto devices = chips->open_list(engine_options.device); !devices.ok())
    return with_hint(std::move(devices).status(),
                     "isthmus devices lists the chips found, and why others failed");
  auto engine = [&] {
    ProgressLine line;
    EngineOptions watched = engine_options;
    watched.progress = [&line](const CompileProgress& progress) { line.show(progress); };
    return Engine::create(std::move(model), std::move(chips), watched);
  }();
  if (engine.ok()) {
    (*engine)->profile(options.profile);
    return engine;
  }
  const bool about_fallback =
      engine_options.policy.no_fallback && engine.status().code() == Code::kUnimplemented;
  if (about_fallback)
    return with_hint(std::move(engine).status(),
                     "isthmus devices --explain MODEL shows every operator and why");
  if (engine.status().code() == Code::kOutOfMemory && !engine_options.ignore_memory)
    return with_hint(std::move(engine).status(), "--ignore-memory starts anyway");
  return engine;
}

Result<std::unique_ptr<Engine>> load_engine(const std::string& path, const ModelOptions& options,
                                            const EngineOptions& engine_options) {
  ASSIGN_OR_RETURN(std::shared_ptr<const Model> model, open_model(path));
  return load_engine(std::move(model), options, engine_options);
}

}  // namespace isthmus::cli
