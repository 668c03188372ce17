// SPDX-License-Identifier: Apache-2.0
#include "graph/profile.h"

#include <time.h>

namespace isthmus {

int64_t monotonic_ns() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

void Profile::set_host_options(HostOptions& options) {
  options.span_context = this;
  options.span = [](void* context, const isthmus_span_t* span) {
    static_cast<Profile*>(context)->add(span->mark, span->begin_ns, span->end_ns, span->lane);
  };
}

void Profile::record(bool on) { recording_ = on; }

uint64_t Profile::begin(Entry entry) {
  std::lock_guard lock(mutex_);
  if (!recording_) return 0;
  entries_.push_back(std::move(entry));
  return entries_.size();
}

void Profile::add(uint64_t mark, int64_t begin_ns, int64_t end_ns, int32_t lane) {
  std::lock_guard lock(mutex_);
  // A plug-in may report anything.
  if (mark == 0 || mark > entries_.size() || end_ns < begin_ns) return;
  spans_.push_back({mark - 1, begin_ns, end_ns, lane});
}

void Profile::clear() {
  std::lock_guard lock(mutex_);
  entries_.clear();
  spans_.clear();
}

}  // namespace isthmus
