// SPDX-License-Identifier: Apache-2.0
#include "graph/weight_store.h"

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
}

void WeightStore::release(Entry& entry) {
  if (entry.imported && device_->api().release_host)
    device_->api().release_host(device_->handle(), entry.address);
}

Result<isthmus_address_t> WeightStore::place(const Value& constant, const PreparedOp* op, int input) {
  const char* layout = op ? op->packed_layout(input) : nullptr;
  // Constants of several shapes may share their bytes.
  const std::pair key(constant.data, describe(constant.type) + (layout ? layout : ""));
  {
    std::lock_guard lock(mutex_);
    if (auto found = entries_.find(key); found != entries_.end()) return found->second.address;
  }
  if (cancelled_ && cancelled_()) return error(Code::kCancelled, "placing weights was cancelled");
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
  if (!layout) {
    if (device_->has(ISTHMUS_FEATURE_IMPORT)) {
      std::lock_guard lock(mutex_);
      use_.in_place += bytes;
    }
    return on_device(constant.data, bytes, constant.owner);
  }
  const PackedSource source{constant.data, bytes, constant.source, describe(constant.type)};
  ASSIGN_OR_RETURN(PackedBytes packed,
                   cache_.get(source, layout, op->packed_bytes(input), device_->plugin().host_options(),
                              [&](void* dst) { return op->pack(input, constant.data, dst); }));
  {
    std::lock_guard lock(mutex_);
    (packed.shared ? use_.packed : use_.private_memory) += packed.bytes;
    use_.packed_now += packed.made;
  }
  const void* host = packed.data.get();
  return on_device(host, packed.bytes, std::move(packed.data));
}

Result<WeightStore::Entry> WeightStore::on_device(const void* host, uint64_t bytes,
                                                  std::shared_ptr<const void> owner) {
  Entry entry;
  if (device_->has(ISTHMUS_FEATURE_IMPORT) && device_->api().import_host) {
    entry.imported = true;
    entry.host = std::move(owner);
    RETURN_IF_ERROR(device_->status(
        device_->api().import_host(device_->handle(), host, bytes, &entry.address), "importing host memory"));
    return entry;
  }
  ASSIGN_OR_RETURN(entry.buffer, device_->allocate(bytes));
  entry.address = entry.buffer.address();
  ASSIGN_OR_RETURN(const auto stream, device_->create_stream());
  RETURN_IF_ERROR(stream->upload(entry.address, host, bytes));
  RETURN_IF_ERROR(stream->wait());
  std::lock_guard lock(mutex_);
  use_.private_memory += bytes;
  return entry;
}

WeightStore::Use WeightStore::use() const {
  std::lock_guard lock(mutex_);
  return use_;
}

}  // namespace isthmus
