// SPDX-License-Identifier: Apache-2.0
// Devices, and the streams, events and buffers made on them.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/status.h"
#include "runtime/plugin.h"

namespace isthmus {

class Device;
using DevicePtr = std::shared_ptr<Device>;

// Device memory, returned to the device's cache of free blocks when destroyed. The owner makes sure that no
// stream still uses it, or that the next work on it goes to the same stream. Move-only.
class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept { *this = std::move(other); }
  Buffer& operator=(Buffer&& other) noexcept;
  ~Buffer() { reset(); }
  void reset();

  isthmus_address_t address() const { return address_; }
  uint64_t bytes() const { return bytes_; }
  explicit operator bool() const { return address_ != 0; }
  // The memory itself where the host may touch it; null elsewhere.
  void* host() const;

 private:
  friend class Device;
  DevicePtr device_;
  isthmus_address_t address_ = 0;
  uint64_t bytes_ = 0;        // asked for
  uint64_t block_bytes_ = 0;  // its size class
  isthmus_memory_kind_t kind_ = ISTHMUS_MEMORY_DEVICE;
};

// An in-order queue of work, asynchronous to the caller. One thread at a time.
class Stream {
 public:
  ~Stream();
  Stream(const Stream&) = delete;
  Device& device() const { return *device_; }
  isthmus_chip_stream_t* handle() const { return handle_; }

  Status wait();  // blocks until all its work is done; the first error since the last wait
  Status upload(isthmus_address_t dst, const void* src, uint64_t bytes);  // src stays valid until done
  Status download(void* dst, isthmus_address_t src, uint64_t bytes);      // dst is filled when done
  Status copy(isthmus_address_t dst, isthmus_address_t src, uint64_t bytes);
  Status fill(isthmus_address_t dst, uint8_t value, uint64_t bytes);

 private:
  friend class Device;
  Stream(DevicePtr device, isthmus_chip_stream_t* handle) : device_(std::move(device)), handle_(handle) {}
  DevicePtr device_;
  isthmus_chip_stream_t* handle_;
};

// A point in a stream's work. Waiting for an event never recorded returns at once.
class Event {
 public:
  ~Event();
  Event(const Event&) = delete;
  Status record(Stream& stream);
  Status wait();                     // the calling thread waits
  Status make_wait(Stream& stream);  // later work on the stream waits
  Result<bool> done();
  // Seconds from `start` to this event; both recorded and done. Unimplemented where the chip keeps no time.
  Result<double> since(Event& start);

 private:
  friend class Device;
  Event(DevicePtr device, isthmus_chip_event_t* handle) : device_(std::move(device)), handle_(handle) {}
  DevicePtr device_;
  isthmus_chip_event_t* handle_;
};

// A captured sequence of work on one stream, replayed as one.
class Capture {
 public:
  ~Capture();
  Capture(const Capture&) = delete;
  // Puts on the stream what was put on it between the two calls; nothing of it runs now.
  static Status begin(Stream& stream);
  static Result<std::unique_ptr<Capture>> end(Stream& stream);
  Status replay(Stream& stream);

 private:
  Capture(DevicePtr device, isthmus_chip_capture_t* handle) : device_(std::move(device)), handle_(handle) {}
  DevicePtr device_;
  isthmus_chip_capture_t* handle_;
};

// One open device. Thread-safe. Everything made on it keeps it alive.
class Device : public std::enable_shared_from_this<Device> {
 public:
  static Result<DevicePtr> open(std::shared_ptr<Plugin> plugin, int index);
  ~Device();
  Device(const Device&) = delete;

  const std::string& id() const { return id_; }  // "cpu:0"
  const isthmus_device_properties_t& properties() const { return properties_; }
  bool has(isthmus_device_feature_t feature) const { return properties_.features & feature; }
  const Plugin& plugin() const { return *plugin_; }
  const isthmus_plugin_t& api() const { return plugin_->api(); }
  isthmus_chip_device_t* handle() const { return handle_; }

  // The Status of an entry's return code, as Plugin::status. A device that was lost once stays lost: from
  // then on every code, success as well, is that error.
  Status status(isthmus_status_t code, const char* doing);

  // What an allocation of so many bytes takes. Four size classes per power of two, at least 256 bytes: at
  // most a quarter is wasted, and blocks are reused often.
  static uint64_t block_bytes(uint64_t bytes);
  Result<Buffer> allocate(uint64_t bytes, isthmus_memory_kind_t kind = ISTHMUS_MEMORY_DEVICE);
  Result<std::unique_ptr<Stream>> create_stream();
  Result<std::unique_ptr<Event>> create_event();

  struct MemoryUse {
    uint64_t in_use = 0;  // bytes in live buffers
    uint64_t peak = 0;
    uint64_t cached = 0;  // bytes in free blocks kept for reuse
  };
  MemoryUse memory_use() const;
  void release_cached();  // gives free blocks back to the chip

 private:
  friend class Buffer;
  Device() = default;
  void give_back(Buffer& buffer);

  std::shared_ptr<Plugin> plugin_;
  isthmus_chip_device_t* handle_ = nullptr;
  isthmus_device_properties_t properties_ = {};
  std::string id_;
  mutable std::mutex mutex_;
  std::multimap<std::pair<int, uint64_t>, isthmus_address_t> free_blocks_;  // by kind and size
  MemoryUse use_;
  std::atomic<bool> lost_{false};
  std::mutex lost_mutex_;
  Status lost_status_;
};

}  // namespace isthmus
