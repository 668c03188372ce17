// SPDX-License-Identifier: Apache-2.0
// What is put on streams while they are captured: a list, in the order of the calls, that is put again at
// each replay. The order of the calls keeps every order that streams and events among them ask for.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "acl/acl_mdl.h"
#include "cann/handles.h"
#include "cann/runtime/stream.h"

namespace isthmus::cann {

using Works = std::vector<std::shared_ptr<Work>>;

// A part of a recording that may be replaced: between aclmdlRICaptureTaskGrpBegin and End.
class TaskGroup final : public Work {
 public:
  // A stream puts the works one by one instead, when it comes to the group, and keeps each.
  Status put_on(Stream&) override { return error(Code::kInternal, "a task group was put on a stream whole"); }
  Works works() const {
    std::lock_guard lock(mutex_);
    return works_;
  }
  void replace(Works works) {
    std::lock_guard lock(mutex_);
    works_ = std::move(works);
  }
  void add(std::shared_ptr<Work> work) {
    std::lock_guard lock(mutex_);
    works_.push_back(std::move(work));
  }

 private:
  mutable std::mutex mutex_;
  Works works_;
};

// How much of each stream's work is known to come before something.
using Progress = std::map<const FaceStream*, size_t>;

// Thread-safe.
class Recording {
 public:
  Recording(StreamPtr origin, aclmdlRICaptureMode mode, int32_t id)
      : mode(mode), id(id), origin_(std::move(origin)) {}

  const aclmdlRICaptureMode mode;
  const int32_t id;
  aclmdlRI handle = nullptr;

  // Of a stream that is captured; holding that stream's lock.
  Status add(const FaceStream& stream, std::shared_ptr<Work> work);
  Progress progress_of(const FaceStream& stream) const;  // what an event recorded on it stands for
  // The stream waits for such an event; one that was not captured yet joins. The caller makes it record.
  void merge(const StreamPtr& stream, const Progress& progress);

  // Nothing can come of it any more; returns the error that says why. Always fails.
  Status invalidate(std::string why);
  Status valid() const;

  // Ends it: only on the stream it began on, and when nothing of the others is left behind.
  Status end(const FaceStream& stream);
  bool ended() const;

  // Since begin_group everything on the stream belongs to the group.
  Status begin_group(const FaceStream& stream);
  Result<TaskGroupPtr> end_group(const FaceStream& stream);

  // Everything in order, a group being one.
  Works works() const;

 private:
  mutable std::mutex mutex_;
  StreamPtr origin_;
  std::vector<StreamPtr> joined_;
  std::map<const FaceStream*, Progress> progress_;
  std::map<const FaceStream*, size_t> last_;  // where a stream's latest work stands, counted from 1
  std::map<const FaceStream*, TaskGroupPtr> open_groups_;
  Works works_;
  std::string invalid_;  // why
  bool ended_ = false;
};

}  // namespace isthmus::cann
