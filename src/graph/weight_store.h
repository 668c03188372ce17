// SPDX-License-Identifier: Apache-2.0
// Constants on a device: read in place, packed once, or uploaded; each layout of each constant held once.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "graph/graph.h"
#include "ops/prepared_op.h"
#include "runtime/packed_cache.h"

namespace isthmus {

uint64_t constant_bytes(const Value& constant);

// Shared by all executables of a model on one device. Thread-safe.
class WeightStore {
 public:
  // cancelled: asked before each weight, from any thread; true makes place() fail with kCancelled.
  WeightStore(DevicePtr device, PackedCache cache, std::function<bool()> cancelled = {})
      : device_(std::move(device)), cache_(std::move(cache)), cancelled_(std::move(cancelled)) {}
  ~WeightStore();

  // Where the constant lies in the layout that input `input` of `op` wants; as it is when op is null.
  Result<isthmus_address_t> place(const Value& constant, const PreparedOp* op = nullptr, int input = 0);

  struct Use {
    uint64_t in_place = 0;  // bytes read from where the model's file is mapped
    uint64_t packed = 0;    // bytes in packed layouts, mapped from the cache
    uint64_t private_memory =
        0;               // bytes held by this process alone: uploads, and packed layouts without a cache
    int packed_now = 0;  // weights that were not in the cache yet
  };
  Use use() const;

 private:
  struct Entry {
    isthmus_address_t address = 0;
    Buffer buffer;                     // uploaded
    std::shared_ptr<const void> host;  // imported: the constant's owner or packed bytes
    bool imported = false;
  };
  void release(Entry& entry);
  Result<Entry> make(const Value& constant, const PreparedOp* op, int input);
  Result<Entry> on_device(const void* host, uint64_t bytes, std::shared_ptr<const void> owner);

  DevicePtr device_;
  PackedCache cache_;
  std::function<bool()> cancelled_;
  mutable std::mutex mutex_;
  std::map<std::pair<const void*, std::string>, Entry> entries_;  // by bytes, and shape and layout
  Use use_;
};

}  // namespace isthmus
