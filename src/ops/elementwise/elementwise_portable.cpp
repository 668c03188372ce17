// SPDX-License-Identifier: Apache-2.0
// Portable kernels of the unary and binary operators: each row of unary.inc and binary.inc gives its
// formula's text to unary.cl or binary.cl.
#include <array>
#include <cctype>
#include <map>

#include "ops/elementwise/elementwise.h"
#include "ops/portable/loops.h"
#include "ops/portable/portable.h"

namespace isthmus {
namespace {

using namespace formulas;

struct Row {
  int kinds;
  bool test;  // gives Bool
  const char* formula;
};

const std::map<std::string_view, Row>& rows() {
  static const std::map<std::string_view, Row> all = {
#define UNARY(NAME, KINDS, FILL, ATTRIBUTES, MEANING, ONNX, ACLNN, FORMULA) {#NAME, {KINDS, false, #FORMULA}},
#define UNARY_TEST(NAME, KINDS, FILL, ATTRIBUTES, MEANING, ONNX, ACLNN, FORMULA) \
  {#NAME, {KINDS, true, #FORMULA}},
#include "ops/elementwise/unary.inc"
#undef UNARY
#undef UNARY_TEST
#define BINARY(NAME, KINDS, FILL, MEANING, ONNX, ACLNN, FORMULA) {#NAME, {KINDS, false, #FORMULA}},
#define COMPARE(NAME, KINDS, FILL, MEANING, ONNX, ACLNN, FORMULA) {#NAME, {KINDS, true, #FORMULA}},
#include "ops/elementwise/binary.inc"
#undef BINARY
#undef COMPARE
  };
  return all;
}

bool has_word(std::string_view formula, std::string_view word) {
  for (size_t at = formula.find(word); at != formula.npos; at = formula.find(word, at + 1))
    if (at == 0 || !(std::isalnum(formula[at - 1]) || formula[at - 1] == '_')) return true;
  return false;
}

Result<PortablePlan> prepare(const PortableQuery& query) {
  const Row& row = rows().at(query.op.name);
  const Dtype dtype = query.dtype(0);
  const int kind = kind_of_dtype(dtype), inputs = query.input_count;
  if (kind == kF64Kind && (row.kinds & kF64ByLibrary) != 0)
    return unimplemented("F64 is by the C library, which kernels do not have");
  PortablePlan plan;
  plan.source = inputs == 1 ? "elementwise/unary.cl" : "elementwise/binary.cl";
  plan.entries = {inputs == 1 ? "unary" : "binary"};
  plan.define("X", std::string(dtype_name(dtype))).define("X_KIND", kind);
  plan.define(inputs == 1 ? "Y" : "Z", row.test ? "BOOL" : std::string(dtype_name(dtype)));
  plan.define("FORMULA", row.formula);
  plan.f64 = kind == kF64Kind || has_word(row.formula, "sin(") || has_word(row.formula, "cos(") ||
             has_word(row.formula, "tan(") || (kind == kF32Kind && has_word(row.formula, "power("));

  std::array<int32_t, kMaxLoopOperands> ranks{};
  for (int i = 0; i <= inputs; ++i) ranks[i] = query.operands[i].rank;
  // The attributes a and b as elements: as many bytes as V has.
  std::array<std::array<unsigned char, 8>, 2> numbers{};
  uint32_t number_bytes = 0;
  reference::visit(dtype, [&](auto tag) {
    using V = reference::Computed<typename decltype(tag)::type>;
    number_bytes = sizeof(V);
    for (size_t i = 0; i < 2 && i < query.attributes.values().size(); ++i) {
      const AttributeValue& value = query.attributes.values()[i].second;
      const auto* whole = std::get_if<int64_t>(&value);
      const V number = saturate<V>(whole ? static_cast<double>(*whole) : std::get<double>(value));
      std::memcpy(numbers[i].data(), &number, sizeof number);
    }
  });
  plan.run = [=](const PortableRun& run) {
    const Loops loops = make_loops(run.operands, std::span(ranks).first(inputs + 1));
    const int64_t n = loop_elements(loops);
    KernelArguments arguments;
    for (int i = 0; i <= inputs; ++i) arguments.operand(run.operands[i]);
    arguments.value(loops).value(n);
    if (inputs == 1)
      for (const auto& number : numbers) arguments.bytes(number.data(), number_bytes);
    return run.launch(0, Grid::items(n), arguments);
  };
  return plan;
}

std::vector<PortableKernel> kernels() {
  std::vector<PortableKernel> all;
  for (const auto& [name, row] : rows()) all.push_back({std::string(name), prepare});
  return all;
}

}  // namespace
}  // namespace isthmus

ISTHMUS_PORTABLE_KERNELS(elementwise, kernels)
