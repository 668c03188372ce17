// SPDX-License-Identifier: Apache-2.0
#include "devices/opencl/program.h"

namespace isthmus::opencl {
namespace {

constexpr size_t kLogBytes = 4000;  // of a compiler's log in an error

std::string build_log(const Api& cl, cl_program program, cl_device_id device) {
  size_t bytes = 0;
  cl.clGetProgramBuildInfo(program, device, CL_PROGRAM_BUILD_LOG, 0, nullptr, &bytes);
  std::string log(bytes, '\0');
  cl.clGetProgramBuildInfo(program, device, CL_PROGRAM_BUILD_LOG, bytes, log.data(), nullptr);
  while (!log.empty() && (log.back() == '\0' || log.back() == '\n')) log.pop_back();
  if (log.size() > kLogBytes) log = log.substr(0, kLogBytes) + " …";
  return log.empty() ? "the driver gave no log" : log;
}

}  // namespace

// -- Kernel --

// An address is two parameters of the kernel: the buffer's first byte and the offset from it.
Status Kernel::set_arguments(const isthmus_kernel_argument_t* arguments, int32_t count,
                             const Memory& memory) {
  cl_uint at = 0;
  for (int32_t i = 0; i < count; ++i) {
    const isthmus_kernel_argument_t& argument = arguments[i];
    cl_int code = CL_SUCCESS;
    if (argument.kind == ISTHMUS_ARGUMENT_ADDRESS) {
      Place place;
      if (argument.address) {
        ASSIGN_OR_RETURN(place, memory.resolve(argument.address, 0), "kernel '{}', argument {}", entry_, i);
      }
      const cl_ulong offset = place.offset;
      if (place.svm)
        code = cl_.clSetKernelArgSVMPointer(kernel_, at++, place.svm);
      else
        code = cl_.clSetKernelArg(kernel_, at++, sizeof(cl_mem), place.buffer ? &place.buffer : nullptr);
      if (code == CL_SUCCESS) code = cl_.clSetKernelArg(kernel_, at++, sizeof offset, &offset);
    } else if (argument.kind == ISTHMUS_ARGUMENT_VALUE) {
      code = cl_.clSetKernelArg(kernel_, at++, argument.bytes, argument.value);
    } else {
      return invalid_argument("kernel '{}', argument {}: no kind {}", entry_, i,
                              static_cast<int>(argument.kind));
    }
    RETURN_IF_ERROR(check(code, fmt::format("setting argument {} of kernel '{}'", i, entry_)));
  }
  return ok();
}

Status Kernel::launch(const uint32_t groups[3], const uint32_t group_size[3],
                      const isthmus_kernel_argument_t* arguments, int32_t count, Stream& stream) {
  size_t global[3], local[3];
  uint64_t group = 1;
  for (int d = 0; d < 3; ++d) {
    if (groups[d] == 0) return ok();
    local[d] = group_size[d];
    global[d] = static_cast<size_t>(groups[d]) * group_size[d];
    group *= group_size[d];
  }
  if (group == 0 || group > largest_group_)
    return unimplemented("kernel '{}' asks for work groups of {}; the device runs up to {}", entry_, group,
                         largest_group_);
  std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(set_arguments(arguments, count, stream.memory()));
  return stream.enqueue(entry_, [&](cl_uint n, const cl_event* waits, cl_event* event) {
    return cl_.clEnqueueNDRangeKernel(stream.queue(), kernel_, 3, nullptr, global, local, n, waits, event);
  });
}

// -- Programs --

Programs::Programs(const Api& cl, cl_context context, cl_device_id device, std::string identity)
    : cl_(cl), context_(context), device_(device), identity_(std::move(identity)) {}

Programs::~Programs() {
  for (const auto& [key, program] : programs_) cl_.clReleaseProgram(program);
}

Result<std::unique_ptr<Kernel>> Programs::build(const std::string& source, const std::string& options,
                                                const std::string& entry) {
  std::lock_guard lock(mutex_);
  ASSIGN_OR_RETURN(cl_program program, find_or_build(source, options), "kernel '{}'", entry);
  cl_int code = CL_SUCCESS;
  cl_kernel handle = cl_.clCreateKernel(program, entry.c_str(), &code);
  RETURN_IF_ERROR(check(code, fmt::format("making kernel '{}'", entry)));
  size_t largest = 1;
  code = cl_.clGetKernelWorkGroupInfo(handle, device_, CL_KERNEL_WORK_GROUP_SIZE, sizeof largest, &largest,
                                      nullptr);
  auto kernel = std::make_unique<Kernel>(cl_, handle, entry, largest);
  RETURN_IF_ERROR(check(code, fmt::format("asking for the work groups of kernel '{}'", entry)));
  return kernel;
}

Result<cl_program> Programs::find_or_build(const std::string& source, const std::string& options) {
  const std::string key = identity_ + "\n" + options + "\n" + source;
  if (const auto found = programs_.find(key); found != programs_.end()) return found->second;
  cl_program program = load(key, options);
  if (!program) {
    ASSIGN_OR_RETURN(program, compile(source, options));
    store(key, program);
  }
  return programs_[key] = program;
}

Result<cl_program> Programs::compile(const std::string& source, const std::string& options) {
  const char* text = source.c_str();
  const size_t bytes = source.size();
  cl_int code = CL_SUCCESS;
  cl_program program = cl_.clCreateProgramWithSource(context_, 1, &text, &bytes, &code);
  RETURN_IF_ERROR(check(code, "making a program"));
  code = cl_.clBuildProgram(program, 1, &device_, options.c_str(), nullptr, nullptr);
  if (code == CL_SUCCESS) return program;
  const std::string log = build_log(cl_, program, device_);
  cl_.clReleaseProgram(program);
  return error(Code::kInternal, "{}: {}", check(code, "building a program").message(), log);
}

cl_program Programs::load(const std::string& key, const std::string& options) const {
  const std::optional<std::string> kept = kept_.load(key);
  if (!kept) return nullptr;
  const size_t bytes = kept->size();
  const auto* binary = reinterpret_cast<const unsigned char*>(kept->data());
  cl_int code = CL_SUCCESS, of_binary = CL_SUCCESS;
  cl_program program =
      cl_.clCreateProgramWithBinary(context_, 1, &device_, &bytes, &binary, &of_binary, &code);
  if (code != CL_SUCCESS) return nullptr;
  if (of_binary == CL_SUCCESS &&
      cl_.clBuildProgram(program, 1, &device_, options.c_str(), nullptr, nullptr) == CL_SUCCESS)
    return program;
  cl_.clReleaseProgram(program);
  return nullptr;
}

void Programs::store(const std::string& key, cl_program program) const {
  size_t bytes = 0;
  if (cl_.clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof bytes, &bytes, nullptr) != CL_SUCCESS ||
      bytes == 0)
    return;
  std::string binary(bytes, '\0');
  auto* to = reinterpret_cast<unsigned char*>(binary.data());
  if (cl_.clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof to, &to, nullptr) == CL_SUCCESS)
    kept_.store(key, binary);
}

}  // namespace isthmus::opencl
