// SPDX-License-Identifier: Apache-2.0
#include "conform/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <vector>

namespace isthmus::conform {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kStyle = R"(
:root { color-scheme: light dark; --good: #1a7f37; --bad: #cf222e; --dim: #6e7781; --line: #d0d7de; --bar: #54aeff; }
@media (prefers-color-scheme: dark) {
  :root { --good: #3fb950; --bad: #f85149; --dim: #8b949e; --line: #30363d; --bar: #1f6feb; }
}
body { font: 15px/1.5 system-ui, sans-serif; max-width: 68rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: 0; } h2 { font-size: 1.15rem; margin-top: 2rem; }
.counts { display: flex; flex-wrap: wrap; gap: 1.5rem; margin: 1rem 0; }
.counts b { display: block; font-size: 2rem; line-height: 1.1; }
.good { color: var(--good); } .bad { color: var(--bad); } .dim { color: var(--dim); }
table { border-collapse: collapse; width: 100%; font-size: 13px; }
td, th { text-align: left; padding: .2rem .6rem .2rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td { overflow-wrap: anywhere; } td.mark, th.mark { text-align: center; padding: .2rem; }
.wide { overflow-x: auto; } code { font-size: 12px; overflow-wrap: anywhere; }
.bar { background: var(--bar); height: .8rem; border-radius: 2px; max-width: 100%; }
summary { cursor: pointer; margin: .4rem 0; }
)";

std::string text(const std::string& raw) {
  std::string out;
  for (const char c : raw) switch (c) {
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '&': out += "&amp;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  return out;
}

std::string at(const Json& json, const char* key) { return text(json.value(key, "")); }

void add_counts(const Json& certificate, std::string& out) {
  out += "<div class=counts>";
  const auto count = [&](const char* key, const char* name, const char* style) {
    const int value = certificate.value(key, 0);
    out += fmt::format("<div class={}><b>{}</b>{}</div>", value ? style : "dim", value, name);
  };
  count("passed", "passed", "good");
  count("failed", "failed", "bad");
  count("never", "never", "dim");
  count("not_yet", "not yet", "dim");
  count("unexpected_passes", "unexpected passes", "bad");
  out += "</div>\n";
}

std::string row(const Json& result) {
  const std::string verdict = at(result, "verdict");
  const char* style = verdict == "passed" ? "good" : verdict == "failed" || verdict[0] == 'u' ? "bad" : "dim";
  return fmt::format("<tr><td class={}>{}</td><td>{}</td><td>{}</td><td class=dim>{:.2f} s</td></tr>\n",
                     style, verdict, at(result, "name"), at(result, "detail"), result.value("seconds", 0.0));
}

// What needs a reader first: failures, then passes that nobody promised.
void add_failures(const Json& results, std::string& out) {
  for (const char* verdict : {"failed", "unexpected pass"}) {
    std::string rows;
    for (const Json& result : results)
      if (result.value("verdict", "") == verdict) rows += row(result);
    if (rows.empty()) continue;
    out += fmt::format("<h2>{}</h2>\n<table>{}</table>\n", verdict[0] == 'f' ? "Failed" : "Unexpected passes",
                       rows);
  }
}

void add_groups(const Json& results, std::string& out) {
  std::vector<std::string> groups;
  for (const Json& result : results)
    if (const std::string group = result.value("group", "");
        std::find(groups.begin(), groups.end(), group) == groups.end())
      groups.push_back(group);
  out += "<h2>Checks</h2>\n";
  for (const std::string& group : groups) {
    int passed = 0, all = 0;
    std::string rows;
    for (const Json& result : results) {
      if (result.value("group", "") != group) continue;
      ++all;
      passed += result.value("verdict", "") == "passed";
      rows += row(result);
    }
    out += fmt::format("<details><summary>{}: {} of {} passed</summary><table>{}</table></details>\n",
                       text(group), passed, all, rows);
  }
}

void add_operators(const Json& results, std::string& out) {
  std::set<std::string> dtypes;
  for (const Json& result : results)
    if (result.contains("dtypes"))
      for (const auto& [dtype, taken] : result["dtypes"].items()) dtypes.insert(dtype);
  if (dtypes.empty()) return;
  out +=
      "<h2>Operators</h2>\n<p>By the format of the weight, or of the first operand. ● right to the bit, ○ "
      "not "
      "taken: it runs on the host.</p>\n<div class=wide><table><tr><th>Operator</th>";
  for (const std::string& dtype : dtypes) out += fmt::format("<th class=mark>{}</th>", text(dtype));
  out += "</tr>\n";
  for (const Json& result : results) {
    if (result.value("group", "") != "operators") continue;
    const bool failed = result.value("verdict", "") == "failed";
    out += fmt::format("<tr><td{}>{}{}</td>", failed ? " class=bad" : "", at(result, "name"),
                       failed ? " failed" : "");
    const Json known = result.value("dtypes", Json::object());
    for (const std::string& dtype : dtypes)
      out += fmt::format("<td class=mark>{}</td>", !known.contains(dtype) ? ""
                                                   : known[dtype].get<bool>() && !failed
                                                       ? "<span class=good>●</span>"
                                                       : "<span class=dim>○</span>");
    out += "</tr>\n";
  }
  out += "</table></div>\n";
}

void add_speed(const Json& results, std::string& out) {
  for (const Json& result : results) {
    if (!result.contains("measures")) continue;
    out += fmt::format(
        "<h2>Speed</h2>\n<p>Shares of what this chip itself reaches: in GB/s of its copies on the "
        "device, in GFLOP/s of its fastest product. {}.</p>\n<table>",
        at(result, "detail"));
    for (const Json& measure : result["measures"]) {
      const double share = measure.value("share", 0.0) * 100;
      out += fmt::format(
          "<tr><td>{}</td><td>{:.1f} {}</td><td>{:.0f} %</td><td width=40%><div class=bar "
          "style=\"width:{:.0f}%\"></div></td></tr>\n",
          at(measure, "name"), measure.value("value", 0.0), at(measure, "unit"), share,
          std::clamp(share, 0.0, 100.0));
    }
    out += "</table>\n";
  }
}

void add_hashes(const Json& certificate, std::string& out) {
  const Json plugin = certificate.value("plugin", Json::object()),
             kit = certificate.value("kit", Json::object());
  out += fmt::format(
      "<h2>Certificate</h2>\n<table><tr><td>Plug-in</td><td>{} {}, interface {}</td><td><code>{}"
      "</code></td></tr>\n<tr><td>Kit</td><td>interface {}</td><td><code>{}</code></td></tr>\n"
      "<tr><td>Results</td><td></td><td><code>{}</code></td></tr></table>\n",
      at(plugin, "name"), at(plugin, "version"), at(plugin, "interface"), at(plugin, "sha256"),
      at(kit, "interface"), at(kit, "sha256"), at(certificate, "sha256"));
  out += "<p class=dim>SHA-256. <code>isthmus conform CHIP --verify FILE</code> takes them again.</p>\n";
}

}  // namespace

std::string html_page(const Json& certificate) {
  const Json device = certificate.value("device", Json::object());
  const Json results = certificate.value("results", Json::array());
  const std::string name = at(certificate.value("plugin", Json::object()), "name");
  std::string out = fmt::format(
      "<!doctype html>\n<html lang=en><head><meta charset=utf-8>\n<meta name=viewport "
      "content=\"width=device-width\">\n<title>Conformance of {}</title>\n<style>{}</style></head><body>\n"
      "<h1>Conformance of {}</h1>\n<p class=dim>{}{}</p>\n",
      name, kStyle, name, at(device, "name"),
      certificate.value("quick", false) ? "; a quick run, with some of the samples" : "");
  add_counts(certificate, out);
  add_failures(results, out);
  add_operators(results, out);
  add_speed(results, out);
  add_groups(results, out);
  add_hashes(certificate, out);
  return out + "</body></html>\n";
}

}  // namespace isthmus::conform
