// SPDX-License-Identifier: Apache-2.0
// Which kernels there are for each instruction set, and which set this machine runs.
#pragma once

#include "devices/cpu/kernel.h"

namespace isthmus::cpu {

struct IsaKernels {
  const char* isa;
  const Kernel* const* lists;  // ends with nullptr; each list ends with a row whose op is null
};
extern const IsaKernels kIsaKernels[];  // generated; worst first, ends with a null isa

// True when this machine runs code compiled for that instruction set.
bool isa_supported(const char* isa);
// The best supported set, or the one ISTHMUS_CPU_ISA names. Null with a reason when that one cannot run here.
const IsaKernels* choose_isa(const char** reason);
// Every supported set up to the chosen one, best first: kernels are looked up in this order.
int usable_isas(const IsaKernels* chosen, const IsaKernels** out, int capacity);

// Why no kernel may take the query: a version or an attribute's name that is newer than all of them. Null
// otherwise.
const char* unknown_to_kernels(const isthmus_op_query_t& query);

}  // namespace isthmus::cpu
