// SPDX-License-Identifier: Apache-2.0
#include "ops/portable/portable.h"

#include <limits>
#include <map>

namespace isthmus {

bool PortableQuery::all_contiguous() const {
  for (const isthmus_operand_t& operand : operands)
    if (operand.dtype != ISTHMUS_DTYPE_INVALID && !operand.contiguous) return false;
  return true;
}

std::string word_of(Dtype plain) { return fmt::format("uint{}_t", 8 * dtype_info(plain).block_bytes); }

KernelArguments& KernelArguments::address(isthmus_address_t address) {
  if (count_ == kMost) {
    too_many_ = true;
    return *this;
  }
  list_[count_++] = {ISTHMUS_ARGUMENT_ADDRESS, 0, address, nullptr};
  return *this;
}

KernelArguments& KernelArguments::bytes(const void* value, uint32_t size) {
  const uint32_t at = (used_ + 15) / 16 * 16;
  if (count_ == kMost || at + size > sizeof values_) {
    too_many_ = true;
    return *this;
  }
  std::memcpy(values_ + at, value, size);
  used_ = at + size;
  list_[count_++] = {ISTHMUS_ARGUMENT_VALUE, size, 0, values_ + at};
  return *this;
}

Status PortableRun::launch(int entry, const Grid& grid, const KernelArguments& arguments) const {
  if (arguments.too_many_)
    return error(Code::kInternal, "a portable kernel has more than {} arguments or {} bytes of them",
                 KernelArguments::kMost, sizeof arguments.values_);
  uint32_t groups[3];
  for (int d = 0; d < 3; ++d) {
    if (grid.groups[d] == 0) return ok();
    if (grid.groups[d] > std::numeric_limits<uint32_t>::max())
      return unimplemented("{} work groups; at most 2^32 - 1 in each dimension", grid.groups[d]);
    groups[d] = static_cast<uint32_t>(grid.groups[d]);
  }
  const isthmus_status_t code =
      api.kernel_launch(kernels[entry], groups, grid.size, arguments.list_, arguments.count_, stream);
  return code == ISTHMUS_OK ? ok() : Status(static_cast<Code>(code), "");
}

const PortableKernel* find_portable(const std::string& op) {
  static const std::map<std::string, PortableKernel> kernels = [] {
    std::map<std::string, PortableKernel> all;
    for (const PortableKernelsFunction* f = kPortableTable; *f; ++f)
      for (PortableKernel& kernel : (*f)()) all.emplace(kernel.op, kernel);
    return all;
  }();
  const auto found = kernels.find(op);
  return found == kernels.end() ? nullptr : &found->second;
}

}  // namespace isthmus
