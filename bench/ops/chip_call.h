// SPDX-License-Identifier: Apache-2.0
// One operator on a chip with operands that stay where they are: what programs here time, as engines call it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/block_formats.h"
#include "ops/prepared_op.h"
#include "ops/registry.h"

namespace isthmus {

struct ChipOperand {
  TensorType type;
  isthmus_address_t address = 0;  // on the device; 0 for an absent operand
  isthmus_role_t role = ISTHMUS_ROLE_ACTIVATION;
  const void* constant = nullptr;  // of a constant weight: host memory to pack
};

struct ChipCall {
  std::unique_ptr<PreparedOp> op;
  std::vector<isthmus_tensor_arg_t> args;
  Buffer workspace;
  std::vector<Buffer> packed;  // constant operands in the chip's layout

  // Inputs, then outputs.
  static Result<ChipCall> prepare(const DevicePtr& device, const char* name,
                                  const std::vector<ChipOperand>& operands, int inputs) {
    const OpDef& def = *find_op(name);
    std::vector<OperandSpec> specs;
    for (const ChipOperand& operand : operands) specs.push_back({operand.type, operand.role, {}});
    ASSIGN_OR_RETURN(const Attributes attributes, def.complete({}));
    ChipCall call;
    ASSIGN_OR_RETURN(call.op,
                     PreparedOp::prepare(device, def, attributes, specs, inputs, {}, {.no_fallback = true}));
    for (size_t i = 0; i < operands.size(); ++i) {
      isthmus_tensor_arg_t arg = {};
      arg.address = operands[i].address;
      for (int d = 0; d < operands[i].type.rank(); ++d) arg.dims[d] = operands[i].type.shape[d].offset;
      contiguous_strides(arg.dims, operands[i].type.rank(), arg.strides);
      if (operands[i].constant) {
        const int input = static_cast<int>(i);
        ASSIGN_OR_RETURN(Buffer packed, device->allocate(call.op->packed_bytes(input)));
        RETURN_IF_ERROR(call.op->pack(input, operands[i].constant, packed.host()));
        arg.address = packed.address();
        call.packed.push_back(std::move(packed));
      }
      call.args.push_back(arg);
    }
    if (call.op->workspace_bytes()) {
      ASSIGN_OR_RETURN(call.workspace, device->allocate(call.op->workspace_bytes()));
    }
    return call;
  }

  Status run(Stream& stream) { return op->run(args.data(), workspace ? workspace.address() : 0, stream); }
};

}  // namespace isthmus
