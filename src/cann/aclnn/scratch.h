// SPDX-License-Identifier: Apache-2.0
// Memory for intermediate results that each stream keeps for its calls, one after the other.
//
// Programs are asked for a workspace only where much is needed. Elementwise operators need none on the chips
// CANN was made for, and programs rely on it: some give memory back to the pool that workspaces come from
// before the call that still reads it.
#pragma once

#include "base/status.h"
#include "runtime/device.h"

namespace isthmus::cann {

// Plans that need more ask the program.
inline constexpr uint64_t kMostScratch = uint64_t{64} << 20;

// At least so many bytes, for the work that is put on the stream next. Waits for the stream when it must
// grow.
Result<isthmus_address_t> scratch_of(Stream& stream, uint64_t bytes);
// Before a stream ends, when all its work is done.
void forget_scratch(const Stream& stream);

}  // namespace isthmus::cann
