// SPDX-License-Identifier: Apache-2.0
#include "ops/portable/source.h"

#include <set>
#include <string_view>

namespace isthmus {
namespace {

// Language names begin with these; each has a prelude that defines the words of the dialect.
struct Language {
  std::string_view prefix;
  const char* prelude;
};
constexpr Language kLanguages[] = {{"opencl-c", "ops/portable/prelude_opencl.cl"},
                                   {"cuda-c++", "ops/portable/prelude_cuda.cl"}};

const Language* find_language(std::string_view name) {
  for (const Language& language : kLanguages)
    if (name.starts_with(language.prefix)) return &language;
  return nullptr;
}

const char* find_text(std::string_view path) {
  for (const EmbeddedSource* source = kEmbeddedSources; source->path; ++source)
    if (path == source->path) return source->text;
  return nullptr;
}

// The path of a line `#include "path"`; empty for others.
std::string_view included(std::string_view line) {
  constexpr std::string_view kStart = "#include \"";
  if (!line.starts_with(kStart)) return {};
  line.remove_prefix(kStart.size());
  return line.substr(0, line.find('"'));
}

// Appends a file. What is included and not embedded is C++ that the preprocessor leaves out.
Status append(std::string_view path, std::set<std::string_view>& seen, std::string& out) {
  const char* found = find_text(path);
  if (!found)
    return error(Code::kNotFound, "no portable source '{}' was embedded when Isthmus was built", path);
  out += fmt::format("#line 1 \"{}\"\n", path);
  int number = 0;
  for (std::string_view rest = found; !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    ++number;
    const std::string_view other = included(line);
    if (!other.empty() && find_text(other)) {
      if (seen.insert(other).second) RETURN_IF_ERROR(append(other, seen, out));
      out += fmt::format("#line {} \"{}\"\n", number + 1, path);
    } else if (line != "#pragma once") {
      out.append(line).append("\n");
    } else {
      out += "\n";
    }
  }
  return ok();
}

}  // namespace

const char* portable_language(const char* const* languages) {
  for (; languages && *languages; ++languages)
    if (find_language(*languages)) return *languages;
  return nullptr;
}

Result<std::string> portable_source(const std::string& language, const std::string& path,
                                    const std::vector<std::pair<std::string, std::string>>& defines) {
  const Language* known = find_language(language);
  if (!known) return unimplemented("portable kernels are not written for '{}'", language);
  std::string out = "#define ISTHMUS_PORTABLE 1\n";
  for (const auto& [name, value] : defines) out += fmt::format("#define {} {}\n", name, value);
  std::set<std::string_view> seen;
  RETURN_IF_ERROR(append(known->prelude, seen, out));
  RETURN_IF_ERROR(append("ops/" + path, seen, out));
  return out;
}

}  // namespace isthmus
