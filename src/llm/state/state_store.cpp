// SPDX-License-Identifier: Apache-2.0
#include "llm/state/state_store.h"

#include <algorithm>
#include <string_view>

namespace isthmus {
namespace {

int64_t blocks_for(int64_t positions) { return (positions + kCacheBlock - 1) / kCacheBlock; }

}  // namespace

Result<std::unique_ptr<StateStore>> StateStore::create(std::vector<PlacedGroup> groups, int64_t blocks,
                                                       int64_t slots, bool prefix_reuse) {
  std::unique_ptr<StateStore> store(new StateStore);
  for (auto& [declaration, stream] : groups) {
    int64_t elements = 1;
    for (int64_t dim : declaration.dims) elements *= dim;
    const bool paged = declaration.kind == StateDeclaration::kPaged;
    if (!paged) store->has_slots_ = true;
    Group group;
    group.stream = stream;
    group.unit_bytes = static_cast<uint64_t>(dtype_bytes(declaration.dtype, elements));
    ASSIGN_OR_RETURN(
        group.buffer,
        stream->device().allocate(group.unit_bytes * static_cast<uint64_t>(paged ? blocks : slots)),
        "state '{}'", declaration.name);
    group.declaration = std::move(declaration);
    store->groups_.push_back(std::move(group));
  }
  store->pool_ = std::make_unique<BlockPool>(blocks);
  if (store->has_slots_)
    for (int64_t s = slots; s-- > 0;) store->free_slots_.push_back(static_cast<int32_t>(s));
  // A slot holds everything seen so far, so a shared beginning cannot be taken over without it.
  store->prefix_reuse_ = prefix_reuse && !store->has_slots_;
  return store;
}

uint64_t StateStore::bytes() const {
  uint64_t bytes = 0;
  for (const Group& group : groups_) bytes += group.buffer.bytes();
  return bytes;
}

Status StateStore::append(SequenceState& s, int64_t end) {
  if (has_slots_ && s.slot < 0) {
    if (free_slots_.empty()) return error(Code::kOutOfMemory, "every sequence slot is in use");
    s.slot = free_slots_.back();
    free_slots_.pop_back();
    for (const Group& group : groups_)
      if (group.declaration.kind == StateDeclaration::kSlot)
        RETURN_IF_ERROR(group.stream->fill(address(group, s.slot), 0, group.unit_bytes));
  }
  for (int64_t b = s.computed / kCacheBlock; b < blocks_for(end); ++b) {
    if (b == static_cast<int64_t>(s.blocks.size())) {
      ASSIGN_OR_RETURN(const int32_t block, pool_->take());
      s.blocks.push_back(block);
      continue;
    }
    const int32_t old = s.blocks[static_cast<size_t>(b)];
    if (!pool_->shared(old)) {
      pool_->unpublish(old);
      continue;
    }
    ASSIGN_OR_RETURN(const int32_t block, pool_->take());
    for (const Group& group : groups_)
      if (group.declaration.kind == StateDeclaration::kPaged)
        RETURN_IF_ERROR(group.stream->copy(address(group, block), address(group, old), group.unit_bytes));
    pool_->release(old);
    s.blocks[static_cast<size_t>(b)] = block;
  }
  return ok();
}

Result<SequenceState> StateStore::fork(const SequenceState& s) {
  SequenceState copy = s;
  if (s.slot >= 0) {
    if (free_slots_.empty()) return error(Code::kOutOfMemory, "every sequence slot is in use");
    copy.slot = free_slots_.back();
    free_slots_.pop_back();
    for (const Group& group : groups_)
      if (group.declaration.kind == StateDeclaration::kSlot)
        RETURN_IF_ERROR(
            group.stream->copy(address(group, copy.slot), address(group, s.slot), group.unit_bytes));
  }
  for (int32_t block : s.blocks) pool_->retain(block);
  return copy;
}

void StateStore::truncate(SequenceState& s, int64_t length) {
  if (length >= s.computed && blocks_for(s.computed) == static_cast<int64_t>(s.blocks.size())) return;
  length = std::min(length, s.computed);
  if (s.slot >= 0 && length < s.computed) {
    free_slots_.push_back(s.slot);
    s.slot = -1;
    length = 0;
  }
  const size_t keep = static_cast<size_t>(blocks_for(length));
  for (size_t b = keep; b < s.blocks.size(); ++b) pool_->release(s.blocks[b]);
  if (keep < s.blocks.size()) s.blocks.resize(keep);
  s.keys.resize(std::min(s.keys.size(), static_cast<size_t>(length / kCacheBlock)));
  s.computed = length;
}

void StateStore::release(SequenceState& s) {
  for (int32_t block : s.blocks) pool_->release(block);
  if (s.slot >= 0) free_slots_.push_back(s.slot);
  s = {};
}

void StateStore::reuse_prefix(SequenceState& s, std::span<const int32_t> tokens) {
  if (!prefix_reuse_ || s.computed % kCacheBlock) return;
  const int64_t whole = (static_cast<int64_t>(tokens.size()) - 1) / kCacheBlock;
  for (int64_t b = s.computed / kCacheBlock; b < whole; ++b) {
    uint64_t key = 0;
    const int32_t block =
        pool_->find(s.keys.empty() ? 0 : s.keys.back(),
                    tokens.subspan(static_cast<size_t>(b * kCacheBlock), kCacheBlock), &key);
    if (block < 0) return;
    s.blocks.push_back(block);
    s.keys.push_back(key);
    s.computed += kCacheBlock;
  }
}

void StateStore::publish(SequenceState& s, std::span<const int32_t> tokens) {
  if (!prefix_reuse_) return;
  while (static_cast<int64_t>(s.keys.size() + 1) * kCacheBlock <= s.computed) {
    const size_t b = s.keys.size();
    s.keys.push_back(
        pool_->publish(s.blocks[b], b ? s.keys.back() : 0, tokens.subspan(b * kCacheBlock, kCacheBlock)));
  }
}

Status StateStore::wait() const {
  for (const Group& group : groups_) RETURN_IF_ERROR(group.stream->wait());
  return ok();
}

template <typename Body>
Status StateStore::for_each_unit(const SequenceState& s, int64_t computed, Body body) const {
  for (int64_t b = 0; b < blocks_for(computed); ++b)
    for (const Group& group : groups_)
      if (group.declaration.kind == StateDeclaration::kPaged)
        RETURN_IF_ERROR(body(group, s.blocks[static_cast<size_t>(b)]));
  for (const Group& group : groups_)
    if (group.declaration.kind == StateDeclaration::kSlot && s.slot >= 0)
      RETURN_IF_ERROR(body(group, s.slot));
  return ok();
}

uint64_t StateStore::saved_bytes(int64_t computed) const {
  uint64_t bytes = 0;
  for (const Group& group : groups_)
    bytes += group.unit_bytes * (group.declaration.kind == StateDeclaration::kPaged
                                     ? static_cast<uint64_t>(blocks_for(computed))
                                     : static_cast<uint64_t>(computed > 0));
  return bytes;
}

Status StateStore::copy_out(const SequenceState& s, std::span<std::byte> bytes) {
  if (bytes.size() != saved_bytes(s.computed))
    return invalid_argument("saving takes {} bytes, {} given", saved_bytes(s.computed), bytes.size());
  std::byte* at = bytes.data();
  RETURN_IF_ERROR(for_each_unit(s, s.computed, [&](const Group& group, int32_t unit) {
    Status status = group.stream->download(at, address(group, unit), group.unit_bytes);
    at += group.unit_bytes;
    return status;
  }));
  return wait();
}

Result<SequenceState> StateStore::copy_in(int64_t computed, std::span<const std::byte> bytes) {
  if (computed < 0 || bytes.size() != saved_bytes(computed))
    return data_loss("a saved state of {} positions has {} bytes, expected {}", computed, bytes.size(),
                     computed < 0 ? 0 : saved_bytes(computed));
  SequenceState s;
  if (computed == 0) return s;
  Status status = append(s, computed);
  const std::byte* at = bytes.data();
  if (status.ok()) {
    status = for_each_unit(s, computed, [&](const Group& group, int32_t unit) {
      Status uploaded = group.stream->upload(address(group, unit), at, group.unit_bytes);
      at += group.unit_bytes;
      return uploaded;
    });
  }
  if (status.ok()) status = wait();
  if (!status.ok()) {
    release(s);
    return status;
  }
  s.computed = computed;
  return s;
}

uint64_t StateStore::fingerprint() const {
  uint64_t hash = 0xCBF29CE484222325u;
  const auto mix = [&](std::string_view text) {
    for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001B3u;
  };
  for (const Group& group : groups_)
    mix(fmt::format("{};{};{};{}|", static_cast<int>(group.declaration.kind), group.declaration.name,
                    dtype_name(group.declaration.dtype), fmt::join(group.declaration.dims, ",")));
  return hash;
}

}  // namespace isthmus
