// SPDX-License-Identifier: Apache-2.0
// An operator prepared on a device: the chip's own implementation, the operator's portable kernel built by
// the chip, or, visibly, the reference on the host.
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ops/op_def.h"
#include "ops/portable/portable_op.h"
#include "runtime/device.h"

namespace isthmus {

// The smallest and largest number a symbol takes.
struct SymbolRange {
  int64_t min = 1;
  int64_t max = 1;
};

// What a caller knows of one operand when preparing.
struct OperandSpec {
  TensorType type;
  isthmus_role_t role = ISTHMUS_ROLE_ACTIVATION;
  std::vector<int64_t> strides;  // empty: contiguous at every run
};

struct PreparePolicy {
  bool no_fallback = false;  // the reference on the host is an error instead
  isthmus_numerics_t numerics = ISTHMUS_NUMERICS_EXACT;
};

class PreparedOp {
 public:
  // operands: inputs, then outputs, all typed; attributes complete. Fails when the chip refuses and
  // no_fallback is set; the error then says why the chip refused.
  static Result<std::unique_ptr<PreparedOp>> prepare(const DevicePtr& device, const OpDef& op,
                                                     const Attributes& attributes,
                                                     std::span<const OperandSpec> operands, int input_count,
                                                     std::span<const SymbolRange> symbols,
                                                     const PreparePolicy& policy = {});
  // Whether the chip runs the operator, by its own implementation or a portable kernel; why not otherwise.
  static Status supported(const DevicePtr& device, const OpDef& op, const Attributes& attributes,
                          std::span<const OperandSpec> operands, int input_count,
                          std::span<const SymbolRange> symbols, isthmus_numerics_t numerics);
  ~PreparedOp();
  PreparedOp(const PreparedOp&) = delete;

  const OpDef& op() const { return *op_; }
  int input_count() const { return input_count_; }
  uint64_t workspace_bytes() const { return workspace_bytes_; }
  // "avx512 …", "portable …", "reference on host"
  const std::string& implementation() const { return implementation_; }
  bool is_fallback() const { return !handle_ && !portable_; }
  bool is_portable() const { return portable_ != nullptr; }
  // Why there is nothing better: why the chip's own implementations, or its better ones, did not take it, and
  // for a fallback why there is no portable kernel. May be empty.
  const std::string& refusal() const { return refusal_; }
  uint64_t bytes_copied() const { return bytes_copied_; }  // by the fallback, so far

  // The layout the chip wants a constant input in, or null; see isthmus_prepared_t.
  const char* packed_layout(int input) const {
    return packed_layout_[input].empty() ? nullptr : packed_layout_[input].c_str();
  }
  uint64_t packed_bytes(int input) const { return packed_bytes_[input]; }
  Status pack(int input, const void* src, void* dst) const;

  // Puts the operator on the stream. args: inputs, then outputs, as in the specs.
  Status run(const isthmus_tensor_arg_t* args, isthmus_address_t workspace, Stream& stream);

 private:
  PreparedOp() = default;
  Status run_on_host(const isthmus_tensor_arg_t* args, Stream& stream);

  DevicePtr device_;
  const OpDef* op_ = nullptr;
  Attributes attributes_;
  int input_count_ = 0;
  std::vector<TensorType> types_;
  isthmus_chip_op_t* handle_ = nullptr;
  std::unique_ptr<PortableOp> portable_;
  uint64_t workspace_bytes_ = 0;
  std::string implementation_, refusal_;
  std::string packed_layout_[ISTHMUS_MAX_OPERANDS];
  uint64_t packed_bytes_[ISTHMUS_MAX_OPERANDS] = {};
  std::atomic<uint64_t> bytes_copied_{0};
};

}  // namespace isthmus
