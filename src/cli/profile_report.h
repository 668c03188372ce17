// SPDX-License-Identifier: Apache-2.0
// A profile for people: a timeline that Perfetto opens, and a table of where the time goes.
#pragma once

#include <string>
#include <vector>

#include "cli/print.h"
#include "cli/speed.h"
#include "graph/profile.h"

namespace isthmus::cli {

// Writes Chrome's trace event format (JSON), which https://ui.perfetto.dev opens: a process for each device,
// a thread for each of its lanes, every operator with shapes, implementation, work and share of its limit.
Status write_timeline(const std::string& path, const Profile& profile, const MachineLimits& limits);

// Operators of one name, implementation and shapes taken together. Seconds are those in which at least one
// lane of the device works on one of them.
struct ProfileRow {
  std::string op, implementation, shapes;
  Dtype weight = Dtype::kInvalid;
  int count = 0;
  double seconds = 0, bytes = 0, operations = 0;
  // What the machine's limits allow, over the seconds: the larger of the shares of memory reads and of the
  // arithmetic peak for the weight's format.
  double share = 0;
  const char* limit = "";  // which
};
struct ProfileSummary {
  std::vector<ProfileRow> rows;  // the longest first
  double busy_seconds = 0;       // of all rows
  double whole_seconds = 0;      // from the first begin to the last end
};
ProfileSummary summarise(const Profile& profile, const MachineLimits& limits);

// The ranked table, and a line for the rest of the time, which belongs to no operator. runs: so many times
// the same was run; times are of one.
std::string profile_text(const ProfileSummary& summary, int runs, bool color);
Json profile_json(const ProfileSummary& summary, int runs);

}  // namespace isthmus::cli
