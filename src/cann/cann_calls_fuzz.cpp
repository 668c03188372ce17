// SPDX-License-Identifier: Apache-2.0
// Fuzz target: the bytes are a program of calls with handles and addresses that are right, null, destroyed,
// of another kind or made up. Every call answers; none crashes, and a failed one leaves a sentence.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "acl/acl.h"
#include "aclnn/acl_meta.h"

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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  setenv("ISTHMUS_DEVICE", "cpu", 1);
  (void)aclInit(nullptr);
  (void)aclrtSetDevice(0);
  World world;
  Program program(data, size);
  while (!program.done()) {
    switch (program.byte() % 5) {
      case 0: streams_and_events(program, world); break;
      case 1: devices(program, world); break;
      case 2: memory(program, world); break;
      case 3: captures(program, world); break;
      case 4: tensors(program, world); break;
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
  }
  for (void* const address : world.memory) (void)aclrtFree(address);
  (void)aclrtResetDeviceForce(0);
  return 0;
}
