// SPDX-License-Identifier: Apache-2.0
// Every declared operator with all its samples: the bits of the reference, or a refusal that says why.
#include <map>

#include "conform/check.h"
#include "conform/operator_case.h"
#include "ops/registry.h"

namespace isthmus::conform {
namespace {

constexpr size_t kQuickSamples = 6;

const char* mode_name(Mode mode) {
  switch (mode) {
    case Mode::kPlain: return "";
    case Mode::kRanged: return ", prepared for larger dims";
    case Mode::kReplayed: return ", captured and replayed";
  }
  return "";
}

Outcome check_operator(const DevicePtr& device, const OpDef& def, bool quick) {
  const std::vector<Sample> samples = def.samples();
  // A quick run takes samples from all over the list.
  const size_t step = quick && samples.size() > kQuickSamples ? samples.size() / kQuickSamples : 1;
  std::map<std::string, int> implementations;
  std::string refusal;
  int runs = 0, refused = 0;
  for (size_t i = 0; i < samples.size(); i += step) {
    Result<SampleCase> sample = make_case(def, samples[i], i + 1);
    if (!sample.ok()) return failed(sample.status().to_string());
    const std::string what = fmt::format("{}, sample {}", sample->describe(def), i + 1);
    Result<std::vector<HostTensor>> expected = sample->run_reference(def);
    if (!expected.ok())
      return failed(fmt::format("{}: the reference fails: {}", what, expected.status().to_string()));
    for (const Mode mode : {Mode::kPlain, Mode::kRanged, Mode::kReplayed}) {
      const Result<CaseResult> result = run_case(device, def, *sample, *expected, mode);
      if (!result.ok() && result.status().code() == Code::kUnimplemented) {
        if (mode == Mode::kPlain) ++refused;
        refusal = result.status().message();
        continue;
      }
      if (!result.ok())
        return failed(fmt::format("{}{}: {}", what, mode_name(mode), result.status().to_string()));
      if (!result->tried) continue;
      ++runs;
      ++implementations[result->implementation];
    }
  }
  if (runs == 0) return not_yet(refusal.empty() ? "it has no samples" : refusal);
  std::string detail = fmt::format("{} runs", runs);
  for (const auto& [name, count] : implementations) detail += fmt::format("; {} ({})", name, count);
  if (refused > 0) detail += fmt::format("; {} samples refused, as: {}", refused, refusal);
  return passed(std::move(detail));
}

}  // namespace

std::vector<Check> operator_checks(bool quick) {
  std::vector<Check> checks;
  for (const OpDef* def : all_ops())
    checks.push_back({"operators", def->name,
                      [def, quick](const DevicePtr& device) { return check_operator(device, *def, quick); }});
  return checks;
}

}  // namespace isthmus::conform
