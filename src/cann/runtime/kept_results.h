// SPDX-License-Identifier: Apache-2.0
// Which device memory holds what was computed from which other memory, as long as nobody writes to either: a
// program that asks for the same again, as one that turns a whole table into another dtype for each row it
// takes of it, gets it without the work.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "cann/runtime.h"

namespace isthmus::cann {

// What one part of a computation reads or writes; with each further part it lies `step` bytes further on.
struct Stretch {
  uint64_t begin = 0, bytes = 0, step = 0;
  bool operator==(const Stretch&) const = default;
};

// Calls run(i), which puts part i on the stream, for each part whose result is not there any more, or never
// was. `what` is the same object for the same computation only. Everything counts as changed that is not
// device memory, and nothing is kept that is computed while another stream or thread is writing: its write
// was noted before.
Status run_changed_parts(const std::shared_ptr<const void>& what, const Stream& stream,
                         std::span<const Stretch> reads, const Stretch& writes, int64_t parts,
                         const std::function<Status(int64_t)>& run);

// Every write to device memory that a stream does passes here before it is put on it, and every end of
// memory.
void note_write(uint64_t begin, uint64_t bytes);
// And while it lives, a write that the calling thread does itself.
class WriteNow {
 public:
  WriteNow(uint64_t begin, uint64_t bytes);
  ~WriteNow();
  WriteNow(const WriteNow&) = delete;
  WriteNow& operator=(const WriteNow&) = delete;
};
// Nothing that was computed counts any more: some of it may have failed.
void forget_results();
// And nothing will: memory can be written in ways that nobody notes.
void keep_no_results();

}  // namespace isthmus::cann
