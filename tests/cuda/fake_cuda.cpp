// SPDX-License-Identifier: Apache-2.0
// A libcuda.so.1 and a libnvrtc in one for tests: host memory behind device addresses, and streams that run
// nothing before somebody waits, so that a forgotten wait shows. Kernels do not run, but for one that counts.
// Whatever needs a current context fails without one. The "compiler" gives the source back, which tests write
// as PTX; the true one looks for libcuda.so.1 itself and crashes on finding this one.
#include "fake_cuda.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <sstream>
#include <utility>

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

using Work = std::function<void()>;
struct Stream {
  std::deque<Work> waiting;
  uint64_t done = 0;  // pieces of work that ran
  bool capturing = false;
  std::vector<Work> captured;
};
struct Event {
  Stream* stream = nullptr;
  uint64_t at = 0;  // done when the stream has run so many
  double time = 0;
  bool done() const { return !stream || stream->done >= at; }
};
struct Function {
  std::string name;
  std::vector<size_t> parameters;
};
struct Module {
  std::map<std::string, Function> functions;
};
struct Program {
  std::string source, log;
};

// Recursive, since work that runs may make other streams run.
std::recursive_mutex mutex;
std::map<std::string, int> calls;
std::map<std::string, int> failures;
std::vector<fake_cuda::Launch> ran;
std::map<uint64_t, uint64_t> allocations;  // address -> bytes
std::vector<std::string> options;
int fault_of_next_kernel = 0, lost = 0;
double now = 0;
thread_local std::vector<void*> current;
int context_object;

void run(Stream& stream, uint64_t until) {
  while (stream.done < until && !stream.waiting.empty()) {
    const Work work = std::move(stream.waiting.front());
    stream.waiting.pop_front();
    if (!lost) work();
    now += 1e-3;
    ++stream.done;
  }
}
void put(Stream& stream, Work work) {
  if (stream.capturing)
    stream.captured.push_back(std::move(work));
  else
    stream.waiting.push_back(std::move(work));
}
bool known(uint64_t address, uint64_t bytes) {
  auto found = allocations.upper_bound(address);
  if (found == allocations.begin()) return false;
  --found;
  return address - found->first <= found->second && bytes <= found->second - (address - found->first);
}
char* at(uint64_t address) { return reinterpret_cast<char*>(address); }

int begin(const char* name, bool needs_context) {
  ++calls[name];
  if (const auto found = failures.find(name); found != failures.end()) {
    const int code = found->second;
    failures.erase(found);
    return code;
  }
  if (lost) return lost;
  return needs_context && current.empty() ? 201 : 0;
}

}  // namespace

#define BEGIN(NAME)                  \
  const std::lock_guard lock(mutex); \
  if (const int code = begin(#NAME, true)) return code
#define BEGIN_WITHOUT_CONTEXT(NAME)  \
  const std::lock_guard lock(mutex); \
  if (const int code = begin(#NAME, false)) return code

namespace fake_cuda {

#define ASKED __attribute__((visibility("default")))
ASKED int count(const std::string& function) {
  const std::lock_guard lock(mutex);
  return calls[function];
}
ASKED std::vector<Launch> launches() {
  const std::lock_guard lock(mutex);
  return ran;
}
ASKED int live_allocations() {
  const std::lock_guard lock(mutex);
  return static_cast<int>(allocations.size());
}
ASKED int contexts_of_this_thread() { return static_cast<int>(current.size()); }
ASKED void fail_next(const std::string& function, int code) {
  const std::lock_guard lock(mutex);
  failures[function] = code;
}
ASKED void fault_with(int code) {
  const std::lock_guard lock(mutex);
  fault_of_next_kernel = code;
  lost = 0;
}
ASKED std::vector<std::string> compiler_options() {
  const std::lock_guard lock(mutex);
  return options;
}

}  // namespace fake_cuda

// -- driver and devices --

EXPORT int cuInit(unsigned) { return 0; }
EXPORT int cuDriverGetVersion(int* version) { return *version = 13000, 0; }
EXPORT int cuGetErrorName(int, const char** name) { return *name = "CUDA_ERROR_FAKE", 0; }
EXPORT int cuGetErrorString(int, const char** text) { return *text = "a fault that is not in the table", 0; }
EXPORT int cuDeviceGetCount(int* count) { return *count = 1, 0; }
EXPORT int cuDeviceGet(int* device, int index) { return *device = index, index == 0 ? 0 : 101; }
EXPORT int cuDeviceGetName(char* name, int bytes, int) { return std::strncpy(name, "Fake GPU", bytes), 0; }
EXPORT int cuDeviceTotalMem_v2(size_t* bytes, int) { return *bytes = size_t{1} << 30, 0; }
EXPORT int cuDeviceGetAttribute(int* value, int which, int) {
  const std::map<int, int> values = {
      {1, 1024}, {5, 0x7fffffff}, {6, 65535}, {7, 65535}, {16, 4},
      {41, 1},   {75, 8},         {76, 1},    {113, 1},   {115, std::getenv("FAKE_CUDA_NO_POOLS") ? 0 : 1}};
  const auto found = values.find(which);
  return *value = found == values.end() ? 0 : found->second, 0;
}
EXPORT int cuDevicePrimaryCtxRetain(void** context, int) {
  BEGIN_WITHOUT_CONTEXT(cuDevicePrimaryCtxRetain);
  return *context = &context_object, 0;
}
EXPORT int cuDevicePrimaryCtxRelease_v2(int) { return 0; }
EXPORT int cuCtxPushCurrent_v2(void* context) {
  if (!context) return 201;
  current.push_back(context);
  return 0;
}
EXPORT int cuCtxPopCurrent_v2(void** context) {
  if (current.empty()) return 201;
  *context = current.back();
  current.pop_back();
  return 0;
}

// -- memory --

static int allocate(uint64_t* address, size_t bytes) {
  if (bytes > size_t{1} << 30) return 2;
  void* memory = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  *address = reinterpret_cast<uint64_t>(memory);
  allocations[*address] = bytes;
  return 0;
}
static int release(uint64_t address) {
  if (!allocations.erase(address)) return 1;
  std::free(at(address));
  return 0;
}
EXPORT int cuMemAlloc_v2(uint64_t* address, size_t bytes) {
  BEGIN(cuMemAlloc_v2);
  return allocate(address, bytes);
}
EXPORT int cuMemFree_v2(uint64_t address) {
  BEGIN(cuMemFree_v2);
  return release(address);
}
EXPORT int cuMemHostAlloc(void** host, size_t bytes, unsigned) {
  BEGIN(cuMemHostAlloc);
  return allocate(reinterpret_cast<uint64_t*>(host), bytes);
}
EXPORT int cuMemFreeHost(void* host) {
  BEGIN(cuMemFreeHost);
  return release(reinterpret_cast<uint64_t>(host));
}
EXPORT int cuMemHostRegister_v2(void* host, size_t bytes, unsigned) {
  BEGIN(cuMemHostRegister_v2);
  return allocations.emplace(reinterpret_cast<uint64_t>(host), bytes).second ? 0 : 712;
}
EXPORT int cuMemHostUnregister(void* host) {
  BEGIN(cuMemHostUnregister);
  return allocations.erase(reinterpret_cast<uint64_t>(host)) ? 0 : 713;
}
EXPORT int cuMemHostGetDevicePointer_v2(uint64_t* address, void* host, unsigned) {
  return *address = reinterpret_cast<uint64_t>(host), 0;
}
EXPORT int cuMemPoolCreate(void** pool, const void*) {
  BEGIN(cuMemPoolCreate);
  return *pool = &context_object, 0;
}
EXPORT int cuMemPoolDestroy(void*) { return 0; }
EXPORT int cuMemPoolSetAttribute(void*, int, void*) { return 0; }
EXPORT int cuMemAllocFromPoolAsync(uint64_t* address, size_t bytes, void*, Stream* stream) {
  BEGIN(cuMemAllocFromPoolAsync);
  put(*stream, [] {});
  return allocate(address, bytes);
}
EXPORT int cuMemFreeAsync(uint64_t address, Stream* stream) {
  BEGIN(cuMemFreeAsync);
  if (!allocations.count(address)) return 1;
  put(*stream, [address] { release(address); });
  if (!stream->capturing && stream->waiting.size() == 1) run(*stream, UINT64_MAX);  // idle but for this
  return 0;
}

// -- streams and events --

EXPORT int cuStreamCreate(Stream** stream, unsigned) {
  BEGIN(cuStreamCreate);
  return *stream = new Stream, 0;
}
EXPORT int cuStreamDestroy_v2(Stream* stream) {
  const std::lock_guard lock(mutex);
  run(*stream, UINT64_MAX);
  return delete stream, 0;
}
EXPORT int cuStreamSynchronize(Stream* stream) {
  BEGIN(cuStreamSynchronize);
  if (stream->capturing) return 900;
  run(*stream, UINT64_MAX);
  return lost;
}
EXPORT int cuStreamQuery(Stream* stream) {
  BEGIN(cuStreamQuery);
  const bool idle = stream->waiting.empty();
  run(*stream, stream->done + 1);  // as time goes by
  return idle ? lost : 600;
}
EXPORT int cuStreamWaitEvent(Stream* stream, Event* event, unsigned) {
  BEGIN(cuStreamWaitEvent);
  put(*stream, [from = event->stream, at = event->at] {
    if (from) run(*from, at);
  });
  return 0;
}
EXPORT int cuLaunchHostFunc(Stream* stream, void (*function)(void*), void* argument) {
  BEGIN(cuLaunchHostFunc);
  put(*stream, [=] { function(argument); });
  return 0;
}
EXPORT int cuEventCreate(Event** event, unsigned) {
  BEGIN(cuEventCreate);
  return *event = new Event, 0;
}
EXPORT int cuEventDestroy_v2(Event* event) { return delete event, 0; }
EXPORT int cuEventRecord(Event* event, Stream* stream) {
  BEGIN(cuEventRecord);
  put(*stream, [event] { event->time = now; });
  event->stream = stream;
  event->at = stream->done + stream->waiting.size();
  return 0;
}
EXPORT int cuEventSynchronize(Event* event) {
  BEGIN(cuEventSynchronize);
  if (event->stream) run(*event->stream, event->at);
  return lost;
}
EXPORT int cuEventQuery(Event* event) {
  BEGIN(cuEventQuery);
  return event->done() ? lost : 600;
}
EXPORT int cuEventElapsedTime(float* milliseconds, Event* start, Event* end) {
  BEGIN(cuEventElapsedTime);
  if (!start->stream || !end->stream) return 400;
  if (!start->done() || !end->done()) return 600;
  return *milliseconds = static_cast<float>((end->time - start->time) * 1e3), 0;
}
EXPORT int cuMemcpyAsync(uint64_t dst, uint64_t src, size_t bytes, Stream* stream) {
  BEGIN(cuMemcpyAsync);
  if (!known(dst, bytes) || !known(src, bytes)) return 1;
  put(*stream, [=] { std::memcpy(at(dst), at(src), bytes); });
  return 0;
}
EXPORT int cuMemcpyHtoDAsync_v2(uint64_t dst, const void* src, size_t bytes, Stream* stream) {
  BEGIN(cuMemcpyHtoDAsync_v2);
  if (!known(dst, bytes)) return 1;
  put(*stream, [=] { std::memcpy(at(dst), src, bytes); });
  return 0;
}
EXPORT int cuMemcpyDtoHAsync_v2(void* dst, uint64_t src, size_t bytes, Stream* stream) {
  BEGIN(cuMemcpyDtoHAsync_v2);
  if (!known(src, bytes)) return 1;
  put(*stream, [=] { std::memcpy(dst, at(src), bytes); });
  return 0;
}
EXPORT int cuMemsetD8Async(uint64_t dst, unsigned char value, size_t bytes, Stream* stream) {
  BEGIN(cuMemsetD8Async);
  if (!known(dst, bytes)) return 1;
  put(*stream, [=] { std::memset(at(dst), value, bytes); });
  return 0;
}

// -- graphs --

EXPORT int cuStreamBeginCapture_v2(Stream* stream, unsigned) {
  BEGIN(cuStreamBeginCapture_v2);
  if (stream->capturing) return 401;
  return stream->capturing = true, 0;
}
EXPORT int cuStreamEndCapture(Stream* stream, std::vector<Work>** graph) {
  BEGIN(cuStreamEndCapture);
  if (!stream->capturing) return 401;
  stream->capturing = false;
  *graph = new std::vector<Work>(std::move(stream->captured));
  stream->captured.clear();
  return 0;
}
EXPORT int cuGraphInstantiateWithFlags(std::vector<Work>** executable, std::vector<Work>* graph,
                                       unsigned long long) {
  BEGIN(cuGraphInstantiateWithFlags);
  return *executable = new std::vector<Work>(*graph), 0;
}
EXPORT int cuGraphLaunch(std::vector<Work>* executable, Stream* stream) {
  BEGIN(cuGraphLaunch);
  for (const Work& work : *executable) put(*stream, work);
  return 0;
}
EXPORT int cuGraphDestroy(std::vector<Work>* graph) { return delete graph, 0; }
EXPORT int cuGraphExecDestroy(std::vector<Work>* executable) { return delete executable, 0; }

// -- kernels --

// Lines ".visible .entry NAME", then one ".param .u64" or ".param .b8 [24]" for each parameter.
EXPORT int cuModuleLoadData(Module** module, const void* image) {
  BEGIN(cuModuleLoadData);
  auto made = std::make_unique<Module>();
  std::istringstream lines(static_cast<const char*>(image));
  Function* function = nullptr;
  for (std::string first, second, third; lines >> first >> second >> third;) {
    if (second == ".entry") {
      function = &made->functions[third];
      function->name = third;
    } else if (first == ".param" && function) {
      function->parameters.push_back(third[0] == '[' ? std::stoul(third.substr(1))
                                                     : std::stoul(second.substr(2)) / 8);
    } else {
      return 218;
    }
  }
  return *module = made.release(), 0;
}
EXPORT int cuModuleUnload(Module* module) { return delete module, 0; }
EXPORT int cuModuleGetFunction(Function** function, Module* module, const char* name) {
  BEGIN(cuModuleGetFunction);
  const auto found = module->functions.find(name);
  if (found == module->functions.end()) return 500;
  return *function = &found->second, 0;
}
EXPORT int cuFuncGetAttribute(int* value, int, Function*) { return *value = 512, 0; }
EXPORT int cuFuncGetParamInfo(Function* function, size_t index, size_t* offset, size_t* bytes) {
  if (index >= function->parameters.size()) return 1;
  *offset = 0;
  return *bytes = function->parameters[index], 0;
}
EXPORT int cuLaunchKernel(Function* function, unsigned x, unsigned y, unsigned z, unsigned size_x,
                          unsigned size_y, unsigned size_z, unsigned, Stream* stream, void** parameters,
                          void**) {
  BEGIN(cuLaunchKernel);
  fake_cuda::Launch launch{function->name, {x, y, z}, {size_x, size_y, size_z}, {}};
  for (size_t i = 0; i < function->parameters.size(); ++i) {
    const auto* bytes = static_cast<const unsigned char*>(parameters[i]);
    launch.parameters.emplace_back(bytes, bytes + function->parameters[i]);
  }
  put(*stream, [launch] {
    ran.push_back(launch);
    if (fault_of_next_kernel) lost = std::exchange(fault_of_next_kernel, 0);
    if (launch.kernel != "count") return;  // adds 1 to the byte that its operand points to
    uint64_t base = 0, offset = 0;
    std::memcpy(&base, launch.parameters[0].data(), 8);
    std::memcpy(&offset, launch.parameters[1].data(), 8);
    ++*at(base + offset);
  });
  return 0;
}

// -- NVRTC --

EXPORT int nvrtcVersion(int* major, int* minor) { return *major = 13, *minor = 0, 0; }
EXPORT int nvrtcGetNumSupportedArchs(int* count) { return *count = 2, 0; }
EXPORT int nvrtcGetSupportedArchs(int* list) { return list[0] = 75, list[1] = 80, 0; }
EXPORT const char* nvrtcGetErrorString(int) { return "NVRTC_ERROR_FAKE"; }
EXPORT int nvrtcCreateProgram(Program** program, const char* source, const char*, int, const char* const*,
                              const char* const*) {
  return *program = new Program{source, ""}, 0;
}
EXPORT int nvrtcDestroyProgram(Program** program) { return delete *program, 0; }
EXPORT int nvrtcCompileProgram(Program* program, int count, const char* const* list) {
  const std::lock_guard lock(mutex);
  ++calls["nvrtcCompileProgram"];
  options.assign(list, list + count);
  if (program->source.find("nonsense") == std::string::npos) return 0;
  program->log = "kernel.cu(2): error: identifier \"nonsense\" is undefined\n";
  return 6;
}
EXPORT int nvrtcGetPTXSize(Program* program, size_t* bytes) { return *bytes = program->source.size() + 1, 0; }
EXPORT int nvrtcGetPTX(Program* program, char* to) {
  return std::memcpy(to, program->source.c_str(), program->source.size() + 1), 0;
}
EXPORT int nvrtcGetCUBINSize(Program*, size_t* bytes) { return *bytes = 0, 0; }
EXPORT int nvrtcGetCUBIN(Program*, char*) { return 3; }
EXPORT int nvrtcGetProgramLogSize(Program* program, size_t* bytes) {
  return *bytes = program->log.size() + 1, 0;
}
EXPORT int nvrtcGetProgramLog(Program* program, char* to) {
  return std::memcpy(to, program->log.c_str(), program->log.size() + 1), 0;
}
