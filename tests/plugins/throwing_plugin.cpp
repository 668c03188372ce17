// SPDX-License-Identifier: Apache-2.0
// A plug-in that breaks the rule that no exception leaves it.
#include <isthmus/plugin.h>

#include <stdexcept>

ISTHMUS_PLUGIN_EXPORT const isthmus_plugin_t* isthmus_plugin_load(const isthmus_host_t*) {
  throw std::runtime_error("no driver");
}
