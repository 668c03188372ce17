// SPDX-License-Identifier: Apache-2.0
#include "cann/runtime/stream.h"

#include <atomic>
#include <chrono>
#include <thread>

#include "cann/aclnn/scratch.h"
#include "cann/runtime/context.h"
#include "cann/runtime/host_calls.h"
#include "cann/runtime/kept_results.h"
#include "cann/runtime/recording.h"

namespace isthmus::cann {
namespace {

using Clock = std::chrono::steady_clock;

// Works kept before an event is recorded that tells when they may go: rare enough to cost nothing per work,
// often enough that what they hold does not pile up.
constexpr size_t kBatch = 256;
// Who waits executes the work on some chips, which asking does not: from here on a limit is no limit.
constexpr int64_t kForever = 30'000;

// Streams that hold something back, for wake_streams().
struct Holding {
  std::mutex mutex;
  std::vector<std::weak_ptr<FaceStream>> streams;
  std::atomic<size_t> count{0};
};
Holding& holding() {
  static Holding& holding = *new Holding;
  return holding;
}

// Every stream there is. Never destroyed: programs may call until their last moment.
struct Streams {
  std::mutex mutex;
  std::vector<FaceStream*> all;
};
Streams& every_stream() {
  static Streams& streams = *new Streams;
  return streams;
}

}  // namespace

FaceStream::FaceStream(std::shared_ptr<Context> context, std::unique_ptr<Stream> chip, int32_t id,
                       uint32_t flags)
    : context_(std::move(context)), id_(id), flags_(flags), chip_(std::move(chip)) {
  open_.reserve(kBatch);
  std::lock_guard lock(every_stream().mutex);
  every_stream().all.push_back(this);
}

FaceStream::~FaceStream() {
  {
    std::lock_guard lock(every_stream().mutex);
    std::erase(every_stream().all, this);
  }
  (void)chip_->wait();
  forget_scratch(*chip_);
}

Status FaceStream::take(std::unique_lock<std::mutex>& lock) {
  lock = std::unique_lock(mutex_, std::defer_lock);
  if (!in_host_call())
    lock.lock();
  else if (!lock.try_lock())
    return error(Code::kUnavailable, "a function that a stream waits for cannot use that stream");
  return ok();
}

Status FaceStream::add(const std::shared_ptr<Work>& work) {
  if (updating_) {
    update_.push_back(work);
    return ok();
  }
  if (!stopped_.ok()) return stopped_;
  return recording_ ? recording_->add(*this, work) : start(work);
}

Status FaceStream::put(std::shared_ptr<Work> work) {
  std::unique_lock<std::mutex> lock;
  RETURN_IF_ERROR(take(lock));
  return add(work);
}

Status FaceStream::put(const std::vector<std::shared_ptr<Work>>& works) {
  std::unique_lock<std::mutex> lock;
  RETURN_IF_ERROR(take(lock));
  for (const auto& work : works) RETURN_IF_ERROR(add(work));
  return ok();
}

Status FaceStream::put_and_wait(std::shared_ptr<Work> work, const char* why) {
  std::unique_lock<std::mutex> lock;
  RETURN_IF_ERROR(take(lock));
  if (recording_) return recording_->invalidate(why);
  if (updating_) return invalid_argument("{}", why);
  RETURN_IF_ERROR(add(work));
  advanced_.wait(lock, [&] { return held_back_.empty(); });
  return wait_for_chip();
}

Status FaceStream::start(const std::shared_ptr<Work>& work) {
  if (held_back_.empty() && work->ready()) return start_now(work);
  if (held_back_.empty()) {
    Holding& h = holding();
    std::lock_guard lock(h.mutex);
    std::erase_if(h.streams, [](const auto& s) { return s.expired(); });
    h.streams.push_back(weak_from_this());
    h.count = h.streams.size();
  }
  held_back_.push_back(work);
  return ok();
}

Status FaceStream::start_now(const std::shared_ptr<Work>& work) {
  if (const auto* group = dynamic_cast<const TaskGroup*>(work.get())) {
    for (const auto& part : group->works()) RETURN_IF_ERROR(start_now(part));
    return ok();
  }
  RETURN_IF_ERROR(work->put_on(*chip_));
  return keep(work);
}

void FaceStream::go_on() {
  std::lock_guard lock(mutex_);
  while (!held_back_.empty() && held_back_.front()->ready()) {
    Status status = start_now(held_back_.front());
    if (failed_.ok()) failed_ = std::move(status);
    held_back_.pop_front();
  }
  if (held_back_.empty()) advanced_.notify_all();
}

Status FaceStream::keep(std::shared_ptr<Work> work) {
  open_.push_back(std::move(work));
  if (open_.size() < kBatch) return ok();
  drop_done();
  Batch batch;
  if (spare_.empty()) {
    ASSIGN_OR_RETURN(batch.end, device().create_event());
  } else {
    batch.end = std::move(spare_.back());
    spare_.pop_back();
  }
  RETURN_IF_ERROR(batch.end->record(*chip_));
  batch.works.swap(open_);
  closed_.push_back(std::move(batch));
  open_.reserve(kBatch);
  return ok();
}

void FaceStream::drop_done() {
  while (!closed_.empty()) {
    const Result<bool> done = closed_.front().end->done();
    if (!done.ok() || !*done) return;  // whoever waits for the stream learns of an error
    spare_.push_back(std::move(closed_.front().end));
    closed_.pop_front();
  }
}

Status FaceStream::wait_for_chip() {
  Status status = chip_->wait();
  for (Batch& batch : closed_) spare_.push_back(std::move(batch.end));
  closed_.clear();
  open_.clear();
  if (!failed_.ok()) status = std::exchange(failed_, Status());
  if (!status.ok()) forget_results();
  if (stop_on_failure_ && !status.ok()) stopped_ = status;
  return status;
}

void FaceStream::stop_on_failure(bool stop) {
  std::lock_guard lock(mutex_);
  stop_on_failure_ = stop;
  stopped_ = ok();
}

Status FaceStream::wait() {
  std::unique_lock<std::mutex> lock;
  RETURN_IF_ERROR(take(lock));
  if (recording_) return recording_->invalidate("a stream was waited for while work on it is captured");
  advanced_.wait(lock, [&] { return held_back_.empty(); });
  return wait_for_chip();
}

Status FaceStream::abandon() {
  std::deque<std::shared_ptr<Work>> dropped;
  RecordingPtr ended;  // it holds its streams, and they it
  std::unique_lock<std::mutex> lock;
  RETURN_IF_ERROR(take(lock));
  dropped.swap(held_back_);
  ended.swap(recording_);
  if (ended) (void)ended->invalidate("one of its streams came to an end");
  advanced_.notify_all();
  return wait_for_chip();
}

void FaceStream::settle() {
  std::lock_guard lock(mutex_);
  Status status = wait_for_chip();
  failed_ = std::move(status);
}

Result<bool> FaceStream::chip_idle() {
  const auto& api = device().api();
  if (!api.stream_query) {
    RETURN_IF_ERROR(wait_for_chip());
    return true;
  }
  int32_t idle = 0;
  RETURN_IF_ERROR(device().status(api.stream_query(chip_->handle(), &idle), "asking for a stream"));
  if (!idle) return false;
  RETURN_IF_ERROR(wait_for_chip());
  return true;
}

bool FaceStream::seems_idle() {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock || !held_back_.empty()) return false;
  if (open_.empty() && closed_.empty()) return true;
  int32_t idle = 0;
  const auto& api = device().api();
  return api.stream_query && api.stream_query(chip_->handle(), &idle) == ISTHMUS_OK && idle != 0;
}

bool other_streams_idle(const Stream& chip) {
  std::lock_guard lock(every_stream().mutex);
  return std::all_of(every_stream().all.begin(), every_stream().all.end(),
                     [&](FaceStream* stream) { return &stream->chip() == &chip || stream->seems_idle(); });
}

Result<bool> FaceStream::wait_for(int64_t milliseconds) {
  if (milliseconds < 0 || milliseconds >= kForever) {
    RETURN_IF_ERROR(wait());
    return true;
  }
  const auto limit = Clock::now() + std::chrono::milliseconds(milliseconds);
  std::unique_lock<std::mutex> lock;
  RETURN_IF_ERROR(take(lock));
  if (recording_) {
    RETURN_IF_ERROR(recording_->invalidate("a stream was asked for while work on it is captured"));
  }
  if (!advanced_.wait_until(lock, limit, [&] { return held_back_.empty(); })) return false;
  for (auto pause = std::chrono::microseconds(20);;
       pause = std::min(2 * pause, std::chrono::microseconds(500))) {
    ASSIGN_OR_RETURN(const bool idle, chip_idle());
    if (idle) return true;
    if (Clock::now() >= limit) return false;
    lock.unlock();
    std::this_thread::sleep_for(pause);
    lock.lock();
  }
}

RecordingPtr FaceStream::recording() const {
  std::lock_guard lock(mutex_);
  return recording_;
}

void FaceStream::set_recording(RecordingPtr recording) {
  std::lock_guard lock(mutex_);
  recording_ = std::move(recording);
}

Status FaceStream::begin_recording(RecordingPtr recording) {
  std::lock_guard lock(mutex_);
  if (recording_) return invalid_argument("the stream is being captured already");
  if (updating_) return invalid_argument("the stream updates a task group");
  recording_ = std::move(recording);
  return ok();
}

Status FaceStream::begin_update(TaskGroupPtr group) {
  std::lock_guard lock(mutex_);
  if (updating_) return invalid_argument("the stream updates a task group already");
  updating_ = std::move(group);
  return ok();
}

Status FaceStream::end_update() {
  std::lock_guard lock(mutex_);
  if (!updating_) return invalid_argument("aclmdlRICaptureTaskUpdateBegin was not called for the stream");
  updating_->replace(std::exchange(update_, {}));
  updating_ = nullptr;
  return ok();
}

HandleTable<FaceStream>& stream_handles() {
  static auto& table = *new HandleTable<FaceStream>(1, "stream");
  return table;
}

Result<StreamPtr> find_stream(aclrtStream stream) {
  ASSIGN_OR_RETURN(const ContextPtr context, current_context());
  if (!stream) return context->default_stream();
  ASSIGN_OR_RETURN(StreamPtr found, stream_handles().find(stream));
  if (const auto owner = found->context(); !owner || !owner->alive())
    return invalid_argument("the stream ended with its context, by aclrtResetDevice or aclrtDestroyContext");
  return found;
}

void wake_streams() {
  Holding& h = holding();
  if (h.count.load() == 0) return;
  std::vector<std::weak_ptr<FaceStream>> streams;
  {
    std::lock_guard lock(h.mutex);
    streams = h.streams;
  }
  for (const auto& weak : streams)
    if (const StreamPtr stream = weak.lock()) stream->go_on();
}

Status put(aclrtStream stream, std::shared_ptr<Work> work) {
  ASSIGN_OR_RETURN(const StreamPtr found, find_stream(stream));
  return found->put(std::move(work));
}

}  // namespace isthmus::cann
