// SPDX-License-Identifier: Apache-2.0
#include "llm/engine.h"

#include <algorithm>
#include <cstring>

namespace isthmus {
namespace {

constexpr int64_t kDefaultContext = 8192;

int64_t blocks_for(int64_t tokens) { return (tokens + kCacheBlock - 1) / kCacheBlock; }

double mib(uint64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

}  // namespace

Result<std::unique_ptr<Engine>> Engine::create(std::shared_ptr<const Model> model,
                                               std::shared_ptr<Platform> platform,
                                               const EngineOptions& options) {
  std::unique_ptr<Engine> engine(new Engine);
  Engine& e = *engine;
  e.model_ = std::move(model);
  e.platform_ = std::move(platform);
  e.prefix_reuse_ = options.prefix_reuse;
  const int64_t largest = e.model_->config().context;
  e.context_ = options.context > 0 ? options.context : std::min(largest, kDefaultContext);
  if (e.context_ > largest)
    return error(Code::kOutOfRange, "a context of {} tokens is more than the {} the model was made for",
                 e.context_, largest);
  if (options.max_sequences < 1 || options.chunk_tokens < 1)
    return invalid_argument("max_sequences and chunk_tokens must be at least 1");
  StepLimits& limits = e.limits_;
  limits.max_tokens = std::max(options.chunk_tokens, options.max_sequences);
  limits.max_sequences = options.max_sequences;
  limits.max_output_rows = options.output_rows > 0 ? options.output_rows : options.max_sequences;
  limits.max_blocks = blocks_for(e.context_);
  limits.cache_blocks =
      options.cache_tokens > 0 ? blocks_for(options.cache_tokens) : limits.max_blocks * options.max_sequences;
  limits.cache_dtype = options.cache_dtype;
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
  e.weights_ = std::make_shared<WeightStore>(e.device_, options.packed_cache);
  RETURN_IF_ERROR(e.compile(options));
  e.pool_ = std::make_unique<BlockPool>(limits.cache_blocks);
  return engine;
}

Engine::~Engine() {
  if (stream_) (void)stream_->wait();  // States must outlive the work on them.
}

Status Engine::compile(const EngineOptions& options) {
  ModelBuilder builder(model_->shared_file(), limits_);
  RETURN_IF_ERROR(model_->family().build(builder));
  ASSIGN_OR_RETURN(Graph graph, builder.finish());
  vocabulary_ = builder.vocabulary();
  if (static_cast<int64_t>(model_->tokenizer().size()) > vocabulary_)
    return data_loss("{}: the tokenizer has {} tokens, the embedding {}", model_->file().path(),
                     model_->tokenizer().size(), vocabulary_);
  CompileOptions compile_options;
  compile_options.policy = options.policy;
  ASSIGN_OR_RETURN(executable_, Executable::compile(std::move(graph), device_, weights_, compile_options));
  for (const StateDeclaration& declaration : builder.states()) {
    int64_t elements = 1;
    for (int64_t dim : declaration.dims) elements *= dim;
    State state;
    state.declaration = declaration;
    state.block_bytes = static_cast<uint64_t>(dtype_bytes(declaration.dtype, elements));
    const int64_t count =
        declaration.kind == StateDeclaration::kPaged ? limits_.cache_blocks : limits_.max_sequences;
    ASSIGN_OR_RETURN(state.buffer, device_->allocate(state.block_bytes * static_cast<uint64_t>(count)));
    RETURN_IF_ERROR(executable_->bind_state(declaration.name, state.buffer.address()));
    states_.push_back(std::move(state));
  }
  return ok();
}

uint64_t Engine::state_bytes() const {
  uint64_t bytes = 0;
  for (const State& state : states_) bytes += state.buffer.bytes();
  return bytes;
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
  reuse_prefix(sequences_[id]);
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
  s->computed = std::min(s->computed, length);
  release_from(*s, s->computed);
  return ok();
}

Result<SequenceId> Engine::fork(SequenceId id) {
  ASSIGN_OR_RETURN(const Sequence* s, find(id));
  const SequenceId copy = next_id_++;
  sequences_[copy] = *s;
  for (int32_t block : s->blocks) pool_->retain(block);
  return copy;
}

void Engine::remove(SequenceId id) {
  auto found = sequences_.find(id);
  if (found == sequences_.end()) return;
  release_from(found->second, 0);
  sequences_.erase(found);
}

std::span<const int32_t> Engine::tokens(SequenceId id) const {
  auto found = sequences_.find(id);
  return found == sequences_.end() ? std::span<const int32_t>() : found->second.tokens;
}

int64_t Engine::computed(SequenceId id) const {
  auto found = sequences_.find(id);
  return found == sequences_.end() ? 0 : found->second.computed;
}

// Gives back the blocks that hold nothing of the first `length` tokens. Published ones are kept by the pool.
void Engine::release_from(Sequence& s, int64_t length) {
  const size_t keep = static_cast<size_t>(blocks_for(length));
  for (size_t b = keep; b < s.blocks.size(); ++b) pool_->release(s.blocks[b]);
  if (keep < s.blocks.size()) s.blocks.resize(keep);
  s.keys.resize(std::min(s.keys.size(), static_cast<size_t>(length / kCacheBlock)));
}

void Engine::reuse_prefix(Sequence& s) {
  if (!prefix_reuse_) return;
  // The last token is always computed: its logits are wanted.
  const int64_t whole = (static_cast<int64_t>(s.tokens.size()) - 1) / kCacheBlock;
  for (int64_t b = 0; b < whole; ++b) {
    const std::span<const int32_t> tokens =
        std::span(s.tokens).subspan(static_cast<size_t>(b * kCacheBlock), kCacheBlock);
    uint64_t key = 0;
    const int32_t block = pool_->find(s.keys.empty() ? 0 : s.keys.back(), tokens, &key);
    if (block < 0) return;
    s.blocks.push_back(block);
    s.keys.push_back(key);
    s.computed += kCacheBlock;
    reused_tokens_ += kCacheBlock;
  }
}

void Engine::publish(Sequence& s) {
  if (!prefix_reuse_) return;
  while (static_cast<int64_t>(s.keys.size() + 1) * kCacheBlock <= s.computed) {
    const size_t b = s.keys.size();
    s.keys.push_back(pool_->publish(s.blocks[b], b ? s.keys.back() : 0,
                                    std::span(s.tokens).subspan(b * kCacheBlock, kCacheBlock)));
  }
}

// Makes every block of positions [begin, end) this sequence's own: new ones taken, shared ones copied.
Status Engine::make_writable(Sequence& s, int64_t begin, int64_t end) {
  for (int64_t b = begin / kCacheBlock; b < blocks_for(end); ++b) {
    if (b == static_cast<int64_t>(s.blocks.size())) {
      ASSIGN_OR_RETURN(const int32_t block, pool_->take());
      s.blocks.push_back(block);
      continue;
    }
    const int32_t old = s.blocks[static_cast<size_t>(b)];
    if (!pool_->shared(old)) {
      pool_->unpublish(old);
      continue;
    }
    ASSIGN_OR_RETURN(const int32_t block, pool_->take());
    for (const State& state : states_)
      if (state.declaration.kind == StateDeclaration::kPaged)
        RETURN_IF_ERROR(stream_->copy(
            state.buffer.address() + static_cast<uint64_t>(block) * state.block_bytes,
            state.buffer.address() + static_cast<uint64_t>(old) * state.block_bytes, state.block_bytes));
    pool_->release(old);
    s.blocks[static_cast<size_t>(b)] = block;
  }
  return ok();
}

// -- steps --

Result<std::vector<Engine::Logits>> Engine::step() {
  std::vector<Row> rows;
  int64_t room = limits_.max_tokens;
  // Sequences that lack one token first: nobody's reply waits for somebody else's prompt.
  for (const bool single : {true, false}) {
    for (auto& [id, s] : sequences_) {
      const int64_t lacking = static_cast<int64_t>(s.tokens.size()) - s.computed;
      if (lacking <= 0 || (lacking == 1) != single || room == 0 ||
          static_cast<int64_t>(rows.size()) == std::min(limits_.max_sequences, limits_.max_output_rows))
        continue;
      const int64_t count = std::min(lacking, room);
      rows.push_back({&s, id, s.computed, count, false});
      room -= count;
    }
  }
  return run(rows);
}

Result<std::vector<Engine::Logits>> Engine::step_all_logits(SequenceId id) {
  ASSIGN_OR_RETURN(Sequence * s, find(id));
  const int64_t lacking = static_cast<int64_t>(s->tokens.size()) - s->computed;
  const int64_t count = std::min({lacking, limits_.max_tokens, limits_.max_output_rows});
  if (count <= 0) return std::vector<Logits>();
  const Row row = {s, id, s->computed, count, true};
  return run(std::span(&row, 1));
}

Result<std::vector<Engine::Logits>> Engine::run(std::span<const Row> rows) {
  std::vector<Logits> result;
  if (rows.empty()) return result;
  for (auto* list : {&tokens_, &positions_, &slots_, &rows_sequence_, &output_rows_}) list->clear();
  block_table_.assign(rows.size() * static_cast<size_t>(limits_.max_blocks), 0);
  for (size_t r = 0; r < rows.size(); ++r) {
    const Row& row = rows[r];
    Sequence& s = *row.sequence;
    RETURN_IF_ERROR(make_writable(s, row.begin, row.begin + row.count));
    std::copy(s.blocks.begin(), s.blocks.end(),
              block_table_.begin() + static_cast<int64_t>(r) * limits_.max_blocks);
    for (int64_t p = row.begin; p < row.begin + row.count; ++p) {
      const bool wanted = row.all_logits || p + 1 == static_cast<int64_t>(s.tokens.size());
      if (wanted) {
        result.push_back({row.id, p, {}});
        output_rows_.push_back(static_cast<int32_t>(tokens_.size()));
      }
      tokens_.push_back(s.tokens[static_cast<size_t>(p)]);
      positions_.push_back(static_cast<int32_t>(p));
      slots_.push_back(static_cast<int32_t>(s.blocks[static_cast<size_t>(p / kCacheBlock)] * kCacheBlock +
                                            p % kCacheBlock));
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
    row.sequence->computed = row.begin + row.count;
    publish(*row.sequence);
  }
  for (size_t i = 0; i < result.size(); ++i)
    result[i].values =
        std::span(logits_).subspan(i * static_cast<size_t>(vocabulary_), static_cast<size_t>(vocabulary_));
  return result;
}

// -- saving --

namespace {
struct SavedHeader {
  char magic[16] = "isthmus state 1";
  uint64_t computed = 0, states = 0, bytes_per_block = 0;
};
}  // namespace

Result<std::vector<std::byte>> Engine::save(SequenceId id) {
  ASSIGN_OR_RETURN(const Sequence* s, find(id));
  SavedHeader header;
  header.computed = static_cast<uint64_t>(s->computed);
  header.states = states_.size();
  for (const State& state : states_) header.bytes_per_block += state.block_bytes;
  const size_t blocks = static_cast<size_t>(blocks_for(s->computed));
  const size_t token_bytes = static_cast<size_t>(s->computed) * sizeof(int32_t);
  std::vector<std::byte> saved(sizeof header + token_bytes + blocks * header.bytes_per_block);
  std::memcpy(saved.data(), &header, sizeof header);
  std::memcpy(saved.data() + sizeof header, s->tokens.data(), token_bytes);
  std::byte* at = saved.data() + sizeof header + token_bytes;
  for (size_t b = 0; b < blocks; ++b) {
    for (const State& state : states_) {
      RETURN_IF_ERROR(stream_->download(
          at, state.buffer.address() + static_cast<uint64_t>(s->blocks[b]) * state.block_bytes,
          state.block_bytes));
      at += state.block_bytes;
    }
  }
  RETURN_IF_ERROR(stream_->wait());
  return saved;
}

Result<SequenceId> Engine::restore(std::span<const std::byte> saved) {
  SavedHeader header, expected;
  for (const State& state : states_) expected.bytes_per_block += state.block_bytes;
  if (saved.size() < sizeof header) return data_loss("a saved state of {} bytes is cut short", saved.size());
  std::memcpy(&header, saved.data(), sizeof header);
  if (std::memcmp(header.magic, expected.magic, sizeof header.magic) != 0 ||
      header.states != states_.size() || header.bytes_per_block != expected.bytes_per_block)
    return invalid_argument("the saved state is not of this model and cache dtype");
  if (header.computed > static_cast<uint64_t>(context_))
    return error(Code::kOutOfRange, "the saved state has {} tokens, the context {}", header.computed,
                 context_);
  const auto computed = static_cast<int64_t>(header.computed);
  const size_t token_bytes = header.computed * sizeof(int32_t);
  const uint64_t bytes =
      sizeof header + token_bytes + static_cast<uint64_t>(blocks_for(computed)) * header.bytes_per_block;
  if (saved.size() != bytes) return data_loss("a saved state of {} bytes, expected {}", saved.size(), bytes);
  std::vector<int32_t> tokens(header.computed);
  std::memcpy(tokens.data(), saved.data() + sizeof header, token_bytes);
  const SequenceId id = next_id_++;
  Sequence& s = sequences_[id];
  Status status = append(id, tokens);
  if (status.ok()) status = make_writable(s, 0, computed);
  const std::byte* at = saved.data() + sizeof header + token_bytes;
  for (size_t b = 0; status.ok() && b < s.blocks.size(); ++b) {
    for (const State& state : states_) {
      if (status.ok())
        status =
            stream_->upload(state.buffer.address() + static_cast<uint64_t>(s.blocks[b]) * state.block_bytes,
                            at, state.block_bytes);
      at += state.block_bytes;
    }
  }
  if (status.ok()) status = stream_->wait();
  if (!status.ok()) {
    remove(id);
    return status;
  }
  s.computed = computed;
  return id;
}

}  // namespace isthmus
