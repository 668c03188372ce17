// SPDX-License-Identifier: Apache-2.0
#include "sources.h"

#include <algorithm>

#include "ops/portable/portable.h"
#include "ops/portable/source.h"
#include "ops/registry.h"
#include "ops/samples.h"

namespace isthmus {
namespace {

isthmus_operand_t operand_of(const TensorType& type, const Tensor* tensor, isthmus_role_t role) {
  isthmus_operand_t o{};
  o.size = sizeof o;
  o.dtype = static_cast<isthmus_dtype_t>(type.dtype);
  o.role = role;
  o.rank = type.rank();
  for (int d = 0; d < o.rank; ++d) o.dims[d] = o.dims_min[d] = type.shape[d].offset;
  o.contiguous = !tensor || !tensor->present() || is_contiguous(*tensor);
  if (o.contiguous)
    contiguous_strides(o.dims, o.rank, o.strides);
  else
    std::copy(tensor->strides, tensor->strides + o.rank, o.strides);
  return o;
}

Status add_sample(const OpDef& def, const SampleCase& sample, const PortableKernel& kernel,
                  const std::string& language, int vector_floats, KernelSources* sources) {
  std::vector<isthmus_operand_t> operands;
  for (size_t i = 0; i < sample.inputs.size(); ++i)
    operands.push_back(operand_of(sample.input_types[i], &sample.inputs[i].tensor(),
                                  sample.constant[i] ? ISTHMUS_ROLE_CONSTANT : ISTHMUS_ROLE_ACTIVATION));
  for (const TensorType& type : sample.output_types)
    operands.push_back(operand_of(type, nullptr, ISTHMUS_ROLE_ACTIVATION));
  const int inputs = static_cast<int>(sample.inputs.size());
  Result<PortablePlan> plan = kernel.prepare({def, sample.attributes, operands, inputs, vector_floats});
  if (!plan.ok()) {
    ++sources->refused;
    return ok();
  }
  std::vector<PortablePlan> parts = plan->parts;
  if (parts.empty()) parts.push_back(*plan);
  for (PortablePlan& part : parts) {
    part.define("ISTHMUS_F64", "1");
    ASSIGN_OR_RETURN(const std::string text, portable_source(language, part.source, part.defines));
    sources->made.try_emplace(text, KernelSources::Made{def.name + ": " + part.source, part.entries});
  }
  sources->operators.insert(def.name);
  return ok();
}

}  // namespace

Result<KernelSources> kernel_sources(const std::string& language, const std::vector<int>& vector_floats) {
  KernelSources sources;
  for (const OpDef* def : all_ops()) {
    const PortableKernel* kernel = find_portable(def->name);
    if (!kernel) continue;
    uint64_t key = 0;
    for (const Sample& declared : def->samples()) {
      ASSIGN_OR_RETURN(const SampleCase sample, make_case(*def, declared, ++key));
      for (const int floats : vector_floats)
        RETURN_IF_ERROR(add_sample(*def, sample, *kernel, language, floats, &sources), "{}", def->name);
    }
  }
  return sources;
}

}  // namespace isthmus
