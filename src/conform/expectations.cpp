// SPDX-License-Identifier: Apache-2.0
#include "conform/expectations.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/read_file.h"

namespace isthmus::conform {

Result<Expectations> Expectations::read(const std::string& path, const std::vector<Check>& checks) {
  ASSIGN_OR_RETURN(const std::string text, read_file(path, 1 << 20));
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object())
    return data_loss("{}: not a JSON object with \"never\" and \"not_yet\", each of checks with reasons",
                     path);
  Expectations expectations;
  for (const auto& [key, list] : json.items()) {
    if ((key != "never" && key != "not_yet") || !list.is_object())
      return data_loss("{}: '{}' is neither \"never\" nor \"not_yet\" with checks and reasons", path, key);
    for (const auto& [name, reason] : list.items()) {
      if (std::none_of(checks.begin(), checks.end(), [&](const Check& c) { return c.name == name; }))
        return data_loss("{}: there is no check '{}'", path, name);
      if (!reason.is_string() || reason.get<std::string>().empty())
        return data_loss("{}: '{}' has no reason", path, name);
      expectations.entries_[name] = {key == "never" ? Verdict::kNever : Verdict::kNotYet, reason};
    }
  }
  return expectations;
}

void Expectations::apply(CheckResult& result) const {
  const auto found = entries_.find(result.name);
  if (found == entries_.end()) return;
  const auto& [verdict, reason] = found->second;
  if (result.verdict == Verdict::kFailed) {
    result.verdict = verdict;
    result.detail = fmt::format("{}; it says: {}", reason, result.detail);
  } else if (result.verdict == Verdict::kPassed) {
    result.verdict = Verdict::kUnexpected;
    result.detail = fmt::format("listed as {} ({}): take it off the list", verdict_name(verdict), reason);
  }
}

}  // namespace isthmus::conform
