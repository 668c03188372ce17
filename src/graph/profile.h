// SPDX-License-Identifier: Apache-2.0
// What ran when: every operator that executables put on streams, and the stretches of time in which a chip's
// execution units worked on it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "ops/op_def.h"
#include "runtime/plugin.h"

namespace isthmus {

// Give host_options' fields to Platform::discover, and the profile to executables; it outlives both.
// Recording starts off. Thread-safe.
class Profile {
 public:
  // What a node is, for as long as the symbols stay.
  struct Kind {
    std::string device;  // "cpu:0"
    std::string op, name, implementation;
    std::string shapes;              // "[1, 576] F32, [1536, 576] Q4_1 -> [1, 1536] F32"
    Dtype weight = Dtype::kInvalid;  // of the first constant operand
    bool fallback = false;
    bool host_clock = false;  // the chip keeps no spans: timed from here, waiting after the operator
    // Operands, for the operator's rule of work.
    std::vector<TensorType> types;
    std::vector<std::vector<int64_t>> dims;
  };
  // One operator of one run.
  struct Entry {
    std::shared_ptr<const Kind> kind;
    OpWork work;
  };
  struct Span {
    uint64_t entry;  // index into entries()
    int64_t begin_ns, end_ns;
    int32_t lane;
  };

  void set_host_options(HostOptions& options);
  void record(bool on);
  bool recording() const { return recording_; }

  // The mark under which an operator's spans come; 0 while not recording.
  uint64_t begin(Entry entry);
  void add(uint64_t mark, int64_t begin_ns, int64_t end_ns, int32_t lane);

  // Only while nothing runs.
  const std::vector<Entry>& entries() const { return entries_; }
  const std::vector<Span>& spans() const { return spans_; }
  void clear();

 private:
  std::atomic<bool> recording_{false};  // read before every operator
  std::mutex mutex_;
  std::vector<Entry> entries_;
  std::vector<Span> spans_;
};

int64_t monotonic_ns();  // the clock of spans

}  // namespace isthmus
