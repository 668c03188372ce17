// SPDX-License-Identifier: Apache-2.0
#include "graph/pipeline.h"

#include <algorithm>
#include <deque>
#include <map>
#include <thread>

#include "graph/split.h"

namespace isthmus {
namespace {

constexpr size_t kSlots = 2;  // runs whose values may be between two parts at a time

int64_t bytes_at(const TensorType& type, std::span<const int64_t> symbols) {
  int64_t elements = 1;
  for (const Dim& dim : type.shape) elements *= dim.at(symbols);
  return dtype_bytes(type.dtype, elements);
}

// Host memory that the device copies to and from, pinned where the chip has such.
class HostBytes {
 public:
  HostBytes() = default;
  HostBytes(Device& device, uint64_t bytes) {
    if (auto pinned = device.allocate(bytes, ISTHMUS_MEMORY_PINNED_HOST); pinned.ok()) {
      pinned_ = std::move(pinned).value();
    } else {
      plain_ = std::make_unique<std::byte[]>(bytes);
    }
  }
  void* data() const { return plain_ ? plain_.get() : pinned_.host(); }

 private:
  Buffer pinned_;
  std::unique_ptr<std::byte[]> plain_;
};

}  // namespace

// One part with its stream, a second stream for copies, and what goes out to later parts and comes in from
// earlier ones. Values are copied beside the part's own memory first, so that they travel while it computes.
class Pipeline::Stage {
 public:
  struct Sent {
    ValueId value;
    TensorType type;
    isthmus_address_t address;  // where the part makes it
    Buffer copy[kSlots];
    HostBytes host[kSlots];
  };
  struct Received {
    const Stage* from;
    const Sent* sent;
    isthmus_address_t address;  // where the part reads it
    Buffer copy[kSlots];
  };
  struct Job {
    std::shared_ptr<const Run> run;
    uint64_t number;  // of all that were started, from 0
    bool failed;      // an earlier part did: only the bookkeeping is left
  };

  DevicePtr device;
  std::unique_ptr<Stream> stream, copies;
  std::unique_ptr<Executable> executable;
  std::vector<std::unique_ptr<Sent>> out;
  std::vector<Received> in;
  std::vector<Stage*> sources, readers;  // earlier parts it reads, later parts that read it; each once
  // By slot: all of `out` is on the host; all of `in` is in `copy`, and then read from there; `out` is in
  // `copy`.
  std::unique_ptr<Event> on_host[kSlots], arrived[kSlots], taken[kSlots], made[kSlots];

  Stage* next = nullptr;
  // Guarded by the pipeline's mutex.
  std::deque<Job> queue;
  uint64_t read = 0;   // runs whose values this part has copied from the host, or never will
  std::thread worker;  // of every part but the first, whose work the caller puts on the stream
};

Pipeline::Pipeline() = default;

Pipeline::~Pipeline() {
  (void)wait();
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  for (const auto& stage : stages_)
    if (stage->worker.joinable()) stage->worker.join();
  // Before the operators: where a wait failed, their work may still be on it.
  for (const auto& stage : stages_) {
    stage->stream.reset();
    stage->copies.reset();
  }
}

Result<std::unique_ptr<Pipeline>> Pipeline::compile(const Graph& graph, std::vector<Part> parts,
                                                    const CompileOptions& options) {
  if (parts.empty()) return invalid_argument("a pipeline needs at least one part");
  std::unique_ptr<Pipeline> result(new Pipeline);
  std::vector<size_t> cuts;
  for (size_t p = 1; p < parts.size(); ++p) cuts.push_back(parts[p].first_node);
  ASSIGN_OR_RETURN(std::vector<Graph> graphs, split_graph(graph, cuts));
  for (size_t p = 0; p < parts.size(); ++p) {
    auto stage = std::make_unique<Stage>();
    stage->device = parts[p].device;
    ASSIGN_OR_RETURN(stage->stream, stage->device->create_stream());
    ASSIGN_OR_RETURN(stage->executable, Executable::compile(std::move(graphs[p]), stage->device,
                                                            std::move(parts[p].weights), options));
    result->stages_.push_back(std::move(stage));
  }
  if (parts.size() > 1) RETURN_IF_ERROR(result->connect());
  return result;
}

// Finds what passes from part to part, gives it memory on both sides, and starts the workers.
Status Pipeline::connect() {
  std::map<ValueId, std::pair<Stage*, Stage::Sent*>> sent;
  for (size_t p = 0; p < stages_.size(); ++p) {
    Stage* stage = stages_[p].get();
    Device& device = *stage->device;
    ASSIGN_OR_RETURN(stage->copies, device.create_stream());
    for (auto* events : {&stage->on_host, &stage->arrived, &stage->taken, &stage->made}) {
      for (auto& event : *events) {
        ASSIGN_OR_RETURN(event, device.create_event());
      }
    }
    const Graph& graph = stage->executable->graph();
    for (ValueId v : graph.inputs) {
      const auto made = sent.find(v);
      if (made == sent.end()) continue;
      auto& [source, value] = made->second;
      Stage::Received received = {source, value, stage->executable->address_of(v), {}};
      for (Buffer& copy : received.copy) {
        ASSIGN_OR_RETURN(copy, device.allocate(std::max<uint64_t>(value->copy[0].bytes(), 1)));
      }
      stage->in.push_back(std::move(received));
      if (std::find(stage->sources.begin(), stage->sources.end(), source) != stage->sources.end()) continue;
      stage->sources.push_back(source);
      source->readers.push_back(stage);
    }
    for (ValueId v : graph.outputs) {
      const bool read_later =
          std::any_of(stages_.begin() + static_cast<ptrdiff_t>(p) + 1, stages_.end(), [v](const auto& later) {
            const std::vector<ValueId>& inputs = later->executable->graph().inputs;
            return std::find(inputs.begin(), inputs.end(), v) != inputs.end();
          });
      if (!read_later) continue;
      auto value = std::make_unique<Stage::Sent>();
      value->value = v;
      value->type = graph.type(v);
      value->address = stage->executable->address_of(v);
      std::vector<int64_t> largest;
      for (const Symbol& symbol : graph.symbols) largest.push_back(symbol.range.max);
      const auto bytes = static_cast<uint64_t>(bytes_at(value->type, largest));
      for (size_t slot = 0; slot < kSlots; ++slot) {
        ASSIGN_OR_RETURN(value->copy[slot], device.allocate(std::max<uint64_t>(bytes, 1)));
        value->host[slot] = HostBytes(device, std::max<uint64_t>(bytes, 1));
      }
      sent[v] = {stage, value.get()};
      stage->out.push_back(std::move(value));
    }
  }
  for (size_t p = 0; p < stages_.size(); ++p) {
    Stage& stage = *stages_[p];
    if (p + 1 < stages_.size()) stage.next = stages_[p + 1].get();
    if (p > 0) stage.worker = std::thread([this, &stage] { work(stage); });
  }
  return ok();
}

size_t Pipeline::size() const { return stages_.size(); }
const Executable& Pipeline::executable(size_t part) const { return *stages_[part]->executable; }
Stream& Pipeline::stream(size_t part) const { return *stages_[part]->stream; }

size_t Pipeline::part_of_state(std::string_view name) const {
  for (size_t p = 0; p < stages_.size(); ++p) {
    const Graph& graph = stages_[p]->executable->graph();
    for (ValueId v : graph.states)
      if (graph.values[v].name == name) return p;
  }
  return 0;
}

Status Pipeline::bind_state(std::string_view name, isthmus_address_t address) {
  return stages_[part_of_state(name)]->executable->bind_state(name, address);
}

void Pipeline::observe(const Executable::Observer& observer) {
  for (const auto& stage : stages_) stage->executable->observe(observer);
}

void Pipeline::profile(Profile* profile) {
  for (const auto& stage : stages_) stage->executable->profile(profile);
}

std::vector<Executable::ReportRow> Pipeline::report() const {
  std::vector<Executable::ReportRow> rows;
  for (const auto& stage : stages_)
    for (Executable::ReportRow& row : stage->executable->report()) rows.push_back(std::move(row));
  return Executable::merged(std::move(rows));
}

// -- runs --

Status Pipeline::start(Run run) {
  Stage& first = *stages_.front();
  if (stages_.size() == 1) return process(first, run, 0);
  Stage::Job job = {std::make_shared<const Run>(std::move(run)), started_, false};
  const Status status = process(first, *job.run, job.number);
  job.failed = !status.ok();
  {
    std::lock_guard lock(mutex_);
    ++started_;
    first.next->queue.push_back(std::move(job));
  }
  changed_.notify_all();
  return status;
}

Status Pipeline::wait() {
  Status status;
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return finished_ == started_; });
    std::swap(status, failed_);
  }
  for (const auto& stage : stages_) {
    for (Stream* stream : {stage->stream.get(), stage->copies.get()}) {
      if (!stream) continue;
      Status waited = stream->wait();
      if (status.ok()) status = std::move(waited);
    }
  }
  return status;
}

// A later part's thread: puts its runs on its stream in order, each when what it reads has come.
void Pipeline::work(Stage& stage) {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return closing_ || !stage.queue.empty(); });
    if (stage.queue.empty()) return;
    Stage::Job job = std::move(stage.queue.front());
    stage.queue.pop_front();
    lock.unlock();
    Status status;
    if (!job.failed) status = process(stage, *job.run, job.number);
    // On to the next part before this one waits for its copies.
    Stage::Job onward = job;
    onward.failed = job.failed || !status.ok();
    lock.lock();
    if (!status.ok() && failed_.ok()) failed_ = status;
    if (stage.next) stage.next->queue.push_back(std::move(onward));
    changed_.notify_all();
    lock.unlock();
    if (!job.failed && status.ok() && !stage.in.empty()) (void)stage.arrived[job.number % kSlots]->wait();
    lock.lock();
    ++stage.read;
    if (!stage.next) ++finished_;
    changed_.notify_all();
  }
}

Status Pipeline::process(Stage& stage, const Run& run, uint64_t number) {
  Executable& executable = *stage.executable;
  Stream& stream = *stage.stream;
  const Graph& graph = executable.graph();
  for (const Input& input : run.inputs) {
    const auto named = [&](ValueId v) { return graph.values[v].name == input.name; };
    const auto found = std::find_if(graph.inputs.begin(), graph.inputs.end(), named);
    if (found != graph.inputs.end() && input.bytes)
      RETURN_IF_ERROR(stream.upload(executable.address_of(*found), input.data, input.bytes));
  }
  if (!stage.in.empty()) RETURN_IF_ERROR(receive(stage, run.symbols, number));
  RETURN_IF_ERROR(executable.run(run.symbols, stream, run.load));
  if (!stage.out.empty()) RETURN_IF_ERROR(send(stage, run.symbols, number));
  for (const Output& output : run.outputs) {
    const auto named = [&](ValueId v) { return graph.values[v].name == output.name; };
    const auto found = std::find_if(graph.outputs.begin(), graph.outputs.end(), named);
    if (found != graph.outputs.end() && output.bytes)
      RETURN_IF_ERROR(stream.download(output.data, executable.address_of(*found), output.bytes));
  }
  return ok();
}

Status Pipeline::receive(Stage& stage, std::span<const int64_t> symbols, uint64_t number) {
  const size_t slot = number % kSlots;
  for (const Stage* source : stage.sources) RETURN_IF_ERROR(source->on_host[slot]->wait());
  if (number >= kSlots) RETURN_IF_ERROR(stage.taken[slot]->make_wait(*stage.copies));
  for (const Stage::Received& value : stage.in)
    RETURN_IF_ERROR(stage.copies->upload(value.copy[slot].address(), value.sent->host[slot].data(),
                                         static_cast<uint64_t>(bytes_at(value.sent->type, symbols))));
  RETURN_IF_ERROR(stage.arrived[slot]->record(*stage.copies));
  RETURN_IF_ERROR(stage.arrived[slot]->make_wait(*stage.stream));
  for (const Stage::Received& value : stage.in)
    RETURN_IF_ERROR(stage.stream->copy(value.address, value.copy[slot].address(),
                                       static_cast<uint64_t>(bytes_at(value.sent->type, symbols))));
  return stage.taken[slot]->record(*stage.stream);
}

Status Pipeline::send(Stage& stage, std::span<const int64_t> symbols, uint64_t number) {
  const size_t slot = number % kSlots;
  if (number >= kSlots) RETURN_IF_ERROR(stage.on_host[slot]->make_wait(*stage.stream));
  for (const auto& value : stage.out)
    RETURN_IF_ERROR(stage.stream->copy(value->copy[slot].address(), value->address,
                                       static_cast<uint64_t>(bytes_at(value->type, symbols))));
  RETURN_IF_ERROR(stage.made[slot]->record(*stage.stream));
  RETURN_IF_ERROR(stage.made[slot]->make_wait(*stage.copies));
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] {
      return std::all_of(stage.readers.begin(), stage.readers.end(),
                         [number](const Stage* reader) { return reader->read + kSlots > number; });
    });
  }
  for (const auto& value : stage.out)
    RETURN_IF_ERROR(stage.copies->download(value->host[slot].data(), value->copy[slot].address(),
                                           static_cast<uint64_t>(bytes_at(value->type, symbols))));
  return stage.on_host[slot]->record(*stage.copies);
}

}  // namespace isthmus
