// SPDX-License-Identifier: Apache-2.0
// Which chips there are, and opening them.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>

#include "cann/error.h"
#include "cann/runtime/library.h"
#include "runtime/platform.h"

namespace isthmus::cann {
namespace {

// Never destroyed: programs that end without aclFinalize may still be using it in other threads.
struct Chips {
  std::mutex mutex;
  Status failed;
  std::shared_ptr<Platform> platform;
  std::vector<std::string> names;
  std::map<int32_t, DevicePtr> open;
  std::map<int32_t, std::string> opened;  // for people; never forgotten
};
Chips& chips() {
  static Chips& chips = *new Chips;
  return chips;
}

Result<std::vector<std::string>> named_devices(const std::string& list) {
  std::vector<std::string> names;
  for (size_t begin = 0, end; begin <= list.size(); begin = end + 1) {
    end = std::min(list.find(',', begin), list.size());
    names.push_back(list.substr(begin, end - begin));
    if (names.back().empty()) return invalid_argument("ISTHMUS_DEVICE='{}' names an empty device", list);
  }
  return names;
}

std::vector<std::string> all_devices(const Platform& platform) {
  std::vector<std::string> names;
  for (const bool cpu : {true, false}) {
    for (const auto& plugin : platform.plugins()) {
      if ((plugin->name() == "cpu") != cpu || plugin->name() == "null") continue;
      for (int i = 0; i < plugin->device_count(); ++i)
        names.push_back(fmt::format("{}:{}", plugin->name(), i));
    }
  }
  return names;
}

// Holding the mutex.
Status find_chips(Chips& c) {
  if (c.platform) return ok();
  ASSIGN_OR_RETURN(const auto platform, Platform::discover());
  const char* list = std::getenv("ISTHMUS_DEVICE");
  if (list && *list) {
    ASSIGN_OR_RETURN(c.names, named_devices(list));
  } else {
    c.names = all_devices(*platform);
  }
  c.platform = platform;
  return ok();
}

}  // namespace

Result<std::vector<std::string>> visible_devices() {
  Chips& c = chips();
  std::lock_guard lock(c.mutex);
  RETURN_IF_ERROR(find_chips(c));
  return c.names;
}

aclError check_device_id(const char* entry, int32_t id) {
  const auto names = visible_devices();
  if (!names.ok()) return report(entry, names.status());
  if (id >= 0 && static_cast<size_t>(id) < names->size()) return ACL_SUCCESS;
  return fail(ACL_ERROR_RT_INVALID_DEVICEID, "{}: there is no device {}; there are {}, counted from 0", entry,
              id, names->size());
}

Result<DevicePtr> open_device(int32_t id) {
  Chips& c = chips();
  std::lock_guard lock(c.mutex);
  if (const auto found = c.open.find(id); found != c.open.end()) return found->second;
  RETURN_IF_ERROR(find_chips(c));
  if (id < 0 || static_cast<size_t>(id) >= c.names.size())
    return error(Code::kNotFound, "there is no device {}; there {} {}, counted from 0", id,
                 c.names.size() == 1 ? "is" : "are", c.names.size());
  ASSIGN_OR_RETURN(DevicePtr device, c.platform->open(c.names[static_cast<size_t>(id)]), "device {}", id);
  c.open[id] = device;
  c.opened[id] = fmt::format("{} ({})", device->id(), device->properties().name);
  return device;
}

void close_devices() {
  std::map<int32_t, DevicePtr> closing;
  Chips& c = chips();
  std::lock_guard lock(c.mutex);
  closing.swap(c.open);
}

std::vector<std::string> open_device_names() {
  Chips& c = chips();
  std::lock_guard lock(c.mutex);
  std::vector<std::string> names;
  for (const auto& [id, name] : c.opened) names.push_back(name);
  return names;
}

bool environment_flag(const char* name) {
  const char* value = std::getenv(name);
  return value && *value && std::string_view(value) != "0";
}

}  // namespace isthmus::cann
