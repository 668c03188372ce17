// SPDX-License-Identifier: Apache-2.0
// Conformance cases: from a declared Sample to filled tensors in host memory, the same on every machine and
// every run.
#pragma once

#include <memory>
#include <vector>

#include "ops/op_def.h"

namespace isthmus {

// One operand of a Sample, in the order one writes them.
SampleOperand sample_operand(Dtype dtype, std::vector<int64_t> dims, Fill fill = Fill::kNormal,
                             int64_t limit = 0, std::vector<int64_t> order = {});
SampleOperand sample_indices(Dtype dtype, std::vector<int64_t> dims, int64_t limit);
SampleOperand sample_values(Dtype dtype, std::vector<int64_t> dims, std::vector<double> values);
SampleOperand sample_absent();

// A tensor with its memory. The bytes around it hold a pattern that guards_intact() checks.
class HostTensor {
 public:
  // Memory for dims in the given order of dimensions (outermost in memory first; empty: row-major), filled
  // with the guard pattern.
  HostTensor(Dtype dtype, const std::vector<int64_t>& dims, const std::vector<int64_t>& order = {});
  const Tensor& tensor() const { return tensor_; }
  int64_t bytes() const { return bytes_; }
  const unsigned char* data() const { return static_cast<const unsigned char*>(tensor_.data); }
  bool guards_intact() const;
  // A copy with memory of its own.
  HostTensor clone() const;

 private:
  std::vector<unsigned char> memory_;
  std::vector<int64_t> order_;
  Tensor tensor_;
  int64_t bytes_ = 0;
};

// Fills a tensor as the operand asks. `key` tells operands and cases apart.
void fill_sample(const SampleOperand& operand, uint64_t key, HostTensor& tensor);

// A case ready to run: complete attributes, filled inputs, output types.
struct SampleCase {
  Attributes attributes;
  std::vector<TensorType> input_types;
  std::vector<HostTensor> inputs;  // an absent one has dtype kInvalid
  std::vector<bool> constant;      // per input: a weight, which chips may pack
  std::vector<TensorType> output_types;
  std::string describe(const OpDef& def) const;

  std::vector<HostTensor> make_outputs() const;
  // The reference on copies of the inputs: the outputs, then the present state inputs as they are left.
  Result<std::vector<HostTensor>> run_reference(const OpDef& def) const;
};
Result<SampleCase> make_case(const OpDef& def, const Sample& sample, uint64_t key);

// The decomposition's reference, operator by operator; same results as run_reference.
Result<std::vector<HostTensor>> run_decomposed(const OpDef& def, const SampleCase& sample);

// Where two tensors of one type differ first, in words; empty when every bit is equal, all NaN being equal.
std::string compare_bits(const Tensor& expected, const Tensor& actual);

}  // namespace isthmus
