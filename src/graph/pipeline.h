// SPDX-License-Identifier: Apache-2.0
// A graph run by several chips in turn, each with a part of it. Runs overlap: while a later part works on one
// run, an earlier one works on the next, and what passes between them is copied beside the computing. With
// one part it is an executable and its stream.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

#include "graph/executable.h"

namespace isthmus {

class Pipeline {
 public:
  struct Part {
    DevicePtr device;
    std::shared_ptr<WeightStore> weights;  // of that device
    size_t first_node = 0;                 // where it begins in the graph as built; 0 for the first part
  };
  // A part's stream for its work is made here; parts may be on one device.
  static Result<std::unique_ptr<Pipeline>> compile(const Graph& graph, std::vector<Part> parts,
                                                   const CompileOptions& options = {});
  ~Pipeline();

  size_t size() const;
  const Executable& executable(size_t part) const;
  // Other work on what a part uses; only while nothing is started.
  Stream& stream(size_t part) const;
  // The part that uses the state; 0 if none does.
  size_t part_of_state(std::string_view name) const;
  Status bind_state(std::string_view name, isthmus_address_t address);
  // See Executable::observe. Several parts show one run's values in order; start one run at a time.
  void observe(const Executable::Observer& observer);
  void profile(Profile* profile);  // see Executable::profile
  // The rows of all parts.
  std::vector<Executable::ReportRow> report() const;

  struct Input {
    std::string_view name;
    const void* data;
    uint64_t bytes;  // at these symbols
  };
  struct Output {
    std::string_view name;
    void* data;
    uint64_t bytes;
  };
  struct Run {
    std::vector<Input> inputs;
    std::vector<int64_t> symbols;
    std::vector<Output> outputs;
    CacheLoad load = {};  // for profiles
  };
  // Starts a run after those before it. What it names stays valid until wait() returns. May block while the
  // parts are busy with earlier runs. One thread at a time calls start and wait.
  Status start(Run run);
  // Waits for all that was started; the first error since the last wait.
  Status wait();

 private:
  class Stage;
  Pipeline();
  Status connect();
  void work(Stage& stage);
  Status process(Stage& stage, const Run& run, uint64_t number);
  Status receive(Stage& stage, std::span<const int64_t> symbols, uint64_t number);
  Status send(Stage& stage, std::span<const int64_t> symbols, uint64_t number);

  std::vector<std::unique_ptr<Stage>> stages_;
  std::mutex mutex_;                 // of what follows, and of the stages' queues and counts
  std::condition_variable changed_;  // any of it
  uint64_t started_ = 0, finished_ = 0;
  Status failed_;  // the first error since the last wait
  bool closing_ = false;
};

}  // namespace isthmus
