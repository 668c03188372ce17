// SPDX-License-Identifier: Apache-2.0
// Fuzz target: the bytes are a program of calls with handles and addresses that are right, null, destroyed,
// of another kind or made up. Every call answers; none crashes, and a failed one leaves a sentence.
#include <cstdint>
#include <cstdlib>
#include <utility>
#include <vector>

#include "acl/acl.h"
#include "acl/acl_prof.h"
#include "aclnn/acl_meta.h"
#include "aclnnop/aclnn_add.h"
#include "aclnnop/aclnn_copy.h"
#include "aclnnop/aclnn_exp.h"
#include "aclnnop/aclnn_matmul.h"
#include "aclnnop/aclnn_permute.h"

namespace {

// Bytes of the program, zeros behind its end.
class Program {
 public:
  Program(const uint8_t* data, size_t size) : data_(data), end_(data + size) {}
  bool done() const { return data_ == end_; }
  uint8_t byte() { return done() ? 0 : *data_++; }
  // Mostly small, sometimes enormous or negative.
  int64_t number() {
    const uint8_t first = byte();
    if (first < 200) return first % 9;
    if (first < 230) return int64_t{first} * 50;
    return first < 243 ? -int64_t{byte()} : static_cast<int64_t>(0x0102030405060708u * byte());
  }

 private:
  const uint8_t* data_;
  const uint8_t* end_;
};

// Everything that calls have returned, whatever it was, living or not.
struct World {
  std::vector<void*> handles{nullptr, reinterpret_cast<void*>(uint64_t{0x8100000000000100}),
                             reinterpret_cast<void*>(uint64_t{64})};
  std::vector<void*> memory{nullptr, reinterpret_cast<void*>(uint64_t{4096})};
  alignas(64) unsigned char host[4096] = {};

  void* handle(Program& p) { return handles[p.byte() % handles.size()]; }
  void* address(Program& p) {
    const uint8_t offset = p.byte();
    const auto base = reinterpret_cast<uint64_t>(memory[p.byte() % memory.size()]);
    return reinterpret_cast<void*>(offset < 128 ? base : base + offset);
  }
  // Keeps what a call made.
  void keep(void* made) {
    if (made && handles.size() < 200) handles.push_back(made);
  }
};

void expect(int code) {
  if (code != 0 && !aclGetRecentErrMsg()) std::abort();
}

aclTensor* make_tensor(Program& p, World& w) {
  int64_t dims[10], strides[10];
  const uint64_t rank = p.byte() % 10;
  for (uint64_t i = 0; i < rank; ++i) dims[i] = p.number(), strides[i] = p.number();
  const auto type = static_cast<aclDataType>(p.byte() % 45 - 2);
  return aclCreateTensor(dims, rank, type, p.byte() % 2 ? strides : nullptr, p.number(), ACL_FORMAT_ND, dims,
                         p.byte() % 4 ? rank : 10, w.address(p));
}

void streams_and_events(Program& p, World& w) {
  void* made = nullptr;
  switch (p.byte() % 10) {
    case 0: expect(aclrtCreateStream(&made)); break;
    case 1: expect(aclrtCreateEventWithFlag(&made, p.byte() & 15)); break;
    case 2: expect(aclrtDestroyStream(w.handle(p))); break;
    case 3: expect(aclrtDestroyEvent(w.handle(p))); break;
    case 4: expect(aclrtRecordEvent(w.handle(p), w.handle(p))); break;
    case 5: expect(aclrtStreamWaitEvent(w.handle(p), w.handle(p))); break;
    case 6: expect(aclrtSynchronizeStream(w.handle(p))); break;
    case 7: expect(aclrtSynchronizeEvent(w.handle(p))); break;
    case 8: expect(aclrtResetEvent(w.handle(p), w.handle(p))); break;
    case 9: {
      float milliseconds = 0;
      expect(aclrtEventElapsedTime(&milliseconds, w.handle(p), w.handle(p)));
      break;
    }
  }
  w.keep(made);
}

void devices(Program& p, World& w) {
  void* made = nullptr;
  switch (p.byte() % 6) {
    case 0: expect(aclrtSetDevice(p.byte() % 8 ? 0 : p.byte() - 100)); break;
    case 1: expect(aclrtResetDevice(0)); break;
    case 2: expect(aclrtCreateContext(&made, 0)); break;
    case 3: expect(aclrtDestroyContext(w.handle(p))); break;
    case 4: expect(aclrtSetCurrentContext(w.handle(p))); break;
    case 5: expect(aclrtGetCurrentContext(&made)); break;
  }
  w.keep(made);
}

void memory(Program& p, World& w) {
  const auto kind = static_cast<aclrtMemcpyKind>(p.byte() % 6);
  // Host addresses are the program's word: they are right here.
  const size_t count = static_cast<size_t>(p.number()) % (sizeof w.host + 1),
               capacity = static_cast<size_t>(p.number());
  void* const address = w.address(p);
  const bool down = kind == ACL_MEMCPY_DEVICE_TO_HOST, up = kind == ACL_MEMCPY_HOST_TO_DEVICE;
  void* made = nullptr;
  switch (p.byte() % 7) {
    case 0:
      expect(aclrtMalloc(&made, static_cast<size_t>(p.number()), ACL_MEM_MALLOC_HUGE_FIRST));
      if (made) w.memory.push_back(made);
      break;
    case 1: expect(aclrtFree(address)); break;
    case 2:
      if (down) expect(aclrtMemcpy(w.host, capacity, address, count, kind));
      if (up) expect(aclrtMemcpy(address, capacity, w.host, count, kind));
      break;
    case 3:
      if (down) expect(aclrtMemcpyAsync(w.host, capacity, address, count, kind, w.handle(p)));
      if (up) expect(aclrtMemcpyAsync(address, capacity, w.host, count, kind, w.handle(p)));
      break;
    case 4: expect(aclrtMemcpy(address, capacity, w.address(p), count, ACL_MEMCPY_DEVICE_TO_DEVICE)); break;
    case 5: expect(aclrtMemset(address, capacity, 1, count)); break;
    case 6: expect(aclrtMemsetAsync(address, capacity, 1, count, w.handle(p))); break;
  }
}

void captures(Program& p, World& w) {
  void* made = nullptr;
  switch (p.byte() % 8) {
    case 0: expect(aclmdlRICaptureBegin(w.handle(p), static_cast<aclmdlRICaptureMode>(p.byte() % 4))); break;
    case 1: expect(aclmdlRICaptureEnd(w.handle(p), &made)); break;
    case 2: expect(aclmdlRIExecuteAsync(w.handle(p), w.handle(p))); break;
    case 3: expect(aclmdlRIDestroy(w.handle(p))); break;
    case 4: expect(aclmdlRICaptureTaskGrpBegin(w.handle(p))); break;
    case 5: expect(aclmdlRICaptureTaskGrpEnd(w.handle(p), &made)); break;
    case 6: expect(aclmdlRICaptureTaskUpdateBegin(w.handle(p), w.handle(p))); break;
    case 7: expect(aclmdlRICaptureTaskUpdateEnd(w.handle(p))); break;
  }
  w.keep(made);
}

void tensors(Program& p, World& w) {
  if (p.byte() % 3 == 0) {
    expect(aclDestroyTensor(static_cast<const aclTensor*>(w.handle(p))));
  } else {
    aclTensor* const made = make_tensor(p, w);
    expect(made ? 0 : 1);
    w.keep(made);
  }
}

// Both phases, with executors of other operators at times.
void calls(Program& p, World& w) {
  const auto tensor = [&] { return static_cast<aclTensor*>(w.handle(p)); };
  aclOpExecutor* made = nullptr;
  uint64_t bytes = 0;
  const uint8_t which = p.byte();
  switch (which % 10) {
    case 0: expect(aclnnExpGetWorkspaceSize(tensor(), tensor(), &bytes, &made)); break;
    case 1: expect(aclnnInplaceCopyGetWorkspaceSize(tensor(), tensor(), &bytes, &made)); break;
    case 2: {
      float value = 2;
      aclScalar* const alpha = aclCreateScalar(&value, ACL_FLOAT);
      expect(aclnnAddGetWorkspaceSize(tensor(), tensor(), alpha, tensor(), &bytes, &made));
      expect(aclDestroyScalar(alpha));
      break;
    }
    case 3: expect(aclnnMatmulGetWorkspaceSize(tensor(), tensor(), tensor(), 0, &bytes, &made)); break;
    case 4: {
      int64_t order[9];
      const uint64_t rank = p.byte() % 10;
      for (uint64_t i = 0; i < rank; ++i) order[i] = p.number();
      aclIntArray* const dims = aclCreateIntArray(order, rank);
      expect(aclnnPermuteGetWorkspaceSize(tensor(), dims, tensor(), &bytes, &made));
      expect(aclDestroyIntArray(dims));
      break;
    }
    case 5: expect(aclSetAclOpExecutorRepeatable(static_cast<aclOpExecutor*>(w.handle(p)))); break;
    case 6: expect(aclDestroyAclOpExecutor(static_cast<aclOpExecutor*>(w.handle(p)))); break;
    case 7:
      expect(aclSetTensorAddr(static_cast<aclOpExecutor*>(w.handle(p)), static_cast<size_t>(p.number()),
                              tensor(), w.address(p)));
      break;
    case 8: expect(aclSetRawTensorAddr(tensor(), w.address(p))); break;
    case 9: {
      const auto executor = static_cast<aclOpExecutor*>(w.handle(p));
      void* const workspace = w.address(p);
      const auto size = static_cast<uint64_t>(p.number());
      void* const stream = w.handle(p);
      switch (p.byte() % 5) {
        case 0: expect(aclnnExp(workspace, size, executor, stream)); break;
        case 1: expect(aclnnInplaceCopy(workspace, size, executor, stream)); break;
        case 2: expect(aclnnAdd(workspace, size, executor, stream)); break;
        case 3: expect(aclnnMatmul(workspace, size, executor, stream)); break;
        case 4: expect(aclnnPermute(workspace, size, executor, stream)); break;
      }
      break;
    }
  }
  // A third run at once, so that plans with suitable tensors are run often.
  if (made && which % 3 == 0 && which % 10 == 0)
    expect(aclnnExp(nullptr, 0, std::exchange(made, nullptr), nullptr));
  w.keep(made);
}

void settings(Program& p, World& w) {
  uint32_t value = 0;
  uint64_t limit = 0;
  int32_t state = 0;
  void* address = nullptr;
  const auto type = static_cast<aclrtDevResLimitType>(p.byte() % 4);
  switch (p.byte() % 12) {
    case 0: expect(aclrtGetDeviceResLimit(p.byte() - 100, type, &value)); break;
    case 1: expect(aclrtGetStreamResLimit(w.handle(p), type, &value)); break;
    case 2: expect(aclrtSetStreamResLimit(w.handle(p), type, value)); break;
    case 3: expect(aclrtUseStreamResInCurrentThread(w.handle(p))); break;
    case 4: expect(aclrtGetPrimaryCtxState(p.byte() - 100, &value, &state)); break;
    case 5: expect(aclrtSetOpExecuteTimeOutV2(limit, &limit)); break;
    case 6: expect(aclrtGetOverflowStatus(w.address(p), static_cast<size_t>(p.number()), w.handle(p))); break;
    case 7: expect(aclrtResetOverflowStatus(w.handle(p))); break;
    case 8:
      expect(aclrtHostRegister(w.host + p.byte(), p.byte() % 4 ? p.byte() : SIZE_MAX,
                               static_cast<aclrtHostRegisterType>(p.byte() % 3), &address));
      if (address) w.memory.push_back(address);
      break;
    case 9: expect(aclrtHostUnregister(w.host + p.byte())); break;
    case 10: {
      // A source that is none of a device's is the program's word.
      void *dsts[3], *srcs[3];
      size_t sizes[3], capacities[3], failed = 0;
      for (int i = 0; i < 3; ++i) {
        srcs[i] = w.host + 64 * i;
        dsts[i] = w.host + 1024 + 64 * i;
        sizes[i] = static_cast<size_t>(p.number()) % 65;
        capacities[i] = static_cast<size_t>(p.number());
      }
      expect(
          aclrtMemcpyBatchAsync(dsts, capacities, srcs, sizes, 3, nullptr, nullptr, 0, &failed, w.handle(p)));
      break;
    }
    case 11: expect(aclprofStart(nullptr)); break;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  setenv("ISTHMUS_DEVICE", "cpu", 1);
  (void)aclInit(nullptr);
  (void)aclrtSetDevice(0);
  World world;
  Program program(data, size);
  while (!program.done()) {
    switch (program.byte() % 8) {
      case 0: streams_and_events(program, world); break;
      case 1: devices(program, world); break;
      case 2: memory(program, world); break;
      case 3: captures(program, world); break;
      case 4: tensors(program, world); break;
      case 5: settings(program, world); break;
      default: calls(program, world); break;
    }
  }
  // Nothing stays for the next program.
  (void)aclrtSetDevice(0);
  aclmdlRI unfinished = nullptr;
  for (void* const handle : world.handles) {
    (void)aclmdlRICaptureEnd(handle, &unfinished);
    (void)aclmdlRIDestroy(handle);
    (void)aclrtDestroyStream(handle);
    (void)aclrtDestroyEvent(handle);
    (void)aclrtDestroyContext(handle);
    (void)aclDestroyTensor(static_cast<const aclTensor*>(handle));
    (void)aclDestroyAclOpExecutor(static_cast<aclOpExecutor*>(handle));
  }
  (void)aclrtSynchronizeDevice();
  for (size_t i = 0; i < 256; ++i) (void)aclrtHostUnregister(world.host + i);
  for (void* const address : world.memory) (void)aclrtFree(address);
  (void)aclrtResetDeviceForce(0);
  return 0;
}
