// SPDX-License-Identifier: Apache-2.0
// CUDA as a chip: its classes behind the entries of isthmus/plugin.h.
#include "devices/cuda/device.h"
#include "devices/entry.h"

namespace isthmus::cuda {
namespace {

struct Chip {
  static constexpr const char* kName = "cuda";
  static int32_t device_count() { return cuda::device_count(); }
  using Device = cuda::Device;
  using Stream = cuda::Stream;
  using Event = cuda::Event;
  using Capture = cuda::Capture;
  using Kernel = cuda::Kernel;
};

}  // namespace
}  // namespace isthmus::cuda

extern "C" ISTHMUS_PLUGIN_EXPORT const isthmus_plugin_t* isthmus_plugin_load(const isthmus_host_t*) {
  static const isthmus_plugin_t plugin = isthmus::devices::Entries<isthmus::cuda::Chip>::table();
  return &plugin;
}
