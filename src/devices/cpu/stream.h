// SPDX-License-Identifier: Apache-2.0
// In-order queues of work. A thread that waits for a stream executes it; a background thread takes over work
// that nobody waits for, so that streams stay asynchronous without costing a hand-over in the common case.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "devices/cpu/pool.h"
#include "devices/cpu/prepared_op.h"
#include "isthmus/plugin.h"

namespace isthmus::cpu {

class Stream;

// CUDA's semantics: waiting waits for the latest record; an event never recorded is done.
struct Event {
  Status wait();
  Result<bool> done();
  Result<double> since(const Event& start);               // seconds
  bool is_done() const { return completed >= recorded; }  // holding the mutex
  // Every time a stream comes to a record.
  void complete(uint64_t count);

  mutable std::mutex mutex;
  std::condition_variable changed;
  Stream* stream = nullptr;  // of the latest record; lives at least until that is done
  uint64_t recorded = 0;
  uint64_t completed = 0;
  double completed_at = 0;  // seconds of the steady clock
};

struct Command {
  enum Kind { kOp, kCopy, kFill, kCallHost, kRecord, kWaitEvent, kReplay };
  Kind kind;
  const PreparedOp* op = nullptr;
  unsigned char* workspace = nullptr;
  void* dst = nullptr;
  const void* src = nullptr;
  uint64_t bytes = 0;  // kWaitEvent, kRecord: the event's count
  uint8_t value = 0;
  void (*function)(void*) = nullptr;
  uint32_t first_operand = 0;  // kOp: index into the queue's operand storage
  uint64_t mark = 0;           // kOp: its spans come with; 0: none are wanted
};

// Commands and their operands, in two flat arrays that keep their capacity.
struct CommandList {
  std::vector<Command> commands;
  std::vector<isthmus_tensor_arg_t> operands;
  void add_op(const PreparedOp& op, const isthmus_tensor_arg_t* args, isthmus_address_t workspace,
              uint64_t mark);
  void clear() {
    commands.clear();
    operands.clear();
  }
};

// A point at which somebody who executes a stream for the sake of an event leaves it again: what comes behind
// may wait for the very stream that he came from.
struct Until {
  Event* event = nullptr;  // null: never
  uint64_t count = 0;
  bool reached() const;
};

class Stream {
 public:
  explicit Stream(Pool& pool);
  ~Stream();  // finishes its work

  Status run(const PreparedOp& op, const isthmus_tensor_arg_t* args, isthmus_address_t workspace);
  Status copy(isthmus_copy_direction_t direction, uint64_t dst, uint64_t src, uint64_t bytes);
  Status fill(isthmus_address_t dst, uint8_t value, uint64_t bytes);
  Status call_host(void (*function)(void*), void* argument);
  Status record(Event& event);
  Status wait_for(Event& event);
  Status mark(uint64_t mark);  // of what is added from now on
  Status wait();               // for everything added before, executing it here if nobody does
  Result<bool> idle();

  Status begin_capture();
  Result<std::unique_ptr<CommandList>> end_capture();
  Status replay(const CommandList& capture);

 private:
  Status add(const Command& command);
  void help_until(Event& event, uint64_t count);
  friend struct Event;
  // By who waits for an event of this stream, whose end then waits for them. Holding the event's mutex, the
  // event not being done.
  void pin() { pins_.fetch_add(1); }
  void unpin();
  void background();
  // All of these holding mutex_.
  bool pending() const { return next_ < running_.commands.size() || !queued_.commands.empty(); }
  void announce();  // there is work
  void execute_pending(std::unique_lock<std::mutex>& lock, const Until& until = {});
  // Without it: commands from `first` on; the number of the first not executed.
  size_t execute(const CommandList& list, size_t first, const Until& until);

  Pool& pool_;
  std::mutex mutex_;
  std::condition_variable changed_;  // work done
  std::condition_variable background_wake_;
  CommandList queued_, running_;
  uint64_t mark_ = 0;
  size_t next_ = 0;  // the first command of running_ that has not begun
  std::unique_ptr<CommandList> capture_;
  bool executing_ = false;
  bool armed_ = false;  // the background thread knows of the work
  bool stop_ = false;
  std::atomic<int> pins_{0};
  std::thread background_;
};

}  // namespace isthmus::cpu
