// SPDX-License-Identifier: Apache-2.0
// An older plug-in works, wrong ones are refused with a sentence while others keep working, and a chip
// without operators runs a whole model visibly on the host.
#include <dlfcn.h>
#include <sys/stat.h>

#include <filesystem>

#include "ops/prepared_op.h"
#include "ops/registry.h"
#include "tiny_models.h"

namespace isthmus::testing {
namespace {

std::string plugin_path(const std::string& fault) {
  return std::string(ISTHMUS_TEST_PLUGIN_DIR) + "/" + fault + "/isthmus_" + fault + ".so";
}

TEST(Plugins, EveryStructStartsWithItsSize) {
  EXPECT_EQ(offsetof(isthmus_host_t, size), 0u);
  EXPECT_EQ(offsetof(isthmus_plugin_t, size), 0u);
  EXPECT_EQ(offsetof(isthmus_device_properties_t, size), 0u);
  EXPECT_EQ(offsetof(isthmus_operand_t, size), 0u);
  EXPECT_EQ(offsetof(isthmus_attribute_t, size), 0u);
  EXPECT_EQ(offsetof(isthmus_op_query_t, size), 0u);
  EXPECT_EQ(offsetof(isthmus_prepared_t, size), 0u);
}

TEST(Plugins, AnOlderMinorVersionStillWorks) {
  const auto plugin = Plugin::load(plugin_path("none"));
  ASSERT_TRUE(plugin.ok()) << plugin.status().to_string();
  EXPECT_EQ((*plugin)->api().op_prepare, nullptr) << "entries it does not have are empty";
  const DevicePtr device = Device::open(*plugin, 0).value();
  EXPECT_EQ(device->properties().features, 0u) << "fields it does not know are zero";
  const auto stream = device->create_stream().value();
  const Buffer buffer = device->allocate(256).value();
  const float in[4] = {1, 2, 3, 4};
  float out[4] = {};
  ASSERT_TRUE(stream->upload(buffer.address(), in, sizeof in).ok());
  ASSERT_TRUE(stream->download(out, buffer.address(), sizeof out).ok());
  ASSERT_TRUE(stream->wait().ok());
  EXPECT_EQ(out[3], 4);
  EXPECT_EQ(Capture::begin(*stream).code(), Code::kUnimplemented);
}

struct Fault {
  const char* name;
  const char* sentence;
};
class Faults : public ::testing::TestWithParam<Fault> {};

TEST_P(Faults, AreNamedAndOthersKeepWorking) {
  const std::string folder = std::string(ISTHMUS_TEST_PLUGIN_DIR) + "/" + GetParam().name;
  setenv("ISTHMUS_PLUGIN_PATH", (folder + ":" + ISTHMUS_PLUGIN_DIR).c_str(), 1);
  const auto platform = Platform::discover().value();
  ASSERT_EQ(platform->failures().size(), 1u);
  EXPECT_EQ(platform->failures()[0].path, plugin_path(GetParam().name));
  const std::string message = platform->failures()[0].status.message();
  EXPECT_NE(message.find(GetParam().sentence), std::string::npos) << message;
  EXPECT_NE(message.find(plugin_path(GetParam().name)), std::string::npos) << message;
  EXPECT_TRUE(platform->open("cpu").ok());
}

INSTANTIATE_TEST_SUITE_P(All, Faults,
                         ::testing::Values(Fault{"symbol", "does not export isthmus_plugin_load"},
                                           Fault{"reason", "the driver is too old: 3 found, 4 needed"},
                                           Fault{"major", "built for interface 99."},
                                           Fault{"minor", "rebuild it"}, Fault{"newer", "update Isthmus"},
                                           Fault{"size", "bytes"}, Fault{"half", "bytes"},
                                           Fault{"title", "calls itself 'Older, or not'"},
                                           Fault{"entry", "lacks the required entry copy"},
                                           Fault{"throws", "threw while loading: no driver"}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Plugins, WrongPropertiesAreRefusedWhenTheDeviceIsOpened) {
  for (const auto& [fault, sentence] : {std::pair("alignment", "aligned to 24"), std::pair("name", "no name"),
                                        std::pair("device", "gave none"), std::pair("failing", "no reason"),
                                        std::pair("feature", "lacks entries")}) {
    const auto plugin = Plugin::load(plugin_path(fault));
    ASSERT_TRUE(plugin.ok());
    const auto device = Device::open(*plugin, 0);
    ASSERT_FALSE(device.ok());
    EXPECT_NE(device.status().message().find(sentence), std::string::npos) << device.status().message();
  }
}

TEST(Plugins, WhatIsNoWholeLibraryIsRefused) {
  const std::string folder = ::testing::TempDir() + "isthmus_no_library";
  std::filesystem::create_directories(folder);
  const std::string pipe = folder + "/isthmus_pipe.so", half = folder + "/isthmus_half.so";
  std::filesystem::remove(pipe);
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  std::filesystem::copy_file(plugin_path("none"), half, std::filesystem::copy_options::overwrite_existing);
  for (uintmax_t bytes = std::filesystem::file_size(half) / 2; bytes > 0; bytes /= 2) {
    std::filesystem::resize_file(half, bytes);
    EXPECT_EQ(Plugin::load(half).status().code(), bytes < 64 ? Code::kNotFound : Code::kDataLoss) << bytes;
  }
  setenv("ISTHMUS_PLUGIN_PATH", (folder + ":" + ISTHMUS_PLUGIN_DIR).c_str(), 1);
  const auto platform = Platform::discover().value();
  ASSERT_EQ(platform->failures().size(), 2u);
  EXPECT_NE(platform->failures()[1].status.message().find("regular file"), std::string::npos)
      << platform->failures()[1].status.message();
  EXPECT_TRUE(platform->open("cpu").ok());
  std::filesystem::remove_all(folder);
}

TEST(Plugins, AbsurdAnswersAreErrors) {
  EXPECT_EQ(Plugin::load(plugin_path("count")).value()->device_count(), 0);
  EXPECT_NE(Plugin::load(plugin_path("count")).value()->why_no_device().find("2000000000"),
            std::string::npos);
  const auto device = [](const char* fault) {
    return Device::open(Plugin::load(plugin_path(fault)).value(), 0).value();
  };
  for (const Status& status :
       {device("stream")->create_stream().status(), device("event")->create_event().status(),
        device("address")->allocate(64).status()}) {
    EXPECT_EQ(status.code(), Code::kInternal) << status.to_string();
    EXPECT_NE(status.message().find("older:0: the plug-in"), std::string::npos) << status.message();
  }
  EXPECT_EQ(device("none")->allocate(UINT64_MAX).status().code(), Code::kOutOfMemory);
}

// What op_prepare of the CPU chip says, changed.
void (*g_change)(isthmus_prepared_t&);
isthmus_status_t (*g_right_prepare)(isthmus_chip_device_t*, const isthmus_op_query_t*, isthmus_prepared_t*);

TEST(Plugins, AbsurdAnswersOfOpPrepareAreErrors) {
  const auto plugin = Plugin::load(std::string(ISTHMUS_PLUGIN_DIR) + "/isthmus_cpu.so").value();
  const DevicePtr device = Device::open(plugin, 0).value();
  auto& api = const_cast<isthmus_plugin_t&>(plugin->api());
  g_right_prepare = api.op_prepare;
  api.op_prepare = [](isthmus_chip_device_t* chip, const isthmus_op_query_t* query,
                      isthmus_prepared_t* prepared) {
    const isthmus_status_t status = g_right_prepare(chip, query, prepared);
    if (status == ISTHMUS_OK) g_change(*prepared);
    return status;
  };
  const OpDef& relu = *find_op("relu");
  const OperandSpec values = {TensorType{Dtype::kF32, {Dim(4)}}, ISTHMUS_ROLE_ACTIVATION, {}};
  const std::pair<void (*)(isthmus_prepared_t&), const char*> answers[] = {
      {[](isthmus_prepared_t& p) { p.op = nullptr; }, "gave no operator"},
      {[](isthmus_prepared_t& p) { p.workspace_bytes = UINT64_MAX; }, "asks for a workspace of"},
      {[](isthmus_prepared_t& p) { p.packed_layout[0] = ""; }, "gives the layout of input 0 no name"},
      {[](isthmus_prepared_t& p) { p.packed_layout[0] = "x", p.packed_bytes[0] = UINT64_MAX; },
       "packs input 0 into 18446744073709551615 bytes"}};
  for (const auto& [change, sentence] : answers) {
    g_change = change;
    const Status status =
        PreparedOp::prepare(device, relu, Attributes(), std::vector{values, values}, 1, {}).status();
    EXPECT_NE(status.message().find(sentence), std::string::npos) << status.to_string();
    EXPECT_NE(status.message().find("cpu:0: relu"), std::string::npos) << status.to_string();
  }
  g_change = [](isthmus_prepared_t& p) { p.packed_layout[0] = "x", p.packed_bytes[0] = 16; };
  api.op_pack = nullptr;
  const Status status =
      PreparedOp::prepare(device, relu, Attributes(), std::vector{values, values}, 1, {}).status();
  EXPECT_NE(status.message().find("lacks the entry op_pack"), std::string::npos) << status.to_string();
}

TEST(Plugins, AFailedWaitLeavesNoWorkOfOperatorsThatAreGone) {
  const auto chips = Platform::discover().value();
  const DevicePtr device = chips->open("cpu").value();
  auto& api = const_cast<isthmus_plugin_t&>(device->plugin().api());
  const TinyModel tiny = load_tiny("qwen3");
  auto engine = Engine::create(tiny.model, chips, exact_options()).value();
  ASSERT_TRUE(engine->add(std::span(tiny.prompt).first(20)).ok());
  api.stream_wait = [](isthmus_chip_stream_t*) { return ISTHMUS_INTERNAL; };
  EXPECT_EQ(engine->step().status().code(), Code::kInternal);
  engine.reset();  // the stream runs what is still on it
}

TEST(Plugins, ALostDeviceStaysLost) {
  const auto plugin = Plugin::load(plugin_path("lost"));
  ASSERT_TRUE(plugin.ok());
  const DevicePtr device = Device::open(*plugin, 0).value();
  const auto stream = device->create_stream().value(), other = device->create_stream().value();
  const auto event = device->create_event().value();
  const Buffer buffer = device->allocate(64).value();
  EXPECT_EQ(stream->wait().code(), Code::kDeviceLost);
  // The chip itself says that all these succeed.
  const Status later[] = {stream->wait(), other->fill(buffer.address(), 0, 64), event->record(*other),
                          event->wait(), device->create_stream().status()};
  for (const Status& status : later) {
    EXPECT_EQ(status.code(), Code::kDeviceLost);
    EXPECT_NE(status.message().find("older:0 is lost"), std::string::npos) << status.message();
  }
  EXPECT_TRUE(Device::open(*plugin, 0).ok()) << "opened again it is another";
}

// Each remembers what was reported to it.
struct Listener {
  isthmus_host_t host = {};
  std::string heard;
  Listener() {
    host.size = sizeof host;
    host.context = this;
    host.report_error = [](void* context, isthmus_status_t, const char* message) {
      static_cast<Listener*>(context)->heard = message;
    };
    host.log = [](void*, isthmus_log_level_t, const char*) {};
    host.thread_count = 1;
  }
};

TEST(Hosts, EachDeviceReportsToTheOneItWasOpenedFor) {
  setenv("ISTHMUS_NULL_DEVICE", "1", 1);
  const std::string folder = std::string(ISTHMUS_PLUGIN_DIR) + "/isthmus_";
  for (const std::string& path : {plugin_path("none"), folder + "cpu.so", folder + "null.so"}) {
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    ASSERT_NE(library, nullptr) << path;
    const auto load = reinterpret_cast<isthmus_plugin_load_t>(dlsym(library, "isthmus_plugin_load"));
    Listener users[2];
    isthmus_chip_device_t* devices[2] = {};
    const isthmus_plugin_t* table = nullptr;
    for (int user = 0; user < 2; ++user) {
      isthmus_host_t for_load = users[user].host;
      table = load(&for_load);
      ASSERT_NE(table, nullptr);
      std::memset(static_cast<void*>(&for_load), 0xff, sizeof for_load);  // it was for that call
      ASSERT_EQ(table->device_open(&users[user].host, 0, &devices[user]), ISTHMUS_OK);
    }
    for (int user = 0; user < 2; ++user) {
      isthmus_address_t address = 0;
      EXPECT_EQ(table->allocate(devices[user], ISTHMUS_MEMORY_DEVICE, uint64_t{1} << 60, &address),
                ISTHMUS_OUT_OF_MEMORY);
      EXPECT_NE(users[user].heard, "") << path;
      EXPECT_EQ(users[1 - user].heard, "") << path;
      users[user].heard.clear();
      table->device_close(devices[user]);
    }
    dlclose(library);
  }
  unsetenv("ISTHMUS_NULL_DEVICE");
}

TEST(NullChip, IsThereOnlyWhenAskedFor) {
  unsetenv("ISTHMUS_NULL_DEVICE");
  EXPECT_FALSE(platform()->open("null").ok());
}

TEST(NullChip, RunsAModelOnTheHostVisiblyWithTheSameTokens) {
  setenv("ISTHMUS_NULL_DEVICE", "1", 1);
  const TinyModel tiny = load_tiny("qwen3");
  EngineOptions options = exact_options();
  options.device = "null";
  const auto refused = Engine::create(tiny.model, platform(), options);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.status().message().find("--no-fallback"), std::string::npos)
      << refused.status().message();
  options.policy.no_fallback = false;
  const auto engine = make_engine(tiny, options);
  ASSERT_TRUE(engine);
  const SequenceId id = engine->add(std::span(tiny.prompt).first(20)).value();
  const std::vector<int32_t> tokens = greedy(*engine, id, 4);
  for (const Executable::ReportRow& row : engine->report()) {
    EXPECT_TRUE(row.fallback) << row.op;
    EXPECT_GT(row.bytes_copied, 0u) << row.op;
  }
  const auto cpu = make_engine(tiny, exact_options());
  const SequenceId same = cpu->add(std::span(tiny.prompt).first(20)).value();
  EXPECT_EQ(greedy(*cpu, same, 4), tokens);
  unsetenv("ISTHMUS_NULL_DEVICE");
}

}  // namespace
}  // namespace isthmus::testing
