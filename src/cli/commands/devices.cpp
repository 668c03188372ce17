// SPDX-License-Identifier: Apache-2.0
// isthmus devices [--explain [MODEL]]: the chips found here, and what each would run itself.
#include <fmt/ranges.h>

#include <memory>
#include <span>

#include "base/text.h"
#include "cli/context.h"
#include "cli/explain.h"
#include "cli/model_options.h"
#include "cli/print.h"
#include "cli/run_report.h"

namespace isthmus::cli {
namespace {

struct DevicesOptions {
  std::string model;
  CLI::Option* explain = nullptr;
  ModelOptions run;
};

// A device, or why it cannot be used.
struct Found {
  std::string id;
  std::shared_ptr<Plugin> plugin;
  Result<DevicePtr> device;
  Result<ExplainRows> explained = ExplainRows();
};

std::vector<std::string> feature_names(uint32_t features) {
  std::vector<std::string> names;
  for (const auto& [bit, name] :
       {std::pair(ISTHMUS_FEATURE_HOST_ACCESS, "host access"),
        std::pair(ISTHMUS_FEATURE_IMPORT, "import of host memory"),
        std::pair(ISTHMUS_FEATURE_CAPTURE, "capture"), std::pair(ISTHMUS_FEATURE_EXACT, "exact numerics"),
        std::pair(ISTHMUS_FEATURE_EVENT_TIMING, "event timing"),
        std::pair(ISTHMUS_FEATURE_KERNEL_EXACT, "exact F32 in kernels"),
        std::pair(ISTHMUS_FEATURE_KERNEL_DIVISION, "exact division in kernels"),
        std::pair(ISTHMUS_FEATURE_KERNEL_F64, "F64 in kernels")})
    if (features & bit) names.emplace_back(name);
  return names;
}

// What of the interface's optional parts the plug-in has.
std::vector<std::string> capability_names(const isthmus_plugin_t& api) {
  std::vector<std::string> names = {"memory and order"};
  if (api.op_prepare) names.emplace_back("operators");
  if (api.kernel_build) names.emplace_back("kernels");
  return names;
}

std::vector<std::string> kernel_languages(const isthmus_device_properties_t& properties) {
  std::vector<std::string> names;
  for (const char* const* language = properties.kernel_languages; language && *language; ++language)
    names.emplace_back(*language);
  return names;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text.empty() ? "none" : text;
}

std::vector<Found> find_devices(Platform& chips) {
  std::vector<Found> found;
  for (const std::shared_ptr<Plugin>& plugin : chips.plugins()) {
    for (int i = 0; i < plugin->device_count(); ++i) {
      const std::string id = fmt::format("{}:{}", plugin->name(), i);
      found.push_back({id, plugin, chips.open(id)});
    }
  }
  return found;
}

struct Absent {
  const Plugin* plugin;
  std::string why;
};

// Plug-ins that work, but have no device on this machine.
std::vector<Absent> find_absent(const Platform& chips) {
  std::vector<Absent> absent;
  for (const std::shared_ptr<Plugin>& plugin : chips.plugins())
    if (plugin->device_count() <= 0) absent.push_back({plugin.get(), plugin->why_no_device()});
  return absent;
}

Json device_json(const Found& found, bool explain, const char* unit) {
  const isthmus_plugin_t& api = found.plugin->api();
  Json json = {{"id", found.id},
               {"plugin",
                {{"path", found.plugin->path()},
                 {"version", api.version ? api.version : ""},
                 {"interface", fmt::format("{}.{}", api.major, api.minor)},
                 {"capabilities", capability_names(api)}}}};
  if (!found.device.ok()) {
    json["error"] = found.device.status().to_string();
    return json;
  }
  const isthmus_device_properties_t& properties = (*found.device)->properties();
  json["name"] = properties.name ? properties.name : "";
  json["architecture"] = properties.architecture ? properties.architecture : "";
  json["memory_bytes"] = properties.memory_bytes;
  json["alignment_bytes"] = properties.alignment_bytes;
  json["parallelism"] = properties.parallelism;
  json["features"] = feature_names(properties.features);
  json["kernel_languages"] = kernel_languages(properties);
  if (!explain) return json;
  if (found.explained.ok()) {
    json["operators"] = explain_json(*found.explained, unit);
    json["fallbacks"] = count_fallbacks(*found.explained).fallbacks;
  } else {
    json["explain_error"] = found.explained.status().to_string();
  }
  return json;
}

void print_device(const Found& found, bool color) {
  const isthmus_plugin_t& api = found.plugin->api();
  if (!found.device.ok()) {
    fmt::print("{}  {}\n", styled(found.id, Style::kBold, color),
               styled(escaped(found.device.status().to_string()), Style::kRed, color));
    return;
  }
  const isthmus_device_properties_t& properties = (*found.device)->properties();
  fmt::print("{}  {}\n", styled(found.id, Style::kBold, color),
             escaped(properties.name ? properties.name : ""));
  Table table({Table::Align::kLeft, Table::Align::kLeft});
  table.add({"architecture", properties.architecture ? properties.architecture : "unknown"});
  table.add({"memory", properties.memory_bytes ? bytes_text(properties.memory_bytes) : "unknown"});
  table.add({"parallelism", fmt::format("{}", properties.parallelism)});
  table.add({"features", joined(feature_names(properties.features))});
  table.add({"offers", joined(capability_names(api))});
  if (!kernel_languages(properties).empty()) table.add({"languages", joined(kernel_languages(properties))});
  table.add({"plug-in", fmt::format("{} (version {}, interface {}.{})", found.plugin->path(),
                                    api.version ? api.version : "unknown", api.major, api.minor)});
  fmt::print("{}", table.text(color, 2));
}

void print_explained(const Found& found, const char* unit, bool color) {
  if (!found.device.ok()) return;
  if (!found.explained.ok()) {
    fmt::print("\n  {}\n", styled(escaped(found.explained.status().to_string()), Style::kRed, color));
    return;
  }
  const FallbackCounts counts = count_fallbacks(*found.explained);
  fmt::print("\n{}", explain_text(*found.explained, unit, color));
  fmt::print("  {}\n", counts.fallbacks == 0
                           ? fmt::format("{}; nothing falls back", counted(counts.operators, "operator"))
                           : styled(fmt::format("fallbacks to the host: {} of {}, at least in part",
                                                counts.fallbacks, counted(counts.operators, "operator")),
                                    Style::kYellow, color));
}

void print_absent(std::span<const Absent> absent, bool color) {
  if (absent.empty()) return;
  fmt::print("\n{}\n", styled("Plug-ins without a device here", Style::kBold, color));
  for (const Absent& a : absent) fmt::print("  {}: {}\n", a.plugin->name(), escaped(a.why));
}

void print_failures(const Platform& chips, bool color) {
  if (chips.failures().empty()) return;
  fmt::print("\n{}\n", styled("Plug-ins that failed to load", Style::kRed, color));
  for (const Platform::Failure& failure : chips.failures())
    fmt::print("  {}: {}\n", failure.path, escaped(failure.status.message()));
}

Status print_devices(const DevicesOptions& options, const Context& context) {
  ASSIGN_OR_RETURN(const std::shared_ptr<Platform> chips, discover_chips(options.run.threads));
  const bool explain = options.explain->count() > 0;
  const bool of_model = !options.model.empty();
  const char* const unit = of_model ? "nodes" : "samples";
  std::shared_ptr<const Model> model;
  if (of_model) {
    ASSIGN_OR_RETURN(model, open_model(options.model));
  }
  std::vector<Found> found = find_devices(*chips);
  for (Found& f : found) {
    if (!explain || !f.device.ok()) continue;
    f.explained = of_model ? explain_model(model, f.id, chips, options.run) : explain_samples(*f.device);
  }
  const std::vector<Absent> absent = find_absent(*chips);
  if (context.json) {
    Json document = {
        {"devices", Json::array()}, {"without_device", Json::array()}, {"failures", Json::array()}};
    for (const Absent& a : absent)
      document["without_device"].push_back(
          {{"plugin", a.plugin->name()}, {"path", a.plugin->path()}, {"reason", a.why}});
    for (const Found& f : found) document["devices"].push_back(device_json(f, explain, unit));
    for (const Platform::Failure& failure : chips->failures())
      document["failures"].push_back({{"path", failure.path}, {"error", failure.status.to_string()}});
    print_json(document);
  } else {
    const bool color = use_color(context.color, stdout);
    bool first = true;
    for (const Found& f : found) {
      if (!std::exchange(first, false)) fmt::print("\n");
      print_device(f, color);
      if (explain) print_explained(f, unit, color);
    }
    print_absent(absent, color);
    print_failures(*chips, color);
  }
  if (found.empty())
    return with_hint(
        error(Code::kNotFound, "no chip was found, not even the CPU"),
        fmt::format("chips are files isthmus_*.so; looked in {}; ISTHMUS_PLUGIN_PATH names further folders",
                    fmt::join(chips->folders(), ", ")));
  return ok();
}

}  // namespace

void add_devices(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand(
      "devices",
      "List the chips found here and what each can do\n"
      "isthmus devices                        chips, and why other plug-ins have none here\n"
      "isthmus devices --explain              which implementation runs each operator, over its samples\n"
      "isthmus devices --explain model.gguf   the same for the operators of one model\n"
      "An operator that a chip lacks runs on the host, slower: a fallback, shown in yellow.");
  command->group(kLookGroup);
  auto options = std::make_shared<DevicesOptions>();
  options->explain = command
                         ->add_option("--explain", options->model,
                                      "Which implementation each operator gets, and why no better one")
                         ->expected(0, 1)
                         ->type_name("[MODEL]");
  add_model_options(*command, options->run);
  for (const char* meaningless : {"--device", "--split", "--no-fallback"})
    command->remove_option(command->get_option(meaningless));
  command->callback([options, &context] {
    context.action = [options, &context] { return print_devices(*options, context); };
  });
}

}  // namespace isthmus::cli
