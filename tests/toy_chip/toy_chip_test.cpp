// SPDX-License-Identifier: Apache-2.0
// The toy chip, built out of tree before: what becomes of its users when its process dies, does not start, or
// is asked for nonsense. Argument 1 is the folder it was built in.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "runtime/device.h"

namespace isthmus::testing {

std::string g_folder;

namespace {

std::string scratch(const std::string& name) {
  return (std::filesystem::temp_directory_path() / fmt::format("isthmus-toy-{}-{}", getpid(), name)).string();
}

// A program in the chip's place.
class Program {
 public:
  Program(const std::string& name, const std::string& body) : path_(scratch(name)) {
    std::ofstream(path_) << "#!/bin/sh\n" << body << '\n';
    std::filesystem::permissions(path_, std::filesystem::perms::owner_all);
    setenv("ISTHMUS_TOY_CHIP", path_.c_str(), 1);
  }
  ~Program() {
    unsetenv("ISTHMUS_TOY_CHIP");
    std::filesystem::remove(path_);
  }

 private:
  std::string path_;
};

Result<DevicePtr> open_toy() {
  ASSIGN_OR_RETURN(auto plugin, Plugin::load(g_folder + "/isthmus_toy.so"));
  return Device::open(std::move(plugin), 0);
}

// A device whose chip's process is known.
struct Toy {
  DevicePtr device;
  pid_t chip = 0;
  Toy() {
    const std::string number = scratch("pid");
    const Program program("start", fmt::format("echo $$ > '{}'\nexec '{}/toy-chip'", number, g_folder));
    auto opened = open_toy();
    EXPECT_TRUE(opened.ok()) << opened.status().to_string();
    if (opened.ok()) device = std::move(opened).value();
    std::ifstream(number) >> chip;
    std::filesystem::remove(number);
    EXPECT_GT(chip, 0);
  }
};

void expect_lost(const Status& status) {
  EXPECT_EQ(status.code(), Code::kDeviceLost) << status.to_string();
  EXPECT_NE(status.message().find("ended by signal 9"), std::string::npos) << status.message();
}

TEST(ToyChip, ADeathIsAnErrorOfEverythingPutOnIt) {
  Toy toy;
  ASSERT_TRUE(toy.device);
  const auto busy = toy.device->create_stream().value(), idle = toy.device->create_stream().value();
  const auto early = toy.device->create_event().value(), late = toy.device->create_event().value();
  Buffer buffer = toy.device->allocate(64 << 20).value();
  ASSERT_TRUE(early->record(*idle).ok());
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(busy->fill(buffer.address(), 1, 64 << 20).ok());
  ASSERT_TRUE(late->record(*busy).ok());
  std::thread killer([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    kill(toy.chip, SIGKILL);
  });
  expect_lost(busy->wait());
  killer.join();
  expect_lost(busy->wait());  // never a later success
  expect_lost(idle->wait());
  expect_lost(late->wait());
  expect_lost(late->done().status());
  expect_lost(early->wait());
  expect_lost(early->make_wait(*idle).ok() ? idle->wait() : early->make_wait(*idle));
  expect_lost(idle->fill(buffer.address(), 1, 64));
  expect_lost(toy.device->allocate(1 << 20).status());
  expect_lost(toy.device->create_stream().status());
  EXPECT_TRUE(open_toy().ok()) << "another one can be opened";
}

TEST(ToyChip, ADeathWakesThreadsThatWaitForRoom) {
  Toy toy;
  ASSERT_TRUE(toy.device);
  const auto stream = toy.device->create_stream().value();
  Buffer buffer = toy.device->allocate(64 << 20).value();
  ASSERT_EQ(kill(toy.chip, SIGSTOP), 0);
  std::thread killer([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    kill(toy.chip, SIGKILL);
  });
  Status status;
  // A stop takes effect some time after kill(): the chip may work off any number until then.
  for (int i = 0; i < 10'000'000 && status.ok(); ++i) status = stream->fill(buffer.address(), 1, 64);
  killer.join();
  expect_lost(status);
}

TEST(ToyChip, AStoppedChipDoesNotKeepItsUserFromEnding) {
  Toy toy;
  ASSERT_TRUE(toy.device);
  kill(toy.chip, SIGSTOP);
  const auto start = std::chrono::steady_clock::now();
  toy.device.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
  EXPECT_NE(kill(toy.chip, 0), 0) << "its process is still there";
}

TEST(ToyChip, OneThatDoesNotStartIsNamed) {
  setenv("ISTHMUS_TOY_CHIP", "no/such/program", 1);
  const Status absent = open_toy().status();
  EXPECT_NE(absent.message().find("no/such/program does not start: No such file"), std::string::npos)
      << absent.to_string();
  unsetenv("ISTHMUS_TOY_CHIP");
  const Program program("ends", "exit 3");
  const Status ends = open_toy().status();
  EXPECT_EQ(ends.code(), Code::kUnavailable);
  EXPECT_NE(ends.message().find("it ended with exit code 3"), std::string::npos) << ends.to_string();
}

TEST(ToyChip, NonsenseIsAnErrorOfItsStreamUntilThatIsRead) {
  const DevicePtr device = open_toy().value();
  const auto stream = device->create_stream().value(), other = device->create_stream().value();
  const auto event = device->create_event().value();
  ASSERT_TRUE(stream->fill(64, 1, 64).ok()) << "found out later";
  ASSERT_TRUE(event->record(*stream).ok());
  EXPECT_NE(event->wait().message().find("outside of the chip's memory"), std::string::npos);
  EXPECT_FALSE(stream->wait().ok());
  EXPECT_TRUE(stream->wait().ok());
  EXPECT_TRUE(other->wait().ok());
  const Buffer buffer = device->allocate(64).value();
  ASSERT_TRUE(stream->fill(buffer.address(), 1, uint64_t{1} << 63).ok());
  EXPECT_FALSE(stream->wait().ok());
}

TEST(ToyChip, BytesComeInPiecesThroughTheWindow) {
  const DevicePtr device = open_toy().value();
  const auto stream = device->create_stream().value();
  const Buffer buffer = device->allocate(3 << 20).value();
  std::vector<unsigned char> first(3 << 20), second(3 << 20);
  for (size_t i = 0; i < first.size(); ++i) first[i] = static_cast<unsigned char>(i ^ i >> 9);
  ASSERT_TRUE(stream->upload(buffer.address(), first.data(), first.size()).ok());
  ASSERT_TRUE(stream->download(second.data(), buffer.address(), second.size()).ok());
  ASSERT_TRUE(stream->wait().ok());
  EXPECT_EQ(first, second);
}

TEST(ToyChip, RunsOutOfQueuesAndMemoryWithASentence) {
  const DevicePtr device = open_toy().value();
  std::vector<std::unique_ptr<Stream>> streams;
  Status status;
  while (streams.size() < 100) {
    auto stream = device->create_stream();
    if (!stream.ok()) {
      status = stream.status();
      break;
    }
    streams.push_back(std::move(stream).value());
  }
  EXPECT_EQ(streams.size(), 32u);
  EXPECT_NE(status.message().find("all 32 queues"), std::string::npos) << status.to_string();
  streams.clear();
  EXPECT_TRUE(device->create_stream().ok());
  std::vector<Buffer> buffers;
  for (int i = 0; i < 4; ++i) buffers.push_back(device->allocate(256 << 20).value());
  EXPECT_EQ(device->allocate(1).status().code(), Code::kOutOfMemory);
  buffers.clear();
  EXPECT_TRUE(device->allocate(1 << 30).ok()) << "freed pieces grow together";
}

}  // namespace
}  // namespace isthmus::testing

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  if (argc != 2) {
    fmt::print(stderr, "usage: {} FOLDER\n", argv[0]);
    return 2;
  }
  isthmus::testing::g_folder = argv[1];
  return RUN_ALL_TESTS();
}
