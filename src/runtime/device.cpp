// SPDX-License-Identifier: Apache-2.0
#include "runtime/device.h"

#include <bit>

namespace isthmus {
namespace {

// A feature whose entries are not all there, or null.
const char* empty_promise(const isthmus_device_properties_t& properties, const isthmus_plugin_t& api) {
  const auto broken = [&](isthmus_device_feature_t feature, bool there) {
    return (properties.features & feature) && !there;
  };
  if (broken(ISTHMUS_FEATURE_IMPORT, api.import_host && api.release_host)) return "import of host memory";
  if (broken(ISTHMUS_FEATURE_CAPTURE,
             api.capture_begin && api.capture_end && api.capture_replay && api.capture_destroy))
    return "capture";
  if (broken(ISTHMUS_FEATURE_EVENT_TIMING, api.event_elapsed)) return "event timing";
  if (properties.kernel_languages && !(api.kernel_build && api.kernel_launch && api.kernel_release))
    return "kernels";
  return nullptr;
}

// The plug-in says that it made one.
Status gave_none(const std::string& id, const char* what) {
  return error(Code::kInternal, "{}: the plug-in made the {}, but gave none", id, what);
}

// Larger than any memory; sizes computed of it do not overflow.
constexpr uint64_t kMostBytes = uint64_t{1} << 56;

}  // namespace

// -- Buffer --

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  if (this != &other) {
    reset();
    device_ = std::move(other.device_);
    address_ = std::exchange(other.address_, 0);
    bytes_ = std::exchange(other.bytes_, 0);
    block_bytes_ = other.block_bytes_;
    kind_ = other.kind_;
  }
  return *this;
}

void Buffer::reset() {
  if (address_) device_->give_back(*this);
  address_ = 0;
  bytes_ = 0;
  device_.reset();
}

void* Buffer::host() const {
  if (!address_) return nullptr;
  if (kind_ == ISTHMUS_MEMORY_PINNED_HOST || device_->has(ISTHMUS_FEATURE_HOST_ACCESS))
    return reinterpret_cast<void*>(address_);
  return nullptr;
}

// -- Stream --

Stream::~Stream() { device_->api().stream_destroy(handle_); }

Status Stream::wait() { return device_->status(device_->api().stream_wait(handle_), "waiting for a stream"); }
Status Stream::upload(isthmus_address_t dst, const void* src, uint64_t bytes) {
  return device_->status(
      device_->api().copy(handle_, ISTHMUS_COPY_HOST_TO_DEVICE, dst, reinterpret_cast<uint64_t>(src), bytes),
      "copying to the device");
}
Status Stream::download(void* dst, isthmus_address_t src, uint64_t bytes) {
  return device_->status(
      device_->api().copy(handle_, ISTHMUS_COPY_DEVICE_TO_HOST, reinterpret_cast<uint64_t>(dst), src, bytes),
      "copying from the device");
}
Status Stream::copy(isthmus_address_t dst, isthmus_address_t src, uint64_t bytes) {
  return device_->status(device_->api().copy(handle_, ISTHMUS_COPY_DEVICE_TO_DEVICE, dst, src, bytes),
                         "copying on the device");
}
Status Stream::fill(isthmus_address_t dst, uint8_t value, uint64_t bytes) {
  return device_->status(device_->api().fill(handle_, dst, value, bytes), "filling memory");
}

// -- Event --

Event::~Event() { device_->api().event_destroy(handle_); }

Status Event::record(Stream& stream) {
  return device_->status(device_->api().event_record(handle_, stream.handle()), "recording an event");
}
Status Event::wait() { return device_->status(device_->api().event_wait(handle_), "waiting for an event"); }
Status Event::make_wait(Stream& stream) {
  return device_->status(device_->api().stream_wait_event(stream.handle(), handle_),
                         "making a stream wait for an event");
}
Result<bool> Event::done() {
  if (!device_->api().event_query)
    return unimplemented("{}: this chip cannot say whether an event is done", device_->id());
  int32_t done = 0;
  RETURN_IF_ERROR(device_->status(device_->api().event_query(handle_, &done), "asking for an event"));
  return done != 0;
}
Result<double> Event::since(Event& start) {
  if (!device_->api().event_elapsed)
    return unimplemented("{}: this chip's events keep no time", device_->id());
  double seconds = 0;
  RETURN_IF_ERROR(
      device_->status(device_->api().event_elapsed(start.handle_, handle_, &seconds), "timing events"));
  return seconds;
}

// -- Capture --

Capture::~Capture() { device_->api().capture_destroy(handle_); }

Status Capture::begin(Stream& stream) {
  Device& device = stream.device();
  if (!device.has(ISTHMUS_FEATURE_CAPTURE)) return unimplemented("{}: this chip cannot capture", device.id());
  return device.status(device.api().capture_begin(stream.handle()), "starting a capture");
}
Result<std::unique_ptr<Capture>> Capture::end(Stream& stream) {
  Device& device = stream.device();
  if (!device.has(ISTHMUS_FEATURE_CAPTURE)) return unimplemented("{}: this chip cannot capture", device.id());
  isthmus_chip_capture_t* handle = nullptr;
  RETURN_IF_ERROR(device.status(device.api().capture_end(stream.handle(), &handle), "ending a capture"));
  if (!handle) return gave_none(device.id(), "capture");
  return std::unique_ptr<Capture>(new Capture(device.shared_from_this(), handle));
}
Status Capture::replay(Stream& stream) {
  return device_->status(device_->api().capture_replay(handle_, stream.handle()), "replaying a capture");
}

// -- Device --

Result<DevicePtr> Device::open(std::shared_ptr<Plugin> plugin, int index) {
  DevicePtr device(new Device);
  device->plugin_ = std::move(plugin);
  const isthmus_plugin_t& api = device->api();
  device->id_ = fmt::format("{}:{}", device->plugin_->name(), index);
  isthmus_chip_device_t* handle = nullptr;
  RETURN_IF_ERROR(
      device->status(api.device_open(&device->plugin_->host(), index, &handle), "opening a device"));
  device->handle_ = handle;  // what a failed call left there is none
  if (!device->handle_)
    return invalid_argument("{}: the plug-in opened the device, but gave none", device->id_);
  device->properties_.size = sizeof device->properties_;
  RETURN_IF_ERROR(device->status(api.device_properties(device->handle_, &device->properties_),
                                 "reading a device's properties"));
  if (!device->properties_.name)
    return invalid_argument("{}: the plug-in gives the device no name", device->id_);
  if (!device->properties_.architecture) device->properties_.architecture = "unknown";
  const uint64_t alignment = device->properties_.alignment_bytes;
  if (alignment < 64 || !std::has_single_bit(alignment))
    return invalid_argument(
        "{}: the plug-in says its allocations are aligned to {} bytes; a power of two of at least "
        "64 is required",
        device->id_, alignment);
  if (const char* promise = empty_promise(device->properties_, api))
    return invalid_argument("{}: the plug-in says the device has {}, but lacks entries for it", device->id_,
                            promise);
  return device;
}

Status Device::status(isthmus_status_t code, const char* doing) {
  if (code == ISTHMUS_OK && !lost_.load(std::memory_order_relaxed)) return ok();
  Status status = plugin_->status(code, doing);
  std::lock_guard lock(lost_mutex_);
  if (lost_) return Status(lost_status_).with_context(doing);
  if (code == ISTHMUS_DEVICE_LOST) {
    lost_status_ = Status(status).with_context(fmt::format("{} is lost", id_));
    lost_ = true;
  }
  return status;
}

Device::~Device() {
  if (!handle_) return;
  release_cached();
  api().device_close(handle_);
}

uint64_t Device::block_bytes(uint64_t bytes) {
  if (bytes <= 256) return 256;
  const uint64_t step = std::bit_floor(bytes) / 4;
  return (bytes + step - 1) / step * step;
}

Result<Buffer> Device::allocate(uint64_t bytes, isthmus_memory_kind_t kind) {
  if (bytes > kMostBytes)
    return error(Code::kOutOfMemory, "{}: {} bytes asked for, more than any memory has", id_, bytes);
  Buffer buffer;
  buffer.bytes_ = bytes;
  buffer.block_bytes_ = block_bytes(bytes);
  buffer.kind_ = kind;
  std::lock_guard lock(mutex_);
  auto found = free_blocks_.find({kind, buffer.block_bytes_});
  if (found != free_blocks_.end()) {
    buffer.address_ = found->second;
    free_blocks_.erase(found);
    use_.cached -= buffer.block_bytes_;
  } else {
    isthmus_status_t code = api().allocate(handle_, kind, buffer.block_bytes_, &buffer.address_);
    if (code == ISTHMUS_OUT_OF_MEMORY && !free_blocks_.empty()) {  // Give the cache back and try once more.
      for (auto& [key, address] : free_blocks_) api().free(handle_, address);
      free_blocks_.clear();
      use_.cached = 0;
      code = api().allocate(handle_, kind, buffer.block_bytes_, &buffer.address_);
    }
    if (code != ISTHMUS_OK)
      return status(code, "allocating")
          .with_context(fmt::format("{}: {} bytes asked for, {} in use", id_, bytes, use_.in_use));
  }
  if (const uint64_t address = buffer.address_;
      address == 0 || address % properties_.alignment_bytes != 0 || address + buffer.block_bytes_ < address) {
    buffer.address_ = 0;
    return error(Code::kInternal,
                 "{}: the plug-in gave {:#x} as the address of {} bytes: not one at a multiple of {}", id_,
                 address, buffer.block_bytes_, properties_.alignment_bytes);
  }
  use_.in_use += buffer.block_bytes_;
  use_.peak = std::max(use_.peak, use_.in_use);
  buffer.device_ = shared_from_this();
  return buffer;
}

void Device::give_back(Buffer& buffer) {
  std::lock_guard lock(mutex_);
  use_.in_use -= buffer.block_bytes_;
  use_.cached += buffer.block_bytes_;
  free_blocks_.emplace(std::pair(static_cast<int>(buffer.kind_), buffer.block_bytes_), buffer.address_);
}

Device::MemoryUse Device::memory_use() const {
  std::lock_guard lock(mutex_);
  return use_;
}

void Device::release_cached() {
  std::lock_guard lock(mutex_);
  for (auto& [key, address] : free_blocks_) api().free(handle_, address);
  free_blocks_.clear();
  use_.cached = 0;
}

Result<std::unique_ptr<Stream>> Device::create_stream() {
  isthmus_chip_stream_t* handle = nullptr;
  Status made = status(api().stream_create(handle_, &handle), "creating a stream");
  std::unique_ptr<Stream> stream(handle ? new Stream(shared_from_this(), handle) : nullptr);
  RETURN_IF_ERROR(std::move(made));
  if (!stream) return gave_none(id_, "stream");
  return stream;
}

Result<std::unique_ptr<Event>> Device::create_event() {
  isthmus_chip_event_t* handle = nullptr;
  Status made = status(api().event_create(handle_, &handle), "creating an event");
  std::unique_ptr<Event> event(handle ? new Event(shared_from_this(), handle) : nullptr);
  RETURN_IF_ERROR(std::move(made));
  if (!event) return gave_none(id_, "event");
  return event;
}

}  // namespace isthmus
