// SPDX-License-Identifier: Apache-2.0
// The one device of the CPU chip: this machine's cores.
#pragma once

#include <memory>
#include <string>

#include "devices/cpu/kernel_table.h"
#include "devices/cpu/memory.h"
#include "devices/cpu/pool.h"
#include "devices/cpu/prepared_op.h"
#include "devices/cpu/stream.h"

namespace isthmus::cpu {

class Device {
 public:
  static Result<std::unique_ptr<Device>> open(const isthmus_host_t& host, int32_t index);

  Memory& memory() { return memory_; }
  isthmus_device_properties_t properties() const;
  Result<std::unique_ptr<Stream>> create_stream() { return std::make_unique<Stream>(pool_); }
  Result<std::unique_ptr<Event>> create_event() { return std::make_unique<Event>(); }
  Result<std::unique_ptr<PreparedOp>> prepare(const isthmus_op_query_t& query, isthmus_prepared_t& result) {
    return PreparedOp::prepare(isa_, tuning_, query, result);
  }

 private:
  Device(const isthmus_host_t& host, const IsaKernels* isa);
  Pool pool_;
  Memory memory_;
  const IsaKernels* isa_;  // the best of this machine, or the one asked for
  CpuTuning tuning_;
  std::string name_, architecture_;
};

}  // namespace isthmus::cpu
