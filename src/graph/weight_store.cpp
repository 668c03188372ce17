// SPDX-License-Identifier: Apache-2.0
#include "graph/weight_store.h"

#include <algorithm>

namespace isthmus {

uint64_t constant_bytes(const Value& constant) {
  int64_t elements = 1;
  for (const Dim& dim : constant.type.shape) elements *= dim.offset;
  return static_cast<uint64_t>(dtype_bytes(constant.type.dtype, elements));
}

namespace {

std::string describe(const TensorType& type) {
  std::string description{dtype_name(type.dtype)};
  for (const Dim& dim : type.shape) description += fmt::format("x{}", dim.offset);
  return description;
}

}  // namespace

WeightStore::~WeightStore() {
  for (auto& [key, entry] : entries_) release(entry);
  if (chunks_.empty()) return;
  chunks_.clear();
  device_->release_cached();  // Nothing else is that large and comes again.
}

void WeightStore::release(Entry& entry) {
  if (entry.imported) device_->api().release_host(device_->handle(), entry.address);
}

Result<isthmus_address_t> WeightStore::place(const Value& constant, const PreparedOp* op, int input) {
  const char* layout = op ? op->packed_layout(input) : nullptr;
  // Constants of several shapes may share their bytes.
  const std::pair key(constant.data, describe(constant.type) + (layout ? layout : ""));
  {
    std::lock_guard lock(mutex_);
    if (auto found = entries_.find(key); found != entries_.end()) return found->second.address;
  }
  if (options_.cancelled && options_.cancelled())
    return error(Code::kCancelled, "placing weights was cancelled");
  // Made without the lock, so that several weights are packed at once; the loser of a race is dropped.
  ASSIGN_OR_RETURN(Entry entry, make(constant, op, input), "placing weight '{}'", constant.name);
  std::lock_guard lock(mutex_);
  const auto [at, added] = entries_.try_emplace(key, std::move(entry));
  if (!added) release(entry);  // try_emplace left it as it was
  return at->second.address;
}

Result<WeightStore::Entry> WeightStore::make(const Value& constant, const PreparedOp* op, int input) {
  const uint64_t bytes = constant_bytes(constant);
  const char* layout = op ? op->packed_layout(input) : nullptr;
  const bool can_import = device_->has(ISTHMUS_FEATURE_IMPORT);
  if (!layout) {
    if (!can_import) return upload(constant.data, bytes);
    count(bytes, &Use::in_place);
    return import_host(constant.data, bytes, constant.owner);
  }
  const PackedSource source{constant.data, bytes, constant.source, describe(constant.type)};
  ASSIGN_OR_RETURN(PackedBytes packed, options_.cache.get(source, layout, op->packed_bytes(input),
                                                          device_->plugin().host_options(), [&](void* dst) {
                                                            return op->pack(input, constant.data, dst);
                                                          }));
  const void* host = packed.data.get();
  if (!can_import || options_.mode == WeightMode::kResident) return upload(host, packed.bytes);
  count(packed.bytes, packed.shared ? &Use::packed : &Use::resident);
  return import_host(host, packed.bytes, std::move(packed.data));
}

void WeightStore::count(uint64_t bytes, uint64_t Use::* kind) {
  std::lock_guard lock(mutex_);
  use_.*kind += bytes;
}

Result<WeightStore::Entry> WeightStore::import_host(const void* host, uint64_t bytes,
                                                    std::shared_ptr<const void> owner) {
  Entry entry;
  entry.imported = true;
  entry.host = std::move(owner);
  RETURN_IF_ERROR(device_->status(device_->api().import_host(device_->handle(), host, bytes, &entry.address),
                                  "importing host memory"));
  return entry;
}

Result<WeightStore::Entry> WeightStore::upload(const void* host, uint64_t bytes) {
  ASSIGN_OR_RETURN(const isthmus_address_t address, reserve(bytes));
  ASSIGN_OR_RETURN(const auto stream, device_->create_stream());
  RETURN_IF_ERROR(stream->upload(address, host, bytes));
  RETURN_IF_ERROR(stream->wait());
  count(bytes, &Use::resident);
  Entry entry;
  entry.address = address;
  return entry;
}

Result<isthmus_address_t> WeightStore::reserve(uint64_t bytes) {
  constexpr uint64_t kLeast = 2u << 20, kMost = 64u << 20;
  const uint64_t alignment = device_->properties().alignment_bytes;
  std::lock_guard lock(mutex_);
  chunk_used_ = (chunk_used_ + alignment - 1) / alignment * alignment;
  if (chunks_.empty() || chunk_used_ > chunks_.back().bytes() ||
      chunks_.back().bytes() - chunk_used_ < bytes) {
    // A sixteenth of what is there already, so that little is left over.
    const uint64_t share = std::clamp(use_.resident / 16, kLeast, kMost);
    ASSIGN_OR_RETURN(Buffer chunk, device_->allocate(Device::block_bytes(std::max(share, bytes))));
    chunks_.push_back(std::move(chunk));
    chunk_used_ = 0;
  }
  const isthmus_address_t address = chunks_.back().address() + chunk_used_;
  chunk_used_ += bytes;
  return address;
}

WeightStore::Use WeightStore::use() const {
  std::lock_guard lock(mutex_);
  return use_;
}

}  // namespace isthmus
