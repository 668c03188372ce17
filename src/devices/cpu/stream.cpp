// SPDX-License-Identifier: Apache-2.0
#include "devices/cpu/stream.h"

#include <chrono>

namespace isthmus::cpu {
namespace {

// How long the background thread leaves new work to somebody who is about to wait for it.
constexpr auto kGrace = std::chrono::microseconds(200);
// Threads for a run, 0 being all: one where no operand that counts has as many elements as make helpers worth
// starting.
int threads_for(const PreparedOp& op, const isthmus_tensor_arg_t* args) {
  const CpuTuning& tuning = *op.plan.tuning;
  for (int o = 0; o < op.operand_count; ++o) {
    if (!(op.sizing >> o & 1)) continue;
    int64_t elements = 1;
    for (int i = 0; i < op.ranks[o]; ++i) elements *= args[o].dims[i];
    if (elements >= tuning[kAloneElements]) return 0;
  }
  return op.plan.heavy ? tuning[kNarrowThreads] : 1;
}

}  // namespace

void CommandList::add_op(const PreparedOp& op, const isthmus_tensor_arg_t* args, isthmus_address_t workspace,
                         uint64_t mark) {
  Command command{Command::kOp};
  command.mark = mark;
  command.op = &op;
  command.workspace = reinterpret_cast<unsigned char*>(workspace);
  command.first_operand = static_cast<uint32_t>(operands.size());
  commands.push_back(command);
  operands.insert(operands.end(), args, args + op.operand_count);
}

// -- Event --

void Event::complete(uint64_t count) {
  std::lock_guard lock(mutex);
  if (count > completed) {
    completed = count;
    completed_at = std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  }
  changed.notify_all();
}

Status Event::wait() {
  std::unique_lock lock(mutex);
  if (is_done()) return ok();
  const uint64_t count = recorded;
  Stream* const on = stream;
  on->pin();
  lock.unlock();
  const Status status = on->wait();  // executes at least up to the record
  on->unpin();
  RETURN_IF_ERROR(status);
  lock.lock();
  changed.wait(lock, [&] { return completed >= count; });
  return ok();
}

Result<bool> Event::done() {
  std::lock_guard lock(mutex);
  return is_done();
}

Result<double> Event::since(const Event& start) {
  if (&start == this) return 0.0;
  std::scoped_lock lock(start.mutex, mutex);
  if (!start.completed || !start.is_done() || !completed || !is_done())
    return error(Code::kFailedPrecondition, "a time needs two recorded events that are done");
  return completed_at - start.completed_at;
}

// -- Stream --

Stream::Stream(Pool& pool) : pool_(pool), background_([this] { background(); }) {}

Stream::~Stream() {
  (void)wait();
  {
    // Every event of it is done, so that nobody pins it any more.
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return pins_.load() == 0; });
    stop_ = true;
  }
  background_wake_.notify_all();
  background_.join();
}

void Stream::unpin() {
  std::lock_guard lock(mutex_);
  pins_.fetch_sub(1);
  changed_.notify_all();
}

void Stream::announce() {
  if (executing_ || armed_) return;
  armed_ = true;
  background_wake_.notify_one();
}

Status Stream::add(const Command& command) {
  std::lock_guard lock(mutex_);
  (capture_ ? *capture_ : queued_).commands.push_back(command);
  if (!capture_) announce();
  return ok();
}

Status Stream::run(const PreparedOp& op, const isthmus_tensor_arg_t* args, isthmus_address_t workspace) {
  std::lock_guard lock(mutex_);
  (capture_ ? *capture_ : queued_).add_op(op, args, workspace, mark_);
  if (!capture_) announce();
  return ok();
}

Status Stream::copy(isthmus_copy_direction_t, uint64_t dst, uint64_t src, uint64_t bytes) {
  Command c{Command::kCopy};
  c.dst = reinterpret_cast<void*>(dst);
  c.src = reinterpret_cast<const void*>(src);
  c.bytes = bytes;
  return add(c);
}

Status Stream::fill(isthmus_address_t dst, uint8_t value, uint64_t bytes) {
  Command c{Command::kFill};
  c.dst = reinterpret_cast<void*>(dst);
  c.value = value;
  c.bytes = bytes;
  return add(c);
}

Status Stream::call_host(void (*function)(void*), void* argument) {
  Command c{Command::kCallHost};
  c.function = function;
  c.dst = argument;
  return add(c);
}

Status Stream::record(Event& event) {
  Command c{Command::kRecord};
  c.dst = &event;
  {
    std::lock_guard lock(event.mutex);
    event.stream = this;
    c.bytes = ++event.recorded;
  }
  return add(c);
}

Status Stream::wait_for(Event& event) {
  Command c{Command::kWaitEvent};
  c.dst = &event;
  {
    std::lock_guard lock(event.mutex);
    if (event.is_done()) return ok();
    c.bytes = event.recorded;
  }
  return add(c);
}

Status Stream::mark(uint64_t mark) {
  std::lock_guard lock(mutex_);
  mark_ = pool_.host().span ? mark : 0;
  return ok();
}

bool Until::reached() const {
  if (!event) return false;
  std::lock_guard lock(event->mutex);
  return event->completed >= count;
}

void Stream::execute_pending(std::unique_lock<std::mutex>& lock, const Until& until) {
  executing_ = true;
  while (pending() && !until.reached()) {
    if (next_ == running_.commands.size()) {
      running_.clear();
      std::swap(queued_, running_);
      next_ = 0;
    }
    const size_t first = next_;
    lock.unlock();
    const size_t next = execute(running_, first, until);
    lock.lock();
    next_ = next;
  }
  executing_ = false;
  changed_.notify_all();
  if (pending()) announce();
}

Status Stream::wait() {
  std::unique_lock lock(mutex_);
  while (executing_ || pending()) {
    if (executing_)
      changed_.wait(lock);
    else
      execute_pending(lock);
  }
  return ok();
}

Result<bool> Stream::idle() {
  std::lock_guard lock(mutex_);
  return !executing_ && !pending();
}

void Stream::background() {
  std::unique_lock lock(mutex_);
  for (;;) {
    background_wake_.wait(lock, [&] { return stop_ || armed_; });
    if (stop_) return;
    background_wake_.wait_for(lock, kGrace, [&] { return stop_; });
    armed_ = false;
    if (!executing_ && pending()) execute_pending(lock);
  }
}

void Stream::help_until(Event& event, uint64_t count) {
  // Help: execute the stream that will complete the event, unless somebody does already.
  Stream* other = nullptr;
  {
    std::lock_guard lock(event.mutex);
    if (event.completed >= count) return;
    other = event.stream;
    if (other && other != this) other->pin();
  }
  if (other && other != this) {
    {
      std::unique_lock lock(other->mutex_);
      if (!other->executing_ && other->pending()) other->execute_pending(lock, {&event, count});
    }
    other->unpin();
  }
  std::unique_lock lock(event.mutex);
  event.changed.wait(lock, [&] { return event.completed >= count; });
}

size_t Stream::execute(const CommandList& list, size_t first, const Until& until) {
  for (size_t i = first; i < list.commands.size(); ++i) {
    const Command& c = list.commands[i];
    switch (c.kind) {
      case Command::kOp: {
        const isthmus_tensor_arg_t* args = list.operands.data() + c.first_operand;
        pool_.run(*c.op->kernel, Run{args, &c.op->plan, c.workspace, 0}, threads_for(*c.op, args), c.mark);
        break;
      }
      case Command::kCopy: std::memmove(c.dst, c.src, c.bytes); break;
      case Command::kFill: std::memset(c.dst, c.value, c.bytes); break;
      case Command::kCallHost: c.function(c.dst); break;
      case Command::kRecord:
        static_cast<Event*>(c.dst)->complete(c.bytes);
        if (until.reached()) return i + 1;
        break;
      case Command::kWaitEvent: help_until(*static_cast<Event*>(c.dst), c.bytes); break;
      case Command::kReplay: execute(*static_cast<const CommandList*>(c.src), 0, {}); break;
    }
  }
  return list.commands.size();
}

Status Stream::begin_capture() {
  std::lock_guard lock(mutex_);
  if (capture_) return error(Code::kFailedPrecondition, "the stream is already capturing");
  capture_ = std::make_unique<CommandList>();
  return ok();
}

Result<std::unique_ptr<CommandList>> Stream::end_capture() {
  std::lock_guard lock(mutex_);
  if (!capture_) return error(Code::kFailedPrecondition, "the stream is not capturing");
  return std::move(capture_);
}

Status Stream::replay(const CommandList& capture) {
  Command c{Command::kReplay};
  c.src = &capture;
  return add(c);
}

}  // namespace isthmus::cpu
