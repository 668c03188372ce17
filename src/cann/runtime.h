// SPDX-License-Identifier: Apache-2.0
// What operators need of the runtime face: the device of the calling thread, and a way onto a stream.
#pragma once

#include <functional>
#include <memory>

#include "acl/acl_base.h"
#include "base/status.h"
#include "runtime/device.h"

namespace isthmus::cann {

// Of the calling thread's current context; fails with ACL_ERROR_RT_CONTEXT_NULL's sentence when there is
// none.
Result<DevicePtr> current_device();

// One piece of work, put on a stream now or at every replay of a capture. It holds whatever it needs for as
// long as it lives; `stream` is the chip's stream.
class Work {
 public:
  virtual ~Work() = default;
  virtual Status put_on(Stream& stream) = 0;
  // Whether it may be put now; until it is, it and what comes behind it wait. Only work that waits for
  // something else than the chip says no.
  virtual bool ready() { return true; }
};

// Puts work on the stream (null: the default stream of the current context), or records it while the stream
// is captured. The work is kept alive until the stream has done it. Fails when the stream's handle is stale.
Status put(aclrtStream stream, std::shared_ptr<Work> work);

// Fails unless all of these bytes lie in one allocation of the device that is not freed, or in the pages
// behind it, which nobody else has. Cheap enough for every operand of every call.
Status check_device_memory(const Device& device, uint64_t address, uint64_t bytes);
// Another number whenever memory was freed: what was checked before may be wrong.
uint64_t memory_generation();

// Whether operators may fall back to their reference on the host: not with ISTHMUS_NO_FALLBACK=1.
bool fallback_forbidden();
// Counts an operator that was put on a stream, for the line that a program's end prints.
void count_operator(bool fell_back);
// Counts a call by the operator's aclnn name, where ISTHMUS_CANN_SUMMARY=calls asks for a second line.
void count_call(const char* name);

}  // namespace isthmus::cann
