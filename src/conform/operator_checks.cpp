// SPDX-License-Identifier: Apache-2.0
// Every declared operator with its samples: the bits of the reference, or a refusal that says why.
#include <algorithm>
#include <map>

#include "base/text.h"
#include "conform/check.h"
#include "conform/diagnosis.h"
#include "conform/operator_case.h"
#include "conform/sample_choice.h"
#include "ops/registry.h"

namespace isthmus::conform {
namespace {

constexpr uint64_t kOtherContents = uint64_t{1} << 32;  // keys of contents that no sample's number reaches

class OperatorCheck {
 public:
  OperatorCheck(const DevicePtr& device, const OpDef& def, bool quick)
      : device_(device), def_(def), samples_(choose_samples(def, quick)) {}

  Outcome run() {
    for (const NumberedSample& chosen : samples_)
      if (const Status status = try_sample(chosen); !status.ok()) return failed(status.message());
    Outcome outcome = not_yet(refusal_.empty() ? "it has no samples" : refusal_);
    outcome.dtypes = dtypes_;
    if (runs_ == 0) return outcome;
    std::string detail = counted(runs_, "run");
    for (const auto& [name, count] : implementations_) detail += fmt::format("; {} ({})", name, count);
    if (refused_ > 0) detail += fmt::format("; {} refused, as: {}", counted(refused_, "sample"), refusal_);
    outcome.verdict = Verdict::kPassed;
    outcome.detail = std::move(detail);
    return outcome;
  }

 private:
  Status try_sample(const NumberedSample& chosen) {
    ASSIGN_OR_RETURN(const SampleCase sample, make_case(def_, chosen.sample, chosen.number));
    ASSIGN_OR_RETURN(const SampleCase other, make_case(def_, chosen.sample, chosen.number + kOtherContents));
    const std::string what = fmt::format("{}, sample {}", sample.describe(def_), chosen.number);
    ASSIGN_OR_RETURN(const std::vector<HostTensor> expected, sample.run_reference(def_),
                     "{}: the reference fails", what);
    // Of a weight where there is one, as that is what operators differ by.
    const auto weight = std::find(sample.constant.begin(), sample.constant.end(), true);
    const size_t which = weight == sample.constant.end() ? 0 : weight - sample.constant.begin();
    const std::string dtype{dtype_name(sample.input_types.empty() ? sample.output_types[0].dtype
                                                                  : sample.input_types[which].dtype)};
    for (const Mode mode : {Mode::kPlain, Mode::kRanged, Mode::kReplayed, Mode::kUnaligned, Mode::kRefilled,
                            Mode::kRepeated, Mode::kHeld}) {
      CaseOptions options;
      options.mode = mode;
      options.other = &other;
      const Result<CaseResult> result = run_case(device_, def_, sample, expected, options);
      const std::string how = mode == Mode::kPlain ? what : fmt::format("{}, {}", what, mode_name(mode));
      if (!result.ok() && result.status().code() == Code::kUnimplemented) {
        refusal_ = result.status().message();
        if (mode != Mode::kPlain) continue;
        ++refused_;
        dtypes_.emplace(dtype, false);
        return ok();
      }
      if (!result.ok()) return error(Code::kInternal, "{}: {}", how, result.status().to_string());
      if (!result->tried) continue;
      if (!result->difference.empty()) {
        const std::string cause = diagnose(device_, def_, sample, expected, options, *result);
        return error(Code::kInternal, "{}: {}{}{}", how, result->difference, cause.empty() ? "" : "; ",
                     cause);
      }
      ++runs_;
      dtypes_[dtype] = true;
      ++implementations_[result->implementation];
    }
    return ok();
  }

  const DevicePtr& device_;
  const OpDef& def_;
  const std::vector<NumberedSample> samples_;
  std::map<std::string, int> implementations_;
  std::map<std::string, bool> dtypes_;  // whether the chip takes it
  std::string refusal_;
  int runs_ = 0, refused_ = 0;
};

}  // namespace

std::vector<Check> operator_checks(bool quick) {
  std::vector<Check> checks;
  for (const OpDef* def : all_ops())
    checks.push_back({"operators", def->name, [def, quick](const DevicePtr& device) {
                        return OperatorCheck(device, *def, quick).run();
                      }});
  return checks;
}

}  // namespace isthmus::conform
