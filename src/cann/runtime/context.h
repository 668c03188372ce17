// SPDX-License-Identifier: Apache-2.0
// Contexts: a device in use, its default stream, and the streams made in it. Each thread works in one.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "cann/handles.h"
#include "cann/runtime/stream.h"

namespace isthmus::cann {

class Context : public std::enable_shared_from_this<Context> {
 public:
  Context(int32_t device_id, DevicePtr device) : device_id_(device_id), device_(std::move(device)) {}

  int32_t device_id() const { return device_id_; }
  const DevicePtr& device() const { return device_; }
  bool alive() const { return alive_.load(std::memory_order_relaxed); }
  aclrtContext handle = nullptr;
  bool is_default = false;  // of its device

  Result<StreamPtr> default_stream();  // made at first use
  Result<aclrtStream> create_stream(uint32_t flags);
  std::vector<StreamPtr> streams() const;  // the default stream among them
  void forget(const StreamPtr& stream);
  Status wait();     // for all streams; the first error
  Status abandon();  // the same, but drops what streams hold back: before the end
  void settle();     // the same, and each stream keeps its error for who waits for it
  void end();        // ends the streams; their handles are good for aclrtDestroyStream alone

 private:
  const int32_t device_id_;
  const DevicePtr device_;
  std::atomic<bool> alive_{true};
  mutable std::mutex mutex_;
  StreamPtr default_;
  std::vector<StreamPtr> streams_;  // the others
};
using ContextPtr = std::shared_ptr<Context>;

// The calling thread's; kFailedPrecondition when it has none or it was destroyed. A thread whose device was
// reset gets that device's default context anew: programs go on using a device after they gave back their
// last aclrtSetDevice.
Result<ContextPtr> current_context();

// Whether aclrtSetDevice was called for the device more often than aclrtResetDevice.
bool in_use(int32_t device_id);

// Of all contexts of the device; -1: of every device.
Status wait_for_device(int32_t device_id);
void settle_device(int32_t device_id);
// Ends every context, whoever made it: aclFinalize.
void end_all_contexts();

}  // namespace isthmus::cann
