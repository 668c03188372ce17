// SPDX-License-Identifier: Apache-2.0
// Device memory for the operands of a case, each between guards, filled and read back.
#pragma once

#include <string>
#include <vector>

#include "ops/prepared_op.h"
#include "ops/samples.h"

namespace isthmus::conform {

bool is_state_port(const OpDef& def, size_t input);

class CaseMemory {
 public:
  // For the operands of `sample` as `op` wants them, its workspace to the byte, and, if shifted, each operand
  // that is not packed one element (of block formats: one block) behind the device's alignment.
  static Result<CaseMemory> allocate(const DevicePtr& device, const OpDef& def, const SampleCase& sample,
                                     const PreparedOp& op, bool shifted);

  // Puts on the stream: every byte becomes `pattern`, then inputs get the content of `sample`. Packed
  // constants are packed by `op`. The bytes uploaded live until the next fill.
  Status fill(const SampleCase& sample, const PreparedOp& op, unsigned char pattern, Stream& stream);

  // Puts on the stream: all bytes of another memory made alike, guards too.
  Status copy(const CaseMemory& from, Stream& stream);

  const isthmus_tensor_arg_t* arguments() const { return arguments_.data(); }
  isthmus_address_t workspace() const { return workspace_.bytes > 0 ? workspace_.address() : 0; }

  // Waits; outputs, then states. An error when a guard or an input changed.
  Result<std::vector<HostTensor>> read(const SampleCase& sample, Stream& stream) const;

 private:
  struct Piece {
    Buffer buffer;
    uint64_t before = 0, bytes = 0, after = 0;
    isthmus_address_t address() const { return buffer.address() + before; }
    Status fill(unsigned char pattern, Stream& stream) const;
    Result<std::vector<unsigned char>> read(unsigned char pattern, const std::string& what,
                                            Stream& stream) const;
  };
  static Result<Piece> make(const DevicePtr& device, uint64_t bytes, uint64_t shift);

  const OpDef* def_ = nullptr;
  unsigned char pattern_ = 0;
  std::vector<Piece> pieces_;  // inputs, then outputs
  Piece workspace_;
  std::vector<std::vector<unsigned char>> given_;  // per input, what was uploaded
  std::vector<isthmus_tensor_arg_t> arguments_;
};

}  // namespace isthmus::conform
