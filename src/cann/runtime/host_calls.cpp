// SPDX-License-Identifier: Apache-2.0
#include "cann/runtime/host_calls.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>

#include "acl/acl_rt.h"
#include "cann/error.h"
#include "cann/runtime/stream.h"

#include <pthread.h>

namespace isthmus::cann {
namespace {

thread_local bool calling = false;

struct Call {
  aclrtCallback function = nullptr;
  void* data = nullptr;
  bool blocks = false;
};

void make_call(const Call& call) {
  const bool before = std::exchange(calling, call.blocks);
  call.function(call.data);
  calling = before;
}

// The calls that wait for one thread.
struct Subscriber {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Call> calls;
  uint64_t added = 0, done = 0;
  int streams = 0;  // subscribed
  bool gone = false;
};
using SubscriberPtr = std::shared_ptr<Subscriber>;

struct Subscribers {
  std::mutex mutex;
  std::map<uint64_t, SubscriberPtr> threads;
  std::map<const FaceStream*, std::pair<std::weak_ptr<FaceStream>, uint64_t>> streams;
};
Subscribers& subscribers() {
  static Subscribers& subscribers = *new Subscribers;
  return subscribers;
}

uint64_t this_thread() { return static_cast<uint64_t>(pthread_self()); }

// Calls in stream order; on chips that cannot call the host, by waiting for the stream.
class HostCall : public Work {
 public:
  explicit HostCall(const Call& call, SubscriberPtr subscriber = nullptr)
      : call_(call), subscriber_(std::move(subscriber)) {}

  Status put_on(Stream& stream) override {
    const auto& api = stream.device().api();
    if (api.call_host)
      return stream.device().status(api.call_host(stream.handle(), run, this), "calling the host");
    RETURN_IF_ERROR(stream.wait());
    run(this);
    return ok();
  }

 private:
  static void run(void* self) { static_cast<HostCall*>(self)->hand_over(); }
  void hand_over() {
    if (!subscriber_) return make_call(call_);
    std::unique_lock lock(subscriber_->mutex);
    if (subscriber_->gone) return;
    subscriber_->calls.push_back(call_);
    const uint64_t number = ++subscriber_->added;
    subscriber_->changed.notify_all();
    if (call_.blocks)
      subscriber_->changed.wait(lock, [&] { return subscriber_->gone || subscriber_->done >= number; });
  }

  const Call call_;
  const SubscriberPtr subscriber_;
};

}  // namespace

bool in_host_call() { return calling; }

}  // namespace isthmus::cann

using namespace isthmus;        // NOLINT: entry points stand outside of namespaces
using namespace isthmus::cann;  // NOLINT

aclError aclrtLaunchHostFunc(aclrtStream stream, aclrtHostFunc function, void* data) {
  if (!function) return fail(ACL_ERROR_INVALID_PARAM, "aclrtLaunchHostFunc: the function is null");
  const Status status = put(stream, std::make_shared<HostCall>(Call{function, data, true}));
  return report_handle("aclrtLaunchHostFunc", stream, status);
}

aclError aclrtSubscribeReport(uint64_t thread, aclrtStream stream) {
  const Result<StreamPtr> found = find_stream(stream);
  if (!found.ok()) return report_handle("aclrtSubscribeReport", stream, found.status());
  Subscribers& s = subscribers();
  std::lock_guard lock(s.mutex);
  std::erase_if(s.streams, [](const auto& entry) { return entry.second.first.expired(); });
  if (s.streams.contains(found->get()))
    return fail(ACL_ERROR_RT_STREAM_SUBSCRIBE,
                "aclrtSubscribeReport: the stream has a thread for its callbacks");
  SubscriberPtr& subscriber = s.threads[thread];
  if (!subscriber) subscriber = std::make_shared<Subscriber>();
  ++subscriber->streams;
  s.streams[found->get()] = {*found, thread};
  return ACL_SUCCESS;
}

aclError aclrtUnSubscribeReport(uint64_t thread, aclrtStream stream) {
  const Result<StreamPtr> found = find_stream(stream);
  if (!found.ok()) return report_handle("aclrtUnSubscribeReport", stream, found.status());
  SubscriberPtr gone;
  Subscribers& s = subscribers();
  std::lock_guard lock(s.mutex);
  const auto entry = s.streams.find(found->get());
  if (entry == s.streams.end() || entry->second.second != thread)
    return fail(ACL_ERROR_RT_STREAM_NO_CB_REG,
                "aclrtUnSubscribeReport: the stream's callbacks do not go to thread {}", thread);
  s.streams.erase(entry);
  const auto subscriber = s.threads.find(thread);
  if (--subscriber->second->streams > 0) return ACL_SUCCESS;
  gone = std::move(subscriber->second);
  s.threads.erase(subscriber);
  std::lock_guard inner(gone->mutex);
  gone->gone = true;
  gone->changed.notify_all();
  return ACL_SUCCESS;
}

aclError aclrtLaunchCallback(aclrtCallback function, void* data, aclrtCallbackBlockType block,
                             aclrtStream stream) {
  const char* const entry = "aclrtLaunchCallback";
  if (!function) return fail(ACL_ERROR_INVALID_PARAM, "{}: the function is null", entry);
  if (block != ACL_CALLBACK_BLOCK && block != ACL_CALLBACK_NO_BLOCK)
    return fail(ACL_ERROR_INVALID_PARAM, "{}: {} is no way to block", entry, static_cast<int>(block));
  const Result<StreamPtr> found = find_stream(stream);
  if (!found.ok()) return report_handle(entry, stream, found.status());
  SubscriberPtr subscriber;
  {
    Subscribers& s = subscribers();
    std::lock_guard lock(s.mutex);
    const auto thread = s.streams.find(found->get());
    if (thread == s.streams.end())
      return fail(ACL_ERROR_RT_STREAM_NO_CB_REG,
                  "{}: no thread takes the stream's callbacks: see aclrtSubscribeReport", entry);
    subscriber = s.threads.at(thread->second.second);
  }
  const Call call{function, data, block == ACL_CALLBACK_BLOCK};
  return report(entry, (*found)->put(std::make_shared<HostCall>(call, std::move(subscriber))));
}

aclError aclrtProcessReport(int32_t timeout) {
  SubscriberPtr own;
  {
    Subscribers& s = subscribers();
    std::lock_guard lock(s.mutex);
    if (const auto found = s.threads.find(this_thread()); found != s.threads.end()) own = found->second;
  }
  if (!own)
    return fail(ACL_ERROR_RT_THREAD_SUBSCRIBE, "aclrtProcessReport: no stream's callbacks go to this thread");
  std::unique_lock lock(own->mutex);
  const auto there = [&] { return own->gone || !own->calls.empty(); };
  if (timeout < 0)
    own->changed.wait(lock, there);
  else if (!own->changed.wait_for(lock, std::chrono::milliseconds(timeout), there))
    return fail(ACL_ERROR_RT_REPORT_TIMEOUT, "aclrtProcessReport: no callback came within {} ms", timeout);
  if (own->calls.empty())
    return fail(ACL_ERROR_RT_THREAD_SUBSCRIBE, "aclrtProcessReport: the thread was unsubscribed");
  const Call call = own->calls.front();
  own->calls.pop_front();
  lock.unlock();
  make_call(call);
  lock.lock();
  ++own->done;
  own->changed.notify_all();
  return ACL_SUCCESS;
}
