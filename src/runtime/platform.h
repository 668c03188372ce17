// SPDX-License-Identifier: Apache-2.0
// Finds plug-ins on disk and opens devices by name.
#pragma once

#include <string>
#include <vector>

#include "runtime/device.h"

namespace isthmus {

// All plug-ins found. Devices are opened on demand and shared. Thread-safe after discover().
class Platform {
 public:
  // Loads every isthmus_*.so of, in this order: the folders of ISTHMUS_PLUGIN_PATH (colon separated), and
  // lib/isthmus beside the library or program this code lives in; two folders above a library of the CANN
  // toolkit tree, which lies in lib/isthmus itself. A plug-in that fails to load is remembered,
  // others keep working. Of two with one name the first wins.
  static Result<std::shared_ptr<Platform>> discover(const HostOptions& options = {});

  struct Failure {
    std::string path;
    Status status;
  };
  const std::vector<std::shared_ptr<Plugin>>& plugins() const { return plugins_; }
  const std::vector<Failure>& failures() const { return failures_; }
  const std::vector<std::string>& folders() const { return folders_; }  // that were looked in

  // "cpu", "cpu:0", "opencl:1", or a plug-in's path (its device 0).
  Result<DevicePtr> open(const std::string& name);
  // Several with commas between: "cpu,opencl:0". One may come twice.
  Result<std::vector<DevicePtr>> open_list(const std::string& names);

 private:
  HostOptions options_;
  std::vector<std::shared_ptr<Plugin>> plugins_;
  std::vector<Failure> failures_;
  std::vector<std::string> folders_;
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<Device>> open_;
};

}  // namespace isthmus
