// SPDX-License-Identifier: Apache-2.0
// Calls one CPU kernel without the chip around it: prepare, pack, and run with as many threads as asked for.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "base/cpu_tuning.h"
#include "base/dtype.h"
#include "devices/cpu/kernel.h"
#include "devices/cpu/kernel_table.h"

namespace isthmus {

// Bytes on a cache line, as allocations of the chip are.
class Bytes {
 public:
  explicit Bytes(size_t size = 0) : storage_(size + 64), size_(size) {}
  unsigned char* data() {
    return storage_.data() + (64 - reinterpret_cast<uintptr_t>(storage_.data()) % 64) % 64;
  }
  size_t size() const { return size_; }
  template <typename T>
  T* as() {
    return reinterpret_cast<T*>(data());
  }

 private:
  std::vector<unsigned char> storage_;
  size_t size_;
};

struct KernelOperand {
  Dtype dtype = Dtype::kInvalid;
  std::vector<int64_t> dims;
  void* data = nullptr;
  isthmus_role_t role = ISTHMUS_ROLE_ACTIVATION;
};

inline isthmus_operand_t describe(const KernelOperand& operand) {
  isthmus_operand_t o = {};
  o.size = sizeof o;
  o.dtype = static_cast<isthmus_dtype_t>(operand.dtype);
  o.role = operand.role;
  o.rank = static_cast<int32_t>(operand.dims.size());
  int64_t step = 1;
  for (int i = o.rank - 1; i >= 0; --i) {
    o.dims[i] = o.dims_min[i] = operand.dims[i];
    o.strides[i] = step;
    step *= operand.dims[i];
  }
  o.contiguous = 1;
  return o;
}

// The prepared kernel with its packed operands; operands are inputs, then outputs.
class KernelCall {
 public:
  // Empty when it accepts, otherwise why it refuses.
  std::string prepare(const cpu::Kernel& kernel, const std::vector<KernelOperand>& operands, int inputs,
                      const std::vector<isthmus_attribute_t>& attributes = {}) {
    kernel_ = &kernel;
    for (const KernelOperand& o : operands) described_.push_back(describe(o));
    isthmus_op_query_t query = {};
    query.size = sizeof query;
    query.name = kernel.op;
    query.version = 1;
    query.attributes = attributes.data();
    query.attribute_count = static_cast<int32_t>(attributes.size());
    query.operands = described_.data();
    query.input_count = inputs;
    query.output_count = static_cast<int32_t>(operands.size()) - inputs;
    plan_ = std::make_unique<cpu::Plan>();
    plan_->phases = 1;
    static const CpuTuning tuning = preset_cpu_tuning();
    plan_->tuning = &tuning;
    if (const char* reason = kernel.prepare(query, *plan_)) return reason;
    for (size_t i = 0; i < operands.size(); ++i) {
      isthmus_tensor_arg_t arg = {};
      arg.address = reinterpret_cast<isthmus_address_t>(operands[i].data);
      std::copy_n(described_[i].dims, ISTHMUS_MAX_RANK, arg.dims);
      std::copy_n(described_[i].strides, ISTHMUS_MAX_RANK, arg.strides);
      if (static_cast<int>(i) < inputs && plan_->packed_layout[i]) {
        packed_.push_back(std::make_unique<Bytes>(plan_->packed_bytes[i]));
        kernel.pack(*plan_, static_cast<int>(i), operands[i].data, packed_.back()->data());
        arg.address = reinterpret_cast<isthmus_address_t>(packed_.back()->data());
      }
      args_.push_back(arg);
    }
    workspace_ = std::make_unique<Bytes>(plan_->workspace_bytes);
    return "";
  }

  // Threads take their shares one after another, the last first: there is no barrier inside a phase.
  void run(int threads) {
    for (int phase = 0; phase < plan_->phases; ++phase) {
      int64_t next = 0;
      for (int t = threads - 1; t >= 0; --t)
        kernel_->run(cpu::Run{args_.data(), plan_.get(), workspace_->data(), phase},
                     cpu::Team(t, threads, &next));
    }
  }
  // The same with the caller's threads: on_threads(work) calls work(0) … work(threads - 1) and returns when
  // all are done.
  template <typename OnThreads>
  void run_on(int threads, OnThreads on_threads) {
    for (int phase = 0; phase < plan_->phases; ++phase) {
      int64_t next = 0;
      on_threads([&](int t) {
        kernel_->run(cpu::Run{args_.data(), plan_.get(), workspace_->data(), phase},
                     cpu::Team(t, threads, &next));
      });
    }
  }
  uint64_t packed_bytes(int input) const { return plan_->packed_bytes[input]; }

 private:
  const cpu::Kernel* kernel_ = nullptr;
  std::vector<isthmus_operand_t> described_;
  std::vector<isthmus_tensor_arg_t> args_;
  std::unique_ptr<cpu::Plan> plan_;
  std::vector<std::unique_ptr<Bytes>> packed_;
  std::unique_ptr<Bytes> workspace_;
};

// Calls f(isa, kernel) for every kernel of an operator that this machine can run.
template <typename F>
void for_each_kernel(const std::string& op, F f) {
  for (const cpu::IsaKernels* isa = cpu::kIsaKernels; isa->isa; ++isa) {
    if (!cpu::isa_supported(isa->isa)) continue;
    for (const cpu::Kernel* const* list = isa->lists; *list; ++list)
      for (const cpu::Kernel* kernel = *list; kernel->op; ++kernel)
        if (op == kernel->op) f(std::string(isa->isa), *kernel);
  }
}

}  // namespace isthmus
