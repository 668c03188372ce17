// SPDX-License-Identifier: Apache-2.0
#include "cli/trace_file.h"

#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <tuple>

#include "base/read_file.h"
#include "base/sha256.h"
#include "cli/output_file.h"

namespace isthmus::cli {
namespace {

constexpr uint64_t kMostBytes = 1 << 30;  // of a trace

using Key = std::tuple<int64_t, std::string, std::string, int64_t, int64_t>;

Key key_of(const TraceRow& row) { return {row.run, row.node, row.op, row.occurrence, row.output}; }

std::string type_text(const Executable::Observed& value) {
  return fmt::format("{} [{}]", dtype_name(value.type.dtype), fmt::join(value.dims, ", "));
}

Result<TraceRow> parse_row(const std::string& line) {
  const nlohmann::json json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  const auto text = [&](const char* name) { return json.contains(name) && json[name].is_string(); };
  const auto number = [&](const char* name) { return json.contains(name) && json[name].is_number_integer(); };
  if (!json.is_object() || !text("node") || !text("op") || !text("type") || !text("sha256") ||
      !number("run") || !number("occurrence") || !number("output"))
    return data_loss("expected an object with run, node, op, occurrence, output, type and sha256");
  return TraceRow{json["run"],    json["node"], json["op"],    json["occurrence"],
                  json["output"], json["type"], json["sha256"]};
}

}  // namespace

void TraceRecorder::begin_run() {
  ++run_;
  first_ = rows_.size();
}

void TraceRecorder::add(const Executable::Observed& value) {
  TraceRow row = {run_, value.node->name, value.op->name, 0, value.output, type_text(value), {}};
  for (size_t i = first_; i < rows_.size(); ++i)
    if (rows_[i].node == row.node && rows_[i].op == row.op && rows_[i].output == row.output) ++row.occurrence;
  Sha256 hash;
  hash.add(value.bytes.data(), value.bytes.size());
  row.sha256 = hash.hex();
  rows_.push_back(std::move(row));
}

Status save_trace(const std::string& path, const std::vector<TraceRow>& rows) {
  std::string text;
  for (const TraceRow& row : rows)
    text += nlohmann::ordered_json{{"run", row.run},       {"node", row.node},
                                   {"op", row.op},         {"occurrence", row.occurrence},
                                   {"output", row.output}, {"type", row.type},
                                   {"sha256", row.sha256}}
                .dump() +
            '\n';
  return write_output(path, text);
}

Result<std::vector<TraceRow>> load_trace(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, read_file(path, kMostBytes));
  std::istringstream file(text);
  std::vector<TraceRow> rows;
  for (std::string line; std::getline(file, line);) {
    ASSIGN_OR_RETURN(TraceRow row, parse_row(line), "{}, line {}", path, rows.size() + 1);
    rows.push_back(std::move(row));
  }
  if (rows.empty()) return data_loss("{}: no trace; isthmus trace --save writes them", path);
  return rows;
}

TraceComparison compare_traces(const std::vector<TraceRow>& here, const std::vector<TraceRow>& there) {
  std::map<Key, const TraceRow*> partners;
  for (const TraceRow& row : there) partners.emplace(key_of(row), &row);
  TraceComparison result;
  for (const TraceRow& row : here) {
    const auto partner = partners.find(key_of(row));
    if (partner == partners.end()) {
      ++result.only_here;
      continue;
    }
    ++result.compared;
    if (result.here || (row.sha256 == partner->second->sha256 && row.type == partner->second->type)) continue;
    result.here = row;
    result.there = *partner->second;
  }
  result.only_there = there.size() - result.compared;
  return result;
}

}  // namespace isthmus::cli
