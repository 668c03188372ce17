// SPDX-License-Identifier: Apache-2.0
// A chip under test: its plug-in opened through plugin.h alone, and one operator run on it with everything
// around its operands watched.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "isthmus/plugin.h"
#include "ops/samples.h"

namespace isthmus::conformance {

// How often a dimension may change between prepare and run.
enum class Dims { kFixed, kRange };

struct Outcome {
  std::string implementation;       // what ran
  std::vector<HostTensor> results;  // outputs, then state inputs as they were left
};

class Chip {
 public:
  // Loads the library and opens device 0 with that many threads.
  static Result<std::unique_ptr<Chip>> open(const std::string& path, int threads);
  ~Chip();
  Chip(const Chip&) = delete;
  Chip& operator=(const Chip&) = delete;

  std::string name() const;

  // Prepares and runs one case. kUnimplemented: the chip refuses, with its reason. Any other error is a
  // fault: among them bytes written outside of outputs and workspace, or into an input. Dims::kRange prepares
  // with larger dims than it runs with; kFailedPrecondition when the case has none to vary.
  Result<Outcome> run(const OpDef& def, const SampleCase& sample, Dims dims);

 private:
  Chip() = default;
  Status check(isthmus_status_t status, const char* entry);

  isthmus_host_t host_{};
  void* library_ = nullptr;
  const isthmus_plugin_t* plugin_ = nullptr;
  isthmus_chip_device_t* device_ = nullptr;
  isthmus_chip_stream_t* stream_ = nullptr;
  std::string message_;  // of the last report_error
};

}  // namespace isthmus::conformance
