// SPDX-License-Identifier: Apache-2.0
// Files of `isthmus trace --save`: a digest of every value that a run computed, one JSON object a line.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "graph/executable.h"

namespace isthmus::cli {

struct TraceRow {
  int64_t run = 0;   // steps of the engine, from 0
  std::string node;  // "blk.3.attention"
  std::string op;
  int64_t occurrence = 0;  // among nodes of that name and operator in this run
  int64_t output = 0;
  std::string type;    // "F32 [16, 576]"
  std::string sha256;  // of the bytes
};

// Turns what an executable shows into rows.
class TraceRecorder {
 public:
  void begin_run();
  void add(const Executable::Observed& value);
  const std::vector<TraceRow>& rows() const { return rows_; }

 private:
  int64_t run_ = -1;
  size_t first_ = 0;  // row of this run
  std::vector<TraceRow> rows_;
};

Status save_trace(const std::string& path, const std::vector<TraceRow>& rows);
Result<std::vector<TraceRow>> load_trace(const std::string& path);

// Rows of both that mean the same value, and the first that differ. Values that one chip alone computes,
// because it fuses or decomposes otherwise, have no partner and do not count.
struct TraceComparison {
  size_t compared = 0, only_here = 0, only_there = 0;
  std::optional<TraceRow> here, there;  // the first that differ
};
TraceComparison compare_traces(const std::vector<TraceRow>& here, const std::vector<TraceRow>& there);

}  // namespace isthmus::cli
