// SPDX-License-Identifier: Apache-2.0
// The arguments of one phase one, read from their handles: the key of its plan, the addresses of its tensors,
// and, where a plan must be made, all their values.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cann/aclnn/call.h"
#include "cann/aclnn/objects.h"
#include "cann/aclnn/plan.h"
#include "cann/aclnn/value.h"

namespace isthmus::cann {

// Every tensor argument, those in lists as well, is a slot; an absent one is an empty slot.
struct CallKey {
  std::string bytes;                                   // operator, dtypes, dims, strides, overlaps, values
  std::vector<std::shared_ptr<TensorObject>> tensors;  // by slot; null: absent
  std::vector<uint64_t> addresses;                     // of first elements, by slot
  std::vector<uint8_t> written;                        // whether the operator writes the slot
  std::vector<SlotUse> extents;
  std::vector<std::pair<uint32_t, uint32_t>> overlaps;  // written slot, other slot
  std::vector<uint32_t> list_lengths;                   // of tensor lists, in order
  bool null_argument = false;                           // the failure is a null where none may be

  // Empties itself first: callers reuse one, which then allocates nothing.
  Status read(const Operator& op, std::span<const Arg> args, const void* device);

 private:
  template <typename T>
  void put(const T& value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void put_tensor(std::shared_ptr<TensorObject> tensor, bool write);
  Status put_value(const Parameter& parameter, const Arg& arg);
  void find_overlaps();
};

// One argument with its values, for making a plan.
struct BoundArg {
  Parameter parameter;
  uint32_t first_slot = 0, slot_count = 0;  // of tensors and lists of them
  bool present = false;
  int64_t integer = 0;
  double number = 0;
  std::string text;
  std::vector<int64_t> ints;  // of integers and bools
  std::vector<double> floats;
  std::vector<Scalar> scalars;  // one, or those of a list
};
Result<std::vector<BoundArg>> bind_arguments(const Operator& op, std::span<const Arg> args);

// A scalar object's value; fails for complex ones.
Result<Scalar> scalar_value(const ScalarObject& scalar);

}  // namespace isthmus::cann
