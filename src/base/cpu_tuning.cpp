// SPDX-License-Identifier: Apache-2.0
#include "base/cpu_tuning.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include "base/disk_cache.h"
#include "base/read_file.h"

namespace isthmus {
namespace {

constexpr uint64_t kMostBytes = 1 << 20;  // of a file of choices

}  // namespace

std::span<const CpuChoiceInfo> cpu_choices() {
  static const std::vector<CpuChoiceInfo> all = {
      {kAloneElements,
       "alone_elements",
       "operators whose activations all have fewer elements run on one thread, but for products and "
       "attention",
       1,
       16384,
       0,
       1 << 30,
       {4096, 16384, 65536}},
      {kNarrowThreads,
       "narrow_threads",
       "threads of products and attention with as few elements: where memory is the limit, fewer may do; 0: "
       "all",
       1,
       0,
       0,
       1024,
       {0}},
      {kPanelRows,
       "panel_rows",
       "rows that a panel of quantised weights is multiplied with before the next",
       0,
       96,
       6,
       1 << 20,
       {48, 96, 192, 384}},
      {kUnpackRows,
       "unpack_rows",
       "from so many rows on a panel is unpacked before it is multiplied",
       0,
       24,
       1,
       1 << 20,
       {12, 24, 48}},
      {kUnpackBlocks, "unpack_blocks", "blocks of 32 that are unpacked at a time", 0, 32, 8, 32, {8, 16, 32}},
      {kFetchOneRow,
       "fetch_one_row",
       "bytes that quantised weights are fetched ahead for a single row",
       1,
       4608,
       0,
       1 << 20,
       {0, 2304, 4608, 9216}},
      {kFetchFewRows,
       "fetch_few_rows",
       "the same for a few rows",
       8,
       9216,
       0,
       1 << 20,
       {0, 4608, 9216, 18432}},
  };
  return all;
}

CpuTuning preset_cpu_tuning() {
  CpuTuning tuning = {};
  for (const CpuChoiceInfo& info : cpu_choices()) tuning.values[info.choice] = info.preset;
  return tuning;
}

Result<CpuTuning> read_cpu_tuning(std::string_view text) {
  CpuTuning tuning = preset_cpu_tuning();
  std::istringstream lines{std::string(text)};
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    std::istringstream words(line.substr(0, line.find('#')));
    std::string name, value, rest;
    if (!(words >> name)) continue;
    words >> value >> rest;
    const auto info = std::find_if(cpu_choices().begin(), cpu_choices().end(),
                                   [&](const CpuChoiceInfo& i) { return name == i.name; });
    if (info == cpu_choices().end()) return data_loss("line {}: there is no choice '{}'", number, name);
    int32_t chosen = 0;
    const auto [end, failed] = std::from_chars(value.data(), value.data() + value.size(), chosen);
    if (failed != std::errc() || end != value.data() + value.size() || !rest.empty() ||
        chosen < info->least || chosen > info->most)
      return data_loss("line {}: {} is a number from {} to {}, not '{}{}'", number, name, info->least,
                       info->most, value, rest);
    tuning.values[info->choice] = chosen;
  }
  return tuning;
}

std::string write_cpu_tuning(const CpuTuning& tuning) {
  std::string text;
  for (const CpuChoiceInfo& info : cpu_choices())
    text += fmt::format("{} {}  # {}\n", info.name, tuning[info.choice], info.meaning);
  return text;
}

std::string cpu_model() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("model name")) continue;
    std::string model = line.substr(std::min(line.find(':'), line.size() - 1) + 1);
    const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
    model.erase(model.begin(), std::find_if_not(model.begin(), model.end(), is_space));
    while (!model.empty() && is_space(model.back())) model.pop_back();
    if (!model.empty()) return model;
  }
  return "CPU";
}

std::string cpu_tuning_path(std::string_view isa, int threads) {
  const std::string folder = cache_folder("ISTHMUS_TUNED", "tuned");
  if (folder.empty()) return "";
  // Names of processors are shared by generations; family, model and stepping are not.
  std::string name = cpu_model();
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line) && !line.empty();)
    for (const char* key : {"cpu family", "model\t", "stepping"})
      if (line.starts_with(key))
        name += fmt::format("-{}", line.substr(std::min(line.find(':') + 2, line.size())));
  name += fmt::format("-{}-{}", isa, threads);
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '-') c = '_';
  return folder + "/" + name;
}

Result<CpuTuning> load_cpu_tuning(const std::string& path) {
  if (const char* wish = std::getenv("ISTHMUS_CPU_TUNING")) {
    if (std::strcmp(wish, "off") == 0) return preset_cpu_tuning();
    std::string text = wish;
    std::replace(text.begin(), text.end(), ',', '\n');
    ASSIGN_OR_RETURN(const CpuTuning tuning, read_cpu_tuning(text), "ISTHMUS_CPU_TUNING");
    return tuning;
  }
  if (path.empty()) return preset_cpu_tuning();
  const Result<std::string> text = read_file(path, kMostBytes);
  if (!text.ok() && text.status().code() != Code::kInvalidArgument) return preset_cpu_tuning();
  ASSIGN_OR_RETURN(const CpuTuning tuning, text.ok() ? read_cpu_tuning(*text) : text.status(),
                   "{} (isthmus tune --reset removes it)", path);
  return tuning;
}

}  // namespace isthmus
