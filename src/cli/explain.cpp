// SPDX-License-Identifier: Apache-2.0
#include "cli/explain.h"

#include <algorithm>
#include <map>

#include "ops/prepared_op.h"
#include "ops/registry.h"
#include "ops/samples.h"

namespace isthmus::cli {
namespace {

constexpr const char* kDecomposed = "decomposed into simpler operators";

OperandSpec input_spec(const OpDef& op, const SampleCase& sample, const Sample& declared, size_t i) {
  OperandSpec spec;
  spec.type = sample.input_types[i];
  if (!spec.type.present()) return spec;
  const Port& port = op.inputs[std::min(i, op.inputs.size() - 1)];
  const bool weight = i < declared.inputs.size() && declared.inputs[i].fill == Fill::kWeight;
  spec.role = port.state                            ? ISTHMUS_ROLE_STATE
              : weight || is_block(spec.type.dtype) ? ISTHMUS_ROLE_CONSTANT
                                                    : ISTHMUS_ROLE_ACTIVATION;
  if (i < declared.inputs.size() && !declared.inputs[i].order.empty()) {
    const Tensor& tensor = sample.inputs[i].tensor();
    spec.strides.assign(tensor.strides, tensor.strides + tensor.rank);
  }
  return spec;
}

Result<std::unique_ptr<PreparedOp>> prepare_sample(const DevicePtr& device, const OpDef& op,
                                                   const Sample& declared) {
  ASSIGN_OR_RETURN(const SampleCase sample, make_case(op, declared, 0));
  std::vector<OperandSpec> specs;
  for (size_t i = 0; i < sample.input_types.size(); ++i) specs.push_back(input_spec(op, sample, declared, i));
  const int inputs = static_cast<int>(specs.size());
  for (const TensorType& type : sample.output_types) specs.push_back({type, ISTHMUS_ROLE_ACTIVATION, {}});
  return PreparedOp::prepare(device, op, sample.attributes, specs, inputs, {});
}

}  // namespace

Result<ExplainRows> explain_samples(const DevicePtr& device) {
  ExplainRows rows;
  std::vector<const OpDef*> ops = all_ops();
  std::sort(ops.begin(), ops.end(), [](const OpDef* a, const OpDef* b) { return a->name < b->name; });
  for (const OpDef* op : ops) {
    std::map<std::string, Executable::ReportRow> by_implementation;
    for (const Sample& sample : op->samples ? op->samples() : std::vector<Sample>()) {
      ASSIGN_OR_RETURN(const auto prepared, prepare_sample(device, *op, sample), "operator {}", op->name);
      Executable::ReportRow& row = by_implementation[prepared->implementation()];
      row.op = op->name;
      row.implementation = prepared->implementation();
      row.fallback = prepared->is_fallback();
      if (row.fallback && op->decompose) {  // what graphs do before anything falls back
        row.fallback = false;
        row.implementation = kDecomposed;
      }
      // The message begins with the chip's and the operator's name, which the row has already.
      const std::string& refusal = prepared->refusal();
      const std::string prefix = fmt::format("{}: {}: ", device->plugin().name(), op->name);
      if (row.refusal.empty()) row.refusal = refusal.substr(refusal.starts_with(prefix) ? prefix.size() : 0);
      ++row.nodes;
    }
    if (by_implementation.empty()) by_implementation[""].op = op->name;
    for (auto& [name, row] : by_implementation) rows.push_back(std::move(row));
  }
  return rows;
}

Result<ExplainRows> explain_model(std::shared_ptr<const Model> model, const std::string& device,
                                  std::shared_ptr<Platform> chips, const ModelOptions& options) {
  EngineOptions engine_options = cli::engine_options(options);
  engine_options.device = device;
  engine_options.split.clear();
  ASSIGN_OR_RETURN(const auto engine, Engine::create(std::move(model), std::move(chips), engine_options));
  return engine->report();
}

std::vector<std::string> grouped_refusals(std::string_view refusal) {
  std::vector<std::pair<std::string, std::string>> groups;  // what refused; the rest, which several may share
  while (!refusal.empty()) {
    const size_t end = std::min(refusal.find("; "), refusal.size());
    const std::string_view one = refusal.substr(0, end);
    refusal.remove_prefix(std::min(end + 2, refusal.size()));
    const size_t space = one.find(' ');
    const std::string first(one.substr(0, space));
    const std::string rest(space == std::string_view::npos ? "" : one.substr(space));
    const auto same =
        std::find_if(groups.begin(), groups.end(), [&](const auto& g) { return g.second == rest; });
    if (same == groups.end()) {
      groups.emplace_back(first, rest);
    } else {
      same->first += "/" + first;
    }
  }
  std::vector<std::string> lines;
  for (const auto& [first, rest] : groups) lines.push_back(first + rest);
  return lines;
}

std::string explain_text(const ExplainRows& rows, const char* unit, bool color) {
  using Align = Table::Align;
  Table table({Align::kLeft, Align::kRight, Align::kLeft, Align::kLeft});
  table.add({"operator", unit, "implementation", "why not a better one"}, Style::kBold);
  for (const Executable::ReportRow& row : rows) {
    const Style style = row.fallback ? Style::kYellow : Style::kPlain;
    std::vector<std::string> why = grouped_refusals(escaped(row.refusal));
    if (why.empty()) why.emplace_back();
    table.add({row.op, row.nodes ? fmt::format("{}", row.nodes) : "-",
               row.implementation.empty() ? "-" : row.implementation, why[0]},
              style);
    for (size_t i = 1; i < why.size(); ++i) table.add({"", "", "", why[i]}, style);
  }
  return table.text(color, 2);
}

Json explain_json(const ExplainRows& rows, const char* unit) {
  Json list = Json::array();
  for (const Executable::ReportRow& row : rows) {
    list.push_back({{"operator", row.op},
                    {unit, row.nodes},
                    {"implementation", row.implementation},
                    {"fallback", row.fallback},
                    {"refusal", row.refusal}});
  }
  return list;
}

}  // namespace isthmus::cli
