// SPDX-License-Identifier: Apache-2.0
#include "cann/runtime/copy.h"
#include "cann/runtime/kept_results.h"

#include <cstring>
#include <functional>
#include <map>

namespace isthmus::cann {
namespace {

// Host bytes up to here are taken along with a copy, above the stream is waited for.
constexpr uint64_t kTakenAlong = 1 << 20;

// One stream of each device for copies that nobody put on one.
struct CopyStream {
  std::mutex mutex;
  std::unique_ptr<Stream> stream;
};
struct CopyStreams {
  std::mutex mutex;
  std::map<Device*, std::shared_ptr<CopyStream>> streams;
};
CopyStreams& copy_streams() {
  static CopyStreams& streams = *new CopyStreams;
  return streams;
}

Status run_now(const DevicePtr& device, const std::function<Status(Stream&)>& work) {
  std::shared_ptr<CopyStream> own;
  {
    std::lock_guard lock(copy_streams().mutex);
    auto& found = copy_streams().streams[device.get()];
    if (!found) found = std::make_shared<CopyStream>();
    own = found;
  }
  std::lock_guard lock(own->mutex);
  if (!own->stream) {
    ASSIGN_OR_RETURN(own->stream, device->create_stream());
  }
  const Status put = work(*own->stream);
  Status done = own->stream->wait();
  return put.ok() ? done : put;
}

Result<Memory> end_of_copy(const void* address, uint64_t bytes, const char* which, bool device) {
  if (!address) return invalid_argument("the {} is null", which);
  if (device) {
    ASSIGN_OR_RETURN(Memory memory, find_memory(address, bytes), "the {}", which);
    if (memory.kind != MemoryKind::kDevice)
      return invalid_argument("the {} {} is host memory, the copy's kind says device memory", which, address);
    return memory;
  }
  const Result<Memory> memory = find_memory(address, 1);
  if (memory.ok() && !memory->host_visible())
    return invalid_argument("the {} {} is device memory, the copy's kind says host memory", which, address);
  return Memory{};
}

Result<Transfer> check_ends(Transfer t, uint64_t dst_span, uint64_t src_span, aclrtMemcpyKind kind) {
  bool to_device = kind == ACL_MEMCPY_HOST_TO_DEVICE || kind == ACL_MEMCPY_DEVICE_TO_DEVICE;
  bool from_device = kind == ACL_MEMCPY_DEVICE_TO_HOST || kind == ACL_MEMCPY_DEVICE_TO_DEVICE;
  const auto number = static_cast<int32_t>(kind);
  if (number < 0) return invalid_argument("{} is no kind of copy", number);
  if (number > ACL_MEMCPY_DEVICE_TO_DEVICE) {
    const auto on_device = [](const void* address) {
      const Result<Memory> memory = find_memory(address, 1);
      return memory.ok() && memory->kind == MemoryKind::kDevice;
    };
    to_device = on_device(t.dst);
    from_device = on_device(t.src);
  }
  ASSIGN_OR_RETURN(t.dst_memory, end_of_copy(t.dst, dst_span, "destination", to_device));
  ASSIGN_OR_RETURN(t.src_memory, end_of_copy(t.src, src_span, "source", from_device));
  return t;
}

bool direct(const Transfer& t) {
  return (!t.dst_memory.device || t.dst_memory.host_visible()) &&
         (!t.src_memory.device || t.src_memory.host_visible());
}

void copy_rows(void* dst, uint64_t dst_pitch, const void* src, uint64_t src_pitch, uint64_t bytes,
               uint64_t rows) {
  for (uint64_t i = 0; i < rows; ++i)
    std::memmove(static_cast<char*>(dst) + i * dst_pitch, static_cast<const char*>(src) + i * src_pitch,
                 bytes);
}

// What is written, from its first byte to its last.
uint64_t extent(const Transfer& t) { return t.dst_pitch * (t.rows - 1) + t.bytes; }

// Again for device ends, when memory was freed since: at a replay.
Status check_again(const Transfer& t) {
  const auto check = [&](const Memory& memory, const void* address, uint64_t pitch) -> Status {
    if (!memory.device || memory.kind != MemoryKind::kDevice) return ok();
    return check_device_memory(*memory.device, reinterpret_cast<uint64_t>(address),
                               pitch * (t.rows - 1) + t.bytes);
  };
  RETURN_IF_ERROR(check(t.dst_memory, t.dst, t.dst_pitch), "the destination");
  return check(t.src_memory, t.src, t.src_pitch).with_context("the source");
}

// Each row on the stream; both ends on its device, or one there and one on the host.
Status put_rows(const Transfer& t, Stream& stream) {
  for (uint64_t i = 0; i < t.rows; ++i) {
    char* const dst = static_cast<char*>(t.dst) + i * t.dst_pitch;
    const char* const src = static_cast<const char*>(t.src) + i * t.src_pitch;
    const auto to = reinterpret_cast<isthmus_address_t>(dst), from = reinterpret_cast<isthmus_address_t>(src);
    if (t.dst_memory.device && t.src_memory.device)
      RETURN_IF_ERROR(stream.copy(to, from, t.bytes));
    else if (t.dst_memory.device)
      RETURN_IF_ERROR(stream.upload(to, src, t.bytes));
    else
      RETURN_IF_ERROR(stream.download(dst, from, t.bytes));
  }
  return ok();
}

class CopyWork : public Work {
 public:
  explicit CopyWork(const Transfer& transfer) : transfer_(transfer) {}
  Status put_on(Stream& stream) override {
    if (memory_generation() != checked_) RETURN_IF_ERROR(check_again(transfer_));
    note_write(reinterpret_cast<uint64_t>(transfer_.dst), extent(transfer_));
    return put_rows(transfer_, stream);
  }
  // Takes the source's bytes along.
  void take() {
    taken_.resize(transfer_.bytes * transfer_.rows);
    copy_rows(taken_.data(), transfer_.bytes, transfer_.src, transfer_.src_pitch, transfer_.bytes,
              transfer_.rows);
    transfer_.src = taken_.data();
    transfer_.src_pitch = transfer_.bytes;
  }

 private:
  Transfer transfer_;
  const uint64_t checked_ = memory_generation();
  std::vector<unsigned char> taken_;
};

// Between host addresses, in the order of a stream.
class HostCopyWork : public Work {
 public:
  explicit HostCopyWork(const Transfer& transfer) : t_(transfer) {}
  Status put_on(Stream& stream) override {
    const auto& api = stream.device().api();
    if (api.call_host)
      return stream.device().status(api.call_host(stream.handle(), run, this), "copying on the host");
    RETURN_IF_ERROR(stream.wait());
    run(this);
    return ok();
  }

 private:
  static void run(void* self) {
    const Transfer& t = static_cast<HostCopyWork*>(self)->t_;
    copy_rows(t.dst, t.dst_pitch, t.src, t.src_pitch, t.bytes, t.rows);
  }
  Transfer t_;
};

}  // namespace

Result<Transfer> check_copy(void* dst, size_t capacity, const void* src, size_t count, aclrtMemcpyKind kind) {
  if (count > capacity)
    return invalid_argument("{} bytes do not fit into the {} bytes of the destination", count, capacity);
  if (count > kLargestAllocation) return invalid_argument("{} bytes are more than any memory has", count);
  Transfer t;
  t.dst = dst;
  t.src = src;
  t.bytes = count;
  return check_ends(std::move(t), count, count, kind);
}

Result<Transfer> check_copy_2d(void* dst, size_t dst_pitch, const void* src, size_t src_pitch, size_t width,
                               size_t height, aclrtMemcpyKind kind) {
  if (width > dst_pitch || width > src_pitch)
    return invalid_argument("rows of {} bytes are wider than their pitch ({} and {} bytes)", width, dst_pitch,
                            src_pitch);
  uint64_t dst_span = 0, src_span = 0;
  if (__builtin_mul_overflow(dst_pitch, height ? height - 1 : 0, &dst_span) ||
      __builtin_mul_overflow(src_pitch, height ? height - 1 : 0, &src_span) ||
      dst_span > kLargestAllocation || src_span > kLargestAllocation || width > kLargestAllocation)
    return invalid_argument("{} rows at {} and {} bytes are more than any memory has", height, dst_pitch,
                            src_pitch);
  Transfer t;
  t.dst = dst;
  t.src = src;
  t.bytes = height ? width : 0;
  t.rows = height;
  t.dst_pitch = dst_pitch;
  t.src_pitch = src_pitch;
  return check_ends(std::move(t), dst_span + width, src_span + width, kind);
}

Status copy_now(const Transfer& t) {
  if (t.bytes == 0) return ok();
  const WriteNow write(reinterpret_cast<uint64_t>(t.dst), extent(t));
  if (direct(t)) {
    copy_rows(t.dst, t.dst_pitch, t.src, t.src_pitch, t.bytes, t.rows);
    return ok();
  }
  const DevicePtr &to = t.dst_memory.device, &from = t.src_memory.device;
  if (to && from && to != from) {  // By way of the host, row by row.
    std::vector<unsigned char> between(t.bytes);
    for (uint64_t i = 0; i < t.rows; ++i) {
      Transfer out = t, in = t;
      out.rows = in.rows = 1;
      out.src = static_cast<const char*>(t.src) + i * t.src_pitch;
      in.dst = static_cast<char*>(t.dst) + i * t.dst_pitch;
      in.src = out.dst = between.data();
      out.dst_memory = in.src_memory = {};
      RETURN_IF_ERROR(copy_now(out));
      RETURN_IF_ERROR(copy_now(in));
    }
    return ok();
  }
  return run_now(to ? to : from, [&](Stream& stream) { return put_rows(t, stream); });
}

Status copy_on(const StreamPtr& stream, const Transfer& t) {
  if (t.bytes == 0) return ok();
  const DevicePtr &to = t.dst_memory.device, &from = t.src_memory.device;
  const Device* const here = &stream->device();
  if ((to && to.get() != here) || (from && from.get() != here)) {
    if (stream->recording())
      return unimplemented("a copy between two devices cannot be captured: it goes by way of the host");
    RETURN_IF_ERROR(stream->wait());
    return copy_now(t);
  }
  if (!to && !from) return stream->put(std::make_shared<HostCopyWork>(t));
  auto work = std::make_shared<CopyWork>(t);
  const bool foreign = to && !from && !stream->recording() && !is_known(t.src);
  if (!foreign) return stream->put(std::move(work));
  const bool small = t.bytes * t.rows <= kTakenAlong;
  if (small) work->take();
  RETURN_IF_ERROR(stream->put(std::move(work)));
  return small ? ok() : stream->wait();
}

Status fill_now(const Memory& memory, void* dst, uint8_t value, uint64_t bytes) {
  if (bytes == 0) return ok();
  const WriteNow write(reinterpret_cast<uint64_t>(dst), bytes);
  if (memory.host_visible()) {
    std::memset(dst, value, bytes);
    return ok();
  }
  return run_now(memory.device, [&](Stream& stream) {
    return stream.fill(reinterpret_cast<isthmus_address_t>(dst), value, bytes);
  });
}

void release_copy_streams() {
  std::map<Device*, std::shared_ptr<CopyStream>> ended;
  std::lock_guard lock(copy_streams().mutex);
  ended.swap(copy_streams().streams);
}

}  // namespace isthmus::cann
