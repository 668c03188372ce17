// SPDX-License-Identifier: Apache-2.0
#include "conform/certificate.h"

#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/sha256.h"

namespace isthmus::conform {
namespace {

using Json = nlohmann::ordered_json;

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string sha256(const std::string& text) {
  Sha256 hash;
  hash.add(text.data(), text.size());
  return hash.hex();
}

// Of everything a certificate says but its own hash.
std::string own_sha256(Json certificate) {
  certificate.erase("sha256");
  return sha256(text_of(certificate));
}

Result<std::string> text_at(const Json& json, const char* object, const char* key) {
  if (!json.is_object() || !json.contains(object) || !json[object].is_object() ||
      !json[object].contains(key) || !json[object][key].is_string())
    return data_loss("no certificate: {}.{} is missing", object, key);
  return json[object][key].get<std::string>();
}

}  // namespace

Counts count(const std::vector<CheckResult>& results) {
  Counts counts;
  for (const CheckResult& result : results) switch (result.verdict) {
      case Verdict::kPassed: ++counts.passed; break;
      case Verdict::kFailed: ++counts.failed; break;
      case Verdict::kNever: ++counts.never; break;
      case Verdict::kNotYet: ++counts.not_yet; break;
      case Verdict::kUnexpected: ++counts.unexpected; break;
    }
  return counts;
}

Result<std::string> file_sha256(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return error(Code::kNotFound, "{}: {}", path, std::strerror(errno));
  Sha256 hash;
  std::vector<char> piece(1 << 20);
  do {
    file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    hash.add(piece.data(), static_cast<size_t>(file.gcount()));
  } while (file);
  if (file.bad()) return error(Code::kDataLoss, "{}: cannot be read to its end", path);
  return hash.hex();
}

Result<Json> make_certificate(const Device& device, const std::string& kit, bool quick,
                              const std::vector<CheckResult>& results) {
  const Counts counts = count(results);
  const isthmus_plugin_t& api = device.api();
  ASSIGN_OR_RETURN(const std::string plugin_hash, file_sha256(device.plugin().path()));
  ASSIGN_OR_RETURN(const std::string kit_hash, file_sha256(kit));
  Json list = Json::array();
  for (const CheckResult& r : results) {
    list.push_back({{"group", r.group},
                    {"name", r.name},
                    {"verdict", verdict_name(r.verdict)},
                    {"detail", r.detail},
                    {"seconds", r.seconds}});
    if (!r.dtypes.empty()) list.back()["dtypes"] = r.dtypes;
    for (const Measure& m : r.measures)
      list.back()["measures"].push_back(
          {{"name", m.name}, {"value", m.value}, {"unit", m.unit}, {"share", m.share}});
  }
  Json certificate = {
      {"passed", counts.passed},
      {"failed", counts.failed},
      {"never", counts.never},
      {"not_yet", counts.not_yet},
      {"unexpected_passes", counts.unexpected},
      {"quick", quick},
      {"plugin",
       {{"name", api.name},
        {"version", api.version ? api.version : ""},
        {"interface", fmt::format("{}.{}", api.major, api.minor)},
        {"sha256", plugin_hash}}},
      {"device", {{"name", device.properties().name}, {"architecture", device.properties().architecture}}},
      {"kit",
       {{"interface", fmt::format("{}.{}", ISTHMUS_PLUGIN_MAJOR, ISTHMUS_PLUGIN_MINOR)},
        {"sha256", kit_hash}}},
      {"results", std::move(list)}};
  // As it will be read again: numbers may lose digits on the way.
  certificate = Json::parse(text_of(certificate));
  certificate["sha256"] = own_sha256(certificate);
  return certificate;
}

Status verify_certificate(const Json& certificate, const std::string& kit, const std::string& plugin) {
  ASSIGN_OR_RETURN(const std::string plugin_hash, text_at(certificate, "plugin", "sha256"));
  ASSIGN_OR_RETURN(const std::string kit_hash, text_at(certificate, "kit", "sha256"));
  if (!certificate.contains("sha256") || certificate["sha256"] != own_sha256(certificate))
    return data_loss("the certificate was changed after it was written: its own hash does not fit");
  ASSIGN_OR_RETURN(const std::string plugin_now, file_sha256(plugin));
  if (plugin_now != plugin_hash)
    return error(Code::kFailedPrecondition,
                 "{} is another plug-in than the certificate's: SHA-256 {}, not {}", plugin, plugin_now,
                 plugin_hash);
  ASSIGN_OR_RETURN(const std::string kit_now, file_sha256(kit));
  if (kit_now != kit_hash)
    return error(Code::kFailedPrecondition, "{} is another kit than the certificate's: SHA-256 {}, not {}",
                 kit, kit_now, kit_hash);
  return ok();
}

}  // namespace isthmus::conform
