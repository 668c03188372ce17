// SPDX-License-Identifier: Apache-2.0
#include "cli/speed_turns.h"

#include <sstream>
#include <string>

#include "base/limits.h"

namespace isthmus::cli {
namespace {

Result<Json> answer(Engine& engine, int threads, const std::string& line) {
  std::istringstream words(line);
  std::string what;
  words >> what;
  SpeedSample sample;
  if (what == "prefill") {
    int64_t tokens = 0;
    if (words >> tokens && tokens > 0) {
      RETURN_IF_ERROR(measure_prefill(engine, tokens, sample));
      return Json{{"seconds", sample.prefill_seconds}};
    }
  } else if (what == "decode") {
    SpeedOptions options;
    if (words >> options.generate_tokens >> options.depth >> options.parallel &&
        options.generate_tokens > 0 && options.depth >= 0 && options.parallel > 0) {
      RETURN_IF_ERROR(measure_decode(engine, options, sample));
      return Json{{"seconds", sample.decode_seconds}};
    }
  } else if (what == "limit") {
    std::string name;
    double seconds = 0;
    if (words >> name >> seconds && seconds > 0 && seconds < 60) {
      ASSIGN_OR_RETURN(const MeasuredLimit limit, measure_limit(name, threads, seconds));
      return Json{{"per_second", limit.median}};
    }
  }
  return invalid_argument(
      "expected 'prefill TOKENS', 'decode TOKENS DEPTH SEQUENCES' or 'limit NAME SECONDS', found '{}'", line);
}

}  // namespace

Status obey_turns(Engine& engine, int threads, std::istream& in) {
  for (std::string line; std::getline(in, line);) {
    Result<Json> result = answer(engine, threads, line);
    const Json json = result.ok() ? *result : Json{{"error", std::move(result).status().to_string()}};
    fmt::print("{}\n", json.dump(-1, ' ', false, Json::error_handler_t::replace));
    if (std::fflush(stdout) != 0) return error(Code::kUnavailable, "cannot write the answers");
  }
  return ok();
}

}  // namespace isthmus::cli
