// SPDX-License-Identifier: Apache-2.0
// Handles given to programs: never pointers to objects, so that a stale or foreign one is an error.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "base/status.h"

namespace isthmus::cann {

// Objects of one kind, each under a handle: slot, generation and kind in one pointer-sized number that is
// never a valid address. Thread-safe.
template <typename T>
class HandleTable {
 public:
  // kind: 1 to 127, another one for each table; name: for messages, "aclTensor".
  HandleTable(uint8_t kind, const char* name) : kind_(kind), name_(name) {}

  void* add(std::shared_ptr<T> object) {
    std::lock_guard lock(mutex_);
    if (free_.empty()) {
      free_.push_back(static_cast<uint32_t>(slots_.size()));
      slots_.emplace_back();
    }
    const uint32_t at = free_.back();
    free_.pop_back();
    slots_[at].object = std::move(object);
    ++size_;
    return handle_of(at, slots_[at].generation);
  }

  // Fails for null, a destroyed handle and one of another kind; the sentence says which.
  Result<std::shared_ptr<T>> find(const void* handle) const {
    std::lock_guard lock(mutex_);
    ASSIGN_OR_RETURN(const uint32_t at, slot_of(handle));
    return slots_[at].object;
  }

  // Puts another object in its place. Objects are never changed: other threads may be reading them.
  Status replace(const void* handle, std::shared_ptr<T> object) {
    std::lock_guard lock(mutex_);
    ASSIGN_OR_RETURN(const uint32_t at, slot_of(handle));
    slots_[at].object.swap(object);
    return ok();
  }

  // The object, whose handle is dead from now on.
  Result<std::shared_ptr<T>> remove(const void* handle) {
    std::lock_guard lock(mutex_);
    ASSIGN_OR_RETURN(const uint32_t at, slot_of(handle));
    std::shared_ptr<T> object = std::move(slots_[at].object);
    slots_[at].object = nullptr;
    --size_;
    // A slot whose generations are used up is left for good, lest a handle of long ago be right again.
    if (++slots_[at].generation <= kLastGeneration) free_.push_back(at);
    return object;
  }

  size_t size() const {
    std::lock_guard lock(mutex_);
    return size_;
  }

 private:
  struct Slot {
    std::shared_ptr<T> object;
    uint32_t generation = 1;
  };
  static constexpr uint32_t kLastGeneration = (1 << 20) - 1;

  // Bit 63 is set, which no address of a program has; then kind (7), slot (28), generation (20), and 8 bits
  // of zeros below, so that the number looks aligned.
  void* handle_of(uint32_t slot, uint32_t generation) const {
    return reinterpret_cast<void*>(uint64_t{1} << 63 | uint64_t{kind_} << 56 | uint64_t{slot} << 28 |
                                   uint64_t{generation} << 8);
  }

  Result<uint32_t> slot_of(const void* handle) const {
    const auto bits = reinterpret_cast<uint64_t>(handle);
    if (!handle) return invalid_argument("the {} is null", name_);
    if (bits >> 63 == 0 || (bits & 0xff) != 0) return invalid_argument("{:#x} is no {}", bits, name_);
    if ((bits >> 56 & 0x7f) != kind_)
      return invalid_argument("{:#x} is no {} but another kind of object", bits, name_);
    const auto at = static_cast<uint32_t>(bits >> 28 & 0xfffffff);
    if (at >= slots_.size() || slots_[at].generation != (bits >> 8 & kLastGeneration) || !slots_[at].object)
      return invalid_argument("the {} {:#x} was destroyed before", name_, bits);
    return at;
  }

  const uint8_t kind_;
  const char* const name_;
  mutable std::mutex mutex_;
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_;
  size_t size_ = 0;
};

}  // namespace isthmus::cann
