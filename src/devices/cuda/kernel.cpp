// SPDX-License-Identifier: Apache-2.0
#include "devices/cuda/kernel.h"

#include <fmt/ranges.h>

namespace isthmus::cuda {
namespace {

constexpr int kMostParameters = 128;  // an address is two

}  // namespace

// -- Kernel --

// An address is two parameters of the kernel, a pointer and the offset from it; on CUDA the pointer is the
// address.
Status Kernel::launch(const uint32_t groups[3], const uint32_t group_size[3],
                      const isthmus_kernel_argument_t* arguments, int32_t count, Stream& stream) const {
  uint64_t threads = 1;
  for (int d = 0; d < 3; ++d) {
    if (groups[d] == 0) return ok();
    if (groups[d] > limits_.groups[d])
      return unimplemented("kernel '{}' asks for {} work groups in dimension {}; the device runs up to {}",
                           entry_, groups[d], d, limits_.groups[d]);
    threads *= group_size[d];
    if (threads == 0 || threads > limits_.threads)
      return unimplemented(
          "kernel '{}' asks for work groups of {} x {} x {}; the device runs up to {} in all", entry_,
          group_size[0], group_size[1], group_size[2], limits_.threads);
  }
  static const uint64_t kNoOffset = 0;
  void* parameters[kMostParameters];
  size_t used = 0;
  for (int32_t i = 0; i < count; ++i) {
    const isthmus_kernel_argument_t& argument = arguments[i];
    const bool address = argument.kind == ISTHMUS_ARGUMENT_ADDRESS;
    if (!address && argument.kind != ISTHMUS_ARGUMENT_VALUE)
      return invalid_argument("kernel '{}', argument {}: no kind {}", entry_, i,
                              static_cast<int>(argument.kind));
    if (used + 2 > kMostParameters)
      return unimplemented("kernel '{}' is given more than {} parameters", entry_, kMostParameters);
    const size_t bytes = address ? sizeof argument.address : argument.bytes;
    // The driver reads as many bytes as the kernel's parameter has.
    if (!parameters_.empty()) {
      if (used + address >= parameters_.size())
        return invalid_argument("kernel '{}', argument {}: the kernel takes fewer arguments", entry_, i);
      if (parameters_[used] != bytes || (address && parameters_[used + 1] != sizeof kNoOffset))
        return invalid_argument("kernel '{}', argument {} has {} bytes; the kernel's parameter has {}",
                                entry_, i, bytes, parameters_[used]);
    }
    parameters[used++] =
        address ? const_cast<isthmus_address_t*>(&argument.address) : const_cast<void*>(argument.value);
    if (address) parameters[used++] = const_cast<uint64_t*>(&kNoOffset);
  }
  if (used < parameters_.size())
    return invalid_argument("kernel '{}' takes {} parameters; {} were given", entry_, parameters_.size(),
                            used);
  const auto current = stream.shared().enter();
  return check(
      stream.shared().cuda.launch(function_, groups[0], groups[1], groups[2], group_size[0], group_size[1],
                                  group_size[2], 0, stream.handle(), parameters, nullptr),
      fmt::format("launching kernel '{}'", entry_));
}

// -- Programs --

Programs::~Programs() {
  const auto current = shared_.enter();
  for (const auto& [key, module] : modules_) shared_.cuda.module_unload(module);
}

Result<std::unique_ptr<Kernel>> Programs::build(const std::string& source, const std::string& options,
                                                const std::string& entry) {
  const Api& cuda = shared_.cuda;
  CUmodule module = nullptr;
  {
    const std::lock_guard lock(mutex_);
    ASSIGN_OR_RETURN(module, find_or_build(source, options));
  }
  const auto current = shared_.enter();
  auto kernel = std::make_unique<Kernel>();
  kernel->entry_ = entry;
  kernel->limits_ = limits_;
  RETURN_IF_ERROR(check(cuda.module_function(&kernel->function_, module, entry.c_str()),
                        fmt::format("looking for kernel '{}'", entry)));
  int threads = 0;  // the registers it needs may allow fewer than the device does
  RETURN_IF_ERROR(check(cuda.function_attribute(&threads, kFunctionMaxThreads, kernel->function_),
                        fmt::format("asking for the work groups of kernel '{}'", entry)));
  if (threads > 0)
    kernel->limits_.threads = std::min(kernel->limits_.threads, static_cast<uint32_t>(threads));
  size_t offset = 0, bytes = 0;
  while (cuda.function_parameter && kernel->parameters_.size() < kMostParameters &&
         cuda.function_parameter(kernel->function_, kernel->parameters_.size(), &offset, &bytes) == kSuccess)
    kernel->parameters_.push_back(bytes);
  return kernel;
}

Result<CUmodule> Programs::find_or_build(const std::string& source, const std::string& options) {
  const std::string key = options + "\n" + source;
  if (const auto found = modules_.find(key); found != modules_.end()) return found->second;
  ASSIGN_OR_RETURN(const Nvrtc* nvrtc, Nvrtc::find());
  ASSIGN_OR_RETURN(const std::vector<std::string> words, nvrtc->all_options(capability_, options));
  const std::string kept_as =
      fmt::format("NVRTC {}\n{}\n{}", nvrtc->version(), fmt::join(words, " "), source);
  if (const std::optional<std::string> kept = kept_.load(kept_as)) {
    const Result<CUmodule> module = load(*kept);
    if (module.ok()) return modules_[key] = *module;
  }
  ASSIGN_OR_RETURN(const Compiled compiled, nvrtc->compile(source, capability_, options));
  const std::string& image = compiled.cubin.empty() ? compiled.ptx : compiled.cubin;
  ASSIGN_OR_RETURN(const CUmodule module, load(image));
  kept_.store(kept_as, image);
  return modules_[key] = module;
}

Result<CUmodule> Programs::load(const std::string& image) const {
  const auto current = shared_.enter();
  CUmodule module = nullptr;
  RETURN_IF_ERROR(check(shared_.cuda.module_load(&module, image.c_str()), "loading a compiled kernel"));
  return module;
}

}  // namespace isthmus::cuda
