// SPDX-License-Identifier: Apache-2.0
#include "cann/runtime/stream.h"

#include "cann/runtime/context.h"

namespace isthmus::cann {
namespace {

// Works kept before an event is recorded that tells when they may go: rare enough to cost nothing per work,
// often enough that what they hold does not pile up.
constexpr size_t kBatch = 256;

}  // namespace

FaceStream::FaceStream(std::shared_ptr<Context> context, std::unique_ptr<Stream> chip, int32_t id,
                       uint32_t flags)
    : context_(std::move(context)), id_(id), flags_(flags), chip_(std::move(chip)) {
  open_.reserve(kBatch);
}

Status FaceStream::put(std::shared_ptr<Work> work) {
  std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(work->put_on(*chip_));
  return keep(std::move(work));
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

Status FaceStream::wait() {
  std::lock_guard lock(mutex_);
  Status status = chip_->wait();
  for (Batch& batch : closed_) spare_.push_back(std::move(batch.end));
  closed_.clear();
  open_.clear();
  return status;
}

Result<bool> FaceStream::idle() {
  std::lock_guard lock(mutex_);
  const auto& api = device().api();
  if (!api.stream_query) {
    RETURN_IF_ERROR(chip_->wait());
    return true;
  }
  int32_t idle = 0;
  RETURN_IF_ERROR(device().status(api.stream_query(chip_->handle(), &idle), "asking for a stream"));
  return idle != 0;
}

HandleTable<FaceStream>& stream_handles() {
  static auto& table = *new HandleTable<FaceStream>(1, "stream");
  return table;
}

Result<StreamPtr> find_stream(aclrtStream stream) {
  ASSIGN_OR_RETURN(const ContextPtr context, current_context());
  if (!stream) return context->default_stream();
  return stream_handles().find(stream);
}

Status put(aclrtStream stream, std::shared_ptr<Work> work) {
  ASSIGN_OR_RETURN(const StreamPtr found, find_stream(stream));
  return found->put(std::move(work));
}

}  // namespace isthmus::cann
