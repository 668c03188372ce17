// SPDX-License-Identifier: Apache-2.0
// A chip with one planted fault: the CPU chip's plug-in (ISTHMUS_FAULTY_CHIP, a path) with some of its
// entries replaced as ISTHMUS_FAULT says. The conformance kit has to catch each; "none" has to pass.
#include <dlfcn.h>
#include <isthmus/plugin.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/tensor.h"

namespace {

using isthmus::Dtype;

isthmus_plugin_t g_chip;   // the right one
isthmus_plugin_t g_table;  // what the host is given
const isthmus_host_t* g_host = nullptr;
std::string g_fault;

bool fault(const char* name) { return g_fault == name; }

isthmus_status_t fail(isthmus_status_t code, const char* message) {
  g_host->report_error(g_host->context, code, message);
  return code;
}

// -- operators --

struct Op;

// One run, with what is done to its memory on the stream before and after it.
struct Run {
  Op* op;
  std::vector<isthmus_tensor_arg_t> args;
  isthmus_address_t workspace;
  int number;
  std::vector<char> saved;
};

struct Op {
  isthmus_chip_op_t* real = nullptr;
  std::string name;
  std::vector<isthmus_operand_t> operands;  // as the kit gave them
  int inputs = 0;
  uint64_t workspace_bytes = 0;  // that the right chip needs
  std::mutex mutex;
  std::deque<Run> runs;
  std::vector<char> first_output;  // of its first run

  const isthmus_operand_t& output() const { return operands[inputs]; }
  Dtype dtype() const { return static_cast<Dtype>(output().dtype); }
  int64_t element_bytes() const { return isthmus::dtype_info(dtype()).block_bytes; }
  int64_t elements(const Run& run) const {
    int64_t n = 1;
    for (int i = 0; i < output().rank; ++i) n *= run.args[inputs].dims[i];
    return n;
  }
  char* output_memory(const Run& run) const { return reinterpret_cast<char*>(run.args[inputs].address); }
  bool plain() const {
    return operands.size() > static_cast<size_t>(inputs) && output().dtype != ISTHMUS_DTYPE_INVALID &&
           !isthmus::is_block(dtype());
  }
};
Op* of(isthmus_chip_op_t* op) { return reinterpret_cast<Op*>(op); }

// The last two dims take each other's strides, where that stays inside of the operand.
void swap_strides(int rank, const int64_t* dims, int64_t* strides) {
  if (rank < 2) return;
  int64_t last = 0, swapped = 0;
  std::vector<int64_t> other(strides, strides + rank);
  std::swap(other[rank - 1], other[rank - 2]);
  for (int i = 0; i < rank; ++i) {
    last += (dims[i] - 1) * strides[i];
    swapped += (dims[i] - 1) * other[i];
  }
  if (swapped <= last) std::copy(other.begin(), other.end(), strides);
}

isthmus_status_t op_prepare(isthmus_chip_device_t* device, const isthmus_op_query_t* given,
                            isthmus_prepared_t* prepared) {
  isthmus_op_query_t query = *given;
  std::vector<isthmus_operand_t> operands(query.operands,
                                          query.operands + query.input_count + query.output_count);
  std::vector<isthmus_attribute_t> attributes(query.attributes, query.attributes + query.attribute_count);
  auto* op = new Op;
  op->operands = operands;
  op->name = query.name;
  op->inputs = query.input_count;
  if (fault("ignored attribute"))
    for (isthmus_attribute_t& a : attributes)
      if (op->name == "leaky_relu" && std::strcmp(a.name, "alpha") == 0) a.f = 0.01;
  if (fault("swapped strides"))
    for (int i = 0; i < query.input_count; ++i)
      if (!operands[i].contiguous) swap_strides(operands[i].rank, operands[i].dims, operands[i].strides);
  query.operands = operands.data();
  query.attributes = attributes.data();
  const isthmus_status_t status = g_chip.op_prepare(device, &query, prepared);
  if (status != ISTHMUS_OK) {
    delete op;
    return status;
  }
  op->real = prepared->op;
  op->workspace_bytes = prepared->workspace_bytes;
  prepared->op = reinterpret_cast<isthmus_chip_op_t*>(op);
  if (fault("wrong workspace size") && prepared->workspace_bytes >= 64) prepared->workspace_bytes -= 64;
  return ISTHMUS_OK;
}

void before(void* argument) {
  Run& run = *static_cast<Run*>(argument);
  const Op& op = *run.op;
  if (fault("tail of one missing") && op.plain() && op.elements(run) % 16 == 1) {
    const char* last = op.output_memory(run) + (op.elements(run) - 1) * op.element_bytes();
    run.saved.assign(last, last + op.element_bytes());
  }
}

void after(void* argument) {
  Run& run = *static_cast<Run*>(argument);
  Op& op = *run.op;
  if (fault("wrong workspace size") && op.workspace_bytes >= 64)
    std::memset(reinterpret_cast<char*>(run.workspace) + op.workspace_bytes - 64, 1, 64);
  if (!op.plain()) return;
  char* memory = op.output_memory(run);
  const int64_t elements = op.elements(run), bytes = elements * op.element_bytes();
  if (!run.saved.empty())
    std::memcpy(memory + bytes - op.element_bytes(), run.saved.data(), run.saved.size());
  if (fault("stale cache")) {
    if (op.first_output.empty())
      op.first_output.assign(memory, memory + bytes);
    else if (static_cast<int64_t>(op.first_output.size()) == bytes)
      std::memcpy(memory, op.first_output.data(), op.first_output.size());
  }
  if (fault("racy reduction") && op.name.starts_with("reduce_") && run.number % 6 == 5 && bytes > 0)
    memory[0] = static_cast<char>(memory[0] ^ 1);
  if (op.dtype() != Dtype::kF32) return;
  auto* values = reinterpret_cast<float*>(memory);
  for (int64_t i = 0; i < elements; ++i) {
    if (fault("dropped NaN") && std::isnan(values[i])) values[i] = 0;
    if (fault("flushed subnormals") && std::fpclassify(values[i]) == FP_SUBNORMAL) values[i] = 0;
  }
}

isthmus_status_t op_run(isthmus_chip_op_t* handle, const isthmus_tensor_arg_t* operands,
                        isthmus_address_t workspace, isthmus_chip_stream_t* stream) {
  Op& op = *of(handle);
  std::vector<isthmus_tensor_arg_t> args(operands, operands + op.operands.size());
  if (fault("crash") && op.name == "relu") std::abort();
  if (fault("hang") && op.name == "relu") sleep(1000);
  for (int i = 0; i < op.inputs; ++i) {
    if (fault("swapped strides") && !op.operands[i].contiguous)
      swap_strides(op.operands[i].rank, args[i].dims, args[i].strides);
    if (fault("unaligned view")) args[i].address &= ~uint64_t{15};
  }
  // On the host, in step with it: what was put on the stream before is awaited, and this, too.
  if (fault("host fallback in disguise")) g_chip.stream_wait(stream);
  Run* run = nullptr;
  {
    std::lock_guard lock(op.mutex);
    const int number = static_cast<int>(op.runs.size());
    run = &op.runs.emplace_back(Run{&op, args, workspace, number, {}});
  }
  g_chip.call_host(stream, before, run);
  const isthmus_status_t status = g_chip.op_run(op.real, args.data(), workspace, stream);
  g_chip.call_host(stream, after, run);
  return status;
}

isthmus_status_t op_pack(isthmus_chip_op_t* op, int32_t input, const void* src, void* dst) {
  return g_chip.op_pack(of(op)->real, input, src, dst);
}
void op_release(isthmus_chip_op_t* op) {
  g_chip.op_release(of(op)->real);
  delete of(op);
}

// -- memory and order --

isthmus_status_t device_open(const isthmus_host_t* host, int32_t index, isthmus_chip_device_t** device) {
  g_host = host;
  return g_chip.device_open(host, index, device);
}

// Addresses are checked like those of a chip with memory of its own; see fill.
isthmus_status_t device_properties(isthmus_chip_device_t* device, isthmus_device_properties_t* properties) {
  const isthmus_status_t status = g_chip.device_properties(device, properties);
  if (fault("late error")) properties->features &= ~static_cast<uint32_t>(ISTHMUS_FEATURE_HOST_ACCESS);
  return status;
}

std::mutex g_mutex;
std::map<isthmus_chip_stream_t*, int> g_failed;  // waits until the error is told

isthmus_status_t fill(isthmus_chip_stream_t* stream, isthmus_address_t dst, uint8_t value, uint64_t bytes) {
  if (dst >= 65536) return g_chip.fill(stream, dst, value, bytes);
  std::lock_guard lock(g_mutex);
  g_failed[stream] = 2;
  return ISTHMUS_OK;
}

isthmus_status_t stream_wait(isthmus_chip_stream_t* stream) {
  const isthmus_status_t status = g_chip.stream_wait(stream);
  std::lock_guard lock(g_mutex);
  const auto found = g_failed.find(stream);
  if (found == g_failed.end() || --found->second > 0) return status;
  g_failed.erase(found);
  return fail(ISTHMUS_INVALID_ARGUMENT, "filling memory: no allocation holds this address");
}

isthmus_status_t stream_wait_event(isthmus_chip_stream_t*, isthmus_chip_event_t*) { return ISTHMUS_OK; }

}  // namespace

extern "C" ISTHMUS_PLUGIN_EXPORT const isthmus_plugin_t* isthmus_plugin_load(const isthmus_host_t* host) {
  const char *path = std::getenv("ISTHMUS_FAULTY_CHIP"), *name = std::getenv("ISTHMUS_FAULT");
  void* library = path && name ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : nullptr;
  const auto load =
      library ? reinterpret_cast<isthmus_plugin_load_t>(dlsym(library, "isthmus_plugin_load")) : nullptr;
  const isthmus_plugin_t* chip = load ? load(host) : nullptr;
  if (!chip) {
    host->report_error(host->context, ISTHMUS_UNAVAILABLE,
                       "ISTHMUS_FAULTY_CHIP, a plug-in's path, and ISTHMUS_FAULT are needed");
    return nullptr;
  }
  g_fault = name;
  g_chip = g_table = *chip;
  g_table.name = "faulty";
  g_table.device_open = device_open;
  g_table.device_properties = device_properties;
  g_table.op_prepare = op_prepare;
  g_table.op_run = op_run;
  g_table.op_pack = op_pack;
  g_table.op_release = op_release;
  if (fault("late error")) {
    g_table.fill = fill;
    g_table.stream_wait = stream_wait;
  }
  if (fault("lost wait")) g_table.stream_wait_event = stream_wait_event;
  return &g_table;
}
