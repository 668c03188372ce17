// SPDX-License-Identifier: Apache-2.0
#include "conform/hold.h"

#include <chrono>

namespace isthmus::conform {

Result<Hold> Hold::put(Stream& stream, double limit_seconds) {
  const Device& device = stream.device();
  if (!device.api().call_host) return unimplemented("the chip has no call_host");
  auto state = std::make_shared<State>();
  state->limit_seconds = limit_seconds;
  auto* argument = new std::shared_ptr<State>(state);
  const Status status =
      device.plugin().status(device.api().call_host(stream.handle(), wait, argument), "calling the host");
  if (!status.ok()) {
    delete argument;
    return status;
  }
  return Hold(std::move(state));
}

// On a thread of the chip's; the stream may outlive the Hold.
void Hold::wait(void* argument) {
  const std::unique_ptr<std::shared_ptr<State>> owned(static_cast<std::shared_ptr<State>*>(argument));
  State& state = **owned;
  std::unique_lock lock(state.mutex);
  state.expired = !state.changed.wait_for(lock, std::chrono::duration<double>(state.limit_seconds),
                                          [&] { return state.released; });
  state.ended = true;
}

void Hold::release() {
  std::lock_guard lock(state_->mutex);
  state_->released = true;
  state_->changed.notify_all();
}

bool Hold::ended() const {
  std::lock_guard lock(state_->mutex);
  return state_->ended;
}

bool Hold::expired() const {
  std::lock_guard lock(state_->mutex);
  return state_->expired;
}

}  // namespace isthmus::conform
