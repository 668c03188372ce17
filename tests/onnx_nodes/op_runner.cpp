// SPDX-License-Identifier: Apache-2.0
// Runs operators for tests/onnx_nodes/run.py: reads one JSON request a line, runs its steps through the
// references and through the CPU chip, and answers with one JSON line; tensors lie in two raw files.
//
//   isthmus_op_runner --list                    the registry: names, ONNX names
//   isthmus_op_runner INPUTS OUTPUTS < requests  INPUTS is read, OUTPUTS written
//
// A request: {"inputs": {name: {"dtype", "dims", "offset"}}, "steps": [{"op", "attributes", "inputs": [name
// or null], "outputs": [name]}], "results": [name]}. The answer: {"results": [{"dtype", "dims", "offset",
// "bytes"}], "cpu": [what ran], "differs": text} or {"error": text}.
#include <fmt/format.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>

#include "conform/operator_case.h"
#include "ops/registry.h"
#include "runtime/device.h"

namespace isthmus {
namespace {

using nlohmann::json;

struct Value {
  HostTensor tensor;
  TensorType type;
};

AttributeValue attribute_of(const json& value) {
  if (value.is_number_integer()) return value.get<int64_t>();
  if (value.is_number()) return value.get<double>();
  if (value.is_string()) return value.get<std::string>();
  if (!value.empty() && value.front().is_number_float()) return value.get<std::vector<double>>();
  return value.get<std::vector<int64_t>>();
}

Status run_step(const json& step, const DevicePtr& chip, std::map<std::string, Value>& values, json& answer) {
  ASSIGN_OR_RETURN(const OpDef* def, require_op(step.at("op").get<std::string>()));
  Attributes given;
  for (const auto& [name, value] : step.at("attributes").items()) given.set(name, attribute_of(value));
  SampleCase sample;
  ASSIGN_OR_RETURN(sample.attributes, def->complete(given));
  for (const json& name : step.at("inputs")) {
    if (name.is_null()) {
      sample.inputs.emplace_back(Dtype::kInvalid, std::vector<int64_t>{});
      sample.input_types.emplace_back();
    } else {
      const Value& value = values.at(name.get<std::string>());
      sample.inputs.push_back(value.tensor.clone());
      sample.input_types.push_back(value.type);
    }
  }
  while (sample.inputs.size() < def->inputs.size()) {
    sample.inputs.emplace_back(Dtype::kInvalid, std::vector<int64_t>{});
    sample.input_types.emplace_back();
  }
  sample.constant.assign(sample.inputs.size(), false);
  ASSIGN_OR_RETURN(sample.output_types, def->infer_types(sample.input_types, sample.attributes));
  ASSIGN_OR_RETURN(std::vector<HostTensor> results, sample.run_reference(*def));
  const auto outcome = conform::run_case(chip, *def, sample, results, {});
  answer["cpu"].push_back(outcome.ok() ? outcome->implementation : "none: " + outcome.status().message());
  if (outcome.ok() && !outcome->difference.empty())
    answer["differs"] = fmt::format("{} {}", def->name, outcome->difference);
  size_t i = 0;
  for (const json& name : step.at("outputs"))
    values.insert_or_assign(name.get<std::string>(), Value{results.at(i).clone(), sample.output_types.at(i)}),
        ++i;
  return ok();
}

Status run_request(const json& request, const std::vector<char>& bytes, const DevicePtr& chip,
                   std::ofstream& out, json& answer) {
  std::map<std::string, Value> values;
  for (const auto& [name, input] : request.at("inputs").items()) {
    const std::optional<Dtype> dtype = dtype_from_name(input.at("dtype").get<std::string>());
    if (!dtype) return invalid_argument("no dtype {}", input.at("dtype").get<std::string>());
    const auto dims = input.at("dims").get<std::vector<int64_t>>();
    HostTensor tensor(*dtype, dims);
    const size_t offset = input.at("offset").get<size_t>(), size = static_cast<size_t>(tensor.bytes());
    if (offset > bytes.size() || size > bytes.size() - offset)
      return invalid_argument("{} lies beyond the file", name);
    if (size > 0) std::memcpy(tensor.tensor().data, bytes.data() + offset, size);
    values.emplace(name, Value{std::move(tensor), {*dtype, Shape(dims.begin(), dims.end())}});
  }
  answer["cpu"] = json::array();
  for (const json& step : request.at("steps")) RETURN_IF_ERROR(run_step(step, chip, values, answer));
  for (const json& name : request.at("results")) {
    const HostTensor& result = values.at(name.get<std::string>()).tensor;
    const Tensor& t = result.tensor();
    answer["results"].push_back({{"dtype", dtype_name(t.dtype)},
                                 {"dims", std::vector<int64_t>(t.dims, t.dims + t.rank)},
                                 {"offset", static_cast<int64_t>(out.tellp())},
                                 {"bytes", result.bytes()}});
    out.write(reinterpret_cast<const char*>(result.data()), result.bytes());
  }
  return ok();
}

int run(const char* inputs, const char* outputs) {
  std::ifstream in(inputs, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(in), {}};
  std::ofstream out(outputs, std::ios::binary);
  const auto chip = []() -> Result<DevicePtr> {
    HostOptions options;
    options.thread_count = 2;
    ASSIGN_OR_RETURN(const auto plugin, Plugin::load(ISTHMUS_PLUGIN_DIR "/isthmus_cpu.so", options));
    return Device::open(plugin, 0);
  }();
  if (!chip.ok()) {
    fmt::print(stderr, "{}\n", chip.status().to_string());
    return 1;
  }
  for (std::string line; std::getline(std::cin, line);) {
    json answer;
    try {
      if (Status status = run_request(json::parse(line), bytes, *chip, out, answer); !status.ok())
        answer = {{"error", status.message()}};
    } catch (const std::exception& e) {
      answer = {{"error", e.what()}};
    }
    fmt::print("{}\n", answer.dump());
  }
  return 0;
}

}  // namespace
}  // namespace isthmus

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "--list") == 0) {
    for (const isthmus::OpDef* def : isthmus::all_ops())
      fmt::print("{} {}\n", def->name, def->onnx.empty() ? "-" : def->onnx);
    return 0;
  }
  if (argc != 3) {
    fmt::print(stderr, "isthmus_op_runner --list | isthmus_op_runner INPUTS OUTPUTS < requests\n");
    return 2;
  }
  return isthmus::run(argv[1], argv[2]);
}
