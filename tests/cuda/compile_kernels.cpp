// SPDX-License-Identifier: Apache-2.0
// Compiles every portable kernel, as every sample of every operator specialises it, with NVRTC for CUDA
// devices of the given compute capabilities, and reads the PTX for instructions that would give other bits
// than the numerics note's. No device is needed. Usage: isthmus_compile_kernels 80 90 100
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <map>
#include <mutex>
#include <set>
#include <string_view>
#include <thread>

#include "devices/cuda/nvrtc.h"
#include "sources.h"

namespace isthmus {
namespace {

// The first instruction of the PTX that is not exact; empty when all are. Without .rn the driver's assembler
// may contract a product and a sum.
std::string inexact_instruction(std::string_view ptx) {
  while (!ptx.empty()) {
    const size_t end = std::min(ptx.find('\n'), ptx.size());
    std::string_view line = ptx.substr(0, end);
    ptx.remove_prefix(std::min(end + 1, ptx.size()));
    const size_t start = line.find_first_not_of(" \t");
    if (start == line.npos) continue;
    line.remove_prefix(start);
    if (line.starts_with("//") || line.starts_with(".")) continue;
    if (line.starts_with("@")) line.remove_prefix(std::min(line.find(' ') + 1, line.size()));
    const std::string_view name = line.substr(0, line.find_first_of(" \t;"));
    const auto has = [&](std::string_view part) { return name.find(part) != name.npos; };
    const bool floats = has(".f32") || has(".f64") || has(".f16") || has(".bf16");
    const bool sums = name.starts_with("add.") || name.starts_with("sub.") || name.starts_with("mul.");
    if (has(".ftz") || has(".approx") || has(".full") || (floats && name.starts_with("mad")) ||
        (floats && sums && !has(".rn")))
      return std::string(line);
  }
  return "";
}

// The scan must see what it looks for, and the options must do what they say.
Status check_ourselves(const cuda::Nvrtc& nvrtc, int capability) {
  const std::string source =
      "extern \"C\" __global__ void f(float* x) { x[0] = x[1] * x[2] + x[3]; x[4] = x[5] / x[6]; }";
  ASSIGN_OR_RETURN(const cuda::Compiled exact, nvrtc.compile(source, capability, ""));
  for (const char* part : {"mul.rn.f32", "add.rn.f32", "div.rn.f32"})
    if (exact.ptx.find(part) == std::string::npos)
      return error(Code::kInternal, "x * y + z; x / y has no {} in its PTX:\n{}", part, exact.ptx);
  if (exact.ptx.find("fma.") != std::string::npos || !inexact_instruction(exact.ptx).empty())
    return error(Code::kInternal, "x * y + z was contracted:\n{}", exact.ptx);
  for (const char* options : {"-ftz=true", "-prec-div=false"}) {
    ASSIGN_OR_RETURN(const cuda::Compiled fast, nvrtc.compile(source, capability, options));
    if (inexact_instruction(fast.ptx).empty())
      return error(Code::kInternal, "the scan does not see what {} does:\n{}", options, fast.ptx);
  }
  if (inexact_instruction("  @%p1 mul.f32 %f1, %f2, %f3;").empty() ||
      inexact_instruction("\tmad.f32 %f1, %f2, %f3;").empty())
    return error(Code::kInternal, "the scan does not see products that may be contracted");
  return ok();
}

// All of these operators' sources; without names, of every operator.
int compile_all(const std::vector<int>& capabilities, const std::vector<std::string>& operators) {
  const auto found = cuda::Nvrtc::find();
  const auto sources = kernel_sources("cuda-c++", {4});
  for (const Status& status : {found.status(), sources.status()}) {
    if (status.ok()) continue;
    fmt::print(stderr, "error: {}\n", status.message());
    return 1;
  }
  const cuda::Nvrtc& nvrtc = **found;
  std::vector<std::pair<std::string, KernelSources::Made>> all(sources->made.begin(), sources->made.end());
  std::erase_if(all, [&](const auto& source) {
    const std::string& what = source.second.what;
    return !operators.empty() &&
           std::count(operators.begin(), operators.end(), what.substr(0, what.find(':'))) == 0;
  });
  fmt::print("NVRTC {}: {} sources of {} operators ({} samples refused)\n", nvrtc.version(), all.size(),
             sources->operators.size(), sources->refused);
  int failures = 0;
  for (const int capability : capabilities) {
    if (const Status status = check_ourselves(nvrtc, capability); !status.ok()) {
      fmt::print(stderr, "error: sm_{}: {}\n", capability, status.message());
      return 1;
    }
    const auto begun = std::chrono::steady_clock::now();
    std::atomic<size_t> next{0}, bytes{0}, fused{0};
    std::atomic<int> failed{0}, inexact{0};
    std::mutex printing;
    const auto work = [&] {
      for (size_t i; (i = next++) < all.size();) {
        const auto compiled = nvrtc.compile(all[i].first, capability, "");
        std::string fault = compiled.ok() ? inexact_instruction(compiled->ptx) : compiled.status().message();
        if (compiled.ok()) {
          if (compiled->cubin.empty() || compiled->ptx.empty()) fault = "no instructions or no PTX came out";
          for (const std::string& entry : all[i].second.entries)
            if (compiled->ptx.find(fmt::format(".entry {}(", entry)) == std::string::npos)
              fault = fmt::format("there is no kernel '{}'", entry);
          bytes += compiled->cubin.size();
          fused += compiled->ptx.find("fma.rn.f32") != std::string::npos;
        }
        if (fault.empty()) continue;
        ++(compiled.ok() ? inexact : failed);
        const std::lock_guard lock(printing);
        const size_t defines = all[i].first.find("#line");
        fmt::print("sm_{}: {}: {}\n{}", capability, all[i].second.what, fault,
                   all[i].first.substr(0, defines));
      }
    };
    std::vector<std::thread> threads;
    for (unsigned t = 1; t < std::max(1u, std::thread::hardware_concurrency()); ++t)
      threads.emplace_back(work);
    work();
    for (std::thread& thread : threads) thread.join();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begun;
    fmt::print("sm_{}: {} compiled, {} failed, {} with inexact instructions, {} with fma; {} KB, {:.0f} s\n",
               capability, all.size() - failed, failed.load(), inexact.load(), fused.load(), bytes / 1024,
               seconds.count());
    failures += failed + inexact;
  }
  return failures ? 1 : 0;
}

}  // namespace
}  // namespace isthmus

int main(int argc, char** argv) {
  std::vector<int> capabilities;
  std::vector<std::string> operators;
  for (const std::string& word : std::vector<std::string>(argv + 1, argv + argc)) {
    if (std::isdigit(static_cast<unsigned char>(word[0])))
      capabilities.push_back(std::atoi(word.c_str()));
    else
      operators.push_back(word);
  }
  if (capabilities.empty()) capabilities = {80, 90, 100};
  return isthmus::compile_all(capabilities, operators);
}
