// SPDX-License-Identifier: Apache-2.0
// Streams of the face: a chip's stream, what is kept alive until the chip has done it, and recording.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "cann/handles.h"
#include "cann/runtime.h"

namespace isthmus::cann {

class Context;
class Recording;
class TaskGroup;
using RecordingPtr = std::shared_ptr<Recording>;
using TaskGroupPtr = std::shared_ptr<TaskGroup>;

// Thread-safe. Work is put on the chip's stream in order; work that is not ready holds back what follows.
class FaceStream : public std::enable_shared_from_this<FaceStream> {
 public:
  FaceStream(std::shared_ptr<Context> context, std::unique_ptr<Stream> chip, int32_t id, uint32_t flags);
  ~FaceStream();

  std::shared_ptr<Context> context() const { return context_.lock(); }
  Device& device() const { return chip_->device(); }
  const Stream& chip() const { return *chip_; }
  int32_t id() const { return id_; }
  uint32_t flags() const { return flags_; }

  // Onto the chip, or into the recording.
  Status put(std::shared_ptr<Work> work);
  Status put(const std::vector<std::shared_ptr<Work>>& works);
  // The same, and waits for it. A captured stream cannot: the capture becomes invalid, for the reason `why`.
  Status put_and_wait(std::shared_ptr<Work> work, const char* why);
  // Waits until everything is done; the first error since the last call. An invalidated recording's error is
  // its own: see Recording.
  Status wait();
  // Gives up after so long; 0 only asks. False: it is not done.
  Result<bool> wait_for(int64_t milliseconds);
  Result<bool> idle() { return wait_for(0); }
  // Whether nothing is on it; false also while another thread calls.
  bool seems_idle();
  // For the end: what is held back will never be put; waits for the rest.
  Status abandon();
  // Waits as well, but keeps the error for wait().
  void settle();
  // With it nothing is put any more after a wait failed.
  void stop_on_failure(bool stop);
  // What is held back tries again: an event was recorded.
  void go_on();

  RecordingPtr recording() const;  // null: it is not captured
  Status begin_recording(RecordingPtr recording);
  void set_recording(RecordingPtr recording);
  // Between the two, work goes into the group in place of what was there.
  Status begin_update(TaskGroupPtr group);
  Status end_update();

 private:
  // Fails in a function of the program that the stream is waiting for.
  Status take(std::unique_lock<std::mutex>& lock);
  Status add(const std::shared_ptr<Work>& work);  // all of these holding mutex_
  Status start(const std::shared_ptr<Work>& work);
  Status start_now(const std::shared_ptr<Work>& work);
  Status keep(std::shared_ptr<Work> work);
  void drop_done();
  Result<bool> chip_idle();
  Status wait_for_chip();

  const std::weak_ptr<Context> context_;
  const int32_t id_;
  const uint32_t flags_;
  mutable std::mutex mutex_;  // calls on the chip's stream are one at a time
  std::condition_variable advanced_;
  struct Batch {
    std::unique_ptr<Event> end;
    std::vector<std::shared_ptr<Work>> works;
  };
  std::deque<Batch> closed_;
  std::vector<std::shared_ptr<Work>> open_;
  std::vector<std::unique_ptr<Event>> spare_;
  std::deque<std::shared_ptr<Work>> held_back_;
  Status failed_;   // what settle() met
  Status stopped_;  // why nothing more is put
  bool stop_on_failure_ = false;
  RecordingPtr recording_;
  TaskGroupPtr updating_;
  std::vector<std::shared_ptr<Work>> update_;
  std::unique_ptr<Stream> chip_;  // ends before what it may still use
};
using StreamPtr = std::shared_ptr<FaceStream>;

HandleTable<FaceStream>& stream_handles();
// null: the default stream of the current context. Codes: kFailedPrecondition without a context;
// kInvalidArgument for a wrong handle, and for a stream whose context ended.
Result<StreamPtr> find_stream(aclrtStream stream);

// Whether no other stream has work; false also while one is in a call.
bool other_streams_idle(const Stream& chip);

// An event was recorded: streams that hold work back for one try again.
void wake_streams();

}  // namespace isthmus::cann
