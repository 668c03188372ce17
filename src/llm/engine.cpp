// SPDX-License-Identifier: Apache-2.0
#include "llm/engine.h"
#include "base/text.h"

#include <algorithm>
#include <cstring>

namespace isthmus {
namespace {

constexpr int64_t kDefaultContext = 8192;
constexpr int64_t kSmallestPiece = 32;  // rows; fewer cost each chip nearly as much

int64_t blocks_for(int64_t tokens) { return (tokens + kCacheBlock - 1) / kCacheBlock; }

double mib(uint64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

int64_t context_of(const Model& model, const EngineOptions& options) {
  return options.context > 0 ? options.context : std::min(model.config().context, kDefaultContext);
}

}  // namespace

Result<StepLimits> step_limits(const Model& model, const EngineOptions& options) {
  const int64_t context = context_of(model, options), largest = model.config().context;
  if (context > largest)
    return error(Code::kOutOfRange, "a context of {} tokens is more than the {} the model was made for",
                 context, largest);
  if (options.max_sequences < 1 || options.chunk_tokens < 1)
    return invalid_argument("max_sequences and chunk_tokens must be at least 1");
  const int64_t head = model.config().head_dim, block = dtype_info(options.cache_dtype).block_elements;
  if (head % block != 0)
    return invalid_argument("a {} cache needs heads of a multiple of {} numbers; {} has heads of {}",
                            dtype_name(options.cache_dtype), block, model.file().path(), head);
  StepLimits limits;
  limits.max_tokens = std::max(options.chunk_tokens, options.max_sequences);
  limits.max_sequences = options.max_sequences;
  limits.max_output_rows = options.output_rows > 0 ? options.output_rows : options.max_sequences;
  limits.max_blocks = blocks_for(context);
  limits.cache_blocks =
      options.cache_tokens > 0 ? blocks_for(options.cache_tokens) : limits.max_blocks * options.max_sequences;
  limits.cache_dtype = options.cache_dtype;
  return limits;
}

Result<std::unique_ptr<Engine>> Engine::create(std::shared_ptr<const Model> model,
                                               std::shared_ptr<Platform> platform,
                                               const EngineOptions& options) {
  ASSIGN_OR_RETURN(std::vector<DevicePtr> devices, platform->open_list(options.device));
  return create(std::move(model), std::move(devices), options);
}

Result<std::unique_ptr<Engine>> Engine::create(std::shared_ptr<const Model> model,
                                               std::vector<DevicePtr> devices, const EngineOptions& options) {
  std::unique_ptr<Engine> engine(new Engine);
  Engine& e = *engine;
  e.model_ = std::move(model);
  ASSIGN_OR_RETURN(e.limits_, step_limits(*e.model_, options));
  const StepLimits& limits = e.limits_;
  e.context_ = context_of(*e.model_, options);
  e.cancelled_ = options.cancelled;
  const MemoryNeed need = e.model_->memory_need(limits);
  const uint64_t available = available_memory();
  if (need.total() > available && !options.ignore_memory)
    return error(Code::kOutOfMemory,
                 "{} needs about {:.0f} MiB ({:.0f} weights, {:.0f} cache for {} tokens, {:.0f} "
                 "activations), {:.0f} MiB "
                 "are available; a smaller --context needs less",
                 e.model_->file().path(), mib(need.total()), mib(need.weights), mib(need.cache),
                 limits.cache_blocks * kCacheBlock, mib(need.activations), mib(available));
  RETURN_IF_ERROR(e.place(std::move(devices), options));
  RETURN_IF_ERROR(e.compile(options));
  return engine;
}

Engine::~Engine() {
  pipeline_.reset();  // States must outlive the work on them.
}

// Shares out the layers.
Status Engine::place(std::vector<DevicePtr> devices, const EngineOptions& options) {
  std::map<Device*, std::shared_ptr<WeightStore>> weights;
  for (DevicePtr& device : devices) {
    std::shared_ptr<WeightStore>& store = weights[device.get()];
    if (!store)
      store = std::make_shared<WeightStore>(
          device, WeightOptions{options.packed_cache, options.weights, options.cancelled});
    parts_.push_back({std::move(device), store, 0});
  }
  const int64_t layers = model_->config().layers, parts = static_cast<int64_t>(parts_.size());
  if (parts > layers)
    return invalid_argument("{} has too few layers ({}) for {} chips", model_->file().path(), layers, parts);
  for (int64_t p = 0; p < parts; ++p)
    parts_[static_cast<size_t>(p)].layers = layers * (p + 1) / parts - layers * p / parts;
  if (options.split.empty()) return ok();
  if (options.split.size() != parts_.size())
    return invalid_argument("the split {1} has {0} shares, the number of chips is {2} ({3})",
                            options.split.size(), fmt::join(options.split, ","), parts, options.device);
  int64_t sum = 0;
  for (size_t p = 0; p < parts_.size(); ++p) {
    const int64_t share = options.split[p];
    if (share < 1 || share > layers)
      return invalid_argument("a split gives each chip 1 to {} layers; {} gets {}", layers,
                              parts_[p].device->id(), share);
    parts_[p].layers = share;
    sum += share;
  }
  if (sum != layers)
    return invalid_argument("the split {} shares out {}, {} has {}", fmt::join(options.split, ","),
                            counted(sum, "layer"), model_->file().path(), layers);
  return ok();
}

Status Engine::compile(const EngineOptions& options) {
  ModelBuilder builder(model_->shared_file(), limits_);
  RETURN_IF_ERROR(model_->family().build(builder));
  ASSIGN_OR_RETURN(const Graph graph, builder.finish(), "{}", model_->file().path());
  vocabulary_ = builder.vocabulary();
  if (static_cast<int64_t>(model_->tokenizer().size()) > vocabulary_)
    return data_loss("{}: the tokenizer has {} tokens, the embedding {}", model_->file().path(),
                     model_->tokenizer().size(), vocabulary_);
  CompileOptions compile_options;
  compile_options.policy = options.policy;
  compile_options.progress = options.progress;
  std::vector<Pipeline::Part> parts;
  size_t layer = 0;
  for (const Part& part : parts_) {
    if (layer > 0 && layer >= builder.layer_starts().size())
      return error(Code::kInternal, "family '{}' marks {} layers, layer {} is needed for a split",
                   model_->file().architecture(), builder.layer_starts().size(), layer);
    parts.push_back({part.device, part.weights, layer ? builder.layer_starts()[layer] : 0});
    layer += static_cast<size_t>(part.layers);
  }
  ASSIGN_OR_RETURN(pipeline_, Pipeline::compile(graph, std::move(parts), compile_options));
  std::vector<StateStore::PlacedGroup> groups;
  for (const StateDeclaration& state : builder.states())
    groups.push_back({state, &pipeline_->stream(pipeline_->part_of_state(state.name))});
  ASSIGN_OR_RETURN(states_, StateStore::create(std::move(groups), limits_.cache_blocks, limits_.max_sequences,
                                               options.prefix_reuse));
  for (const StateStore::Group& group : states_->groups())
    RETURN_IF_ERROR(pipeline_->bind_state(group.declaration.name, group.buffer.address()));
  return ok();
}

std::string Engine::device_id() const {
  std::string ids;
  for (const Part& part : parts_) ids += (ids.empty() ? "" : ",") + part.device->id();
  return ids;
}

std::string Engine::device_name() const {
  std::string names;
  for (const Part& part : parts_)
    names += (names.empty() ? "" : ", ") + std::string(part.device->properties().name);
  return names;
}

void Engine::observe(Executable::Observer observer) {
  observed_ = static_cast<bool>(observer);
  pipeline_->observe(observer);
}

// -- sequences --

Result<Engine::Sequence*> Engine::find(SequenceId id) {
  auto found = sequences_.find(id);
  if (found == sequences_.end()) return error(Code::kNotFound, "there is no sequence {}", id);
  return &found->second;
}

Status Engine::check_length(size_t length) const {
  if (static_cast<int64_t>(length) <= context_) return ok();
  if (context_ >= model_->config().context)
    return error(Code::kOutOfRange,
                 "{} do not fit the context of {}, the most this model was made for; shorten the text",
                 counted(length, "token"), counted(context_, "token"));
  return error(Code::kOutOfRange,
               "{} do not fit the context of {}; shorten the text or start with a longer --context "
               "(the model allows {})",
               counted(length, "token"), counted(context_, "token"), model_->config().context);
}

Result<SequenceId> Engine::add(std::span<const int32_t> tokens) {
  const SequenceId id = next_id_++;
  sequences_[id];
  Status status = append(id, tokens);
  if (!status.ok()) {
    remove(id);
    return status;
  }
  Sequence& s = sequences_[id];
  states_->reuse_prefix(s.state, s.tokens);
  reused_tokens_ += static_cast<uint64_t>(s.state.computed);
  return id;
}

Status Engine::append(SequenceId id, std::span<const int32_t> tokens) {
  ASSIGN_OR_RETURN(Sequence * s, find(id));
  RETURN_IF_ERROR(check_length(s->tokens.size() + tokens.size()));
  for (int32_t token : tokens)
    if (token < 0 || token >= vocabulary_)
      return error(Code::kOutOfRange, "token {} is outside the vocabulary of {}", token, vocabulary_);
  s->tokens.insert(s->tokens.end(), tokens.begin(), tokens.end());
  return ok();
}

Status Engine::assign(SequenceId id, std::span<const int32_t> tokens) {
  ASSIGN_OR_RETURN(Sequence * s, find(id));
  RETURN_IF_ERROR(check_length(tokens.size()));
  const auto [ours, theirs] = std::mismatch(s->tokens.begin(), s->tokens.end(), tokens.begin(), tokens.end());
  const int64_t common = ours - s->tokens.begin();
  RETURN_IF_ERROR(truncate(id, common));
  return append(id, tokens.subspan(static_cast<size_t>(common)));
}

Status Engine::truncate(SequenceId id, int64_t length) {
  ASSIGN_OR_RETURN(Sequence * s, find(id));
  if (length < 0 || length > static_cast<int64_t>(s->tokens.size()))
    return error(Code::kOutOfRange, "cannot keep {} of {}", length, counted(s->tokens.size(), "token"));
  s->tokens.resize(static_cast<size_t>(length));
  states_->truncate(s->state, std::min(s->state.computed, length));
  return ok();
}

Result<SequenceId> Engine::fork(SequenceId id) {
  ASSIGN_OR_RETURN(const Sequence* s, find(id));
  ASSIGN_OR_RETURN(SequenceState state, states_->fork(s->state));
  const SequenceId copy = next_id_++;
  sequences_[copy] = {s->tokens, std::move(state)};
  return copy;
}

void Engine::remove(SequenceId id) {
  auto found = sequences_.find(id);
  if (found == sequences_.end()) return;
  states_->release(found->second.state);
  sequences_.erase(found);
}

std::span<const int32_t> Engine::tokens(SequenceId id) const {
  auto found = sequences_.find(id);
  return found == sequences_.end() ? std::span<const int32_t>() : found->second.tokens;
}

int64_t Engine::computed(SequenceId id) const {
  auto found = sequences_.find(id);
  return found == sequences_.end() ? 0 : found->second.state.computed;
}

// -- steps --

Result<std::vector<Engine::Logits>> Engine::step() {
  std::vector<Row> rows;
  int64_t room = limits_.max_tokens;
  // Sequences that lack one token first: nobody's reply waits for somebody else's prompt.
  for (const bool single : {true, false}) {
    for (auto& [id, s] : sequences_) {
      const int64_t lacking = static_cast<int64_t>(s.tokens.size()) - s.state.computed;
      if (lacking <= 0 || (lacking == 1) != single || room == 0 ||
          static_cast<int64_t>(rows.size()) == std::min(limits_.max_sequences, limits_.max_output_rows))
        continue;
      const int64_t count = std::min(lacking, room);
      rows.push_back({&s, id, s.state.computed, count, false});
      room -= count;
    }
  }
  return run(rows);
}

Result<std::vector<Engine::Logits>> Engine::step_all_logits(SequenceId id) {
  ASSIGN_OR_RETURN(Sequence * s, find(id));
  const int64_t lacking = static_cast<int64_t>(s->tokens.size()) - s->state.computed;
  const int64_t count = std::min({lacking, limits_.max_tokens, limits_.max_output_rows});
  if (count <= 0) return std::vector<Logits>();
  const Row row = {s, id, s->state.computed, count, true};
  return run(std::span(&row, 1));
}

std::vector<Engine::Logits> Engine::fill_pieces(std::span<const Row> rows) {
  int64_t total = 0;
  for (const Row& row : rows) total += row.count;
  // Two pieces for each chip after the first keep all busy; an observer sees one value of a step after the
  // other.
  const int64_t pieces = observed_ ? 1 : static_cast<int64_t>(parts_.size() - 1) * 2 + 1;
  const int64_t most = std::max(kSmallestPiece, (total + pieces - 1) / pieces);
  std::vector<Logits> result;
  pieces_.clear();
  for (const Row& row : rows) {
    const Sequence& s = *row.sequence;
    for (int64_t p = row.begin, end; p < row.begin + row.count; p = end) {
      if (pieces_.empty() || (pieces > 1 && static_cast<int64_t>(pieces_.back().tokens.size()) >= most))
        pieces_.emplace_back();
      Piece& piece = pieces_.back();
      const int64_t room = pieces > 1 ? most - static_cast<int64_t>(piece.tokens.size()) : row.count;
      end = std::min(row.begin + row.count, p + room);
      const size_t table = piece.block_table.size();
      const auto sequence = static_cast<int32_t>(table / static_cast<size_t>(limits_.max_blocks));
      piece.block_table.resize(table + static_cast<size_t>(limits_.max_blocks), 0);
      std::copy(s.state.blocks.begin(), s.state.blocks.end(),
                piece.block_table.begin() + static_cast<ptrdiff_t>(table));
      for (; p < end; ++p) {
        const bool wanted = row.all_logits || p + 1 == static_cast<int64_t>(s.tokens.size());
        if (wanted) {
          result.push_back({row.id, p, {}});
          piece.output_rows.push_back(static_cast<int32_t>(piece.tokens.size()));
        }
        piece.tokens.push_back(s.tokens[static_cast<size_t>(p)]);
        piece.positions.push_back(static_cast<int32_t>(p));
        piece.slots.push_back(static_cast<int32_t>(
            s.state.blocks[static_cast<size_t>(p / kCacheBlock)] * kCacheBlock + p % kCacheBlock));
        piece.sequences.push_back(sequence);
      }
    }
  }
  return result;
}

Status Engine::start(const Piece& piece, float* logits) {
  Pipeline::Run run;
  for (size_t i = 0; i < piece.positions.size(); ++i) {
    run.load.visible += piece.positions[i] + 1;
    const bool last = i + 1 == piece.positions.size() || piece.sequences[i + 1] != piece.sequences[i];
    if (last) run.load.cached += piece.positions[i] + 1;
  }
  for (const auto& [name, values] : {std::pair{"tokens", &piece.tokens},
                                     {"positions", &piece.positions},
                                     {"slots", &piece.slots},
                                     {"sequences", &piece.sequences},
                                     {"block_table", &piece.block_table},
                                     {"output_rows", &piece.output_rows}})
    run.inputs.push_back({name, values->data(), values->size() * sizeof(int32_t)});
  const auto output_rows = static_cast<int64_t>(piece.output_rows.size());
  run.symbols = {static_cast<int64_t>(piece.tokens.size()),
                 static_cast<int64_t>(piece.block_table.size()) / limits_.max_blocks, output_rows};
  run.outputs = {{"logits", logits, static_cast<uint64_t>(output_rows * vocabulary_) * sizeof(float)}};
  return pipeline_->start(std::move(run));
}

Result<std::vector<Engine::Logits>> Engine::run(std::span<const Row> rows) {
  if (rows.empty()) return std::vector<Logits>();
  if (cancelled_ && cancelled_()) return error(Code::kCancelled, "the step was cancelled");
  for (const Row& row : rows) RETURN_IF_ERROR(states_->append(row.sequence->state, row.begin + row.count));
  std::vector<Logits> result = fill_pieces(rows);
  const auto width = static_cast<size_t>(vocabulary_);
  logits_.resize(result.size() * width);
  Status status;
  size_t done = 0;
  for (const Piece& piece : pieces_) {
    if (status.ok()) status = start(piece, logits_.data() + done * width);
    done += piece.output_rows.size();
  }
  Status waited = pipeline_->wait();
  RETURN_IF_ERROR(std::move(status));
  RETURN_IF_ERROR(std::move(waited));
  for (const Row& row : rows) {
    row.sequence->state.computed = row.begin + row.count;
    states_->publish(row.sequence->state, row.sequence->tokens);
  }
  for (size_t i = 0; i < result.size(); ++i) result[i].values = std::span(logits_).subspan(i * width, width);
  return result;
}

// -- saving --

namespace {
struct SavedHeader {
  char magic[16] = "isthmus state 2";
  uint64_t fingerprint = 0, computed = 0;
};
}  // namespace

Result<std::vector<std::byte>> Engine::save(SequenceId id) {
  ASSIGN_OR_RETURN(const Sequence* s, find(id));
  SavedHeader header;
  header.fingerprint = states_->fingerprint();
  header.computed = static_cast<uint64_t>(s->state.computed);
  const size_t token_bytes = header.computed * sizeof(int32_t);
  std::vector<std::byte> saved(sizeof header + token_bytes + states_->saved_bytes(s->state.computed));
  std::memcpy(saved.data(), &header, sizeof header);
  if (token_bytes) std::memcpy(saved.data() + sizeof header, s->tokens.data(), token_bytes);
  RETURN_IF_ERROR(states_->copy_out(s->state, std::span(saved).subspan(sizeof header + token_bytes)));
  return saved;
}

Result<SequenceId> Engine::restore(std::span<const std::byte> saved) {
  SavedHeader header, expected;
  if (saved.size() < sizeof header) return data_loss("a saved state of {} bytes is cut short", saved.size());
  std::memcpy(&header, saved.data(), sizeof header);
  if (std::memcmp(header.magic, expected.magic, sizeof header.magic) != 0 ||
      header.fingerprint != states_->fingerprint())
    return invalid_argument("the saved state is not of this model and cache dtype");
  RETURN_IF_ERROR(check_length(header.computed));
  const size_t token_bytes = header.computed * sizeof(int32_t);
  if (saved.size() < sizeof header + token_bytes)
    return data_loss("a saved state of {} bytes is cut short", saved.size());
  std::vector<int32_t> tokens(header.computed);
  if (token_bytes) std::memcpy(tokens.data(), saved.data() + sizeof header, token_bytes);
  ASSIGN_OR_RETURN(SequenceState state, states_->copy_in(static_cast<int64_t>(header.computed),
                                                         saved.subspan(sizeof header + token_bytes)));
  const SequenceId id = next_id_++;
  sequences_[id].state = std::move(state);
  Status status = append(id, tokens);
  if (status.ok()) return id;
  remove(id);
  return status;
}

Status Engine::repeat(SequenceId id, int64_t length) {
  RETURN_IF_ERROR(check_length(static_cast<size_t>(std::max<int64_t>(length, 0))));
  ASSIGN_OR_RETURN(Sequence * s, find(id));
  const int64_t computed = s->state.computed;
  if (computed == 0 || computed % kCacheBlock || length < computed || length % kCacheBlock)
    return invalid_argument("repeating {} computed tokens to {}: both must be whole blocks of {}", computed,
                            length, kCacheBlock);
  std::vector<std::byte> once(states_->saved_bytes(computed));
  RETURN_IF_ERROR(states_->copy_out(s->state, once));
  // Blocks come first, one after another; what is not in blocks comes once, after them.
  const uint64_t block = states_->saved_bytes(2 * kCacheBlock) - states_->saved_bytes(kCacheBlock);
  const uint64_t blocks = block * static_cast<uint64_t>(computed / kCacheBlock);
  const uint64_t rest = once.size() - blocks;
  std::vector<std::byte> bytes(states_->saved_bytes(length));
  for (uint64_t at = 0; at < bytes.size() - rest; at += blocks)
    std::memcpy(bytes.data() + at, once.data(), std::min(blocks, bytes.size() - rest - at));
  if (rest) std::memcpy(bytes.data() + bytes.size() - rest, once.data() + blocks, rest);

  s->tokens.resize(static_cast<size_t>(computed));
  while (static_cast<int64_t>(s->tokens.size()) < length)
    s->tokens.push_back(s->tokens[s->tokens.size() - static_cast<size_t>(computed)]);
  states_->release(s->state);
  ASSIGN_OR_RETURN(s->state, states_->copy_in(length, bytes));
  return ok();
}

}  // namespace isthmus
