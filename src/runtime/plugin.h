// SPDX-License-Identifier: Apache-2.0
// A chip's shared library, loaded and checked.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "isthmus/plugin.h"

namespace isthmus {

// What the embedding program may give every plug-in. Set before the first plug-in is loaded.
struct HostOptions {
  int thread_count = 0;  // 0: see available_threads()
  void (*log)(void* context, isthmus_log_level_t level, const char* message) = nullptr;
  void* log_context = nullptr;
  // Runs body over [0, count) on the embedder's own threads; see isthmus_host_t.
  void (*parallel_for)(void* context, int64_t count, isthmus_range_body_t body, void* body_context) = nullptr;
  void* parallel_for_context = nullptr;
  // The embedder's own host memory; both or neither; see isthmus_host_t.
  void* (*allocate)(void* context, uint64_t bytes, uint64_t alignment) = nullptr;
  void (*free)(void* context, void* memory) = nullptr;
  void* allocate_context = nullptr;
  // Takes what chips tell of marked work; see isthmus_host_t.
  void (*span)(void* context, const isthmus_span_t* span) = nullptr;
  void* span_context = nullptr;
};

// Host memory at a multiple of 64, the embedder's if it gives its own; null when there is none left.
std::shared_ptr<void> allocate_host(const HostOptions& options, uint64_t bytes);

// Thread-safe. The library stays loaded while a Plugin or a device of it lives.
class Plugin {
 public:
  static Result<std::shared_ptr<Plugin>> load(const std::string& path, const HostOptions& options = {});
  ~Plugin();
  Plugin(const Plugin&) = delete;

  // What its devices are opened with; valid while the Plugin lives.
  const isthmus_host_t& host() const { return host_; }
  const HostOptions& host_options() const { return options_; }
  // The plug-in's entries, zero where it has none or is older than the entry.
  const isthmus_plugin_t& api() const { return api_; }
  const std::string& path() const { return path_; }
  const std::string& name() const { return name_; }
  // Asks the chip, which may take long the first time. None where it says something absurd.
  int device_count() const;
  // Why it has no device here, in its own words: what opening its first one says. For plug-ins that count
  // none.
  std::string why_no_device() const;
  // The Status of an entry's return code, with the message the plug-in reported from this thread.
  Status status(isthmus_status_t code, const char* doing) const;

 private:
  Plugin() = default;
  void* library_ = nullptr;
  HostOptions options_;
  isthmus_host_t host_ = {};  // its context is options_
  isthmus_plugin_t api_ = {};
  std::string path_, name_;
};

}  // namespace isthmus
