// SPDX-License-Identifier: Apache-2.0
// Which implementation a device would run for each operator: over the operators' own samples, or for a
// model's graph.
#pragma once

#include <string>
#include <vector>

#include "cli/model_options.h"
#include "cli/print.h"

namespace isthmus::cli {

// One operator and implementation. `nodes` counts a graph's nodes, or samples where there is no graph.
using ExplainRows = std::vector<Executable::ReportRow>;

// Every declared operator, prepared for every sample of its declaration. An operator without samples has one
// row without an implementation. Nothing runs.
Result<ExplainRows> explain_samples(const DevicePtr& device);

// A model's step graph, compiled for the device as running it would.
Result<ExplainRows> explain_model(std::shared_ptr<const Model> model, const std::string& device,
                                  std::shared_ptr<Platform> chips, const ModelOptions& options);

// "a x: why; b x: why; c y: other" as lines for people: "a/b x: why", "c y: other".
std::vector<std::string> grouped_refusals(std::string_view refusal);

// A table; fallbacks are yellow and say why.
std::string explain_text(const ExplainRows& rows, const char* unit, bool color);
Json explain_json(const ExplainRows& rows, const char* unit);

}  // namespace isthmus::cli
