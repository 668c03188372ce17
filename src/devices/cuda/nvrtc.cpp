// SPDX-License-Identifier: Apache-2.0
#include "devices/cuda/nvrtc.h"

#include <dlfcn.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <sstream>

namespace isthmus::cuda {
namespace {

using Program = struct NvrtcProgram*;
constexpr int kOutOfMemory = 1, kInvalidOption = 5, kCompilation = 6;
constexpr size_t kLogBytes = 4000;  // of the log in an error

// What decision 0001 (numerics) asks for: no contraction, subnormals kept, / and sqrt rounded correctly.
constexpr const char* kExact[] = {"-std=c++17", "-fmad=false", "-ftz=false", "-prec-div=true",
                                  "-prec-sqrt=true"};

bool is_folder(const std::string& path) {
  struct stat about;
  return stat(path.c_str(), &about) == 0 && S_ISDIR(about.st_mode);
}

std::vector<std::string> places() {
  const char* wish = std::getenv("ISTHMUS_NVRTC");
  if (!wish || !*wish) return {"libnvrtc.so.13", "libnvrtc.so.12"};
  const std::string at = wish;
  if (!is_folder(at)) return {at};
  return {at + "/libnvrtc.so.13", at + "/libnvrtc.so.12"};
}

}  // namespace

struct Nvrtc::Functions {
  int (*nvrtcVersion)(int*, int*);
  int (*nvrtcGetNumSupportedArchs)(int*);
  int (*nvrtcGetSupportedArchs)(int*);
  const char* (*nvrtcGetErrorString)(int);
  int (*nvrtcCreateProgram)(Program*, const char* source, const char* name, int headers, const char* const*,
                            const char* const*);
  int (*nvrtcDestroyProgram)(Program*);
  int (*nvrtcCompileProgram)(Program, int options, const char* const*);
  int (*nvrtcGetPTXSize)(Program, size_t*);
  int (*nvrtcGetPTX)(Program, char*);
  int (*nvrtcGetCUBINSize)(Program, size_t*);
  int (*nvrtcGetCUBIN)(Program, char*);
  int (*nvrtcGetProgramLogSize)(Program, size_t*);
  int (*nvrtcGetProgramLog)(Program, char*);

  std::string text(Program program, int (*size)(Program, size_t*), int (*get)(Program, char*)) const {
    size_t bytes = 0;
    if (size(program, &bytes) != 0 || bytes == 0) return "";
    std::string all(bytes, '\0');
    if (get(program, all.data()) != 0) return "";
    return all;
  }
};

Result<const Nvrtc*> Nvrtc::find() {
  static const Result<const Nvrtc*> found = load();
  return found;
}

Result<const Nvrtc*> Nvrtc::load() {
  void* library = nullptr;
  std::string tried;
  for (const std::string& place : places()) {
    if ((library = dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL))) break;
    tried += (tried.empty() ? "" : "; ") + std::string(dlerror());
  }
  if (!library)
    return unimplemented(
        "kernels cannot be built: NVRTC, CUDA's run-time compiler, was not found ({}); install it (pip "
        "install "
        "nvidia-cuda-nvrtc) and set ISTHMUS_NVRTC to the folder of libnvrtc.so",
        tried);
  auto functions = std::make_unique<Functions>();
#define ISTHMUS_NVRTC_FIND(NAME)                                                        \
  functions->NAME = reinterpret_cast<decltype(functions->NAME)>(dlsym(library, #NAME)); \
  if (!functions->NAME)                                                                 \
    return unimplemented("the NVRTC that was found has no {}; version 12 or later is needed", #NAME);
  ISTHMUS_NVRTC_FIND(nvrtcVersion)
  ISTHMUS_NVRTC_FIND(nvrtcGetNumSupportedArchs)
  ISTHMUS_NVRTC_FIND(nvrtcGetSupportedArchs)
  ISTHMUS_NVRTC_FIND(nvrtcGetErrorString)
  ISTHMUS_NVRTC_FIND(nvrtcCreateProgram)
  ISTHMUS_NVRTC_FIND(nvrtcDestroyProgram)
  ISTHMUS_NVRTC_FIND(nvrtcCompileProgram)
  ISTHMUS_NVRTC_FIND(nvrtcGetPTXSize)
  ISTHMUS_NVRTC_FIND(nvrtcGetPTX)
  ISTHMUS_NVRTC_FIND(nvrtcGetCUBINSize)
  ISTHMUS_NVRTC_FIND(nvrtcGetCUBIN)
  ISTHMUS_NVRTC_FIND(nvrtcGetProgramLogSize)
  ISTHMUS_NVRTC_FIND(nvrtcGetProgramLog)
#undef ISTHMUS_NVRTC_FIND
  auto nvrtc = std::unique_ptr<Nvrtc>(new Nvrtc);
  int major = 0, minor = 0, count = 0;
  functions->nvrtcVersion(&major, &minor);
  functions->nvrtcGetNumSupportedArchs(&count);
  nvrtc->version_ = fmt::format("{}.{}", major, minor);
  nvrtc->capabilities_.resize(static_cast<size_t>(std::max(count, 0)));
  if (count > 0) functions->nvrtcGetSupportedArchs(nvrtc->capabilities_.data());
  std::sort(nvrtc->capabilities_.begin(), nvrtc->capabilities_.end());
  nvrtc->functions_ = functions.release();  // for the life of the process, as the library is
  return nvrtc.release();
}

Result<std::vector<std::string>> Nvrtc::all_options(int capability, const std::string& options) const {
  const auto above = std::upper_bound(capabilities_.begin(), capabilities_.end(), capability);
  if (above == capabilities_.begin())
    return unimplemented("NVRTC {} makes nothing for devices of compute capability {}.{}; use an older CUDA",
                         version_, capability / 10, capability % 10);
  const int made_for = above[-1];
  std::vector<std::string> words(std::begin(kExact), std::end(kExact));
  words.push_back(fmt::format("-arch={}_{}", made_for == capability ? "sm" : "compute", made_for));
  std::istringstream more(options);
  for (std::string word; more >> word;) words.push_back(word);
  return words;
}

Result<Compiled> Nvrtc::compile(const std::string& source, int capability, const std::string& options) const {
  const Functions& nvrtc = *functions_;
  ASSIGN_OR_RETURN(const std::vector<std::string> words, all_options(capability, options));
  std::vector<const char*> list;
  for (const std::string& word : words) list.push_back(word.c_str());

  Program program = nullptr;
  int code = nvrtc.nvrtcCreateProgram(&program, source.c_str(), "kernel.cu", 0, nullptr, nullptr);
  if (code != 0)
    return error(code == kOutOfMemory ? Code::kOutOfMemory : Code::kInternal,
                 "NVRTC cannot take the source: {}", nvrtc.nvrtcGetErrorString(code));
  code = nvrtc.nvrtcCompileProgram(program, static_cast<int>(list.size()), list.data());
  Compiled compiled;
  std::string log;
  if (code == 0) {
    compiled.ptx = nvrtc.text(program, nvrtc.nvrtcGetPTXSize, nvrtc.nvrtcGetPTX);
    if (std::binary_search(capabilities_.begin(), capabilities_.end(), capability))
      compiled.cubin = nvrtc.text(program, nvrtc.nvrtcGetCUBINSize, nvrtc.nvrtcGetCUBIN);
  } else {
    log = nvrtc.text(program, nvrtc.nvrtcGetProgramLogSize, nvrtc.nvrtcGetProgramLog);
    while (!log.empty() && (log.back() == '\0' || log.back() == '\n')) log.pop_back();
    if (log.size() > kLogBytes) log = log.substr(0, kLogBytes) + " …";
  }
  nvrtc.nvrtcDestroyProgram(&program);
  if (code == kCompilation) return error(Code::kInternal, "the kernel does not compile: {}", log);
  if (code == kInvalidOption) return invalid_argument("NVRTC does not know one of '{}': {}", options, log);
  if (code != 0)
    return error(code == kOutOfMemory ? Code::kOutOfMemory : Code::kInternal, "NVRTC failed: {} {}",
                 nvrtc.nvrtcGetErrorString(code), log);
  if (compiled.ptx.empty() && compiled.cubin.empty())
    return error(Code::kInternal, "NVRTC {} gave neither instructions nor PTX", version_);
  return compiled;
}

}  // namespace isthmus::cuda
