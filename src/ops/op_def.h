// SPDX-License-Identifier: Apache-2.0
// The declaration of an operator: the one row from which registry, checks, import, documentation, conformance
// cases and benchmarks follow.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"
#include "ops/attributes.h"

namespace isthmus {

// One dimension: scale * symbol + offset, or just offset where symbol is -1. Symbols (tokens, batch, kv_len)
// belong to a graph and get their numbers at every run.
struct Dim {
  int64_t offset = 0;
  int64_t scale = 0;
  int32_t symbol = -1;

  Dim() = default;
  Dim(int64_t fixed) : offset(fixed) {}  // NOLINT: implicit, a number is a dimension
  static Dim of_symbol(int32_t symbol) {
    Dim dim;
    dim.scale = 1;
    dim.symbol = symbol;
    return dim;
  }
  bool fixed() const { return symbol < 0; }
  bool is(int64_t value) const { return fixed() && offset == value; }
  bool operator==(const Dim&) const = default;
  int64_t at(std::span<const int64_t> symbols) const {
    return fixed() ? offset : scale * symbols[symbol] + offset;
  }
  Dim times(int64_t factor) const;
  Dim plus(int64_t amount) const;
  std::string to_string() const;  // "2048", "s0", "4*s0+1"
};

using Shape = std::vector<Dim>;
std::string shape_to_string(const Shape& shape);  // "[s0, 576]"

struct TensorType {
  Dtype dtype = Dtype::kInvalid;  // kInvalid: an absent optional operand
  Shape shape;
  bool present() const { return dtype != Dtype::kInvalid; }
  int rank() const { return static_cast<int>(shape.size()); }
  bool operator==(const TensorType&) const = default;
};

// What a shape rule reads and fills. Attributes are complete: defaults filled in, names and types checked;
// inputs are checked against the ports' dtypes and presence.
struct InferCall {
  std::span<const TensorType> inputs;
  const Attributes& attributes;
  std::vector<TensorType>&
      outputs;  // sized to the declared outputs by the caller; optional ones may stay absent
};

// What a reference reads and fills. Everything was checked by the rules; outputs are allocated, never
// overlapping inputs except for state operands, which are inputs that are written in place.
struct ReferenceCall {
  std::span<const Tensor> inputs;
  std::span<const Tensor> outputs;
  const Attributes& attributes;
};

// One operand of an operator's declaration.
struct Port {
  const char* name;
  std::vector<Dtype> dtypes;
  const char* meaning;  // with shape, e.g. "[rows, k]"
  bool optional = false;
  bool state = false;     // an input that is written in place
  bool variadic = false;  // last input only: one or more operands (concat)
};

// How to fill a sample operand.
enum class Fill {
  kNormal,    // N(0, 1) in any float dtype; small integers in integer dtypes
  kAwkward,   // also NaN, infinities, zeros of both signs, subnormals, the largest numbers
  kIndex,     // integers in [0, limit)
  kPositive,  // (0, 1]
  kZero,
  kWeight,  // N(0, 1/sqrt(k)); block dtypes are quantised from it
};
struct SampleOperand {
  Dtype dtype;
  std::vector<int64_t> dims;
  Fill fill = Fill::kNormal;
  int64_t limit = 0;                // for kIndex
  std::vector<int64_t> order = {};  // dims permuted in memory to make a strided operand; empty: contiguous
  std::vector<double> values = {};  // explicit values, row-major; overrides fill
};
// One conformance case: outputs follow from the shape rule. An absent optional input has dtype kInvalid.
struct Sample {
  std::vector<SampleOperand> inputs;
  Attributes attributes;
};

// Values of a graph under construction, as seen by a decomposition.
using EmitValue = int32_t;
class Emitter {
 public:
  virtual ~Emitter() = default;
  virtual const TensorType& type(EmitValue value) const = 0;
  // Appends one operator and returns its outputs.
  virtual Result<std::vector<EmitValue>> emit(std::string_view op, std::vector<EmitValue> inputs,
                                              Attributes attributes = {}) = 0;
};

// What one run of an operator takes at least; a multiply-add is two operations.
struct OpWork {
  double bytes = 0, operations = 0;
};
// How much of caches a run reads, which only the engine knows.
struct CacheLoad {
  double visible = 0;  // sum over rows of the positions they see
  double cached = 0;   // sum over sequences of their positions
};
// Operands, inputs then outputs, with the dims of the run.
struct WorkCall {
  std::span<const TensorType> types;
  std::span<const std::vector<int64_t>> dims;
  CacheLoad load;
};
// Every operand once, and no operations.
OpWork bytes_of_operands(const WorkCall& call);
// The same, and two operations for each element of these outputs (numbered after the inputs) and of a row of
// operand 0.
OpWork work_of_products(const WorkCall& call, std::initializer_list<size_t> outputs);

struct OpDef {
  std::string name;  // snake_case, the field's own word
  uint32_t version = 1;
  std::string family;   // heading in docs/operators.md
  std::string meaning;  // one line
  std::vector<Port> inputs;
  std::vector<Port> outputs;
  std::vector<AttributeDef> attributes;
  // The output holds the elements of the first input in the same order under another shape: executables give
  // it that input's memory and run nothing.
  bool view = false;
  std::string order;  // of every sum and rounding, in words; "elementwise" where there is none
  std::function<Status(const InferCall&)> infer;
  std::function<Status(const ReferenceCall&)> reference;
  // Simpler operators with the same bits, for chips without this one; null when it is not a fused operator.
  std::function<Result<std::vector<EmitValue>>(Emitter&, std::span<const EmitValue> inputs,
                                               const Attributes&)>
      decompose;
  std::function<std::vector<Sample>()> samples;
  std::function<OpWork(const WorkCall&)> work = bytes_of_operands;  // for profiles
  std::string onnx;   // ONNX operator of the same meaning, or empty
  std::string aclnn;  // aclnn operator of the same meaning, or empty

  // Fills defaults and checks names and types.
  Result<Attributes> complete(const Attributes& given) const;
  // complete(), port checks, then infer. The one way to type a call.
  Result<std::vector<TensorType>> infer_types(std::span<const TensorType> inputs,
                                              const Attributes& complete) const;
};

// Dtype lists for ports.
namespace dtypes {
inline const std::vector<Dtype> f32 = {Dtype::kF32};
inline const std::vector<Dtype> floats = {Dtype::kF32, Dtype::kF16, Dtype::kBF16};
inline const std::vector<Dtype> indices = {Dtype::kI32, Dtype::kI64};
inline const std::vector<Dtype> integers = {Dtype::kI8, Dtype::kI16, Dtype::kI32, Dtype::kI64,
                                            Dtype::kU8, Dtype::kU16, Dtype::kU32, Dtype::kU64};
inline const std::vector<Dtype> boolean = {Dtype::kBool};
inline const std::vector<Dtype> numbers = {Dtype::kF32, Dtype::kF16, Dtype::kBF16, Dtype::kF64,
                                           Dtype::kI8,  Dtype::kI16, Dtype::kI32,  Dtype::kI64,
                                           Dtype::kU8,  Dtype::kU16, Dtype::kU32,  Dtype::kU64};
inline const std::vector<Dtype> plain = {Dtype::kF32, Dtype::kF16, Dtype::kBF16, Dtype::kF64, Dtype::kI8,
                                         Dtype::kI16, Dtype::kI32, Dtype::kI64,  Dtype::kU8,  Dtype::kU16,
                                         Dtype::kU32, Dtype::kU64, Dtype::kBool};
inline const std::vector<Dtype> blocks = {Dtype::kQ4_0, Dtype::kQ4_1, Dtype::kQ5_0,   Dtype::kQ5_1,
                                          Dtype::kQ8_0, Dtype::kQ2_K, Dtype::kQ3_K,   Dtype::kQ4_K,
                                          Dtype::kQ5_K, Dtype::kQ6_K, Dtype::kIQ4_NL, Dtype::kMXFP4};
}  // namespace dtypes

}  // namespace isthmus

// At the end of each src/ops/FOLDER/FILE.cpp that declares operators. The build finds these lines and writes
// the registry; NAME is unique and defs is a function `std::vector<OpDef> defs()` in scope.
#define ISTHMUS_REGISTER_OPS(NAME, defs)                     \
  namespace isthmus {                                        \
  std::vector<OpDef> isthmus_ops_##NAME();                   \
  std::vector<OpDef> isthmus_ops_##NAME() { return defs(); } \
  }
