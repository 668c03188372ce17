// SPDX-License-Identifier: Apache-2.0
// Operators as C++ values. ops.h says what each function does, and how to declare an operator.
#pragma once

#include <initializer_list>

#include "isthmus/cpp/runtime.hpp"
#include "isthmus/ops.h"

namespace isthmus {
inline namespace v0 {

// A dense tensor at an address. Refused by the function it is given to when dims or dtype cannot be.
inline isthmus_tensor_t dense(isthmus_dtype_t dtype, std::initializer_list<int64_t> dims,
                              isthmus_address_t address = 0) {
  isthmus_tensor_t tensor = {};
  tensor.size = sizeof tensor;
  if (isthmus_tensor_init(dtype, static_cast<int32_t>(dims.size()), dims.begin(), address, &tensor,
                          nullptr) != ISTHMUS_OK) {
    tensor.dtype = dtype;
    tensor.rank = -1;
  }
  return tensor;
}

// Tensors and attributes are given as braced lists or vectors.
using Tensors = std::vector<isthmus_tensor_t>;
using AttributeList = std::vector<isthmus_attribute_t>;

// An operator prepared on a device.
class Op : public Handle<isthmus_op_t, isthmus_op_destroy> {
 public:
  using Handle::Handle;
  static Result<Op> prepare(Device& device, const std::string& name, const Tensors& inputs,
                            const AttributeList& attributes = {}, isthmus_op_options_t options = {}) {
    options.size = sizeof options;
    isthmus_op_t* c = nullptr;
    if (const auto code = isthmus_op_prepare(device.get(), name.c_str(), attributes.data(),
                                             static_cast<int32_t>(attributes.size()), inputs.data(),
                                             static_cast<int32_t>(inputs.size()), &options, &c))
      return last_error(code);
    return Op(c);
  }

  struct Output {
    isthmus_tensor_t tensor;  // dense, with address 0
    uint64_t bytes;
  };
  Result<Output> output(int32_t index = 0) const {
    Output output = {};
    output.tensor.size = sizeof output.tensor;
    if (const auto code = isthmus_op_output(get(), index, &output.tensor, &output.bytes))
      return last_error(code);
    return output;
  }
  std::string implementation() const { return isthmus_op_implementation(get(), nullptr); }
  // Why the chip did not take it; empty when it did.
  std::string refusal() const {
    const char* refusal = nullptr;
    isthmus_op_implementation(get(), &refusal);
    return refusal ? refusal : "";
  }
  Status run(const Tensors& inputs, const Tensors& outputs, Stream& stream) {
    return Status::of(isthmus_op_run(get(), inputs.data(), static_cast<int32_t>(inputs.size()),
                                     outputs.data(), static_cast<int32_t>(outputs.size()), stream.get()));
  }
};

// Every operator's name.
inline std::vector<std::string> op_names() {
  std::vector<std::string> names;
  while (const char* name = isthmus_op_name(static_cast<int32_t>(names.size()))) names.emplace_back(name);
  return names;
}

}  // namespace v0
}  // namespace isthmus
