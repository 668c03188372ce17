// SPDX-License-Identifier: Apache-2.0
// Streams of the face: a chip's stream, what is kept alive until the chip has done it, and recording.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "cann/handles.h"
#include "cann/runtime.h"

namespace isthmus::cann {

class Context;

// Thread-safe.
class FaceStream {
 public:
  FaceStream(std::shared_ptr<Context> context, std::unique_ptr<Stream> chip, int32_t id, uint32_t flags);

  std::shared_ptr<Context> context() const { return context_.lock(); }
  Device& device() const { return chip_->device(); }
  int32_t id() const { return id_; }
  uint32_t flags() const { return flags_; }

  Status put(std::shared_ptr<Work> work);
  Status wait();
  Result<bool> idle();

 private:
  Status keep(std::shared_ptr<Work> work);  // holding mutex_
  void drop_done();                         // holding mutex_

  const std::weak_ptr<Context> context_;
  const int32_t id_;
  const uint32_t flags_;
  std::mutex mutex_;  // calls on the chip's stream are one at a time
  // Behind chip_ in time, before it in memory: the chip's stream ends first.
  struct Batch {
    std::unique_ptr<Event> end;
    std::vector<std::shared_ptr<Work>> works;
  };
  std::deque<Batch> closed_;
  std::vector<std::shared_ptr<Work>> open_;
  std::vector<std::unique_ptr<Event>> spare_;
  std::unique_ptr<Stream> chip_;
};
using StreamPtr = std::shared_ptr<FaceStream>;

HandleTable<FaceStream>& stream_handles();
// null: the default stream of the current context. Codes: kFailedPrecondition without a context.
Result<StreamPtr> find_stream(aclrtStream stream);

}  // namespace isthmus::cann
