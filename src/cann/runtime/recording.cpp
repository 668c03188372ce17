// SPDX-License-Identifier: Apache-2.0
#include "cann/runtime/recording.h"

#include <algorithm>

namespace isthmus::cann {

Status Recording::add(const FaceStream& stream, std::shared_ptr<Work> work) {
  std::lock_guard lock(mutex_);
  if (!invalid_.empty()) return error(Code::kCancelled, "the capture is invalid: {}", invalid_);
  if (const auto group = open_groups_.find(&stream); group != open_groups_.end())
    group->second->add(std::move(work));
  else
    works_.push_back(std::move(work));
  progress_[&stream][&stream] = last_[&stream] = works_.size();
  return ok();
}

Progress Recording::progress_of(const FaceStream& stream) const {
  std::lock_guard lock(mutex_);
  const auto found = progress_.find(&stream);
  return found == progress_.end() ? Progress() : found->second;
}

void Recording::merge(const StreamPtr& stream, const Progress& progress) {
  std::lock_guard lock(mutex_);
  if (stream != origin_ && std::find(joined_.begin(), joined_.end(), stream) == joined_.end())
    joined_.push_back(stream);
  Progress& own = progress_[stream.get()];
  for (const auto& [other, count] : progress) own[other] = std::max(own[other], count);
}

Status Recording::invalidate(std::string why) {
  std::lock_guard lock(mutex_);
  if (invalid_.empty()) invalid_ = std::move(why);
  return error(Code::kCancelled, "the capture is invalid: {}", invalid_);
}

Status Recording::valid() const {
  std::lock_guard lock(mutex_);
  if (invalid_.empty()) return ok();
  return error(Code::kCancelled, "the capture is invalid: {}", invalid_);
}

Status Recording::end(const FaceStream& stream) {
  std::vector<StreamPtr> streams;
  Status status;
  {
    std::lock_guard lock(mutex_);
    if (origin_.get() != &stream)
      return invalid_argument("the capture began on another stream, and ends there");
    if (!invalid_.empty()) status = error(Code::kCancelled, "the capture is invalid: {}", invalid_);
    if (status.ok() && !open_groups_.empty())
      status = error(Code::kCancelled, "aclmdlRICaptureTaskGrpEnd is missing");
    for (const auto& [other, last] : last_) {
      if (!status.ok() || other == &stream) continue;
      if (progress_[&stream][other] < last)
        status =
            error(Code::kOutOfRange,
                  "work of stream {} was captured, too, and nothing that the first stream waits for comes "
                  "behind it",
                  other->id());
    }
    streams.swap(joined_);
    streams.push_back(std::move(origin_));
    origin_ = nullptr;
    progress_.clear();
    last_.clear();
    ended_ = true;
  }
  // Without the lock: those who add hold their stream's lock first.
  for (const StreamPtr& s : streams) s->set_recording(nullptr);
  return status;
}

bool Recording::ended() const {
  std::lock_guard lock(mutex_);
  return ended_;
}

Status Recording::begin_group(const FaceStream& stream) {
  std::lock_guard lock(mutex_);
  TaskGroupPtr& group = open_groups_[&stream];
  if (group) return invalid_argument("the stream has a task group open already");
  group = std::make_shared<TaskGroup>();
  works_.push_back(group);
  return ok();
}

Result<TaskGroupPtr> Recording::end_group(const FaceStream& stream) {
  std::lock_guard lock(mutex_);
  const auto found = open_groups_.find(&stream);
  if (found == open_groups_.end()) return invalid_argument("the stream has no task group open");
  TaskGroupPtr group = std::move(found->second);
  open_groups_.erase(found);
  return group;
}

Works Recording::works() const {
  std::lock_guard lock(mutex_);
  return works_;
}

}  // namespace isthmus::cann
