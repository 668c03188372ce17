// SPDX-License-Identifier: Apache-2.0
#include "devices/cpu/kernel_table.h"

#include <cstdlib>
#include <cstring>

namespace isthmus::cpu {

bool isa_supported(const char* isa) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (std::strcmp(isa, "avx2") == 0)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
  if (std::strcmp(isa, "avx512") == 0)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bf16") &&
           __builtin_cpu_supports("avx512vbmi");
#endif
  return std::strcmp(isa, "generic") == 0;
}

const IsaKernels* choose_isa(const char** reason) {
  const char* wanted = std::getenv("ISTHMUS_CPU_ISA");
  const IsaKernels* best = nullptr;
  for (const IsaKernels* isa = kIsaKernels; isa->isa; ++isa) {
    if (wanted && *wanted && std::strcmp(wanted, isa->isa) != 0) continue;
    if (isa_supported(isa->isa)) best = isa;
  }
  if (!best)
    *reason =
        "ISTHMUS_CPU_ISA names an instruction set that this build or machine does not have "
        "(generic, and on x86-64 avx2 and avx512)";
  return best;
}

int usable_isas(const IsaKernels* chosen, const IsaKernels** out, int capacity) {
  int count = 0;
  for (const IsaKernels* isa = chosen; count < capacity; --isa) {
    out[count++] = isa;
    if (isa == kIsaKernels) break;
  }
  return count;
}

}  // namespace isthmus::cpu
