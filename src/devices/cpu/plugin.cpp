// SPDX-License-Identifier: Apache-2.0
// The CPU as a chip: its classes behind the entries of isthmus/plugin.h.
#include "devices/cpu/device.h"
#include "devices/entry.h"

namespace isthmus::cpu {
namespace {

struct Chip {
  static constexpr const char* kName = "cpu";
  static int32_t device_count() { return 1; }
  using Device = cpu::Device;
  using Stream = cpu::Stream;
  using Event = cpu::Event;
  using Op = cpu::PreparedOp;
  using Capture = cpu::CommandList;
};

}  // namespace
}  // namespace isthmus::cpu

extern "C" ISTHMUS_PLUGIN_EXPORT const isthmus_plugin_t* isthmus_plugin_load(const isthmus_host_t* host) {
  const char* reason = nullptr;
  if (!isthmus::cpu::choose_isa(&reason)) {
    isthmus::devices::report(host, isthmus::Code::kInvalidArgument, reason);
    return nullptr;
  }
  static const isthmus_plugin_t plugin = isthmus::devices::Entries<isthmus::cpu::Chip>::table();
  return &plugin;
}
