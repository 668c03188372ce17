// SPDX-License-Identifier: Apache-2.0
// Long random work on several streams and threads: every byte where it belongs, and at the end as much
// memory, as many threads and open files as before.
#include <dirent.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <random>
#include <thread>

#include "conform/check.h"
#include "ops/prepared_op.h"
#include "ops/registry.h"

namespace isthmus::conform {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kThreads = 4;
constexpr size_t kBuffers = 12;  // of each thread

// What a process holds, as the system tells.
struct Holdings {
  int64_t resident_kib = 0, threads = 0, files = 0;

  static Holdings now() {
    Holdings h;
    if (std::FILE* file = std::fopen("/proc/self/status", "r")) {
      char line[256];
      long long value = 0;
      while (std::fgets(line, sizeof line, file)) {
        if (std::sscanf(line, "VmRSS: %lld", &value) == 1) h.resident_kib = value;
        if (std::sscanf(line, "Threads: %lld", &value) == 1) h.threads = value;
      }
      std::fclose(file);
    }
    if (DIR* folder = opendir("/proc/self/fd")) {
      while (readdir(folder)) ++h.files;
      closedir(folder);
    }
    return h;
  }
};

// One thread's part: buffers with the bytes they should hold, and random work on them.
class Worker {
 public:
  Worker(DevicePtr device, PreparedOp* negate, uint32_t seed)
      : device_(std::move(device)), negate_(negate), random_(seed) {}

  Status run(Clock::time_point end) {
    while (Clock::now() < end) {
      // A stream and an event live for some hundred pieces of work.
      ASSIGN_OR_RETURN(const auto stream, device_->create_stream());
      ASSIGN_OR_RETURN(const auto other, device_->create_stream());
      ASSIGN_OR_RETURN(const auto event, device_->create_event());
      for (int i = 0; i < 200 && Clock::now() < end; ++i) RETURN_IF_ERROR(step(*stream, *other, *event));
      RETURN_IF_ERROR(stream->wait());
      RETURN_IF_ERROR(other->wait());
      device_->release_cached();
    }
    return ok();
  }
  uint64_t steps() const { return steps_; }

 private:
  struct Held {
    Buffer buffer;
    std::vector<unsigned char> bytes;
  };
  size_t below(size_t n) { return static_cast<size_t>(random_() % n); }

  Status allocate(Stream& stream) {
    Held held;
    const size_t bytes = size_t{4} << below(18);
    ASSIGN_OR_RETURN(held.buffer, device_->allocate(bytes + below(64) * 4));
    held.bytes.assign(held.buffer.bytes(), static_cast<unsigned char>(random_()));
    RETURN_IF_ERROR(stream.fill(held.buffer.address(), held.bytes[0], held.bytes.size()));
    held_.push_back(std::move(held));
    return ok();
  }
  Status drop(Stream& stream) {
    RETURN_IF_ERROR(stream.wait());
    const size_t which = below(held_.size());
    RETURN_IF_ERROR(compare(held_[which], stream));
    held_.erase(held_.begin() + static_cast<int64_t>(which));
    return ok();
  }
  Status compare(const Held& held, Stream& stream) {
    std::vector<unsigned char> back(held.bytes.size());
    RETURN_IF_ERROR(stream.download(back.data(), held.buffer.address(), back.size()));
    RETURN_IF_ERROR(stream.wait());
    for (size_t i = 0; i < back.size(); ++i)
      if (back[i] != held.bytes[i])
        return error(Code::kInternal, "after {} pieces of work byte {} of {} is {:#x}, not {:#x}", steps_, i,
                     back.size(), back[i], held.bytes[i]);
    return ok();
  }
  Status copy(Stream& stream) {
    Held &from = held_[below(held_.size())], &to = held_[below(held_.size())];
    if (&from == &to) return ok();
    const size_t bytes = std::min(from.bytes.size(), to.bytes.size());
    const size_t src = below(from.bytes.size() - bytes + 1), dst = below(to.bytes.size() - bytes + 1);
    std::memcpy(&to.bytes[dst], &from.bytes[src], bytes);
    return stream.copy(to.buffer.address() + dst, from.buffer.address() + src, bytes);
  }
  // The signs of 1 to 1024 F32 in place of what lies there, by the chip's own operator.
  Status negate(Stream& stream) {
    if (!negate_) return ok();
    Held &from = held_[below(held_.size())], &to = held_[below(held_.size())];
    if (&from == &to) return ok();
    const size_t count = std::min({from.bytes.size() / 4, to.bytes.size() / 4, size_t{1024}});
    isthmus_tensor_arg_t args[2] = {};
    for (isthmus_tensor_arg_t& arg : args) {
      arg.dims[0] = static_cast<int64_t>(count);
      arg.strides[0] = 1;
    }
    args[0].address = from.buffer.address();
    args[1].address = to.buffer.address();
    // Only the sign changes, of NaN too; what chips make of NaN is not fixed, so their bytes stay away.
    for (size_t i = 0; i < count; ++i) {
      uint32_t bits = 0;
      std::memcpy(&bits, &from.bytes[i * 4], 4);
      if ((bits & 0x7fffffff) > 0x7f800000) return ok();
    }
    for (size_t i = 0; i < count; ++i) {
      uint32_t bits = 0;
      std::memcpy(&bits, &from.bytes[i * 4], 4);
      bits ^= 0x80000000u;
      std::memcpy(&to.bytes[i * 4], &bits, 4);
    }
    return negate_->run(args, 0, stream);
  }

  Status step(Stream& stream, Stream& other, Event& event) {
    ++steps_;
    if (held_.size() < 3) return allocate(stream);
    switch (below(8)) {
      case 0: return held_.size() < kBuffers ? allocate(stream) : drop(stream);
      case 1: return drop(stream);
      case 2: return compare(held_[below(held_.size())], stream);
      case 3: {  // a piece of work elsewhere, between what is in front and what follows
        RETURN_IF_ERROR(event.record(stream));
        RETURN_IF_ERROR(event.make_wait(other));
        RETURN_IF_ERROR(copy(other));
        RETURN_IF_ERROR(event.record(other));
        return event.make_wait(stream);
      }
      case 4: return negate(stream);
      default: return copy(stream);
    }
  }

  DevicePtr device_;
  PreparedOp* negate_;
  std::mt19937 random_;
  std::vector<Held> held_;
  uint64_t steps_ = 0;
};

// A round of all workers; gives the pieces of work.
Result<uint64_t> round(const DevicePtr& device, PreparedOp* negate, double seconds, uint32_t seed) {
  const auto end =
      Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  std::vector<std::thread> threads;
  std::mutex mutex;
  Status first;
  uint64_t steps = 0;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      Worker worker(device, negate, seed + static_cast<uint32_t>(t));
      Status status = worker.run(end);
      std::lock_guard lock(mutex);
      if (!status.ok() && first.ok()) first = std::move(status);
      steps += worker.steps();
    });
  for (std::thread& thread : threads) thread.join();
  RETURN_IF_ERROR(Status(first));
  return steps;
}

Outcome soak(const DevicePtr& device, double seconds) {
  const OperandSpec operand{{Dtype::kF32, {Dim::of_symbol(0)}}, ISTHMUS_ROLE_ACTIVATION, {}};
  const OperandSpec operands[2] = {operand, operand};
  const SymbolRange range{1, 1024};
  PreparePolicy policy;
  policy.no_fallback = true;
  std::unique_ptr<PreparedOp> negate;
  if (const OpDef* op = find_op("neg"))
    if (auto prepared = PreparedOp::prepare(device, *op, {}, operands, 1, std::span(&range, 1), policy);
        prepared.ok() && (*prepared)->workspace_bytes() == 0)
      negate = std::move(prepared).value();
  // The first part fills what chips keep for reuse; the second must not add to it.
  const uint64_t in_use = device->memory_use().in_use;
  const Result<uint64_t> warm = round(device, negate.get(), seconds / 2, 1);
  if (!warm.ok()) return failed(warm.status().message());
  device->release_cached();
  const Holdings before = Holdings::now();
  const Result<uint64_t> steps = round(device, negate.get(), seconds / 2, 1000);
  if (!steps.ok()) return failed(steps.status().message());
  device->release_cached();
  const Holdings after = Holdings::now();
  if (device->memory_use().in_use != in_use)
    return failed(fmt::format("{} bytes of device memory are in use at the end, {} at the beginning",
                              device->memory_use().in_use, in_use));
  const int64_t growth = after.resident_kib - before.resident_kib;
  if (growth > 65536 + before.resident_kib / 10)
    return failed(fmt::format("the process grew by {} KiB to {} in the second half: memory is not given back",
                              growth, after.resident_kib));
  if (after.threads > before.threads + 2)
    return failed(fmt::format("{} threads at the end of the second half, {} at its beginning", after.threads,
                              before.threads));
  if (after.files > before.files + 2)
    return failed(fmt::format("{} open files at the end of the second half, {} at its beginning", after.files,
                              before.files));
  return passed(fmt::format("{} pieces of work on {} threads; resident memory {:+} KiB in the second half",
                            *warm + *steps, kThreads, growth));
}

}  // namespace

std::vector<Check> soak_checks(double seconds) {
  if (seconds <= 0) return {};
  return {{"soak", "random work on many threads",
           [seconds](const DevicePtr& device) { return soak(device, seconds); }}};
}

}  // namespace isthmus::conform
