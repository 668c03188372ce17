// SPDX-License-Identifier: Apache-2.0
// OpenCL as a chip: its classes behind the entries of isthmus/plugin.h.
#include "devices/entry.h"
#include "devices/opencl/device.h"

namespace isthmus::opencl {
namespace {

struct Chip {
  static constexpr const char* kName = "opencl";
  static int32_t device_count() { return static_cast<int32_t>(find_devices().size()); }
  using Device = opencl::Device;
  using Stream = opencl::Stream;
  using Event = opencl::Event;
  using Kernel = opencl::Kernel;
};

}  // namespace
}  // namespace isthmus::opencl

extern "C" ISTHMUS_PLUGIN_EXPORT const isthmus_plugin_t* isthmus_plugin_load(const isthmus_host_t*) {
  static const isthmus_plugin_t plugin = isthmus::devices::Entries<isthmus::opencl::Chip>::table();
  return &plugin;
}
