// SPDX-License-Identifier: Apache-2.0
// The two phases of every aclnn operator, and what the table of operators says of each: the generated entry
// points hold nothing but calls of these functions.
#pragma once

#include <initializer_list>
#include <span>
#include <type_traits>

#include "acl/acl_base.h"
#include "aclnn/acl_meta.h"
#include "base/status.h"

namespace isthmus::cann {

class Builder;

// What an argument of phase one is; views and values of any of them are part of a plan's key.
enum class Kind : uint8_t {
  kIn,          // tensor that is read
  kOut,         // tensor that is written
  kInOut,       // tensor that is both ("selfRef")
  kInList,      // list of tensors that are read
  kOutList,     // list of tensors that are written
  kInOutList,   // list of tensors that are both
  kScalar,      // aclScalar
  kScalarList,  // aclScalarList
  kInts,        // aclIntArray
  kFloats,      // aclFloatArray
  kBools,       // aclBoolArray
  kInteger,     // any integer, bool or enum by value; aclDataType as its number
  kNumber,      // float or double by value
  kText,        // const char*
};

struct Parameter {
  const char* name;  // as adapters ask for it: "self", "other", "alpha", "out"
  Kind kind;
  bool optional = false;  // may be null
  // Of a regular operator: the attribute of the Isthmus operator that gets this value; null for tensors.
  const char* attribute = nullptr;
};

// One row of the table. Either `regular` or `build` is set.
struct Operator {
  const char* name;  // "Add"
  std::span<const Parameter> parameters;
  // The Isthmus operator that takes the inputs in order and gives the outputs in order; inputs of one kind
  // are promoted to a common dtype and broadcast as the operator does.
  const char* regular = nullptr;
  Status (*build)(Builder& b) = nullptr;  // adapter, in src/cann/operators
};

// One argument of phase one. Implicit: generated code passes what it was given.
struct Arg {
  enum class Type : uint8_t {
    kTensor,
    kTensorList,
    kScalar,
    kScalarList,
    kInts,
    kFloats,
    kBools,
    kInteger,
    kNumber,
    kText
  };

  Arg(const aclTensor* x) : type(Type::kTensor), handle(x) {}            // NOLINT: implicit
  Arg(const aclTensorList* x) : type(Type::kTensorList), handle(x) {}    // NOLINT: implicit
  Arg(const aclScalar* x) : type(Type::kScalar), handle(x) {}            // NOLINT: implicit
  Arg(const aclScalarList* x) : type(Type::kScalarList), handle(x) {}    // NOLINT: implicit
  Arg(const aclIntArray* x) : type(Type::kInts), handle(x) {}            // NOLINT: implicit
  Arg(const aclFloatArray* x) : type(Type::kFloats), handle(x) {}        // NOLINT: implicit
  Arg(const aclBoolArray* x) : type(Type::kBools), handle(x) {}          // NOLINT: implicit
  Arg(const char* x) : type(Type::kText), text(x) {}                     // NOLINT: implicit
  Arg(double x) : type(Type::kNumber), number(x) {}                      // NOLINT: implicit
  Arg(float x) : type(Type::kNumber), number(static_cast<double>(x)) {}  // NOLINT: implicit
  template <typename T>                                                  // integers, bool, enums
    requires(std::is_integral_v<T> || std::is_enum_v<T>)
  Arg(T x) : type(Type::kInteger), integer(static_cast<int64_t>(x)) {}  // NOLINT: implicit

  Type type;
  union {
    const void* handle;
    const char* text;
    double number;
    int64_t integer;
  };
};

// Phase one: checks the arguments and finds or makes the plan; one argument for each parameter. The codes are
// those aclnn functions return, the sentence behind them names operator, argument, shapes and cause.
aclnnStatus prepare_call(const Operator& op, std::initializer_list<Arg> args, uint64_t* workspace_size,
                         aclOpExecutor** executor);
aclnnStatus prepare_call(const Operator& op, std::span<const Arg> args, uint64_t* workspace_size,
                         aclOpExecutor** executor);
// Phase two: puts the call on the stream.
aclnnStatus run_call(const Operator& op, void* workspace, uint64_t workspace_size, aclOpExecutor* executor,
                     aclrtStream stream);

// Phase one and two of an operator that the table lists as missing: the documented error, and a sentence that
// lists the nearest operators there are.
aclnnStatus missing_operator(const char* name);

// Every operator of the table that is not missing, in the order of its names: written by the generator.
std::span<const Operator* const> all_operators();

}  // namespace isthmus::cann
