// SPDX-License-Identifier: Apache-2.0
// Where chips keep the programs they built, between runs.
#pragma once

#include "base/disk_cache.h"

namespace isthmus::devices {

// In the folder that ISTHMUS_KERNEL_CACHE names, up to ISTHMUS_KERNEL_CACHE_GIB (1) for all chips together.
// A key names compiler, device and options, so that a program is never given to another device.
class KeptPrograms : public DiskCache {
 public:
  explicit KeptPrograms(const char* chip)
      : DiskCache(cache_folder("ISTHMUS_KERNEL_CACHE", "kernels"), chip, limit()) {}

 private:
  static uint64_t limit() {
    const uint64_t wish = cache_limit("ISTHMUS_KERNEL_CACHE_GIB");
    return wish ? wish : uint64_t{1} << 30;
  }
};

}  // namespace isthmus::devices
