// SPDX-License-Identifier: Apache-2.0
// Renders stored cases with our templates, for compare.py to hold against Jinja2.
//   isthmus_render_cases CASES.json RESULTS.json
// CASES: [{"template": …, "variables": {…}}, …]. RESULTS: [{"text": …} or {"error": …}, …].
#include <cstdio>
#include <fstream>
#include <map>

#include "llm/jinja/template.h"

namespace {

using isthmus::Result;
using nlohmann::ordered_json;

// The time Jinja2 is told too.
std::tm fixed_time() {
  std::tm time{};
  time.tm_year = 126;
  time.tm_mon = 2;
  time.tm_mday = 7;
  time.tm_hour = 15;
  time.tm_min = 4;
  time.tm_sec = 5;
  time.tm_wday = 6;
  time.tm_yday = 65;
  return time;
}

Result<std::string> render(const ordered_json& test) {
  // Many cases share a template.
  static std::map<std::string, Result<isthmus::jinja::Template>> parsed;
  const auto& source = test.at("template").get_ref<const std::string&>();
  auto it = parsed.find(source);
  if (it == parsed.end()) it = parsed.emplace(source, isthmus::jinja::parse(source)).first;
  if (!it->second.ok()) return it->second.status();
  auto variables = isthmus::jinja::from_json(test.at("variables"));
  if (!variables.ok()) return variables.status();
  isthmus::jinja::Limits limits;
  limits.now = fixed_time();
  return isthmus::jinja::render(*it->second, *variables, limits);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s CASES.json RESULTS.json\n", argv[0]);
    return 2;
  }
  std::ifstream in(argv[1]);
  const ordered_json cases = ordered_json::parse(in);
  ordered_json results = ordered_json::array();
  for (const auto& test : cases) {
    const auto text = render(test);
    ordered_json result;
    if (text.ok()) {
      result["text"] = *text;
    } else {
      result["error"] = text.status().to_string();
    }
    results.push_back(std::move(result));
  }
  std::ofstream(argv[2]) << results.dump(-1, ' ', false, ordered_json::error_handler_t::replace) << "\n";
  return 0;
}
