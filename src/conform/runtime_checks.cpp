// SPDX-License-Identifier: Apache-2.0
// The rules of memory and order that plugin.h states, one row each.
#include <atomic>
#include <chrono>
#include <cstring>
#include <functional>
#include <thread>

#include "conform/check.h"
#include "conform/hold.h"

namespace isthmus::conform {
namespace {

// Not ok: the rule is broken, in words.
template <typename... Args>
Status broken(fmt::format_string<Args...> format, Args&&... args) {
  return error(Code::kInternal, format, std::forward<Args>(args)...);
}

std::vector<unsigned char> numbered(size_t bytes, int seed) {
  std::vector<unsigned char> data(bytes);
  for (size_t i = 0; i < bytes; ++i)
    data[i] = static_cast<unsigned char>((i * 131 + i / 251) + static_cast<size_t>(seed));
  return data;
}

Status properties_make_sense(const DevicePtr& device) {
  const isthmus_device_properties_t& p = device->properties();
  if (!p.name || !*p.name || !p.architecture) return broken("name and architecture must be given");
  const uint64_t alignment = p.alignment_bytes;
  if (alignment < 64 || (alignment & (alignment - 1)) != 0)
    return broken("alignment_bytes is {}, not a power of two of at least 64", alignment);
  if (p.parallelism < 1) return broken("parallelism is {}", p.parallelism);
  return ok();
}

Status allocations_are_aligned_and_apart(const DevicePtr& device) {
  std::vector<Buffer> buffers;
  for (uint64_t bytes : {1, 63, 64, 65, 4095, 4097, 1000003}) {
    ASSIGN_OR_RETURN(Buffer buffer, device->allocate(bytes));
    if (buffer.address() % device->properties().alignment_bytes != 0)
      return broken("{} bytes lie at {:#x}, not aligned to {}", bytes, buffer.address(),
                    device->properties().alignment_bytes);
    for (const Buffer& other : buffers)
      if (buffer.address() < other.address() + other.bytes() && other.address() < buffer.address() + bytes)
        return broken("two allocations overlap at {:#x}", buffer.address());
    buffers.push_back(std::move(buffer));
  }
  return ok();
}

Status too_much_memory_is_an_error(const DevicePtr& device) {
  const auto huge = device->allocate(uint64_t{1} << 55);
  if (huge.ok()) return broken("2^55 bytes were allocated");
  if (huge.status().code() != Code::kOutOfMemory)
    return broken("2^55 bytes gave another error than out of memory: {}", huge.status().to_string());
  ASSIGN_OR_RETURN(const Buffer after, device->allocate(4096), "after an allocation that failed");
  return ok();
}

Status bytes_come_back(const DevicePtr& device) {
  ASSIGN_OR_RETURN(const auto stream, device->create_stream());
  for (size_t bytes : {1, 2, 3, 7, 64, 4097, 1048577}) {
    const auto data = numbered(bytes, 3);
    std::vector<unsigned char> back(bytes);
    ASSIGN_OR_RETURN(const Buffer buffer, device->allocate(bytes));
    RETURN_IF_ERROR(stream->upload(buffer.address(), data.data(), bytes));
    RETURN_IF_ERROR(stream->download(back.data(), buffer.address(), bytes));
    RETURN_IF_ERROR(stream->wait());
    if (back != data) return broken("{} bytes came back changed", bytes);
  }
  return ok();
}

Status addresses_take_arithmetic(const DevicePtr& device) {
  ASSIGN_OR_RETURN(const auto stream, device->create_stream());
  const auto data = numbered(4096, 5);
  std::vector<unsigned char> back(4096);
  ASSIGN_OR_RETURN(const Buffer a, device->allocate(4096));
  ASSIGN_OR_RETURN(const Buffer b, device->allocate(4096));
  RETURN_IF_ERROR(stream->fill(b.address(), 0, 4096));
  RETURN_IF_ERROR(stream->upload(a.address(), data.data(), 4096));
  RETURN_IF_ERROR(stream->copy(b.address() + 1000, a.address() + 17, 501));
  RETURN_IF_ERROR(stream->fill(b.address() + 1501, 0xee, 3));
  RETURN_IF_ERROR(stream->download(back.data(), b.address(), 4096));
  RETURN_IF_ERROR(stream->wait());
  std::vector<unsigned char> expected(4096);
  std::memcpy(&expected[1000], &data[17], 501);
  std::memset(&expected[1501], 0xee, 3);
  if (back != expected) return broken("a copy or fill at an offset went elsewhere");
  return ok();
}

Status pinned_memory_is_the_hosts(const DevicePtr& device) {
  ASSIGN_OR_RETURN(const Buffer pinned, device->allocate(5000, ISTHMUS_MEMORY_PINNED_HOST));
  ASSIGN_OR_RETURN(const Buffer buffer, device->allocate(5000));
  ASSIGN_OR_RETURN(const auto stream, device->create_stream());
  const auto data = numbered(5000, 9);
  auto* host = reinterpret_cast<unsigned char*>(pinned.address());
  std::memcpy(host, data.data(), data.size());
  RETURN_IF_ERROR(stream->upload(buffer.address(), host, 5000));
  RETURN_IF_ERROR(stream->wait());
  std::memset(host, 0, 5000);
  RETURN_IF_ERROR(stream->download(host, buffer.address(), 5000));
  RETURN_IF_ERROR(stream->wait());
  if (std::memcmp(host, data.data(), data.size()) != 0) return broken("bytes through pinned memory changed");
  return ok();
}

Status a_stream_keeps_order(const DevicePtr& device) {
  ASSIGN_OR_RETURN(const auto stream, device->create_stream());
  ASSIGN_OR_RETURN(const Buffer a, device->allocate(65536));
  ASSIGN_OR_RETURN(const Buffer b, device->allocate(65536));
  std::vector<unsigned char> seen(300);
  for (size_t i = 0; i < seen.size(); ++i) {
    RETURN_IF_ERROR(stream->fill(a.address(), static_cast<uint8_t>(i), 65536));
    RETURN_IF_ERROR(stream->copy(b.address(), a.address(), 65536));
    RETURN_IF_ERROR(stream->download(&seen[i], b.address() + 65535, 1));
  }
  RETURN_IF_ERROR(stream->wait());
  for (size_t i = 0; i < seen.size(); ++i)
    if (seen[i] != static_cast<unsigned char>(i))
      return broken("fill, copy and download number {} saw the value of another: {}", i, seen[i]);
  return ok();
}

Status events_order_streams(const DevicePtr& device) {
  ASSIGN_OR_RETURN(const auto a, device->create_stream());
  ASSIGN_OR_RETURN(const auto b, device->create_stream());
  ASSIGN_OR_RETURN(const auto event, device->create_event());
  ASSIGN_OR_RETURN(const auto back, device->create_event());
  ASSIGN_OR_RETURN(const Buffer buffer, device->allocate(1 << 20));
  std::vector<unsigned char> seen(50);
  for (size_t i = 0; i < seen.size(); ++i) {
    RETURN_IF_ERROR(back->make_wait(*a));
    RETURN_IF_ERROR(a->fill(buffer.address(), static_cast<uint8_t>(i + 1), 1 << 20));
    RETURN_IF_ERROR(event->record(*a));
    RETURN_IF_ERROR(event->make_wait(*b));
    RETURN_IF_ERROR(b->download(&seen[i], buffer.address() + (1 << 20) - 1, 1));
    RETURN_IF_ERROR(back->record(*b));
  }
  RETURN_IF_ERROR(b->wait());
  for (size_t i = 0; i < seen.size(); ++i)
    if (seen[i] != i + 1)
      return broken("round {}: the second stream did not wait for the first (saw {})", i, seen[i]);
  RETURN_IF_ERROR(back->wait());
  ASSIGN_OR_RETURN(const bool done, back->done());
  if (!done) return broken("an event that was waited for is not done");
  return ok();
}

// Every way to wait, for work that the host holds up until a moment after the wait began.
Status waits_wait(const DevicePtr& device) {
  ASSIGN_OR_RETURN(const auto a, device->create_stream());
  ASSIGN_OR_RETURN(const auto b, device->create_stream());
  ASSIGN_OR_RETURN(const auto event, device->create_event());
  const auto released_while = [&](const char* what, const std::function<Status(Hold&)>& wait) -> Status {
    ASSIGN_OR_RETURN(Hold hold, Hold::put(*a, 10));
    RETURN_IF_ERROR(event->record(*a));
    std::thread releaser([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      hold.release();
    });
    const Status status = wait(hold);
    const bool ended = hold.ended();
    releaser.join();
    RETURN_IF_ERROR(Status(status));
    RETURN_IF_ERROR(a->wait());
    if (!ended) return broken("{} came back while the work before it still ran: the wait is lost", what);
    return ok();
  };
  RETURN_IF_ERROR(released_while("stream_wait", [&](Hold&) { return a->wait(); }));
  RETURN_IF_ERROR(released_while("event_wait", [&](Hold&) { return event->wait(); }));
  RETURN_IF_ERROR(released_while("event_query's \"done\"", [&](Hold&) -> Status {
    // Some chips start nothing before somebody waits.
    for (int i = 0; i < 300; ++i) {
      const Result<bool> done = event->done();
      if (!done.ok()) return done.status().code() == Code::kUnimplemented ? a->wait() : done.status();
      if (*done) return ok();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return event->wait();
  }));
  struct Look {
    Hold* hold;
    bool ended = false;
  } look{};
  RETURN_IF_ERROR(released_while("a stream made to wait by stream_wait_event", [&](Hold& hold) -> Status {
    look.hold = &hold;
    RETURN_IF_ERROR(event->make_wait(*b));
    const auto take = [](void* p) { static_cast<Look*>(p)->ended = static_cast<Look*>(p)->hold->ended(); };
    RETURN_IF_ERROR(
        device->plugin().status(device->api().call_host(b->handle(), take, &look), "calling the host"));
    return b->wait();
  }));
  if (!look.ended)
    return broken(
        "a stream went on in front of the event that stream_wait_event made it wait for: the wait "
        "is lost");
  return ok();
}

Status events_never_recorded_are_done(const DevicePtr& device) {
  ASSIGN_OR_RETURN(const auto stream, device->create_stream());
  ASSIGN_OR_RETURN(const auto event, device->create_event());
  ASSIGN_OR_RETURN(const bool done, event->done());
  if (!done) return broken("an event never recorded says it is not done");
  RETURN_IF_ERROR(event->wait());
  RETURN_IF_ERROR(event->make_wait(*stream));
  return stream->wait();
}

Status event_times_rise(const DevicePtr& device) {
  ASSIGN_OR_RETURN(const auto stream, device->create_stream());
  ASSIGN_OR_RETURN(const auto start, device->create_event());
  ASSIGN_OR_RETURN(const auto end, device->create_event());
  ASSIGN_OR_RETURN(const Buffer buffer, device->allocate(1 << 22));
  RETURN_IF_ERROR(start->record(*stream));
  for (int i = 0; i < 8; ++i) RETURN_IF_ERROR(stream->fill(buffer.address(), 1, 1 << 22));
  RETURN_IF_ERROR(end->record(*stream));
  RETURN_IF_ERROR(stream->wait());
  ASSIGN_OR_RETURN(const double seconds, end->since(*start));
  if (!(seconds > 0) || seconds > 60) return broken("32 MiB of fills took {} s by the events", seconds);
  return ok();
}

// Work on a stream must not wait for another stream: the host holds the first up until the second is done.
Status streams_are_independent(const DevicePtr& device) {
  ASSIGN_OR_RETURN(const auto held, device->create_stream());
  ASSIGN_OR_RETURN(const auto free, device->create_stream());
  ASSIGN_OR_RETURN(const Buffer buffer, device->allocate(64));
  ASSIGN_OR_RETURN(Hold hold, Hold::put(*held, 5));
  unsigned char seen = 0;
  RETURN_IF_ERROR(free->fill(buffer.address(), 7, 64));
  RETURN_IF_ERROR(free->download(&seen, buffer.address(), 1));
  RETURN_IF_ERROR(free->wait());
  const bool expired = hold.expired();
  hold.release();
  RETURN_IF_ERROR(held->wait());
  if (seen != 7) return broken("the free stream saw {}", seen);
  if (expired) return broken("a stream waited for the work of another");
  return ok();
}

Status host_calls_keep_order(const DevicePtr& device) {
  if (!device->api().call_host) return error(Code::kUnimplemented, "the chip has no call_host");
  ASSIGN_OR_RETURN(const auto stream, device->create_stream());
  ASSIGN_OR_RETURN(const Buffer buffer, device->allocate(1 << 20));
  unsigned char byte = 0;  // written again by what follows each call
  struct Call {
    const unsigned char* byte;
    unsigned char seen = 0;
  };
  std::vector<Call> calls(20, Call{&byte});
  for (int i = 0; i < 20; ++i) {
    RETURN_IF_ERROR(stream->fill(buffer.address(), static_cast<uint8_t>(i + 1), 1 << 20));
    RETURN_IF_ERROR(stream->download(&byte, buffer.address() + (1 << 20) - 1, 1));
    const auto look = [](void* call) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      static_cast<Call*>(call)->seen = *static_cast<Call*>(call)->byte;
    };
    if (device->api().call_host(stream->handle(), look, &calls[i]) != ISTHMUS_OK)
      return broken("call_host failed");
  }
  RETURN_IF_ERROR(stream->wait());
  for (int i = 0; i < 20; ++i) {
    if (calls[i].seen <= i) return broken("host call {} came before the download in front of it", i);
    if (calls[i].seen > i + 1) return broken("what follows host call {} ran before the call was done", i);
  }
  return ok();
}

Status threads_may_share_a_device(const DevicePtr& device) {
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      auto stream = device->create_stream();
      for (int i = 0; stream.ok() && i < 40; ++i) {
        auto buffer = device->allocate(static_cast<uint64_t>(64 + 97 * i * (t + 1)));
        unsigned char seen = 0;
        if (!buffer.ok() || !(*stream)->fill(buffer->address(), static_cast<uint8_t>(t + 1), 64).ok() ||
            !(*stream)->download(&seen, buffer->address() + 63, 1).ok() || !(*stream)->wait().ok() ||
            seen != t + 1)
          ++wrong;
      }
      if (!stream.ok()) ++wrong;
    });
  }
  for (std::thread& thread : threads) thread.join();
  return wrong == 0 ? ok() : broken("{} of 320 rounds on 8 threads failed", wrong.load());
}

Status captures_run_when_replayed(const DevicePtr& device) {
  ASSIGN_OR_RETURN(const auto stream, device->create_stream());
  ASSIGN_OR_RETURN(const Buffer buffer, device->allocate(64));
  unsigned char seen = 0;
  const auto look = [&]() -> Status {
    RETURN_IF_ERROR(stream->download(&seen, buffer.address() + 63, 1));
    return stream->wait();
  };
  RETURN_IF_ERROR(stream->fill(buffer.address(), 1, 64));
  RETURN_IF_ERROR(Capture::begin(*stream));
  RETURN_IF_ERROR(stream->fill(buffer.address(), 9, 64));
  ASSIGN_OR_RETURN(const auto capture, Capture::end(*stream));
  RETURN_IF_ERROR(look());
  if (seen != 1) return broken("work ran while it was captured");
  for (int i = 0; i < 3; ++i) {
    RETURN_IF_ERROR(stream->fill(buffer.address(), 2, 64));
    RETURN_IF_ERROR(capture->replay(*stream));
    RETURN_IF_ERROR(look());
    if (seen != 9) return broken("replay {} left {}", i, seen);
  }
  return ok();
}

Status memory_comes_back(const DevicePtr& device) {
  const uint64_t total = device->properties().memory_bytes;
  const uint64_t bytes = total ? std::min<uint64_t>(total / 16, 64 << 20) : 64 << 20;
  ASSIGN_OR_RETURN(const auto stream, device->create_stream());
  for (int i = 0; i < 200; ++i) {
    ASSIGN_OR_RETURN(const Buffer buffer, device->allocate(bytes + static_cast<uint64_t>(i) * 4096),
                     "allocation {} of {} bytes, each freed before the next", i, bytes);
    RETURN_IF_ERROR(stream->fill(buffer.address(), 1, 64));
    RETURN_IF_ERROR(stream->wait());
    device->release_cached();
  }
  return ok();
}

struct Rule {
  const char* name;
  Status (*run)(const DevicePtr& device);
  uint32_t feature;  // without it: never
};

constexpr Rule kRules[] = {
    {"properties make sense", properties_make_sense, 0},
    {"allocations are aligned and apart", allocations_are_aligned_and_apart, 0},
    {"too much memory is an error", too_much_memory_is_an_error, 0},
    {"freed memory comes back", memory_comes_back, 0},
    {"bytes come back as they went", bytes_come_back, 0},
    {"addresses take arithmetic", addresses_take_arithmetic, 0},
    {"pinned memory is the host's", pinned_memory_is_the_hosts, 0},
    {"a stream keeps order", a_stream_keeps_order, 0},
    {"streams are independent", streams_are_independent, 0},
    {"host calls keep their place in a stream", host_calls_keep_order, 0},
    {"waits wait", waits_wait, 0},
    {"events order streams", events_order_streams, 0},
    {"events never recorded are done", events_never_recorded_are_done, 0},
    {"times between events", event_times_rise, ISTHMUS_FEATURE_EVENT_TIMING},
    {"threads may share a device", threads_may_share_a_device, 0},
    {"captures run when replayed", captures_run_when_replayed, ISTHMUS_FEATURE_CAPTURE},
};

// A chip may have the entries and not say so.
Outcome without_feature(const Rule& rule, const DevicePtr& device) {
  if (rule.feature == ISTHMUS_FEATURE_EVENT_TIMING && device->api().event_elapsed && rule.run(device).ok())
    return unexpected("it works, though the chip does not report the feature");
  return never("the chip does not report this feature");
}

}  // namespace

std::vector<Check> runtime_checks() {
  std::vector<Check> checks;
  for (const Rule& rule : kRules) {
    checks.push_back({"runtime", rule.name, [&rule](const DevicePtr& device) {
                        if ((device->properties().features & rule.feature) != rule.feature)
                          return without_feature(rule, device);
                        const Status status = rule.run(device);
                        return status.code() == Code::kUnimplemented ? not_yet(status.message())
                                                                     : outcome_of(status);
                      }});
  }
  return checks;
}

}  // namespace isthmus::conform
