// SPDX-License-Identifier: Apache-2.0
// Prints docs/operators.md from the declarations and the table of kernels: what each operator means, its
// dtypes, and which implementations there are. --attributes: src/devices/cpu/known_attributes.inc instead.
// tools/check compares both with it.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "devices/cpu/kernel_table.h"
#include "ops/portable/portable.h"
#include "ops/registry.h"

namespace isthmus {
namespace {

std::vector<std::pair<const char*, std::vector<Dtype>>> groups() {
  using namespace dtypes;
  std::vector<Dtype> floats_and_blocks = floats;
  floats_and_blocks.insert(floats_and_blocks.end(), blocks.begin(), blocks.end());
  return {{"floats", floats},
          {"indices", indices},
          {"integers", integers},
          {"numbers", numbers},
          {"plain", plain},
          {"blocks", blocks},
          {"floats, blocks", floats_and_blocks},
          {"floats, F64", {Dtype::kF32, Dtype::kF16, Dtype::kBF16, Dtype::kF64}}};
}

std::string names(const std::vector<Dtype>& dtypes) {
  std::vector<std::string_view> words;
  for (Dtype dtype : dtypes) words.push_back(dtype_name(dtype));
  return fmt::format("{}", fmt::join(words, " "));
}

std::string dtypes_text(std::vector<Dtype> given) {
  std::sort(given.begin(), given.end());
  for (auto [name, members] : groups()) {
    std::sort(members.begin(), members.end());
    if (members == given) return name;
  }
  return names(given);
}

std::string port_text(const Port& port) {
  const char* count = port.variadic ? "…" : port.optional ? "?" : "";
  return fmt::format("{}{}{}: {}", port.name, count, port.state ? " (state)" : "", dtypes_text(port.dtypes));
}

std::string ports_text(const OpDef& def) {
  std::vector<std::string> inputs, outputs;
  for (const Port& port : def.inputs) inputs.push_back(port_text(port));
  for (const Port& port : def.outputs) outputs.push_back(port_text(port));
  return fmt::format("{} → {}", fmt::join(inputs, "; "), fmt::join(outputs, "; "));
}

std::string default_text(const AttributeValue& value) {
  if (const auto* i = std::get_if<int64_t>(&value)) return fmt::format("{}", *i);
  if (const auto* f = std::get_if<double>(&value)) return fmt::format("{}", *f);
  if (const auto* s = std::get_if<std::string>(&value)) return fmt::format("\"{}\"", *s);
  if (const auto* l = std::get_if<std::vector<int64_t>>(&value))
    return fmt::format("[{}]", fmt::join(*l, ", "));
  return fmt::format("[{}]", fmt::join(std::get<std::vector<double>>(value), ", "));
}

std::string attributes_text(const OpDef& def) {
  std::vector<std::string> parts;
  for (const AttributeDef& attribute : def.attributes)
    parts.push_back(
        fmt::format("{} = {}: {}", attribute.name, default_text(attribute.default_value), attribute.meaning));
  return fmt::format("{}", fmt::join(parts, "; "));
}

// What the declaration fixes beyond the meaning: the order of sums and roundings, and what a fused one is
// made of.
std::string order_text(const OpDef& def) {
  return def.order + (def.decompose ? "; made of simpler operators" : "");
}

std::string elsewhere_text(const OpDef& def) {
  return def.onnx + (!def.onnx.empty() && !def.aclnn.empty() ? ", " : "") + def.aclnn;
}

// "panels (generic avx2 avx512), strided (avx512)"; "missing" where the CPU chip has nothing.
std::string cpu_text(const std::string& op) {
  std::vector<std::string> order;
  std::map<std::string, std::vector<std::string>> isas;
  for (const cpu::IsaKernels* isa = cpu::kIsaKernels; isa->isa; ++isa) {
    for (const cpu::Kernel* const* list = isa->lists; *list; ++list) {
      for (const cpu::Kernel* kernel = *list; kernel->op; ++kernel) {
        if (kernel->op != op) continue;
        std::vector<std::string>& found = isas[kernel->name];
        if (found.empty()) order.push_back(kernel->name);
        if (found.empty() || found.back() != isa->isa) found.push_back(isa->isa);
      }
    }
  }
  if (order.empty()) return "**missing**";
  std::vector<std::string> parts;
  for (const std::string& name : order)
    parts.push_back(fmt::format("{} ({})", name, fmt::join(isas[name], " ")));
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string cell(std::string text) {
  for (size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.insert(at, "\\");
  return text;
}

void print_family(const std::string& family, const std::vector<const OpDef*>& ops) {
  fmt::print(
      "\n## {}\n\n| Operator | Meaning | Operands | Attributes | Order | CPU | Portable | ONNX, aclnn |\n",
      family);
  fmt::print("|---|---|---|---|---|---|---|---|\n");
  for (const OpDef* def : ops) {
    fmt::print("| `{}` {} | {} | {} | {} | {} | {} | {} | {} |\n", def->name, def->version,
               cell(def->meaning), cell(ports_text(*def)), cell(attributes_text(*def)),
               cell(order_text(*def)), cell(cpu_text(def->name)),
               find_portable(def->name) ? "yes" : "not yet", elsewhere_text(*def));
  }
}

void print_page() {
  std::map<std::string, std::vector<const OpDef*>> families;
  std::vector<std::string> order;
  size_t missing = 0, portable = 0;
  const std::vector<const OpDef*> ops = all_ops();
  for (const OpDef* def : ops) {
    if (families[def->family].empty()) order.push_back(def->family);
    families[def->family].push_back(def);
    missing += cpu_text(def->name) == "**missing**";
    portable += find_portable(def->name) != nullptr;
  }
  fmt::print(
      "# Operators\n\n<!-- Written by tools/print_operators.cpp from the declarations; do not edit. -->\n\n"
      "Each operator is declared once and has one meaning, kept by a reference in plain loops that runs on "
      "the host "
      "where a chip has nothing of its own.\nThe column of a chip names its own implementations and the "
      "instruction "
      "sets they are compiled for; one that is absent reads\n\"missing\". The number after a name is the "
      "operator's "
      "version; `?` marks an optional operand, `…` one or more, *state* one that is written in "
      "place.\nAttributes stand "
      "with their defaults; the order is that of every sum and rounding, and binds every exact chip.\n\n"
      "*Portable*: whether there is a kernel for every chip that builds kernels "
      "([portable kernels](guide/portable-kernels.md)).\n\n"
      "{} operators; on the CPU chip {} missing; {} with a portable kernel.\n\n",
      ops.size(), missing, portable);
  for (const auto& [name, members] : groups()) {
    if (std::string_view(name).find(',') == std::string_view::npos)
      fmt::print("- *{}*: {}\n", name, names(members));
  }
  for (const std::string& family : order) print_family(family, families[family]);
}

// Rows of a table in C++.
void print_attributes() {
  fmt::print(
      "// SPDX-License-Identifier: Apache-2.0\n// Written by tools/print_operators.cpp; do not edit.\n");
  for (const OpDef* def : all_ops())
    for (const AttributeDef& attribute : def->attributes)
      fmt::print("{{\"{}\", \"{}\"}},\n", def->name, attribute.name);
}

}  // namespace
}  // namespace isthmus

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--attributes")
    isthmus::print_attributes();
  else
    isthmus::print_page();
  return 0;
}
