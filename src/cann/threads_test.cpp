// SPDX-License-Identifier: Apache-2.0
// Several threads at once: with streams of their own, handing executors on, and destroying what others are
// using. Of those, too, each call answers; `cmake --workflow --preset tsan` looks for races.
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "aclnnop/aclnn_add.h"
#include "aclnnop/aclnn_exp.h"
#include "aclnnop/aclnn_mul.h"
#include "cann/aclnn/test_kit.h"
#include "cann/error.h"

namespace isthmus::cann {
namespace {

using namespace test;

using Threads = OnDevice;

// Each thread with the device of its own.
void in_threads(int count, const std::function<void(int)>& body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i)
    threads.emplace_back([&body, i] {
      EXPECT_EQ(aclrtSetDevice(0), ACL_SUCCESS) << message();
      body(i);
      EXPECT_EQ(aclrtResetDevice(0), ACL_SUCCESS) << message();
    });
  for (std::thread& thread : threads) thread.join();
}

// A failure that has a sentence.
void answered(int code) {
  if (code == 0) return;
  EXPECT_FALSE(message().empty()) << code;
}

TEST_F(Threads, WithStreamsOfTheirOwn) {
  in_threads(4, [](int number) {
    aclrtStream stream = nullptr;
    ASSERT_EQ(aclrtCreateStream(&stream), 0) << message();
    const Number one = 1.0f;
    Dense<float> x({64}, std::vector<float>(64, static_cast<float>(number))), y({64}, counting(64));
    for (int i = 0; i < 50; ++i) {
      uint64_t bytes = 0;
      aclOpExecutor* executor = nullptr;
      ASSERT_EQ(aclnnInplaceAddGetWorkspaceSize(y, x, one, &bytes, &executor), 0) << message();
      ASSERT_EQ(aclnnInplaceAdd(nullptr, bytes, executor, stream), 0) << message();
      aclrtEvent event = nullptr;
      ASSERT_EQ(aclrtCreateEvent(&event), 0);
      ASSERT_EQ(aclrtRecordEvent(event, stream), 0);
      ASSERT_EQ(aclrtStreamWaitEvent(nullptr, event), 0);  // the default stream is everybody's
      ASSERT_EQ(aclrtDestroyEvent(event), 0);
    }
    ASSERT_EQ(aclrtSynchronizeStream(stream), 0) << message();
    EXPECT_EQ(y.values(), counting(64, 1 + 50.0f * static_cast<float>(number)));
    EXPECT_EQ(aclrtDestroyStream(stream), 0);
  });
}

// As programs do that prepare in one thread and launch in another.
TEST_F(Threads, HandExecutorsOn) {
  struct Task {
    aclOpExecutor* executor = nullptr;
    uint64_t bytes = 0;
  };
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Task> tasks;
  bool last = false;
  Dense<float> y({16}, counting(16));
  Dense<float> x({16}, std::vector<float>(16, 2));
  std::thread launcher([&] {
    ASSERT_EQ(aclrtSetDevice(0), 0);
    while (true) {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return last || !tasks.empty(); });
      if (tasks.empty()) break;
      const Task task = tasks.front();
      tasks.pop_front();
      lock.unlock();
      EXPECT_EQ(aclnnInplaceAdd(nullptr, task.bytes, task.executor, nullptr), 0) << message();
    }
    EXPECT_EQ(aclrtSynchronizeStream(nullptr), 0);
    EXPECT_EQ(aclrtResetDevice(0), 0);
  });
  for (int i = 0; i < 200; ++i) {
    Task task;
    const Number one = 1.0f;
    EXPECT_EQ(aclnnInplaceAddGetWorkspaceSize(y, x, one, &task.bytes, &task.executor), 0) << message();
    std::lock_guard lock(mutex);
    tasks.push_back(task);
    changed.notify_one();
  }
  {
    std::lock_guard lock(mutex);
    last = true;
    changed.notify_one();
  }
  launcher.join();
  EXPECT_EQ(y.values(), counting(16, 401.0f));
}

TEST_F(Threads, DestroyWhatOthersUse) {
  std::atomic<void*> tensor{nullptr}, stream{nullptr}, event{nullptr}, executor{nullptr};
  Dense<float> out({8});
  Memory memory(64);
  const int64_t n = 8;
  in_threads(4, [&](int number) {
    Dense<float> own_out({8});
    for (int i = 0; i < 150; ++i) {
      if (number == 0) {  // makes and destroys
        aclTensor* const made =
            aclCreateTensor(&n, 1, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, &n, 1, memory.data());
        void *new_stream = nullptr, *new_event = nullptr;
        answered(aclrtCreateStream(&new_stream));
        answered(aclrtCreateEvent(&new_event));
        uint64_t bytes = 0;
        aclOpExecutor* new_executor = nullptr;
        answered(aclnnExpGetWorkspaceSize(made, out, &bytes, &new_executor));
        answered(aclSetAclOpExecutorRepeatable(new_executor));
        const auto old_tensor = static_cast<aclTensor*>(tensor.exchange(made));
        const auto old_executor = static_cast<aclOpExecutor*>(executor.exchange(new_executor));
        void *const old_stream = stream.exchange(new_stream), *const old_event = event.exchange(new_event);
        if (old_tensor) answered(aclDestroyTensor(old_tensor));
        if (old_executor) answered(aclDestroyAclOpExecutor(old_executor));
        if (old_stream) answered(aclrtDestroyStream(old_stream));
        if (old_event) answered(aclrtDestroyEvent(old_event));
        continue;
      }
      const auto x = static_cast<aclTensor*>(tensor.load());
      const auto e = static_cast<aclOpExecutor*>(executor.load());
      uint64_t bytes = 0;
      aclOpExecutor* own = nullptr;
      answered(aclnnExpGetWorkspaceSize(x, own_out, &bytes, &own));
      if (own) answered(aclnnExp(nullptr, bytes, own, stream.load()));
      answered(aclSetRawTensorAddr(x, memory.data()));
      answered(aclSetInputTensorAddr(e, 0, x, memory.data()));
      answered(aclnnExp(nullptr, 0, e, nullptr));
      answered(aclrtRecordEvent(event.load(), stream.load()));
      answered(aclrtStreamWaitEvent(nullptr, event.load()));
      answered(aclrtSynchronizeEvent(event.load()));
      answered(aclrtSynchronizeStream(stream.load()));
    }
  });
  answered(aclDestroyTensor(static_cast<aclTensor*>(tensor.load())));
  answered(aclDestroyAclOpExecutor(static_cast<aclOpExecutor*>(executor.load())));
  answered(aclrtDestroyStream(stream.load()));
  answered(aclrtDestroyEvent(event.load()));
}

TEST_F(Threads, FreeWhatOthersUse) {
  std::atomic<void*> address{nullptr};
  Memory target(4096);
  in_threads(3, [&](int number) {
    char host[64] = {};
    for (int i = 0; i < 150; ++i) {
      void* const used = address.load();
      if (number == 0) {
        void* made = nullptr;
        answered(aclrtMalloc(&made, 4096, ACL_MEM_MALLOC_HUGE_FIRST));
        if (void* const old = address.exchange(made)) answered(aclrtFree(old));
      } else if (used) {
        answered(aclrtMemsetAsync(used, 4096, number, 4096, nullptr));
        answered(aclrtMemcpyAsync(target.data(), 4096, used, 4096, ACL_MEMCPY_DEVICE_TO_DEVICE, nullptr));
        answered(aclrtMemcpyAsync(used, 64, host, 64, ACL_MEMCPY_HOST_TO_DEVICE, nullptr));
        if (i % 16 == 0) answered(aclrtSynchronizeStream(nullptr));
      }
    }
    answered(aclrtSynchronizeStream(nullptr));
  });
  answered(aclrtFree(address.load()));
}

TEST_F(Threads, EndContextsThatOthersUse) {
  std::atomic<void*> context{nullptr};
  in_threads(3, [&](int number) {
    Memory memory(64), other(64);
    for (int i = 0; i < 60; ++i) {
      if (number == 0) {
        void* made = nullptr;
        answered(aclrtCreateContext(&made, 0));
        if (void* const old = context.exchange(made)) answered(aclrtDestroyContext(old));
      } else if (void* const used = context.load()) {
        void* stream = nullptr;
        answered(aclrtSetCurrentContext(used));
        answered(aclrtCreateStream(&stream));
        if (!stream) continue;
        answered(aclrtMemsetAsync(memory.data(), 64, 1, 64, stream));
        answered(aclrtMemsetAsync(other.data(), 64, 1, 64, nullptr));
        answered(aclrtSynchronizeStream(stream));
        answered(aclrtDestroyStream(stream));
      }
    }
    answered(aclrtSetDevice(0));
    answered(aclrtSynchronizeDevice());
    answered(aclrtResetDevice(0));
  });
  answered(aclrtDestroyContext(context.load()));
}

}  // namespace
}  // namespace isthmus::cann
