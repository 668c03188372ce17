// SPDX-License-Identifier: Apache-2.0
// How fast each class of operators is, as a share of what the same chip was measured to reach: its copies on
// the device for work that moves bytes, its fastest product for work that computes. Told, never failed.
#include <ctime>

#include <algorithm>
#include <chrono>
#include <map>

#include "conform/check.h"
#include "ops/prepared_op.h"
#include "ops/registry.h"

namespace isthmus::conform {
namespace {

using Clock = std::chrono::steady_clock;

double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double process_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// One operator of fixed shapes; dtypes and dims of inputs, then of the output.
struct Work {
  const char* name;  // of the measure
  const char* op;
  std::vector<TensorType> inputs;
  std::vector<bool> constant;
  Attributes attributes;
  double flops = 0;  // 0: it moves bytes
};

// Seconds of one run, the shortest of several batches; and how busy the host's cores were meanwhile.
struct Timing {
  double seconds = 0, host_cores = 0;
};

Result<Timing> time_runs(Stream& stream, double budget, const std::function<Status()>& enqueue) {
  RETURN_IF_ERROR(enqueue());
  RETURN_IF_ERROR(stream.wait());
  auto start = Clock::now();
  RETURN_IF_ERROR(enqueue());
  RETURN_IF_ERROR(stream.wait());
  // Batches of a tenth of the budget, so that one wait counts little.
  const int batch = static_cast<int>(std::clamp(budget / 10 / std::max(since(start), 1e-7), 1.0, 1000.0));
  Timing timing{1e9, 0};
  const double host = process_seconds();
  const auto begin = Clock::now();
  do {
    start = Clock::now();
    for (int i = 0; i < batch; ++i) RETURN_IF_ERROR(enqueue());
    RETURN_IF_ERROR(stream.wait());
    timing.seconds = std::min(timing.seconds, since(start) / batch);
  } while (since(begin) < budget);
  timing.host_cores = (process_seconds() - host) / since(begin);
  return timing;
}

uint64_t bytes_of(const TensorType& type) {
  int64_t elements = 1;
  for (const Dim& dim : type.shape) elements *= dim.offset;
  return static_cast<uint64_t>(dtype_bytes(type.dtype, elements));
}

struct Measured {
  Timing timing;
  uint64_t bytes = 0;  // of all operands
};

Result<Measured> measure(const DevicePtr& device, const Work& work, double budget) {
  ASSIGN_OR_RETURN(const OpDef* def, require_op(work.op));
  ASSIGN_OR_RETURN(const Attributes attributes, def->complete(work.attributes));
  std::vector<TensorType> inputs = work.inputs;
  inputs.resize(std::max(inputs.size(), def->inputs.size()));
  ASSIGN_OR_RETURN(const std::vector<TensorType> outputs, def->infer_types(inputs, attributes));
  std::vector<OperandSpec> specs;
  for (size_t i = 0; i < inputs.size(); ++i)
    specs.push_back(
        {inputs[i],
         i < work.constant.size() && work.constant[i] ? ISTHMUS_ROLE_CONSTANT : ISTHMUS_ROLE_ACTIVATION,
         {}});
  for (const TensorType& type : outputs) specs.push_back({type, ISTHMUS_ROLE_ACTIVATION, {}});
  PreparePolicy policy;
  policy.no_fallback = true;
  ASSIGN_OR_RETURN(const auto op, PreparedOp::prepare(device, *def, attributes, specs,
                                                      static_cast<int>(inputs.size()), {}, policy));
  ASSIGN_OR_RETURN(const auto stream, device->create_stream());
  std::vector<Buffer> buffers;
  std::vector<isthmus_tensor_arg_t> args(specs.size());
  Measured measured;
  for (size_t i = 0; i < specs.size(); ++i) {
    const TensorType& type = specs[i].type;
    if (!type.present()) continue;
    const bool packed = i < inputs.size() && op->packed_layout(static_cast<int>(i));
    const uint64_t bytes = packed ? op->packed_bytes(static_cast<int>(i)) : bytes_of(type);
    ASSIGN_OR_RETURN(Buffer buffer, device->allocate(bytes));
    RETURN_IF_ERROR(stream->fill(buffer.address(), 0x11, bytes));  // small positive numbers in every format
    args[i].address = buffer.address();
    for (int d = 0; d < type.rank(); ++d) args[i].dims[d] = type.shape[d].offset;
    contiguous_strides(args[i].dims, type.rank(), args[i].strides);
    buffers.push_back(std::move(buffer));
    measured.bytes += bytes;
  }
  ASSIGN_OR_RETURN(const Buffer workspace, device->allocate(op->workspace_bytes() + 64));
  const isthmus_address_t at = op->workspace_bytes() ? workspace.address() : 0;
  ASSIGN_OR_RETURN(measured.timing,
                   time_runs(*stream, budget, [&] { return op->run(args.data(), at, *stream); }));
  return measured;
}

TensorType type(Dtype dtype, std::initializer_list<int64_t> dims) {
  return {dtype, Shape(dims.begin(), dims.end())};
}

Work product(const char* name, Dtype dtype, int64_t rows, int64_t out, int64_t in) {
  return {name,          "linear", {type(Dtype::kF32, {rows, in}), type(dtype, {out, in})},
          {false, true}, {},       2.0 * static_cast<double>(rows * out * in)};
}

// Integers of activations times quantised weights.
Work quantized(const char* name, Dtype dtype, int64_t rows, int64_t width) {
  return {name,
          "linear_quantized",
          {type(Dtype::kI8, {rows, width}), type(Dtype::kF32, {rows, width / 16}),
           type(Dtype::kI32, {rows, width / 16}), type(dtype, {width, width})},
          {false, false, false, true},
          {},
          rows > 1 ? 2.0 * static_cast<double>(rows * width * width) : 0};
}

std::vector<Work> works() {
  const Dtype f32 = Dtype::kF32;
  const int64_t rows = 2048, width = 2048;  // 16 MiB of F32
  const TensorType x = type(f32, {rows, width});
  return {
      product("product, F32, 256 rows", f32, 256, 1024, 1024),
      product("product, BF16, 256 rows", Dtype::kBF16, 256, 1024, 1024),
      quantized("product, Q8_0, 256 rows", Dtype::kQ8_0, 256, 1024),
      quantized("product, Q4_K, 256 rows", Dtype::kQ4_K, 256, 1024),
      {"add", "add", {x, x}, {}, {}},
      {"silu", "silu", {x}, {}, {}},
      {"cast to F16", "cast", {x}, {}, {{"to", std::string("F16")}}},
      {"transpose", "transpose", {x}, {}, {{"perm", std::vector<int64_t>{1, 0}}}},
      {"sum of rows", "reduce_sum", {x}, {}, {{"axes", std::vector<int64_t>{1}}}},
      {"softmax", "softmax", {x}, {}, {}},
      {"RMS norm", "rms_norm", {x, type(f32, {width})}, {}, {}},
      quantized("one row by a matrix, Q8_0", Dtype::kQ8_0, 1, width),
      quantized("one row by a matrix, Q4_K", Dtype::kQ4_K, 1, width),
      {"one row by a matrix, F32",
       "linear",
       {type(f32, {1, width}), type(f32, {width, width})},
       {false, true},
       {}},
  };
}

Measure rate(std::string name, double value, std::string unit, double share) {
  return {std::move(name), value, std::move(unit), share};
}

Outcome speed(const DevicePtr& device, double budget) {
  Outcome outcome;
  const auto stream = device->create_stream();
  if (!stream.ok()) return failed(stream.status().to_string());
  constexpr uint64_t kBytes = 64 << 20;
  auto a = device->allocate(kBytes), b = device->allocate(kBytes);
  auto pinned = device->allocate(kBytes, ISTHMUS_MEMORY_PINNED_HOST);
  if (!a.ok() || !b.ok() || !pinned.ok()) return never("the chip has no 192 MiB to measure with");
  void* host = pinned->host();
  double bandwidth = 0;  // bytes read and written a second, by copies on the device
  const auto transfer = [&](const char* name, double bytes, const std::function<Status()>& enqueue) {
    const Result<Timing> timing = time_runs(**stream, budget, enqueue);
    if (!timing.ok()) return timing.status();
    const double value = bytes / timing->seconds;
    if (bandwidth == 0) bandwidth = value;
    outcome.measures.push_back(rate(name, value * 1e-9, "GB/s", value / bandwidth));
    return ok();
  };
  Status status = (*stream)->fill(a->address(), 1, kBytes);
  if (status.ok())
    status = transfer("copy on the device, read and written", 2.0 * kBytes,
                      [&] { return (*stream)->copy(b->address(), a->address(), kBytes); });
  if (status.ok())
    status = transfer("fill", kBytes, [&] { return (*stream)->fill(a->address(), 1, kBytes); });
  if (status.ok())
    status =
        transfer("copy to the device", kBytes, [&] { return (*stream)->upload(a->address(), host, kBytes); });
  if (status.ok())
    status = transfer("copy from the device", kBytes,
                      [&] { return (*stream)->download(host, a->address(), kBytes); });
  if (!status.ok()) return failed(status.to_string());
  std::vector<std::pair<Work, Measured>> done;
  std::string refused;
  double peak = 0;
  for (Work& work : works()) {
    const Result<Measured> measured = measure(device, work, budget);
    if (!measured.ok()) {
      if (measured.status().code() != Code::kUnimplemented)
        return failed(fmt::format("{}: {}", work.name, measured.status().to_string()));
      refused += (refused.empty() ? "" : "; ") + std::string(work.name);
      continue;
    }
    peak = std::max(peak, work.flops / measured->timing.seconds);
    done.emplace_back(std::move(work), *measured);
  }
  double host_cores = 0;
  for (const auto& [work, measured] : done) {
    host_cores = std::max(host_cores, measured.timing.host_cores);
    if (work.flops > 0) {
      const double value = work.flops / measured.timing.seconds;
      outcome.measures.push_back(rate(work.name, value * 1e-9, "GFLOP/s", value / peak));
    } else {
      const double value = static_cast<double>(measured.bytes) / measured.timing.seconds;
      outcome.measures.push_back(rate(work.name, value * 1e-9, "GB/s", value / bandwidth));
    }
  }
  outcome.detail = fmt::format("{:.1f} GB/s copied on the device", bandwidth * 1e-9);
  if (done.empty()) {
    outcome.detail += "; the chip takes none of the operators that are timed";
    return outcome;
  }
  outcome.detail += fmt::format(
      ", {:.1f} GFLOP/s in the fastest product; up to {:.1f} of the host's cores busy with operators{}{}",
      peak * 1e-9, host_cores, refused.empty() ? "" : ". Not taken: ", refused);
  return outcome;
}

}  // namespace

std::vector<Check> speed_checks(bool quick) {
  return {{"speed", "against its own limits",
           [quick](const DevicePtr& device) { return speed(device, quick ? 0.1 : 0.5); }}};
}

}  // namespace isthmus::conform
