// SPDX-License-Identifier: Apache-2.0
#include "cann/runtime/kept_results.h"

#include <algorithm>
#include <atomic>
#include <list>
#include <mutex>
#include <vector>

#include "cann/runtime/memory.h"
#include "cann/runtime/stream.h"

namespace isthmus::cann {
namespace {

// Each note of a write looks at all of them.
constexpr size_t kMostResults = 8;

struct Kept {
  std::shared_ptr<const void> what;
  const Stream* stream = nullptr;  // another one may not wait for this one's work
  std::vector<Stretch> reads;
  Stretch writes;
  std::vector<bool> valid;  // by part
};

// Never destroyed: programs may call until their last moment.
struct Results {
  std::mutex mutex;
  std::list<Kept> list;  // the latest used first
  bool none = false;
};
Results& results() {
  static auto* const results = new Results;
  return *results;
}
// So that most writes need no lock. Whoever keeps a result sets it and then looks whether anybody writes;
// whoever writes says so, or holds its stream, and then looks here: one of the two sees the other.
std::atomic<size_t> count{0};
std::atomic<size_t> writes_now{0};

bool is_device_memory(const Stretch& s, int64_t parts) {
  const uint64_t bytes = s.step * static_cast<uint64_t>(parts - 1) + s.bytes;
  const auto memory = find_memory(reinterpret_cast<const void*>(s.begin), bytes);
  return memory.ok() && memory->kind == MemoryKind::kDevice;
}

void forget_parts(Kept& result, const Stretch& s, uint64_t begin, uint64_t bytes) {
  const uint64_t end = begin + bytes, all = s.step * (result.valid.size() - 1) + s.bytes;
  if (begin >= s.begin + all || end <= s.begin) return;
  for (size_t i = 0; i < result.valid.size(); ++i) {
    const uint64_t at = s.begin + s.step * i;
    if (begin < at + s.bytes && at < end) result.valid[i] = false;
  }
}

// Holding the mutex.
void forget_where(uint64_t begin, uint64_t bytes, const Kept* but) {
  for (Kept& result : results().list) {
    if (&result == but) continue;
    forget_parts(result, result.writes, begin, bytes);
    for (const Stretch& read : result.reads) forget_parts(result, read, begin, bytes);
  }
}

// Holding the mutex: the entry of this computation, made if need be, as the first of the list.
Kept& entry(const std::shared_ptr<const void>& what, const Stream& stream, std::span<const Stretch> reads,
            const Stretch& writes, int64_t parts) {
  std::list<Kept>& list = results().list;
  const auto found = std::find_if(list.begin(), list.end(), [&](const Kept& r) {
    return r.what == what && r.stream == &stream && r.writes == writes &&
           std::equal(r.reads.begin(), r.reads.end(), reads.begin(), reads.end());
  });
  if (found != list.end()) {
    list.splice(list.begin(), list, found);
  } else {
    list.push_front({what,
                     &stream,
                     {reads.begin(), reads.end()},
                     writes,
                     std::vector<bool>(static_cast<size_t>(parts), false)});
    if (list.size() > kMostResults) list.pop_back();
    count = list.size();
  }
  return list.front();
}

}  // namespace

Status run_changed_parts(const std::shared_ptr<const void>& what, const Stream& stream,
                         std::span<const Stretch> reads, const Stretch& writes, int64_t parts,
                         const std::function<Status(int64_t)>& run) {
  bool kept = is_device_memory(writes, parts);
  for (const Stretch& read : reads) kept = kept && is_device_memory(read, parts);
  std::vector<bool> valid(static_cast<size_t>(parts), false);
  {
    std::lock_guard lock(results().mutex);
    Kept* result = kept && !results().none ? &entry(what, stream, reads, writes, parts) : nullptr;
    if (result) valid = result->valid;
    for (size_t i = 0; i < valid.size(); ++i)
      if (!valid[i]) forget_where(writes.begin + writes.step * i, writes.bytes, result);
    // Before they are put on the stream: who writes from now on takes it back.
    if (result) result->valid.assign(valid.size(), writes_now == 0 && other_streams_idle(stream));
  }
  for (size_t i = 0; i < valid.size(); ++i) {
    if (valid[i]) continue;
    if (Status status = run(static_cast<int64_t>(i)); !status.ok()) {
      forget_results();
      return status;
    }
  }
  return ok();
}

void note_write(uint64_t begin, uint64_t bytes) {
  if (count == 0) return;
  std::lock_guard lock(results().mutex);
  forget_where(begin, bytes, nullptr);
}

WriteNow::WriteNow(uint64_t begin, uint64_t bytes) {
  ++writes_now;
  note_write(begin, bytes);
}
WriteNow::~WriteNow() { --writes_now; }

void forget_results() {
  std::list<Kept> dropped;  // after the lock
  std::lock_guard lock(results().mutex);
  dropped.swap(results().list);
  count = 0;
}

void keep_no_results() {
  forget_results();
  std::lock_guard lock(results().mutex);
  results().none = true;
}

}  // namespace isthmus::cann
