// SPDX-License-Identifier: Apache-2.0
// Streams, events, buffers and capture on the CPU chip, as any caller sees them.
#include "runtime/device.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "runtime/platform.h"

namespace isthmus {
namespace {

class DeviceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    setenv("ISTHMUS_PLUGIN_PATH", ISTHMUS_PLUGIN_DIR, 1);
    platform_ = Platform::discover().value();
    device_ = platform_->open("cpu").value();
  }
  std::shared_ptr<Platform> platform_;
  DevicePtr device_;
};

TEST_F(DeviceTest, OpenIsSharedAndNamesWhatIsWrong) {
  EXPECT_EQ(platform_->open("cpu:0").value(), device_);
  for (const char* bad : {"cpu:1", "cpu:x", "cpu:", "gpu", "/nowhere/isthmus_x.so"}) {
    const auto device = platform_->open(bad);
    ASSERT_FALSE(device.ok()) << bad;
    EXPECT_FALSE(device.status().message().empty());
  }
}

TEST_F(DeviceTest, BuffersAreReusedAndCounted) {
  const auto before = device_->memory_use();
  Buffer a = device_->allocate(1000).value();
  const isthmus_address_t address = a.address();
  EXPECT_EQ(address % 64, 0u);
  std::memset(a.host(), 1, 1000);
  a.reset();
  Buffer b = device_->allocate(1010).value();
  EXPECT_EQ(b.address(), address) << "the same size class";
  EXPECT_GT(device_->memory_use().in_use, before.in_use);
  EXPECT_GE(device_->memory_use().peak, 1010u);
  b.reset();
  device_->release_cached();
  EXPECT_EQ(device_->memory_use().cached, 0u);
  const auto huge = device_->allocate(uint64_t{1} << 60);
  ASSERT_FALSE(huge.ok());
  EXPECT_EQ(huge.status().code(), Code::kOutOfMemory);
}

TEST_F(DeviceTest, StreamsKeepOrder) {
  const auto stream = device_->create_stream().value();
  const Buffer buffer = device_->allocate(4096).value();
  unsigned char out[4] = {};
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(stream->fill(buffer.address(), static_cast<uint8_t>(i), 4096).ok());
    ASSERT_TRUE(stream->download(&out[i % 4], buffer.address() + static_cast<uint64_t>(i), 1).ok());
  }
  ASSERT_TRUE(stream->wait().ok());
  for (int i = 96; i < 100; ++i) EXPECT_EQ(out[i % 4], i);
}

TEST_F(DeviceTest, WorkNobodyWaitsForIsDoneToo) {
  const auto stream = device_->create_stream().value();
  const Buffer buffer = device_->allocate(64).value();
  std::memset(buffer.host(), 0, 64);
  ASSERT_TRUE(stream->fill(buffer.address(), 7, 64).ok());
  const auto event = device_->create_event().value();
  ASSERT_TRUE(event->record(*stream).ok());
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!event->done().value() && std::chrono::steady_clock::now() < limit)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  ASSERT_TRUE(event->done().value());
  EXPECT_EQ(*static_cast<unsigned char*>(buffer.host()), 7);
  ASSERT_TRUE(stream->wait().ok());
}

TEST_F(DeviceTest, EventsOrderStreams) {
  const auto a = device_->create_stream().value();
  const auto b = device_->create_stream().value();
  const auto event = device_->create_event().value();
  EXPECT_TRUE(event->done().value()) << "never recorded";
  ASSERT_TRUE(event->wait().ok());
  const Buffer buffer = device_->allocate(64).value();
  for (int round = 0; round < 50; ++round) {
    unsigned char out = 0;
    ASSERT_TRUE(a->fill(buffer.address(), static_cast<uint8_t>(round), 64).ok());
    ASSERT_TRUE(event->record(*a).ok());
    ASSERT_TRUE(event->make_wait(*b).ok());
    ASSERT_TRUE(b->download(&out, buffer.address(), 1).ok());
    ASSERT_TRUE(b->wait().ok());
    EXPECT_EQ(out, round);
  }
  const auto later = device_->create_event().value();
  ASSERT_TRUE(later->record(*a).ok());
  ASSERT_TRUE(later->wait().ok());
  EXPECT_GE(later->since(*event).value(), 0.0);
}

// Each stream waits for the other in turn, everything put on them before anything is waited for.
TEST_F(DeviceTest, StreamsMayPlayPingPong) {
  const auto a = device_->create_stream().value();
  const auto b = device_->create_stream().value();
  const auto there = device_->create_event().value(), back = device_->create_event().value();
  const Buffer buffer = device_->allocate(64).value();
  unsigned char seen[30] = {};
  for (int i = 0; i < 30; ++i) {
    ASSERT_TRUE(back->make_wait(*a).ok());
    ASSERT_TRUE(a->fill(buffer.address(), static_cast<uint8_t>(i + 1), 64).ok());
    ASSERT_TRUE(there->record(*a).ok());
    ASSERT_TRUE(there->make_wait(*b).ok());
    ASSERT_TRUE(b->download(&seen[i], buffer.address(), 1).ok());
    ASSERT_TRUE(back->record(*b).ok());
  }
  ASSERT_TRUE(b->wait().ok());
  for (int i = 0; i < 30; ++i) EXPECT_EQ(seen[i], i + 1);
}

TEST_F(DeviceTest, ManyThreadsEachWithAStream) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([this, t] {
      const auto stream = device_->create_stream().value();
      for (int i = 0; i < 50; ++i) {
        const Buffer buffer = device_->allocate(static_cast<uint64_t>(64 + i * t)).value();
        unsigned char out = 0;
        EXPECT_TRUE(stream->fill(buffer.address(), static_cast<uint8_t>(t), 64).ok());
        EXPECT_TRUE(stream->download(&out, buffer.address() + 63, 1).ok());
        EXPECT_TRUE(stream->wait().ok());
        EXPECT_EQ(out, t);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(DeviceTest, CaptureKeepsWorkForLater) {
  const auto stream = device_->create_stream().value();
  const Buffer buffer = device_->allocate(64).value();
  std::memset(buffer.host(), 0, 64);
  ASSERT_TRUE(Capture::begin(*stream).ok());
  EXPECT_FALSE(Capture::begin(*stream).ok()) << "one at a time";
  ASSERT_TRUE(stream->fill(buffer.address(), 9, 64).ok());
  const auto capture = Capture::end(*stream).value();
  EXPECT_FALSE(Capture::end(*stream).ok());
  ASSERT_TRUE(stream->wait().ok());
  EXPECT_EQ(static_cast<unsigned char*>(buffer.host())[0], 0) << "nothing ran yet";
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(stream->fill(buffer.address(), 1, 64).ok());
    ASSERT_TRUE(capture->replay(*stream).ok());
    ASSERT_TRUE(stream->wait().ok());
    EXPECT_EQ(static_cast<unsigned char*>(buffer.host())[63], 9);
  }
}

TEST(HostOptions, TheEmbeddersThreadsRunTheOperators) {
  setenv("ISTHMUS_PLUGIN_PATH", ISTHMUS_PLUGIN_DIR, 1);
  HostOptions options;
  options.thread_count = 3;
  options.parallel_for = [](void*, int64_t count, isthmus_range_body_t body, void* context) {
    for (int64_t i = count; i-- > 0;) body(context, i, i + 1);  // any order, one after another
  };
  EXPECT_EQ(Platform::discover(options).value()->open("cpu").value()->properties().parallelism, 3);
}

}  // namespace
}  // namespace isthmus
