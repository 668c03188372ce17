// SPDX-License-Identifier: Apache-2.0
// For tests: a graph compiled for a chip of the build, and its runs.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>

#include "graph/builder.h"
#include "graph/executable.h"
#include "runtime/platform.h"

namespace isthmus {

// A compiled graph with its stream; values go in and out as host bytes.
class Program {
 public:
  Program(GraphBuilder& b, const char* device, PreparePolicy policy = {}) {
    setenv("ISTHMUS_PLUGIN_PATH", ISTHMUS_PLUGIN_DIR, 1);
    setenv("ISTHMUS_NULL_DEVICE", "1", 1);
    platform_ = Platform::discover().value();
    device_ = platform_->open(device).value();
    stream_ = device_->create_stream().value();
    Result<Graph> graph = b.finish();
    EXPECT_TRUE(graph.ok()) << graph.status().message();
    CompileOptions options;
    options.policy = policy;
    auto executable = Executable::compile(std::move(graph).value(), device_,
                                          std::make_shared<WeightStore>(device_), options);
    status_ = executable.status();
    if (executable.ok()) executable_ = std::move(executable).value();
  }
  const Status& status() const { return status_; }
  Executable& executable() { return *executable_; }

  template <typename T>
  void set(const char* name, const std::vector<T>& values) {
    const isthmus_address_t address = executable_->input(name).value();
    EXPECT_TRUE(stream_->upload(address, values.data(), values.size() * sizeof(T)).ok());
    EXPECT_TRUE(stream_->wait().ok());
  }
  template <typename T>
  void bind(const char* name, const std::vector<T>& values) {
    states_.push_back(device_->allocate(values.size() * sizeof(T)).value());
    EXPECT_TRUE(stream_->upload(states_.back().address(), values.data(), values.size() * sizeof(T)).ok());
    EXPECT_TRUE(stream_->wait().ok());
    EXPECT_TRUE(executable_->bind_state(name, states_.back().address()).ok());
  }
  void run(std::vector<int64_t> symbols = {}) {
    const Status status = executable_->run(symbols, *stream_);
    EXPECT_TRUE(status.ok()) << status.message();
  }
  template <typename T = float>
  std::vector<T> get(const char* name, size_t count) {
    std::vector<T> values(count);
    const isthmus_address_t address = executable_->output(name).value();
    EXPECT_TRUE(stream_->download(values.data(), address, count * sizeof(T)).ok());
    EXPECT_TRUE(stream_->wait().ok());
    return values;
  }

  Stream& stream() { return *stream_; }

 private:
  std::shared_ptr<Platform> platform_;
  DevicePtr device_;
  std::unique_ptr<Stream> stream_;
  std::vector<Buffer> states_;
  std::unique_ptr<Executable> executable_;
  Status status_;
};

}  // namespace isthmus
