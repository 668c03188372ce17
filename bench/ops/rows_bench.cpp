// SPDX-License-Identifier: Apache-2.0
// Row operators on one thread of the CPU: nanoseconds per call and GB/s of what they read and write, for data
// that fits the cache and data that does not. rows_bench [isa]; kernels are called without the chip around
// them.
#include <fmt/format.h>

#include <algorithm>

#include "../../tests/products/call_kernel.h"
#include "timing.h"

namespace isthmus {
namespace {

struct Attribute {
  const char* name;
  double f;
  const char* s;
};

void measure(const char* isa_wanted, const std::string& op, const std::vector<KernelOperand>& shapes,
             int inputs, const std::vector<Attribute>& attributes) {
  std::vector<KernelOperand> operands = shapes;
  std::vector<Bytes> memory;
  int64_t bytes = 0;
  for (KernelOperand& o : operands) {
    int64_t elements = 1;
    for (const int64_t d : o.dims) elements *= d;
    memory.emplace_back(static_cast<size_t>(dtype_bytes(o.dtype, elements)));
    for (int64_t i = 0; i < elements; ++i) {
      if (o.dtype == Dtype::kF32)
        memory.back().as<float>()[i] = static_cast<float>(i * 7919 % 2001 - 1000) * 2e-3f;
      else if (o.dtype == Dtype::kI32)
        memory.back().as<int32_t>()[i] = static_cast<int32_t>(i);
    }
    // Of a cache only what is written counts.
    if (o.role != ISTHMUS_ROLE_STATE) bytes += static_cast<int64_t>(memory.back().size());
  }
  for (size_t i = 0; i < operands.size(); ++i) operands[i].data = memory[i].data();
  std::vector<isthmus_attribute_t> list;
  for (const Attribute& a : attributes) {
    isthmus_attribute_t value = {};
    value.name = a.name;
    value.f = a.f;
    value.i = static_cast<int64_t>(a.f);
    value.s = a.s;
    list.push_back(value);
  }
  for_each_kernel(op, [&](const std::string& isa, const cpu::Kernel& kernel) {
    if (isa_wanted && isa != isa_wanted) return;
    KernelCall call;
    const std::string reason = call.prepare(kernel, operands, inputs, list);
    if (!reason.empty()) return fmt::print("{} {}: {}\n", isa, op, reason);
    double best = 1e9;
    const int repeats = static_cast<int>(std::max<int64_t>(1, (1 << 22) / (bytes + 1)));
    for (int round = 0; round < 10; ++round) best = std::min(best, turn([&] { call.run(1); }, repeats));
    fmt::print("{:8} {:12} {:>8} KiB: {:10.0f} ns {:7.1f} GB/s\n", isa, op, bytes / 1024, best * 1e9,
               static_cast<double>(bytes) / best * 1e-9);
  });
}

KernelOperand f32(std::vector<int64_t> dims) { return {Dtype::kF32, std::move(dims), nullptr}; }
KernelOperand i32(std::vector<int64_t> dims) { return {Dtype::kI32, std::move(dims), nullptr}; }

}  // namespace
}  // namespace isthmus

int main(int argc, char** argv) {
  using namespace isthmus;
  if (argc > 2 || (argc == 2 && argv[1][0] == '-')) {
    fmt::print(
        stderr,
        "rows_bench [generic|avx2|avx512]\n"
        "Norms, softmax, rope, cache_write and the like on one thread, of one instruction set or of all "
        "this\nprocessor has: time of a call, and GB/s of what it reads and writes.\n");
    return 2;
  }
  const char* isa = argc > 1 ? argv[1] : nullptr;
  for (const int64_t rows : {1, 64, 16384}) {
    measure(isa, "rms_norm", {f32({rows, 576}), f32({576}), f32({rows, 576})}, 2, {{"eps", 1e-5, ""}});
    measure(isa, "layer_norm", {f32({rows, 576}), f32({576}), f32({576}), f32({rows, 576})}, 3,
            {{"eps", 1e-5, ""}});
    measure(isa, "softmax", {f32({rows, 512}), f32({rows, 512})}, 1, {{"axis", -1, ""}});
    measure(isa, "swiglu", {f32({rows, 1536}), f32({rows, 1536}), f32({rows, 1536})}, 2, {});
    for (const char* style : {"neox", "interleaved"})
      measure(isa, "rope", {f32({rows, 9, 64}), i32({rows}), f32({32}), f32({rows, 9, 64})}, 3,
              {{"style", 0, style}, {"scale", 1, ""}});
    const int64_t blocks = (rows + 63) / 64;
    measure(isa, "cache_write",
            {f32({rows, 3, 64}),
             i32({rows}),
             {Dtype::kF16, {blocks, 3, 64, 64}, nullptr, ISTHMUS_ROLE_STATE},
             {}},
            4, {{"layout", 0, "dims_major"}});
    measure(isa, "cache_write",
            {f32({rows, 3, 64}),
             i32({rows}),
             {Dtype::kF16, {blocks, 3, 64, 64}, nullptr, ISTHMUS_ROLE_STATE},
             {}},
            4, {{"layout", 0, "positions_major"}});
  }
}
