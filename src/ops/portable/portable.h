// SPDX-License-Identifier: Apache-2.0
// What an x_portable.cpp writes: the host's side of a portable kernel x.cl. It says what the kernel accepts,
// which definitions specialise its source, and what it launches. docs/guide/portable-kernels.md explains both
// sides.
#pragma once

#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "isthmus/plugin.h"
#include "ops/op_def.h"

namespace isthmus {

// What is asked for: an operator with its attributes and operands, as a chip is asked (see plugin.h).
struct PortableQuery {
  const OpDef& op;
  const Attributes& attributes;                 // complete
  std::span<const isthmus_operand_t> operands;  // inputs, then outputs
  int input_count;
  int vector_floats = 4;  // of a work item: see plugin.h

  Dtype dtype(int operand) const { return static_cast<Dtype>(operands[operand].dtype); }
  bool present(int operand) const { return operands[operand].dtype != ISTHMUS_DTYPE_INVALID; }
  bool all_contiguous() const;
};

// An unsigned integer of the dtype's size, for kernels that move elements and never look at them.
std::string word_of(Dtype plain);

// The arguments of one launch, in the order of the kernel's parameters. Not copied, no allocation.
class KernelArguments {
 public:
  KernelArguments() = default;
  KernelArguments(const KernelArguments&) = delete;
  // Parameters ADDRESS(x): where the operand's element 0 lies.
  KernelArguments& address(isthmus_address_t address);
  KernelArguments& operand(const isthmus_tensor_arg_t& operand) { return address(operand.address); }
  // One parameter of the same size: int32_t is int, int64_t long, a struct the same struct.
  template <typename T>
  KernelArguments& value(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    return bytes(&value, sizeof(T));
  }
  KernelArguments& bytes(const void* value, uint32_t size);

 private:
  friend struct PortableRun;
  static constexpr int kMost = 64;
  isthmus_kernel_argument_t list_[kMost];
  alignas(16) unsigned char values_[1024];
  int count_ = 0;
  uint32_t used_ = 0;
  bool too_many_ = false;
};

// How many work items run, in groups.
struct Grid {
  static constexpr uint32_t kGroup = 128;
  int64_t groups[3] = {1, 1, 1};
  uint32_t size[3] = {kGroup, 1, 1};
  // At least so many items in one dimension; kernels return at those beyond.
  static Grid items(int64_t count, uint32_t group = kGroup) {
    return {{(count + group - 1) / group, 1, 1}, {group, 1, 1}};
  }
  // x * y * z groups of so many items in the first dimension.
  static Grid of_groups(int64_t x, int64_t y = 1, int64_t z = 1, uint32_t group = kGroup) {
    return {{x, y, z}, {group, 1, 1}};
  }
};

// One run of a prepared portable kernel.
struct PortableRun {
  const isthmus_tensor_arg_t* operands;  // inputs, then outputs
  isthmus_address_t workspace;
  // Launches entry number `entry` of the plan's entries. An empty grid is no work.
  Status launch(int entry, const Grid& grid, const KernelArguments& arguments) const;

  const isthmus_plugin_t& api;
  std::span<isthmus_chip_kernel_t* const> kernels;
  isthmus_chip_stream_t* stream;
};

// A constant input as the kernel wants it. As with a chip's own layouts, equal names, source bytes, dtypes
// and dims mean equal bytes.
struct PortablePacking {
  std::string layout;  // empty: as it is
  uint64_t bytes = 0;
  std::function<void(const void* src, void* dst)> pack;
};

// What prepare answers.
struct PortablePlan {
  std::string source;                // "elementwise/unary.cl", below src/ops
  std::vector<std::string> entries;  // the kernels in it that run launches
  // Lines "#define NAME VALUE" before the source.
  std::vector<std::pair<std::string, std::string>> defines;
  PortablePlan& define(std::string name, std::string value) {
    defines.emplace_back(std::move(name), std::move(value));
    return *this;
  }
  PortablePlan& define(std::string name, int64_t value) {
    return define(std::move(name), std::to_string(value));
  }
  bool divides =
      true;          // has / or sqrt, also in elementary functions; false: a chip without exact ones will do
  bool f64 = false;  // computes in F64 (sin, cos and tan do)
  uint64_t workspace_bytes = 0;
  PortablePacking packed[ISTHMUS_MAX_OPERANDS];  // by input; constants only
  // Called at every run: launches only, no allocation.
  std::function<Status(const PortableRun&)> run;
  // Instead of source, entries and run: plans that run one after the other over the same operands, each with
  // its own kernels and packed inputs. Their workspaces are one.
  std::vector<PortablePlan> parts;
};

// prepare may refuse with kUnimplemented and the reason.
struct PortableKernel {
  std::string op;
  Result<PortablePlan> (*prepare)(const PortableQuery& query);
};
// All of them, by operator; null where an operator has none.
const PortableKernel* find_portable(const std::string& op);

using PortableKernelsFunction = std::vector<PortableKernel> (*)();
extern const PortableKernelsFunction kPortableTable[];  // generated by cmake/table.cmake, ends with nullptr

}  // namespace isthmus

// At the end of each src/ops/FOLDER/x_portable.cpp. The build finds these lines; NAME is unique and `kernels`
// is a function `std::vector<PortableKernel> kernels()` in scope.
#define ISTHMUS_PORTABLE_KERNELS(NAME, kernels)                               \
  namespace isthmus {                                                         \
  std::vector<PortableKernel> isthmus_portable_##NAME();                      \
  std::vector<PortableKernel> isthmus_portable_##NAME() { return kernels(); } \
  }
