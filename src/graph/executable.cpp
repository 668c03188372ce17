// SPDX-License-Identifier: Apache-2.0
#include "graph/executable.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include "graph/control_flow.h"
#include "graph/control_step.h"
#include "graph/passes/pass.h"

namespace isthmus {
namespace {

constexpr size_t kMaxReplays = 8;

isthmus_role_t role_of(const Value& value) {
  switch (value.kind) {
    case ValueKind::kConstant: return ISTHMUS_ROLE_CONSTANT;
    case ValueKind::kState: return ISTHMUS_ROLE_STATE;
    default: return ISTHMUS_ROLE_ACTIVATION;
  }
}

// Runs body(i) for i in [0, count) on the embedder's threads, or as many of its own; the first error wins.
Status parallel(const isthmus_host_t& host, size_t count, const std::function<Status(size_t)>& body) {
  if (count == 0) return ok();
  std::atomic<size_t> next{0};
  std::mutex mutex;
  Status first;
  std::function<void()> work = [&] {
    for (size_t i; (i = next++) < count;) {
      Status status = body(i);
      if (status.ok()) continue;
      std::lock_guard lock(mutex);
      if (first.ok()) first = std::move(status);
      next = count;
    }
  };
  const int64_t threads = std::min<int64_t>(host.thread_count, static_cast<int64_t>(count));
  if (host.parallel_for) {
    const auto part = [](void* context, int64_t, int64_t) {
      (*static_cast<std::function<void()>*>(context))();
    };
    host.parallel_for(host.context, threads, part, &work);
    return first;
  }
  std::vector<std::thread> helpers;
  for (int64_t t = 1; t < threads; ++t) helpers.emplace_back(work);
  work();
  for (std::thread& t : helpers) t.join();
  return first;
}

}  // namespace

std::vector<OperandSpec> operand_specs(const Graph& graph, const Node& node) {
  std::vector<OperandSpec> specs;
  for (const auto* list : {&node.inputs, &node.outputs})
    for (ValueId v : *list)
      specs.push_back(v == kNoValue ? OperandSpec{}
                                    : OperandSpec{graph.values[v].type, role_of(graph.values[v]), {}});
  return specs;
}

Executable::Executable() = default;
Executable::~Executable() = default;

Result<std::unique_ptr<Executable>> Executable::compile(Graph graph, DevicePtr device,
                                                        std::shared_ptr<WeightStore> weights,
                                                        const CompileOptions& options) {
  PassContext context;
  context.supported = [&](const Graph& g, const Node& node) {
    return PreparedOp::supported(device, *node.op, node.attributes, operand_specs(g, node),
                                 static_cast<int>(node.inputs.size()), g.symbol_ranges(),
                                 options.policy.numerics);
  };
  RETURN_IF_ERROR(run_passes(graph, context));
  return build(std::move(graph), std::move(device), std::move(weights), options, true);
}

Result<std::unique_ptr<Executable>> Executable::of_region(Graph region, DevicePtr device,
                                                          std::shared_ptr<WeightStore> weights,
                                                          const CompileOptions& options) {
  return build(std::move(region), std::move(device), std::move(weights), options, false);
}

Result<std::unique_ptr<Executable>> Executable::build(Graph graph, DevicePtr device,
                                                      std::shared_ptr<WeightStore> weights,
                                                      const CompileOptions& options, bool own_inputs) {
  std::unique_ptr<Executable> result(new Executable);
  Executable& e = *result;
  e.graph_ = std::move(graph);
  e.device_ = std::move(device);
  e.weights_ = std::move(weights);
  RETURN_IF_ERROR(e.prepare_steps(options));
  e.plan_ = plan_memory(e.graph_, e.device_->properties().alignment_bytes);

  e.addresses_.assign(e.graph_.values.size(), 0);
  for (ValueId v : e.graph_.inputs) {
    if (!own_inputs) break;
    ASSIGN_OR_RETURN(Buffer buffer, e.device_->allocate(std::max<uint64_t>(e.plan_.places[v].bytes, 1)));
    e.addresses_[v] = buffer.address();
    e.inputs_.push_back(std::move(buffer));
  }
  uint64_t workspace_bytes = 0;
  for (const Step& step : e.steps_)
    if (step.op) workspace_bytes = std::max(workspace_bytes, step.op->workspace_bytes());
  ASSIGN_OR_RETURN(e.arena_, e.device_->allocate(std::max<uint64_t>(e.plan_.arena_bytes, 1)));
  ASSIGN_OR_RETURN(e.workspace_, e.device_->allocate(std::max<uint64_t>(workspace_bytes, 1)));
  RETURN_IF_ERROR(e.place_weights(options));
  // The host takes part in fallbacks and control flow: they are no fixed sequence. Regions get new addresses
  // at every run.
  e.can_capture_ = own_inputs && e.device_->has(ISTHMUS_FEATURE_CAPTURE) &&
                   std::all_of(e.steps_.begin(), e.steps_.end(),
                               [](const Step& step) { return step.op && !step.op->is_fallback(); });
  return result;
}

Status Executable::prepare_steps(const CompileOptions& options) {
  const std::vector<SymbolRange> ranges = graph_.symbol_ranges();
  for (const Node& node : graph_.nodes) {
    if (options.progress)
      options.progress({CompileProgress::kOperators, device_->id(),
                        static_cast<uint64_t>(&node - graph_.nodes.data()), graph_.nodes.size()});
    if (is_view(graph_, node)) continue;
    Step step;
    step.node = &node;
    if (is_control_flow(node)) {
      ASSIGN_OR_RETURN(step.flow, ControlStep::prepare(graph_, node, device_, weights_, options),
                       "preparing {} {}", node.op->name, node.name);
    } else {
      ASSIGN_OR_RETURN(step.op,
                       PreparedOp::prepare(device_, *node.op, node.attributes, operand_specs(graph_, node),
                                           static_cast<int>(node.inputs.size()), ranges, options.policy),
                       "preparing {}", node.name.empty() ? node.op->name : node.name);
    }
    step.operands = node.inputs;
    step.operands.insert(step.operands.end(), node.outputs.begin(), node.outputs.end());
    step.fixed.assign(step.operands.size(), 0);
    step.args.resize(step.operands.size());
    steps_.push_back(std::move(step));
  }
  return ok();
}

Status Executable::place_weights(const CompileOptions& options) {
  struct Job {
    Step* step;
    size_t operand;
    ValueId constant;
  };
  for (ValueId v : graph_.outputs) {
    const ValueId root = plan_.places[v].root;
    if (graph_.values[root].kind != ValueKind::kConstant) continue;
    ASSIGN_OR_RETURN(addresses_[root], weights_->place(graph_.values[root]));
  }
  std::vector<Job> jobs;
  for (Step& step : steps_) {
    for (size_t i = 0; i < step.operands.size(); ++i) {
      const ValueId v = step.operands[i];
      if (v == kNoValue) continue;
      const ValueId root = plan_.places[v].root;
      if (graph_.values[root].kind == ValueKind::kConstant) jobs.push_back({&step, i, root});
    }
  }
  std::mutex mutex;
  CompileProgress progress = {CompileProgress::kWeights, device_->id(), 0, 0};
  for (const Job& job : jobs) progress.total += constant_bytes(graph_.values[job.constant]);
  return parallel(device_->plugin().host(), jobs.size(), [&](size_t i) -> Status {
    const Job& job = jobs[i];
    ASSIGN_OR_RETURN(
        job.step->fixed[job.operand],
        weights_->place(graph_.values[job.constant], job.step->op.get(), static_cast<int>(job.operand)));
    if (!options.progress) return ok();
    std::lock_guard lock(mutex);
    progress.done += constant_bytes(graph_.values[job.constant]);
    options.progress(progress);
    return ok();
  });
}

isthmus_address_t Executable::address_of(ValueId value) const {
  const MemoryPlan::Place& place = plan_.places[plan_.places[value].root];
  return place.in_arena ? arena_.address() + place.offset : addresses_[place.root];
}

Status Executable::bind_state(std::string_view name, isthmus_address_t address) {
  for (ValueId v : graph_.states) {
    if (graph_.values[v].name != name) continue;
    addresses_[v] = address;
    resolved_ = false;
    replays_.clear();
    return ok();
  }
  return error(Code::kNotFound, "the graph has no state '{}'", name);
}

void Executable::bind_parameters(std::span<const isthmus_address_t> inputs,
                                 std::span<const isthmus_address_t> states) {
  for (size_t i = 0; i < inputs.size(); ++i) addresses_[graph_.inputs[i]] = inputs[i];
  for (size_t i = 0; i < states.size(); ++i) addresses_[graph_.states[i]] = states[i];
  resolved_ = false;
}

Result<isthmus_address_t> Executable::input(std::string_view name) const {
  for (ValueId v : graph_.inputs)
    if (graph_.values[v].name == name) return addresses_[v];
  return error(Code::kNotFound, "the graph has no input '{}'", name);
}

Result<isthmus_address_t> Executable::output(std::string_view name) const {
  for (ValueId v : graph_.outputs)
    if (graph_.values[v].name == name) return address_of(v);
  return error(Code::kNotFound, "the graph has no output '{}'", name);
}

// Fills the operands of every step for these symbols; runs with the same symbols skip it.
Status Executable::resolve(std::span<const int64_t> symbols) {
  if (symbols.size() != graph_.symbols.size())
    return invalid_argument("the graph has {} symbols, {} numbers given", graph_.symbols.size(),
                            symbols.size());
  for (size_t i = 0; i < symbols.size(); ++i) {
    const Symbol& s = graph_.symbols[i];
    if (symbols[i] < s.range.min || symbols[i] > s.range.max)
      return error(Code::kOutOfRange, "{} is {}, the graph was compiled for {} to {}", s.name, symbols[i],
                   s.range.min, s.range.max);
  }
  for (ValueId v : graph_.states)
    if (!addresses_[v])
      return error(Code::kFailedPrecondition, "state '{}' is not bound", graph_.values[v].name);
  for (Step& step : steps_) {
    step.kind.reset();
    for (size_t i = 0; i < step.operands.size(); ++i) {
      const ValueId v = step.operands[i];
      isthmus_tensor_arg_t& arg = step.args[i];
      arg = {};
      if (v == kNoValue) continue;
      const TensorType& type = graph_.values[v].type;
      arg.address = step.fixed[i] ? step.fixed[i] : address_of(v);
      for (int d = 0; d < type.rank(); ++d) arg.dims[d] = type.shape[d].at(symbols);
      contiguous_strides(arg.dims, type.rank(), arg.strides);
    }
  }
  resolved_for_.assign(symbols.begin(), symbols.end());
  resolved_ = true;
  return ok();
}

Status Executable::run(std::span<const int64_t> symbols, Stream& stream, const CacheLoad& load) {
  const bool profiled = profile_ && profile_->recording();
  for (const Replay& replay : replays_)
    if (!observer_ && !profiled &&
        std::equal(symbols.begin(), symbols.end(), replay.symbols.begin(), replay.symbols.end()))
      return replay.capture->replay(stream);
  const bool again =
      resolved_ && std::equal(symbols.begin(), symbols.end(), resolved_for_.begin(), resolved_for_.end());
  if (!again) RETURN_IF_ERROR(resolve(symbols));
  // A stream that is captured already takes the steps into that capture.
  if (!again || !can_capture_ || observer_ || profiled || replays_.size() == kMaxReplays ||
      !Capture::begin(stream).ok())
    return run_steps(symbols, stream, load);
  const Status status = run_steps(symbols, stream, load);
  Result<std::unique_ptr<Capture>> capture = Capture::end(stream);
  RETURN_IF_ERROR(Status(status));
  if (!capture.ok()) return capture.status();
  replays_.push_back({{symbols.begin(), symbols.end()}, std::move(capture).value()});
  return replays_.back().capture->replay(stream);
}

Status Executable::run_steps(std::span<const int64_t> symbols, Stream& stream, const CacheLoad& load) {
  for (Step& step : steps_) {
    if (profile_ && profile_->recording() && step.op) {
      RETURN_IF_ERROR(run_profiled(step, stream, load));
    } else {
      RETURN_IF_ERROR(step.flow ? step.flow->run(step.args, symbols, stream)
                                : step.op->run(step.args.data(), workspace_.address(), stream));
    }
    if (observer_) RETURN_IF_ERROR(show(step, stream));
  }
  return ok();
}

std::shared_ptr<const Profile::Kind> Executable::kind_of(const Step& step) const {
  Profile::Kind kind;
  kind.device = device_->id();
  kind.op = step.op->op().name;
  kind.name = step.node->name;
  kind.implementation = step.op->implementation();
  kind.fallback = step.op->is_fallback();
  kind.host_clock = kind.fallback || !device_->api().stream_mark;
  for (size_t i = 0; i < step.operands.size(); ++i) {
    const TensorType& type = graph_.type(step.operands[i]);
    kind.types.push_back(type);
    kind.dims.emplace_back(step.args[i].dims, step.args[i].dims + type.rank());
    if (i == step.node->inputs.size()) kind.shapes += " -> ";
    if (!type.present()) continue;
    if (!kind.shapes.empty() && !kind.shapes.ends_with("> ")) kind.shapes += ", ";
    kind.shapes += fmt::format("[{}] {}", fmt::join(kind.dims.back(), ", "), dtype_name(type.dtype));
    if (kind.weight == Dtype::kInvalid && graph_.values[step.operands[i]].kind == ValueKind::kConstant)
      kind.weight = type.dtype;
  }
  return std::make_shared<const Profile::Kind>(std::move(kind));
}

Status Executable::run_profiled(Step& step, Stream& stream, const CacheLoad& load) {
  const isthmus_plugin_t& api = device_->api();
  if (!step.kind) step.kind = kind_of(step);
  const Profile::Kind& kind = *step.kind;
  if (kind.host_clock) RETURN_IF_ERROR(stream.wait());
  const uint64_t mark = profile_->begin({step.kind, step.op->op().work({kind.types, kind.dims, load})});
  if (!kind.host_clock)
    RETURN_IF_ERROR(device_->status(api.stream_mark(stream.handle(), mark), "marking work"));
  const int64_t begin = monotonic_ns();
  RETURN_IF_ERROR(step.op->run(step.args.data(), workspace_.address(), stream));
  if (!kind.host_clock) return device_->status(api.stream_mark(stream.handle(), 0), "marking work");
  RETURN_IF_ERROR(stream.wait());
  profile_->add(mark, begin, monotonic_ns(), 0);
  return ok();
}

Status Executable::show(const Step& step, Stream& stream) {
  for (size_t i = 0; i < step.node->outputs.size(); ++i) {
    const ValueId value = step.node->outputs[i];
    if (value == kNoValue) continue;
    const isthmus_tensor_arg_t& arg = step.args[step.node->inputs.size() + i];
    const Value& made = graph_.values[value];
    Observed observed = {step.node, step.node->op, static_cast<int>(i), made.type, {}, {}};
    if (made.part) {
      observed.op = made.part;
      observed.output = made.part_output;
    }
    int64_t elements = 1;
    for (int d = 0; d < observed.type.rank(); ++d) {
      observed.dims.push_back(arg.dims[d]);
      elements *= arg.dims[d];
    }
    std::vector<std::byte> bytes(dtype_bytes(observed.type.dtype, elements));
    if (!bytes.empty()) RETURN_IF_ERROR(stream.download(bytes.data(), arg.address, bytes.size()));
    RETURN_IF_ERROR(stream.wait());
    observed.bytes = bytes;
    RETURN_IF_ERROR(observer_(observed));
  }
  return ok();
}

std::vector<Executable::ReportRow> Executable::report() const {
  std::vector<ReportRow> rows;
  for (const Step& step : steps_) {
    if (step.flow) {
      rows.push_back({step.flow->name(), "control flow", "", 1, false, 0});
      for (const auto& region : step.flow->regions())
        for (ReportRow& row : region->report()) rows.push_back(std::move(row));
      continue;
    }
    const PreparedOp& op = *step.op;
    rows.push_back({op.op().name, op.implementation(), op.refusal(), 1, op.is_fallback(), op.bytes_copied()});
  }
  return merged(std::move(rows));
}

std::vector<Executable::ReportRow> Executable::merged(std::vector<ReportRow> rows) {
  std::map<std::pair<std::string, std::string>, ReportRow> by_implementation;
  for (ReportRow& row : rows) {
    const auto [at, is_new] = by_implementation.try_emplace({row.op, row.implementation}, row);
    if (is_new) continue;
    at->second.nodes += row.nodes;
    at->second.bytes_copied += row.bytes_copied;
    if (at->second.refusal.empty()) at->second.refusal = row.refusal;
  }
  rows.clear();
  for (auto& [key, row] : by_implementation) rows.push_back(std::move(row));
  return rows;
}

}  // namespace isthmus
