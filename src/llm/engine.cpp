// SPDX-License-Identifier: Apache-2.0
#include "llm/engine.h"

#include <algorithm>
#include <cstring>

namespace isthmus {
namespace {

constexpr int64_t kDefaultContext = 8192;

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
  std::unique_ptr<Engine> engine(new Engine);
  Engine& e = *engine;
  e.model_ = std::move(model);
  e.platform_ = std::move(platform);
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
  ASSIGN_OR_RETURN(e.device_, e.platform_->open(options.device));
  ASSIGN_OR_RETURN(e.stream_, e.device_->create_stream());
  e.weights_ = std::make_shared<WeightStore>(e.device_, options.packed_cache, options.cancelled);
  RETURN_IF_ERROR(e.compile(options));
  return engine;
}

Engine::~Engine() {
  if (stream_) (void)stream_->wait();  // States must outlive the work on them.
}

Status Engine::compile(const EngineOptions& options) {
  ModelBuilder builder(model_->shared_file(), limits_);
  RETURN_IF_ERROR(model_->family().build(builder));
  ASSIGN_OR_RETURN(Graph graph, builder.finish(), "{}", model_->file().path());
  vocabulary_ = builder.vocabulary();
  if (static_cast<int64_t>(model_->tokenizer().size()) > vocabulary_)
    return data_loss("{}: the tokenizer has {} tokens, the embedding {}", model_->file().path(),
                     model_->tokenizer().size(), vocabulary_);
  CompileOptions compile_options;
  compile_options.policy = options.policy;
  ASSIGN_OR_RETURN(executable_, Executable::compile(std::move(graph), device_, weights_, compile_options));
  ASSIGN_OR_RETURN(states_, StateStore::create(device_, builder.states(), limits_.cache_blocks,
                                               limits_.max_sequences, options.prefix_reuse));
  for (const StateStore::Group& group : states_->groups())
    RETURN_IF_ERROR(executable_->bind_state(group.declaration.name, group.buffer.address()));
  return ok();
}

// -- sequences --

Result<Engine::Sequence*> Engine::find(SequenceId id) {
  auto found = sequences_.find(id);
  if (found == sequences_.end()) return error(Code::kNotFound, "there is no sequence {}", id);
  return &found->second;
}

Status Engine::check_length(size_t length) const {
  if (static_cast<int64_t>(length) <= context_) return ok();
  return error(Code::kOutOfRange,
               "{} tokens do not fit the context of {} tokens; shorten the text or give --context "
               "(the model allows {})",
               length, context_, model_->config().context);
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
    return error(Code::kOutOfRange, "cannot keep {} of {} tokens", length, s->tokens.size());
  s->tokens.resize(static_cast<size_t>(length));
  states_->truncate(s->state, std::min(s->state.computed, length));
  return ok();
}

Result<SequenceId> Engine::fork(SequenceId id) {
  ASSIGN_OR_RETURN(const Sequence* s, find(id));
  ASSIGN_OR_RETURN(SequenceState state, states_->fork(s->state, *stream_));
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

Result<std::vector<Engine::Logits>> Engine::run(std::span<const Row> rows) {
  std::vector<Logits> result;
  if (rows.empty()) return result;
  if (cancelled_ && cancelled_()) return error(Code::kCancelled, "the step was cancelled");
  for (auto* list : {&tokens_, &positions_, &slots_, &rows_sequence_, &output_rows_}) list->clear();
  block_table_.assign(rows.size() * static_cast<size_t>(limits_.max_blocks), 0);
  for (size_t r = 0; r < rows.size(); ++r) {
    const Row& row = rows[r];
    Sequence& s = *row.sequence;
    RETURN_IF_ERROR(states_->append(s.state, row.begin + row.count, *stream_));
    std::copy(s.state.blocks.begin(), s.state.blocks.end(),
              block_table_.begin() + static_cast<int64_t>(r) * limits_.max_blocks);
    for (int64_t p = row.begin; p < row.begin + row.count; ++p) {
      const bool wanted = row.all_logits || p + 1 == static_cast<int64_t>(s.tokens.size());
      if (wanted) {
        result.push_back({row.id, p, {}});
        output_rows_.push_back(static_cast<int32_t>(tokens_.size()));
      }
      tokens_.push_back(s.tokens[static_cast<size_t>(p)]);
      positions_.push_back(static_cast<int32_t>(p));
      slots_.push_back(static_cast<int32_t>(
          s.state.blocks[static_cast<size_t>(p / kCacheBlock)] * kCacheBlock + p % kCacheBlock));
      rows_sequence_.push_back(static_cast<int32_t>(r));
    }
  }
  struct Input {
    const char* name;
    const std::vector<int32_t>& values;
  };
  for (const Input& input : {Input{"tokens", tokens_}, Input{"positions", positions_}, Input{"slots", slots_},
                             Input{"sequences", rows_sequence_}, Input{"block_table", block_table_},
                             Input{"output_rows", output_rows_}}) {
    ASSIGN_OR_RETURN(const isthmus_address_t address, executable_->input(input.name));
    if (!input.values.empty())
      RETURN_IF_ERROR(stream_->upload(address, input.values.data(), input.values.size() * sizeof(int32_t)));
  }
  const int64_t symbols[] = {static_cast<int64_t>(tokens_.size()), static_cast<int64_t>(rows.size()),
                             static_cast<int64_t>(output_rows_.size())};
  RETURN_IF_ERROR(executable_->run(symbols, *stream_));
  logits_.resize(output_rows_.size() * static_cast<size_t>(vocabulary_));
  if (!logits_.empty()) {
    ASSIGN_OR_RETURN(const isthmus_address_t address, executable_->output("logits"));
    RETURN_IF_ERROR(stream_->download(logits_.data(), address, logits_.size() * sizeof(float)));
  }
  RETURN_IF_ERROR(stream_->wait());
  for (const Row& row : rows) {
    row.sequence->state.computed = row.begin + row.count;
    states_->publish(row.sequence->state, row.sequence->tokens);
  }
  for (size_t i = 0; i < result.size(); ++i)
    result[i].values =
        std::span(logits_).subspan(i * static_cast<size_t>(vocabulary_), static_cast<size_t>(vocabulary_));
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
  RETURN_IF_ERROR(
      states_->copy_out(s->state, std::span(saved).subspan(sizeof header + token_bytes), *stream_));
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
  ASSIGN_OR_RETURN(SequenceState state,
                   states_->copy_in(static_cast<int64_t>(header.computed),
                                    saved.subspan(sizeof header + token_bytes), *stream_));
  const SequenceId id = next_id_++;
  sequences_[id].state = std::move(state);
  Status status = append(id, tokens);
  if (status.ok()) return id;
  remove(id);
  return status;
}

}  // namespace isthmus
