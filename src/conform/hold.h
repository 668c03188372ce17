// SPDX-License-Identifier: Apache-2.0
// Work that keeps a stream busy until it is released, so that what must wait, and what must not, shows.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>

#include "runtime/device.h"

namespace isthmus::conform {

class Hold {
 public:
  // Puts it on the stream; it ends by itself after limit_seconds. kUnimplemented: the chip has no call_host.
  static Result<Hold> put(Stream& stream, double limit_seconds);
  Hold(Hold&&) noexcept = default;
  ~Hold() {
    if (state_) release();
  }

  void release();
  bool ended() const;    // the stream may go on
  bool expired() const;  // it ended by itself: nobody released it in time

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    bool released = false, ended = false, expired = false;
    double limit_seconds = 0;
  };
  explicit Hold(std::shared_ptr<State> state) : state_(std::move(state)) {}
  static void wait(void* argument);
  std::shared_ptr<State> state_;
};

}  // namespace isthmus::conform
