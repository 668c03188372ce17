// SPDX-License-Identifier: Apache-2.0
#include "runtime/platform.h"

#include <dlfcn.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace isthmus {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> plugin_folders() {
  std::vector<std::string> folders;
  if (const char* path = std::getenv("ISTHMUS_PLUGIN_PATH")) {
    std::string_view rest = path;
    while (!rest.empty()) {
      const size_t colon = std::min(rest.find(':'), rest.size());
      if (colon > 0) folders.emplace_back(rest.substr(0, colon));
      rest.remove_prefix(std::min(colon + 1, rest.size()));
    }
  }
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(&plugin_folders), &info) && info.dli_fname) {
    std::error_code ignored;
    // Of a program that the shell found in PATH this is its bare name.
    const bool bare = std::strchr(info.dli_fname, '/') == nullptr;
    const fs::path here = fs::canonical(bare ? "/proc/self/exe" : info.dli_fname, ignored).parent_path();
    folders.push_back((here / "isthmus").string());                        // PREFIX/lib/libisthmus.so
    folders.push_back((here.parent_path() / "lib" / "isthmus").string());  // PREFIX/bin/isthmus
    if (here.parent_path().filename() == "cann")  // PREFIX/lib/isthmus/cann/lib64/libascendcl.so
      folders.push_back(here.parent_path().parent_path().string());
  }
  return folders;
}

}  // namespace

Result<std::shared_ptr<Platform>> Platform::discover(const HostOptions& options) {
  auto platform = std::make_shared<Platform>();
  platform->options_ = options;
  platform->folders_ = plugin_folders();
  for (const std::string& folder : platform->folders_) {
    std::vector<std::string> files;
    std::error_code missing;  // A folder that is not there holds no plug-ins.
    for (const auto& entry : fs::directory_iterator(folder, missing)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with("isthmus_") && name.ends_with(".so")) files.push_back(entry.path().string());
    }
    std::sort(files.begin(), files.end());
    for (const std::string& file : files) {
      Result<std::shared_ptr<Plugin>> plugin = Plugin::load(file, options);
      if (!plugin.ok()) {
        platform->failures_.push_back({file, plugin.status()});
        continue;
      }
      const bool known = std::any_of(platform->plugins_.begin(), platform->plugins_.end(),
                                     [&](const auto& p) { return p->name() == (*plugin)->name(); });
      if (!known) platform->plugins_.push_back(std::move(plugin).value());
    }
  }
  return platform;
}

Result<DevicePtr> Platform::open(const std::string& name) {
  std::lock_guard lock(mutex_);
  std::string chip = name;
  int index = 0;
  if (name.find('/') != std::string::npos) {
    ASSIGN_OR_RETURN(auto plugin, Plugin::load(name, options_));
    chip = plugin->name();
    plugins_.insert(plugins_.begin(), plugin);
  } else if (const size_t colon = name.find(':'); colon != std::string::npos) {
    chip = name.substr(0, colon);
    const std::string digits = name.substr(colon + 1);
    if (digits.empty() || digits.size() > 4 || digits.find_first_not_of("0123456789") != std::string::npos)
      return invalid_argument("device '{}': '{}' is not a device number", name, digits);
    index = std::stoi(digits);
  }
  const std::string id = fmt::format("{}:{}", chip, index);
  if (auto found = open_[id].lock()) return found;
  for (const auto& plugin : plugins_) {
    if (plugin->name() != chip) continue;
    const int count = plugin->device_count();
    if (count <= 0)
      return error(Code::kNotFound, "device '{}': chip '{}' has no devices here: {}", name, chip,
                   plugin->why_no_device());
    if (index >= count)
      return error(Code::kNotFound, "device '{}': chip '{}' has {} device{} on this machine", name, chip,
                   count, count == 1 ? "" : "s");
    ASSIGN_OR_RETURN(DevicePtr device, Device::open(plugin, index));
    open_[id] = device;
    return device;
  }
  std::string known;
  for (const auto& plugin : plugins_) known += (known.empty() ? "" : ", ") + plugin->name();
  for (const Failure& failure : failures_)
    known += fmt::format("; {} failed: {}", failure.path, failure.status.message());
  if (known.empty())
    return error(Code::kNotFound, "no chip named '{}', nor any other: no isthmus_*.so in {}", chip,
                 fmt::join(folders_, ", "));
  return error(Code::kNotFound, "no chip named '{}'; there are: {}", chip, known);
}

Result<std::vector<DevicePtr>> Platform::open_list(const std::string& names) {
  std::vector<DevicePtr> devices;
  for (size_t begin = 0, end; begin <= names.size(); begin = end + 1) {
    end = std::min(names.find(',', begin), names.size());
    ASSIGN_OR_RETURN(DevicePtr device, open(names.substr(begin, end - begin)));
    devices.push_back(std::move(device));
  }
  return devices;
}

}  // namespace isthmus
