// SPDX-License-Identifier: Apache-2.0
// Two ways to keep memory at hand: a pool that grows in place by mapping pages behind those it has, where the
// device can do that, and one of allocations that are used again, anywhere.
#include <vector>

#include "check.h"

namespace {

// One range of addresses, of which more and more has memory behind it.
class GrowingPool {
 public:
  // False where the device cannot map pages.
  bool open(int32_t device, size_t most) {
    prop_.location.id = static_cast<uint32_t>(device);
    prop_.location.type = ACL_MEM_LOCATION_TYPE_DEVICE;
    prop_.memAttr = ACL_HBM_MEM_HUGE;
    const aclError code =
        aclrtMemGetAllocationGranularity(&prop_, ACL_RT_MEM_ALLOC_GRANULARITY_RECOMMENDED, &piece_);
    if (code == ACL_ERROR_RT_FEATURE_NOT_SUPPORT) return false;
    CHECK(code);
    CHECK(aclrtReserveMemAddress(&base_, most, 0, nullptr, 1));
    return true;
  }
  ~GrowingPool() {
    for (size_t i = 0; i < pages_.size(); ++i) {
      CHECK(aclrtUnmapMem(static_cast<char*>(base_) + i * piece_));
      CHECK(aclrtFreePhysical(pages_[i]));
    }
    if (base_) CHECK(aclrtReleaseMemAddress(base_));
  }
  void* take(size_t bytes) {
    bytes = (bytes + 127) / 128 * 128;
    while (used_ + bytes > pages_.size() * piece_) {
      aclrtDrvMemHandle page = nullptr;
      CHECK(aclrtMallocPhysical(&page, piece_, &prop_, 0));
      CHECK(aclrtMapMem(static_cast<char*>(base_) + pages_.size() * piece_, piece_, 0, page, 0));
      pages_.push_back(page);
    }
    void* const taken = static_cast<char*>(base_) + used_;
    used_ += bytes;
    return taken;
  }
  size_t pages() const { return pages_.size(); }

 private:
  aclrtPhysicalMemProp prop_ = {};
  size_t piece_ = 0, used_ = 0;
  void* base_ = nullptr;
  std::vector<aclrtDrvMemHandle> pages_;
};

// Allocations that were given back, the first large enough used again.
class ReusingPool {
 public:
  ~ReusingPool() {
    for (const auto& [memory, bytes] : free_) CHECK(aclrtFree(memory));
  }
  void* take(size_t bytes) {
    for (auto& entry : free_) {
      if (entry.second < bytes) continue;
      void* const memory = entry.first;
      entry = free_.back();
      free_.pop_back();
      return memory;
    }
    ++made;
    void* memory = nullptr;
    CHECK(aclrtMalloc(&memory, bytes, ACL_MEM_MALLOC_HUGE_FIRST));
    return memory;
  }
  void give_back(void* memory, size_t bytes) { free_.emplace_back(memory, bytes); }
  int made = 0;

 private:
  std::vector<std::pair<void*, size_t>> free_;
};

}  // namespace

int main() {
  CHECK(aclInit(nullptr));
  CHECK(aclrtSetDevice(0));
  {
    GrowingPool pool;
    if (pool.open(0, size_t{1} << 30)) {
      for (int i = 0; i < 10; ++i) {
        constexpr size_t kBytes = 1 << 20;
        void* const memory = pool.take(kBytes);  // every second one lies across two pages
        CHECK(aclrtMemset(memory, kBytes, i, kBytes));
      }
      printf("10 MiB taken of a range that grew; %s\n", pool.pages() >= 5 ? "page by page" : "at once");
    } else {
      printf("this device cannot map pages: %s\n", aclGetRecentErrMsg());
    }
  }
  {
    ReusingPool pool;
    for (int i = 0; i < 100; ++i) {
      void* const memory = pool.take(4096);
      CHECK(aclrtMemset(memory, 4096, i, 4096));
      pool.give_back(memory, 4096);
    }
    printf("100 uses, %d allocation\n", pool.made);
  }
  CHECK(aclrtResetDevice(0));
  CHECK(aclFinalize());
  return 0;
}
