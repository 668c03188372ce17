// SPDX-License-Identifier: Apache-2.0
// What the process as a whole is: between aclInit and aclFinalize or not, and the chips that it sees.
#pragma once

#include <string>
#include <vector>

#include "acl/acl_base.h"
#include "base/status.h"
#include "runtime/device.h"

namespace isthmus::cann {

bool initialized();
// ACL_ERROR_UNINITIALIZE with a sentence naming the entry point, or 0.
aclError need_init(const char* entry);

// The chips by the names that Platform::open takes, in the order of their device ids: those ISTHMUS_DEVICE
// lists with commas between; without it every device of every chip, the CPU first and the null chip never.
// Found once in a process.
Result<std::vector<std::string>> visible_devices();
// ACL_ERROR_RT_INVALID_DEVICEID with a sentence naming the entry point, or 0.
aclError check_device_id(const char* entry, int32_t id);
// Opened at first use and kept open until aclFinalize.
Result<DevicePtr> open_device(int32_t id);
// Forgets the open devices.
void close_devices();
// Of all that were ever opened: "cpu:0 (AMD EPYC ...)".
std::vector<std::string> open_device_names();

// "isthmus: cpu:0 (...) ran 812 operators; nothing fell back"; empty when there was no operator.
std::string run_summary();
// The same to standard error, once in a process; not with ISTHMUS_CANN_SUMMARY=0.
void print_summary();

// "ISTHMUS_NO_FALLBACK" and the like are set to something other than "0" and "".
bool environment_flag(const char* name);

}  // namespace isthmus::cann
