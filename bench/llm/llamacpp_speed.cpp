// SPDX-License-Identifier: Apache-2.0
// What llama.cpp takes for a model's work, asked for line by line as of `isthmus bench --turns`
// (src/cli/speed_turns.h), through its C API. Built against a llama.cpp build by bench/llm/llamacpp.py.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "llama.h"

namespace {

constexpr const char* kUsage =
    "llamacpp_speed MODEL THREADS CONTEXT\n"
    "  answers lines of standard input with lines of JSON; CONTEXT tokens for each sequence:\n"
    "    flash on|off                   what follows runs so; on at first\n"
    "    prefill TOKENS                 {\"seconds\": …}\n"
    "    decode TOKENS DEPTH SEQUENCES  {\"seconds\": …}\n"
    "llamacpp_speed MODEL THREADS --first-token TEXT\n"
    "  loads the model, reads the text, prints the likeliest next token and ends\n";

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

[[noreturn]] void fail(const std::string& message) {
  std::fprintf(stderr, "llamacpp_speed: %s\n", message.c_str());
  std::exit(1);
}

llama_model* load(const char* path) {
  llama_log_set(
      [](ggml_log_level level, const char* text, void*) {
        if (level == GGML_LOG_LEVEL_ERROR) std::fputs(text, stderr);
      },
      nullptr);
  llama_backend_init();
  llama_model* model = llama_model_load_from_file(path, llama_model_default_params());
  if (!model) fail(std::string("cannot load ") + path);
  return model;
}

// One context: flash attention is chosen when it is made.
class Session {
 public:
  Session(llama_model* model, int threads, int context, int sequences, bool flash) : model_(model) {
    llama_context_params params = llama_context_default_params();
    // Two more sequences than are measured: add_at_depth needs them, and they cost a bit each per cell.
    params.kv_unified = sequences == 1;
    params.n_seq_max = static_cast<uint32_t>(sequences == 1 ? 3 : sequences);
    params.n_ctx = static_cast<uint32_t>(context * sequences);
    params.n_threads = params.n_threads_batch = threads;
    params.flash_attn_type = flash ? LLAMA_FLASH_ATTN_TYPE_ENABLED : LLAMA_FLASH_ATTN_TYPE_DISABLED;
    params.type_k = params.type_v = GGML_TYPE_F16;
    context_ = llama_init_from_model(model, params);
    if (!context_) fail("llama_init_from_model failed");
    batch_ = llama_batch_init(2048, 0, 1);
  }
  ~Session() {
    llama_batch_free(batch_);
    llama_free(context_);
  }
  Session(const Session&) = delete;

  double prefill(int tokens) {
    clear();
    const auto start = Clock::now();
    read(0, 0, tokens);
    return seconds_since(start);
  }

  // One step per token of all sequences.
  double decode(int tokens, int depth, int sequences) {
    if (depth > 0 && sequences > 1) fail("a depth is for one sequence");
    if (depth == 0 || depth != filled_) clear();
    if (depth > 0) fill(depth);
    const auto start = Clock::now();
    for (int i = 0; i < tokens; ++i) {
      batch_.n_tokens = 0;
      for (int s = 0; s < sequences; ++s) add(depth + i, s, true);
      step();
    }
    const double seconds = seconds_since(start);
    if (depth > 0) llama_memory_seq_rm(memory(), 0, depth, -1);
    return seconds;
  }

  int next_token(const std::vector<llama_token>& prompt) {
    batch_.n_tokens = 0;
    for (const llama_token token : prompt)
      add(batch_.n_tokens, 0, batch_.n_tokens + 1 == static_cast<int>(prompt.size()), token);
    step();
    const float* logits = llama_get_logits_ith(context_, -1);
    int best = 0;
    for (int i = 1; i < llama_vocab_n_tokens(vocabulary()); ++i)
      if (logits[i] > logits[best]) best = i;
    return best;
  }

 private:
  void clear() {
    llama_memory_clear(memory(), false);
    filled_ = 0;
  }
  llama_memory_t memory() { return llama_get_memory(context_); }
  const llama_vocab* vocabulary() { return llama_model_get_vocab(model_); }

  void add(int position, int sequence, bool logits, int token = -1) {
    number_ = number_ * 1664525u + 1013904223u;
    const int i = batch_.n_tokens++;
    batch_.token[i] =
        token >= 0 ? token : static_cast<int>((number_ >> 8) % llama_vocab_n_tokens(vocabulary()));
    batch_.pos[i] = position;
    batch_.n_seq_id[i] = 1;
    batch_.seq_id[i][0] = sequence;
    batch_.logits[i] = logits;
  }
  void step() {
    if (llama_decode(context_, batch_) != 0) fail("llama_decode failed");
    llama_synchronize(context_);
  }
  void read(int sequence, int position, int tokens) {
    for (int left = tokens; left > 0;) {
      batch_.n_tokens = 0;
      for (; left > 0 && batch_.n_tokens < 512; --left) add(position++, sequence, left == 1);
      step();
    }
  }

  // Computing a long context takes minutes and speed does not depend on what it holds: the state of 512
  // tokens, moved to where it belongs, over and over. A step not timed then turns the keys to their places.
  void fill(int depth) {
    if (filled_ == depth) return;
    constexpr int kComputed = 512;
    if (depth % kComputed) fail("a depth is a multiple of 512");
    read(1, 0, kComputed);
    std::vector<uint8_t> state(llama_state_seq_get_size(context_, 1));
    state.resize(llama_state_seq_get_data(context_, state.data(), state.size(), 1));
    llama_memory_seq_rm(memory(), 1, -1, -1);
    for (int at = 0; at < depth; at += kComputed) {
      if (!llama_state_seq_set_data(context_, state.data(), state.size(), 2)) fail("a state does not fit");
      if (at > 0) llama_memory_seq_add(memory(), 2, -1, -1, at);
      llama_memory_seq_cp(memory(), 2, 0, -1, -1);
      llama_memory_seq_rm(memory(), 2, -1, -1);
    }
    read(0, depth, 1);
    llama_memory_seq_rm(memory(), 0, depth, -1);
    filled_ = depth;
  }

  llama_model* model_;
  llama_context* context_ = nullptr;
  llama_batch batch_ = {};
  uint32_t number_ = 1;
  int filled_ = 0;  // the depth that the cache holds
};

void first_token(llama_model* model, int threads, const std::string& text) {
  const llama_vocab* vocab = llama_model_get_vocab(model);
  std::vector<llama_token> tokens(text.size() + 8);
  const int count = llama_tokenize(vocab, text.data(), static_cast<int>(text.size()), tokens.data(),
                                   static_cast<int>(tokens.size()), true, true);
  if (count <= 0) fail("llama_tokenize failed");
  tokens.resize(static_cast<size_t>(count));
  Session session(model, threads, 512, 1, true);
  char piece[256];
  const int length =
      llama_token_to_piece(vocab, session.next_token(tokens), piece, sizeof piece, 0, /*special=*/true);
  std::printf("%.*s\n", length, piece);
}

// Makes the session that a line needs, and keeps it for the next.
class Sessions {
 public:
  Sessions(llama_model* model, int threads, int context)
      : model_(model), threads_(threads), context_(context) {}

  std::string answer(const std::string& line) {
    std::istringstream words(line);
    std::string what, word;
    int tokens = 0, depth = 0, sequences = 1;
    words >> what;
    if (what == "flash" && words >> word) {
      flash_ = word == "on";
      return "{}";
    }
    double seconds = 0;
    if (what == "prefill" && words >> tokens && tokens > 0)
      seconds = session(1).prefill(tokens);
    else if (what == "decode" && words >> tokens >> depth >> sequences && tokens > 0 && sequences > 0)
      seconds = session(sequences).decode(tokens, depth, sequences);
    else
      fail("what does '" + line + "' mean?");
    return "{\"seconds\": " + std::to_string(seconds) + "}";
  }

 private:
  Session& session(int sequences) {
    std::unique_ptr<Session>& made = sessions_[{flash_, sequences}];
    if (!made) made = std::make_unique<Session>(model_, threads_, context_, sequences, flash_);
    return *made;
  }
  llama_model* model_;
  int threads_, context_;
  bool flash_ = true;
  std::map<std::pair<bool, int>, std::unique_ptr<Session>> sessions_;
};

}  // namespace

int main(int argc, char** argv) {
  const bool first = argc == 5 && std::string(argv[3]) == "--first-token";
  if (argc != 4 && !first) fail(std::string("expected other arguments\n") + kUsage);
  llama_model* model = load(argv[1]);
  const int threads = std::atoi(argv[2]);
  if (first) {
    first_token(model, threads, argv[4]);
  } else {
    Sessions sessions(model, threads, std::atoi(argv[3]));
    for (std::string line; std::getline(std::cin, line);) std::cout << sessions.answer(line) << std::endl;
  }
  llama_model_free(model);
}
