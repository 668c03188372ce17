// SPDX-License-Identifier: Apache-2.0
// What a CPU kernel is: the seam between the CPU chip and the x_cpu.cpp files beside the operators.
//
// Each src/ops/FOLDER/x_cpu.cpp is compiled once per instruction set into its own namespace ISTHMUS_ISA
// (generic, avx2, avx512, …) and ends with one ISTHMUS_CPU_KERNELS(x) list. To keep code for one instruction
// set from leaking into another at link time, kernel files use plain structs, intrinsics, devices/cpu/simd.h
// and functions of their own anonymous namespace: no std containers, no fmt, no templates over plain types
// from elsewhere.
#pragma once

#include <cstdint>

#include "base/cpu_choices.h"
#include "isthmus/plugin.h"

namespace isthmus::cpu {

// What prepare works out once and run reads. Plain bytes: copied, never destroyed.
struct Plan {
  alignas(64) unsigned char data[1024];  // the kernel's own struct, placed with plan_data<T>()
  uint64_t workspace_bytes;
  const char* packed_layout[ISTHMUS_MAX_OPERANDS];
  uint64_t packed_bytes[ISTHMUS_MAX_OPERANDS];
  int phases;  // run is called for phase 0 … phases - 1, all threads finishing one before the next starts; at
               // least 1
  bool heavy;  // worth every thread whatever the size of the output (products, attention)
  const CpuTuning* tuning;  // of the device; set before prepare
};

// The part of the threads' work that one thread takes. There is no barrier inside a phase, so threads may
// also take their parts one after another.
class Team {
 public:
  Team(int index, int count, int64_t* next) : index_(index), count_(count), next_(next) {}
  int index() const { return index_; }
  int count() const { return count_; }
  // This thread's contiguous share of n items, cut at multiples of grain.
  __attribute__((always_inline)) void split(int64_t n, int64_t grain, int64_t* begin, int64_t* end) const {
    int64_t pieces = (n + grain - 1) / grain;
    int64_t from = pieces * index_ / count_ * grain, to = pieces * (index_ + 1) / count_ * grain;
    *begin = from < n ? from : n;
    *end = to < n ? to : n;
  }
  // The next untaken chunk of n items, for uneven work; false when none is left. One loop over one n per
  // phase.
  __attribute__((always_inline)) bool take(int64_t n, int64_t chunk, int64_t* begin, int64_t* end) const {
    int64_t from = __atomic_fetch_add(next_, chunk, __ATOMIC_RELAXED);
    if (from >= n) return false;
    *begin = from;
    *end = from + chunk < n ? from + chunk : n;
    return true;
  }

 private:
  int index_;
  int count_;
  int64_t* next_;  // shared, zero at the start of every phase
};

struct Run {
  const isthmus_tensor_arg_t* operands;  // inputs, then outputs; addresses are host pointers
  const Plan* plan;
  unsigned char* workspace;  // 64-byte aligned
  int phase;

  template <typename T>
  __attribute__((always_inline)) T* data(int operand) const {
    return reinterpret_cast<T*>(operands[operand].address);
  }
};

struct Kernel {
  const char* op;    // operator it implements
  const char* name;  // for people, after the instruction set: "6x32 panels"
  // Null when it accepts and has filled the plan (zeroed before, phases 1), otherwise the reason it refuses
  // (static).
  const char* (*prepare)(const isthmus_op_query_t& query, Plan& plan);
  void (*run)(const Run& run, const Team& team);
  // Makes the layout plan.packed_layout[input] names; null for kernels that take every operand as it is.
  void (*pack)(const Plan& plan, int input, const void* src, void* dst);
};

template <typename T>
__attribute__((always_inline)) inline T& plan_data(Plan& plan) {
  static_assert(sizeof(T) <= sizeof(plan.data));
  return *reinterpret_cast<T*>(plan.data);
}
template <typename T>
__attribute__((always_inline)) inline const T& plan_data(const Plan& plan) {
  return *reinterpret_cast<const T*>(plan.data);
}

// Attributes of a query by name; every declared attribute is present, so a missing name is a mistake in the
// kernel and gives zero, or null. Out of line on purpose (see above).
int64_t attribute_int(const isthmus_op_query_t& query, const char* name);
double attribute_float(const isthmus_op_query_t& query, const char* name);
const char* attribute_string(const isthmus_op_query_t& query, const char* name);
const isthmus_attribute_t* find_attribute(const isthmus_op_query_t& query, const char* name);
// Bytes of `elements` consecutive elements.
int64_t bytes_of(isthmus_dtype_t dtype, int64_t elements);
bool all_contiguous(const isthmus_op_query_t& query);

}  // namespace isthmus::cpu

// At the end of x_cpu.cpp, inside namespace isthmus::cpu::ISTHMUS_ISA:
//   ISTHMUS_CPU_KERNELS(x, {"add", "strided", prepare, run, nullptr}, …)
// Rows of one operator are tried in order.
#define ISTHMUS_CPU_KERNELS(NAME, ...)  \
  extern const Kernel kernels_##NAME[]; \
  const Kernel kernels_##NAME[] = {__VA_ARGS__, {nullptr, nullptr, nullptr, nullptr, nullptr}};
