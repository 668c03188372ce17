// SPDX-License-Identifier: Apache-2.0
// Large elementwise calls in parts of their rows: what lies between their operators stays in the caches, and
// a part whose result is still there need not be computed again.
#pragma once

#include <optional>
#include <vector>

#include "cann/aclnn/arguments.h"
#include "cann/aclnn/plan.h"

namespace isthmus::cann {

// The arguments of one part, with handles that live as long as this does.
class PartArguments {
 public:
  // None where the call is small, not elementwise, not divided evenly, or of what could meet.
  static std::optional<PartArguments> of(const Operator& op, std::span<const Arg> args, const CallKey& key);
  PartArguments(PartArguments&&) = default;
  ~PartArguments();

  std::span<const Arg> args() const { return args_; }
  // How many parts, and where they lie; without their plan.
  const Parts& parts() const { return parts_; }

 private:
  PartArguments() = default;
  bool add(const Parameter& parameter, const Arg& arg, const TensorObject* tensor, const TensorObject& out,
           int row_dim);

  std::vector<Arg> args_;
  std::vector<const aclTensor*> tensors_;
  Parts parts_;
};

}  // namespace isthmus::cann
