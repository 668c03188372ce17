// SPDX-License-Identifier: Apache-2.0
#include "cli/profile_report.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <tuple>

namespace isthmus::cli {
namespace {

// Begin and end of an entry's work: from when its first lane begins to when its last one ends.
struct Extent {
  int64_t begin = INT64_MAX, end = 0;
};

std::vector<Extent> extents(const Profile& profile) {
  std::vector<Extent> list(profile.entries().size());
  for (const Profile::Span& span : profile.spans()) {
    Extent& extent = list[span.entry];
    extent.begin = std::min(extent.begin, span.begin_ns);
    extent.end = std::max(extent.end, span.end_ns);
  }
  return list;
}

struct Share {
  double share = 0;
  const char* limit = "";
};

Share share_of_limit(Dtype weight, const OpWork& work, double seconds, const MachineLimits& limits) {
  if (seconds <= 0 || limits.read_bytes <= 0) return {};
  const bool product = weight != Dtype::kInvalid && work.operations > 0;
  const Dtype format = product ? weight : Dtype::kF32;
  const double reads = work.bytes / seconds / limits.read_bytes;
  const double sums = work.operations / seconds / peak_of(format, limits);
  return reads >= sums ? Share{reads, "memory"} : Share{sums, peak_name(format)};
}

}  // namespace

Status write_timeline(const std::string& path, const Profile& profile, const MachineLimits& limits) {
  std::FILE* file = std::fopen(path.c_str(), "w");
  if (!file) return error(Code::kUnavailable, "{}: cannot be written: {}", path, std::strerror(errno));
  const std::vector<Extent> all = extents(profile);
  int64_t origin = INT64_MAX;
  for (const Extent& extent : all) origin = std::min(origin, extent.begin);
  std::map<std::string, int> devices;
  std::map<std::pair<int, int>, bool> lanes;
  std::fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[", file);
  const char* comma = "\n";
  const auto put = [&](const Json& event) {
    fmt::print(file, "{}{}", comma, event.dump(-1, ' ', false, Json::error_handler_t::replace));
    comma = ",\n";
  };
  for (const Profile::Span& span : profile.spans()) {
    const Profile::Entry& entry = profile.entries()[span.entry];
    const auto [device, is_new] =
        devices.try_emplace(entry.kind->device, static_cast<int>(devices.size()) + 1);
    const int pid = device->second;
    if (is_new)
      put({{"name", "process_name"}, {"ph", "M"}, {"pid", pid}, {"args", {{"name", entry.kind->device}}}});
    if (lanes.try_emplace({pid, span.lane}, true).second)
      put({{"name", "thread_name"},
           {"ph", "M"},
           {"pid", pid},
           {"tid", span.lane},
           {"args", {{"name", fmt::format("lane {}", span.lane)}}}});
    const Extent& extent = all[span.entry];
    const double seconds = static_cast<double>(extent.end - extent.begin) * 1e-9;
    const Share share = share_of_limit(entry.kind->weight, entry.work, seconds, limits);
    Json args = {{"node", entry.kind->name},
                 {"shapes", entry.kind->shapes},
                 {"implementation", entry.kind->implementation},
                 {"bytes", entry.work.bytes},
                 {"operations", entry.work.operations},
                 {"fallback", entry.kind->fallback},
                 {"host_clock", entry.kind->host_clock}};
    if (share.share > 0) args[fmt::format("share_of_{}_limit", share.limit)] = share.share;
    put({{"name", entry.kind->op},
         {"cat", entry.kind->fallback ? "fallback" : "operator"},
         {"ph", "X"},
         {"pid", pid},
         {"tid", span.lane},
         {"ts", static_cast<double>(span.begin_ns - origin) * 1e-3},
         {"dur", static_cast<double>(span.end_ns - span.begin_ns) * 1e-3},
         {"args", args}});
  }
  std::fputs("\n]}\n", file);
  const bool failed = std::ferror(file) != 0;
  if (std::fclose(file) != 0 || failed)
    return error(Code::kUnavailable, "{}: cannot be written: {}", path, std::strerror(errno));
  return ok();
}

ProfileSummary summarise(const Profile& profile, const MachineLimits& limits) {
  ProfileSummary summary;
  std::map<std::tuple<std::string, std::string, std::string>, ProfileRow> rows;
  const std::vector<Extent> all = extents(profile);
  Extent whole;
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i].end == 0) continue;  // nothing was told of it
    const Profile::Entry& entry = profile.entries()[i];
    whole.begin = std::min(whole.begin, all[i].begin);
    whole.end = std::max(whole.end, all[i].end);
    ProfileRow& row = rows[{entry.kind->op, entry.kind->implementation, entry.kind->shapes}];
    row.op = entry.kind->op;
    row.implementation = entry.kind->implementation;
    row.shapes = entry.kind->shapes;
    row.weight = entry.kind->weight;
    ++row.count;
    row.seconds += static_cast<double>(all[i].end - all[i].begin) * 1e-9;
    row.bytes += entry.work.bytes;
    row.operations += entry.work.operations;
  }
  for (auto& [key, row] : rows) {
    const Share share = share_of_limit(row.weight, {row.bytes, row.operations}, row.seconds, limits);
    row.share = share.share;
    row.limit = share.limit;
    summary.busy_seconds += row.seconds;
    summary.rows.push_back(std::move(row));
  }
  std::stable_sort(summary.rows.begin(), summary.rows.end(),
                   [](const ProfileRow& a, const ProfileRow& b) { return a.seconds > b.seconds; });
  if (whole.end > 0) summary.whole_seconds = static_cast<double>(whole.end - whole.begin) * 1e-9;
  return summary;
}

std::string profile_text(const ProfileSummary& summary, int runs, bool color) {
  using Align = Table::Align;
  Table table({Align::kRight, Align::kRight, Align::kRight, Align::kLeft, Align::kLeft, Align::kRight,
               Align::kRight, Align::kLeft});
  table.add({"us", "%", "times", "operator", "shapes", "GB/s", "Gop/s", "of the limit"}, Style::kBold);
  const double whole = summary.whole_seconds > 0 ? summary.whole_seconds : 1;
  for (const ProfileRow& row : summary.rows)
    table.add({fmt::format("{:.1f}", row.seconds * 1e6 / runs),
               fmt::format("{:.1f}", 100 * row.seconds / whole), fmt::format("{}", row.count / runs), row.op,
               row.shapes, fmt::format("{:.1f}", row.bytes / row.seconds * 1e-9),
               row.operations > 0 ? fmt::format("{:.1f}", row.operations / row.seconds * 1e-9) : "-",
               fmt::format("{:.0f} % {}", 100 * row.share, row.limit)});
  const double rest = std::max(0.0, summary.whole_seconds - summary.busy_seconds);
  table.add({fmt::format("{:.1f}", rest * 1e6 / runs), fmt::format("{:.1f}", 100 * rest / whole), "",
             "between operators", "hand-overs, copies, sampling", "", "", ""},
            Style::kDim);
  return table.text(color, 2);
}

Json profile_json(const ProfileSummary& summary, int runs) {
  Json rows = Json::array();
  for (const ProfileRow& row : summary.rows)
    rows.push_back({{"operator", row.op},
                    {"implementation", row.implementation},
                    {"shapes", row.shapes},
                    {"times", row.count / runs},
                    {"seconds", row.seconds / runs},
                    {"bytes", row.bytes / runs},
                    {"operations", row.operations / runs},
                    {"share_of_limit", row.share},
                    {"limit", row.limit}});
  return {{"seconds", summary.whole_seconds / runs},
          {"busy_seconds", summary.busy_seconds / runs},
          {"rows", rows}};
}

}  // namespace isthmus::cli
