// SPDX-License-Identifier: Apache-2.0
#include "runtime/plugin.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <exception>

#include "runtime/library_file.h"
#include "runtime/threads.h"

namespace isthmus {
namespace {

// More than any machine has; each is opened to be listed.
constexpr int32_t kMostDevices = 1024;

thread_local std::string g_reported;

void report_error(void*, isthmus_status_t, const char* message) { g_reported = message ? message : ""; }

void log_message(void* context, isthmus_log_level_t level, const char* message) {
  const auto* options = static_cast<const HostOptions*>(context);
  if (options->log) options->log(options->log_context, level, message);
}

void parallel_for(void* context, int64_t count, isthmus_range_body_t body, void* body_context) {
  const auto* options = static_cast<const HostOptions*>(context);
  options->parallel_for(options->parallel_for_context, count, body, body_context);
}

void* allocate(void* context, uint64_t bytes, uint64_t alignment) {
  const auto* options = static_cast<const HostOptions*>(context);
  return options->allocate(options->allocate_context, bytes, alignment);
}

void free_memory(void* context, void* memory) {
  const auto* options = static_cast<const HostOptions*>(context);
  options->free(options->allocate_context, memory);
}

void tell_span(void* context, const isthmus_span_t* span) {
  const auto* options = static_cast<const HostOptions*>(context);
  options->span(options->span_context, span);
}

// Fit for --device, where commas and colons separate, and for names of files.
bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= 32 &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string_view::npos;
}

// Entries without which a chip cannot be used at all.
const char* missing_entry(const isthmus_plugin_t& api) {
#define ISTHMUS_REQUIRE(entry) \
  if (!api.entry) return #entry
  ISTHMUS_REQUIRE(name);
  ISTHMUS_REQUIRE(device_count);
  ISTHMUS_REQUIRE(device_open);
  ISTHMUS_REQUIRE(device_close);
  ISTHMUS_REQUIRE(device_properties);
  ISTHMUS_REQUIRE(allocate);
  ISTHMUS_REQUIRE(free);
  ISTHMUS_REQUIRE(stream_create);
  ISTHMUS_REQUIRE(stream_destroy);
  ISTHMUS_REQUIRE(stream_wait);
  ISTHMUS_REQUIRE(copy);
  ISTHMUS_REQUIRE(fill);
  ISTHMUS_REQUIRE(event_create);
  ISTHMUS_REQUIRE(event_destroy);
  ISTHMUS_REQUIRE(event_record);
  ISTHMUS_REQUIRE(event_wait);
  ISTHMUS_REQUIRE(stream_wait_event);
#undef ISTHMUS_REQUIRE
  if (api.op_prepare && !(api.op_run && api.op_release))
    return "op_run and op_release, which op_prepare needs";
  return nullptr;
}

}  // namespace

std::shared_ptr<void> allocate_host(const HostOptions& options, uint64_t bytes) {
  constexpr uint64_t kAlignment = 64;
  if (bytes > UINT64_MAX - kAlignment) return nullptr;
  bytes = std::max((bytes + kAlignment - 1) / kAlignment * kAlignment, kAlignment);
  if (!options.allocate) return {std::aligned_alloc(kAlignment, bytes), [](void* p) { std::free(p); }};
  void* memory = options.allocate(options.allocate_context, bytes, kAlignment);
  if (!memory) return nullptr;
  return {memory, [free = options.free, context = options.allocate_context](void* p) { free(context, p); }};
}

Result<std::shared_ptr<Plugin>> Plugin::load(const std::string& path, const HostOptions& options) {
  std::shared_ptr<Plugin> plugin(new Plugin);
  plugin->path_ = path;
  RETURN_IF_ERROR(check_library_file(path), "plug-in '{}' cannot be loaded", path);
  plugin->library_ = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!plugin->library_) return error(Code::kNotFound, "plug-in '{}' cannot be loaded: {}", path, dlerror());
  auto load = reinterpret_cast<isthmus_plugin_load_t>(dlsym(plugin->library_, "isthmus_plugin_load"));
  if (!load)
    return invalid_argument("'{}' is not an Isthmus plug-in: it does not export isthmus_plugin_load", path);

  plugin->options_ = options;
  isthmus_host_t& host = plugin->host_;
  host.size = sizeof host;
  host.context = &plugin->options_;
  host.report_error = report_error;
  host.log = log_message;
  host.thread_count = options.thread_count > 0 ? options.thread_count : available_threads();
  host.parallel_for = options.parallel_for ? parallel_for : nullptr;
  host.allocate = options.allocate ? allocate : nullptr;
  host.free = options.allocate ? free_memory : nullptr;
  host.span = options.span ? tell_span : nullptr;
  g_reported.clear();
  const isthmus_plugin_t* table = nullptr;
  try {
    table = load(&host);
  } catch (const std::exception& thrown) {  // other chips must keep working
    return error(Code::kUnavailable, "plug-in '{}' threw while loading: {}", path, thrown.what());
  } catch (...) {
    return error(Code::kUnavailable, "plug-in '{}' threw while loading", path);
  }
  if (!table)
    return error(Code::kUnavailable, "plug-in '{}' cannot work here: {}", path,
                 g_reported.empty() ? "it gave no reason" : g_reported);
  // Half an entry would be called, too.
  if (table->size < offsetof(isthmus_plugin_t, unload) || table->size > (1u << 16) ||
      table->size % alignof(isthmus_plugin_t) != 0)
    return invalid_argument("plug-in '{}' says its table has {} bytes, which no version has", path,
                            table->size);
  if (table->major != ISTHMUS_PLUGIN_MAJOR || table->minor < ISTHMUS_PLUGIN_MINOR_OLDEST)
    return invalid_argument("plug-in '{}' was built for interface {}.{}; this is {}.{}: rebuild it", path,
                            table->major, table->minor, ISTHMUS_PLUGIN_MAJOR, ISTHMUS_PLUGIN_MINOR);
  if (table->minor > ISTHMUS_PLUGIN_MINOR)
    return invalid_argument("plug-in '{}' was built for interface {}.{}; this is {}.{}: update Isthmus", path,
                            table->major, table->minor, ISTHMUS_PLUGIN_MAJOR, ISTHMUS_PLUGIN_MINOR);
  std::memcpy(&plugin->api_, table, std::min(table->size, sizeof plugin->api_));
  if (const char* missing = missing_entry(plugin->api_))
    return invalid_argument("plug-in '{}' lacks the required entry {}", path, missing);
  if (!is_name(plugin->api_.name))
    return invalid_argument(
        "plug-in '{}' calls itself '{}'; a name is 1 to 32 lower-case letters, digits, '-' and '_'", path,
        plugin->api_.name);
  plugin->name_ = plugin->api_.name;
  return plugin;
}

Plugin::~Plugin() {
  if (api_.unload) api_.unload();
  if (library_) dlclose(library_);
}

int Plugin::device_count() const {
  const int32_t count = api_.device_count();
  return count < 0 || count > kMostDevices ? 0 : count;
}

std::string Plugin::why_no_device() const {
  if (const int32_t said = api_.device_count(); said < 0 || said > kMostDevices)
    return fmt::format("it says that it has {} devices; 0 to {} are believed", said, kMostDevices);
  g_reported.clear();
  isthmus_chip_device_t* device = nullptr;
  if (api_.device_open(&host_, 0, &device) == ISTHMUS_OK && device)
    api_.device_close(device);  // come just now
  std::string why = g_reported.empty() ? "it gives no reason" : std::move(g_reported);
  g_reported.clear();
  return why;
}

Status Plugin::status(isthmus_status_t code, const char* doing) const {
  if (code == ISTHMUS_OK) return ok();
  std::string message = g_reported.empty() ? "the plug-in gave no reason" : std::move(g_reported);
  g_reported.clear();
  return Status(static_cast<Code>(code), fmt::format("{}: {}: {}", name_, doing, message));
}

}  // namespace isthmus
