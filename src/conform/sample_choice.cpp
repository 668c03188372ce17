// SPDX-License-Identifier: Apache-2.0
#include "conform/sample_choice.h"

#include <algorithm>
#include <set>
#include <string>

namespace isthmus::conform {
namespace {

constexpr size_t kQuickSamples = 6;  // besides those that some feature needs

// What is worth having at least once.
std::set<std::string> features(const OpDef& def, const Sample& sample) {
  std::set<std::string> found;
  for (size_t i = 0; i < sample.inputs.size(); ++i) {
    const SampleOperand& operand = sample.inputs[i];
    found.insert(fmt::format("{} is {}", i, dtype_name(operand.dtype)));
    if (operand.fill == Fill::kAwkward) found.insert("awkward numbers");
    if (!operand.order.empty()) found.insert("strides");
  }
  for (const AttributeDef& attribute : def.attributes)
    if (const AttributeValue* value = sample.attributes.find(attribute.name);
        value && *value != attribute.default_value)
      found.insert(attribute.name);
  return found;
}

void sweep_sizes(const OpDef& def, size_t number, std::vector<NumberedSample>& chosen) {
  const std::vector<Sample> samples = def.samples();
  const auto usable = [&](const Sample& sample) {
    return !sample.inputs.empty() &&
           std::all_of(sample.inputs.begin(), sample.inputs.end(), [&](const SampleOperand& operand) {
             return !is_block(operand.dtype) && operand.values.empty() && operand.order.empty() &&
                    operand.dims == sample.inputs[0].dims;
           });
  };
  const auto found = std::find_if(samples.begin(), samples.end(), usable);
  if (found == samples.end()) return;
  for (const int64_t size : {1, 2, 3, 5, 7, 8, 9, 15, 17, 31, 33, 63, 65, 127, 129, 257, 1025}) {
    Sample sample = *found;
    std::vector<TensorType> types;
    for (SampleOperand& operand : sample.inputs) {
      operand.dims = {size};
      types.push_back({operand.dtype, Shape{Dim(size)}});
    }
    types.resize(std::max(types.size(), def.inputs.size()));
    const Result<Attributes> attributes = def.complete(sample.attributes);
    if (!attributes.ok() || !def.infer_types(types, *attributes).ok()) return;
    chosen.push_back({std::move(sample), ++number});
  }
}

}  // namespace

std::vector<NumberedSample> choose_samples(const OpDef& def, bool quick) {
  std::vector<Sample> samples = def.samples();
  const size_t step = quick && samples.size() > kQuickSamples ? samples.size() / kQuickSamples : 1;
  std::set<std::string> seen;
  std::vector<NumberedSample> chosen;
  for (size_t i = 0; i < samples.size(); ++i) {
    const size_t before = seen.size();
    seen.merge(features(def, samples[i]));
    if (i % step == 0 || seen.size() > before) chosen.push_back({samples[i], i + 1});
  }
  sweep_sizes(def, samples.size(), chosen);
  return chosen;
}

}  // namespace isthmus::conform
