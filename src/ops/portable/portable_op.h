// SPDX-License-Identifier: Apache-2.0
// An operator's portable kernel, built for one device.
#pragma once

#include <memory>

#include "ops/portable/portable.h"
#include "runtime/device.h"

namespace isthmus {

class PortableOp {
 public:
  // kUnimplemented with the reason where the operator has no portable kernel, the device builds none, the
  // kernel refuses, or the device's arithmetic cannot keep the exact promise that `numerics` asks for.
  static Result<PortablePlan> plan(const Device& device, const PortableQuery& query,
                                   isthmus_numerics_t numerics);
  static Result<std::unique_ptr<PortableOp>> build(DevicePtr device, PortablePlan plan);
  ~PortableOp();
  PortableOp(const PortableOp&) = delete;

  uint64_t workspace_bytes() const { return plan_.workspace_bytes; }
  const PortablePacking& packing(int input) const { return plan_.packed[input]; }
  // "portable unary"
  const std::string& implementation() const { return implementation_; }
  Status run(const isthmus_tensor_arg_t* operands, isthmus_address_t workspace, Stream& stream) const;

 private:
  PortableOp() = default;
  DevicePtr device_;
  PortablePlan plan_;
  std::string implementation_;
  std::vector<isthmus_chip_kernel_t*> kernels_;
  std::vector<std::unique_ptr<PortableOp>> parts_;
};

}  // namespace isthmus
