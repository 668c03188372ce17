// SPDX-License-Identifier: Apache-2.0
// Events of the face: the chip's, and what they mean while streams are captured.
#pragma once

#include <mutex>

#include "cann/runtime/recording.h"

namespace isthmus::cann {

// Thread-safe.
class FaceEvent : public std::enable_shared_from_this<FaceEvent> {
 public:
  FaceEvent(std::unique_ptr<Event> chip, DevicePtr device, uint32_t flags)
      : flags_(flags), device_(std::move(device)), chip_(std::move(chip)) {}

  uint32_t flags() const { return flags_; }
  const DevicePtr& device() const { return device_; }
  // Captured records and waits become part of the recording, to happen at each replay: of events that order
  // it with work outside.
  bool external() const;

  Status record(const StreamPtr& stream);
  Status make_wait(const StreamPtr& stream);
  Status reset(const StreamPtr& stream);

  bool recorded() const;  // since it was made or reset
  Result<bool> done();
  Status wait();
  Result<double> since(FaceEvent& start);  // seconds; kInvalidArgument when one was never recorded

  // For the chip's stream, at the time of the call.
  Status record_on(Stream& stream);
  Status wait_on(Stream& stream);
  void forget() {
    std::lock_guard lock(mutex_);
    recorded_ = false;
  }

 private:
  const uint32_t flags_;
  const DevicePtr device_;
  mutable std::mutex mutex_;
  const std::unique_ptr<Event> chip_;
  bool recorded_ = false;
  // Where it was recorded last, when that was captured.
  std::weak_ptr<Recording> recording_;
  Progress progress_;
};

}  // namespace isthmus::cann
