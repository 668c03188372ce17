// SPDX-License-Identifier: Apache-2.0
#include "cann/runtime/event.h"

#include "acl/acl_rt.h"

namespace isthmus::cann {
namespace {

using EventPtr = std::shared_ptr<FaceEvent>;

class RecordWork : public Work {
 public:
  explicit RecordWork(EventPtr event) : event_(std::move(event)) {}
  Status put_on(Stream& stream) override { return event_->record_on(stream); }

 private:
  EventPtr event_;
};

class WaitWork : public Work {
 public:
  WaitWork(EventPtr event, bool until_recorded) : event_(std::move(event)), until_recorded_(until_recorded) {}
  Status put_on(Stream& stream) override { return event_->wait_on(stream); }
  bool ready() override { return !until_recorded_ || event_->recorded(); }

 private:
  EventPtr event_;
  bool until_recorded_;
};

class ResetWork : public Work {
 public:
  explicit ResetWork(EventPtr event) : event_(std::move(event)) {}
  Status put_on(Stream&) override {
    event_->forget();
    return ok();
  }

 private:
  EventPtr event_;
};

}  // namespace

bool FaceEvent::external() const { return flags_ & ACL_EVENT_EXTERNAL; }

Status FaceEvent::record(const StreamPtr& stream) {
  if (const RecordingPtr recording = stream->recording(); recording && !external()) {
    Progress progress = recording->progress_of(*stream);
    std::lock_guard lock(mutex_);
    recording_ = recording;
    progress_ = std::move(progress);
    return recording->valid();
  }
  {
    std::lock_guard lock(mutex_);
    recording_.reset();
  }
  RETURN_IF_ERROR(stream->put(std::make_shared<RecordWork>(shared_from_this())));
  wake_streams();
  return ok();
}

Status FaceEvent::make_wait(const StreamPtr& stream) {
  RecordingPtr captured;
  Progress progress;
  {
    std::lock_guard lock(mutex_);
    captured = recording_.lock();
    progress = progress_;
  }
  const RecordingPtr recording = stream->recording();
  if (captured && !captured->ended()) {
    if (recording && recording != captured)
      return recording->invalidate(
          "a stream that is captured was made to wait for an event of another capture");
    captured->merge(stream, progress);
    if (!recording) stream->set_recording(captured);
    return ok();
  }
  if (captured && !recording) return ok();  // Of a capture that has ended: there is nothing to wait for.
  const bool until_recorded = external() && recording;
  return stream->put(std::make_shared<WaitWork>(shared_from_this(), until_recorded));
}

Status FaceEvent::reset(const StreamPtr& stream) {
  return stream->put(std::make_shared<ResetWork>(shared_from_this()));
}

bool FaceEvent::recorded() const {
  std::lock_guard lock(mutex_);
  return recorded_;
}

Result<bool> FaceEvent::done() { return chip_->done(); }

Status FaceEvent::wait() {
  if (!recorded()) return ok();
  return chip_->wait();
}

Result<double> FaceEvent::since(FaceEvent& start) {
  if (!recorded() || !start.recorded()) return invalid_argument("an event was never recorded");
  if (device_ != start.device_) return invalid_argument("the events are of two devices");
  return chip_->since(*start.chip_);
}

Status FaceEvent::record_on(Stream& stream) {
  if (&stream.device() != device_.get())
    return invalid_argument("the event is of device {}, the stream of {}", device_->id(),
                            stream.device().id());
  std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(chip_->record(stream));
  recorded_ = true;
  return ok();
}

Status FaceEvent::wait_on(Stream& stream) {
  if (!recorded()) return ok();
  if (&stream.device() == device_.get()) return chip_->make_wait(stream);
  return chip_->wait();  // Chips know nothing of each other's events.
}

}  // namespace isthmus::cann
