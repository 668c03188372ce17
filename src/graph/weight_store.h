// SPDX-License-Identifier: Apache-2.0
// Constants on a device: read in place, packed once, or uploaded; each layout of each constant held once.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "ops/prepared_op.h"
#include "runtime/packed_cache.h"

namespace isthmus {

uint64_t constant_bytes(const Value& constant);

// Where weights lie on a chip that can read the host's memory; on another they are always resident.
enum class WeightMode {
  // Read where the model's file, or the packed copy of it in the cache, is mapped: shared by processes, ready
  // as soon as it is mapped, and given back by the system when memory runs short.
  kMapped,
  // Packed weights are copied into memory of this process, on 2 MiB pages where the system has them. What the
  // chip reads as the file has it (norms, embedding tables) stays mapped.
  kResident,
};

struct WeightOptions {
  PackedCache cache{""};
  WeightMode mode = WeightMode::kMapped;
  // Asked before each weight, from any thread; true makes place() fail with kCancelled.
  std::function<bool()> cancelled;
};

// Shared by all executables of a model on one device. Thread-safe.
class WeightStore {
 public:
  explicit WeightStore(DevicePtr device, WeightOptions options = {})
      : device_(std::move(device)), options_(std::move(options)) {}
  ~WeightStore();

  // Where the constant lies in the layout that input `input` of `op` wants; as it is when op is null.
  Result<isthmus_address_t> place(const Value& constant, const PreparedOp* op = nullptr, int input = 0);

  // Bytes of each kind.
  struct Use {
    uint64_t in_place = 0;  // read where the model's file is mapped
    uint64_t packed = 0;    // read where packed copies in the cache are mapped
    uint64_t resident = 0;  // held by this process, or on the device, alone
  };
  Use use() const;

 private:
  struct Entry {
    isthmus_address_t address = 0;
    bool imported = false;
    std::shared_ptr<const void> host;  // keeps what is imported alive
  };
  void release(Entry& entry);
  void count(uint64_t bytes, uint64_t Use::* kind);
  Result<Entry> make(const Value& constant, const PreparedOp* op, int input);
  Result<Entry> import_host(const void* host, uint64_t bytes, std::shared_ptr<const void> owner);
  Result<Entry> upload(const void* host, uint64_t bytes);
  Result<isthmus_address_t> reserve(uint64_t bytes);

  DevicePtr device_;
  WeightOptions options_;
  mutable std::mutex mutex_;
  std::map<std::pair<const void*, std::string>, Entry> entries_;  // by bytes, and shape and layout
  std::vector<Buffer> chunks_;                                    // resident weights, one after the other
  uint64_t chunk_used_ = 0;                                       // of the last
  Use use_;
};

}  // namespace isthmus
