// SPDX-License-Identifier: Apache-2.0
// Prints what llama.cpp computes: teacher-forced logits of texts or token lists, through its C API.
// Built against a llama.cpp build by bench/llm/llamacpp.py; no part of Isthmus links to it.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "llama.h"

namespace {

constexpr const char* kUsage =
    "llamacpp_logits MODEL OUT_FOLDER [options] FILE...\n"
    "For each FILE writes OUT_FOLDER/STEM.tokens (ids as text) and OUT_FOLDER/STEM.logits (F32 "
    "little-endian, one row\n"
    "of the vocabulary's size for each token).\n"
    "  --ids            the files hold token ids, not text\n"
    "  --cache F        f16 (llama.cpp's default) or f32: type of the key-value cache\n"
    "  --flash on|off   flash attention (off)\n"
    "  --no-repack      leave weights in the file's layout\n"
    "  --threads N      (1)\n"
    "llamacpp_logits --system-info prints what llama.cpp was built for and found.\n";

struct Options {
  std::string model, out;
  std::vector<std::string> files;
  bool ids = false, flash = false, repack = true, f32_cache = false;
  int threads = 1;
};

[[noreturn]] void fail(const std::string& message) {
  std::fprintf(stderr, "llamacpp_logits: %s\n", message.c_str());
  std::exit(1);
}

Options parse(int argc, char** argv) {
  Options options;
  std::vector<std::string> words(argv + 1, argv + argc), plain;
  for (size_t i = 0; i < words.size(); ++i) {
    auto value = [&]() -> std::string {
      if (i + 1 == words.size()) fail(words[i] + " needs a value");
      return words[++i];
    };
    if (words[i] == "--ids")
      options.ids = true;
    else if (words[i] == "--no-repack")
      options.repack = false;
    else if (words[i] == "--cache")
      options.f32_cache = value() == "f32";
    else if (words[i] == "--flash")
      options.flash = value() == "on";
    else if (words[i] == "--threads")
      options.threads = std::stoi(value());
    else if (words[i].rfind("--", 0) == 0)
      fail("unknown option " + words[i] + "\n" + kUsage);
    else
      plain.push_back(words[i]);
  }
  if (plain.size() < 3) fail(std::string("too few arguments\n") + kUsage);
  options.model = plain[0];
  options.out = plain[1];
  options.files.assign(plain.begin() + 2, plain.end());
  return options;
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) fail("cannot read " + path);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<llama_token> tokens_of(const Options& options, const llama_vocab* vocab,
                                   const std::string& text) {
  std::vector<llama_token> tokens;
  if (options.ids) {
    std::istringstream in(text);
    for (int id; in >> id;) tokens.push_back(id);
    return tokens;
  }
  tokens.resize(text.size() + 8);
  const int count =
      llama_tokenize(vocab, text.data(), static_cast<int>(text.size()), tokens.data(),
                     static_cast<int>(tokens.size()), /*add_special=*/true, /*parse_special=*/true);
  if (count < 0) fail("llama_tokenize failed");
  tokens.resize(count);
  return tokens;
}

void write_logits(const Options& options, llama_model* model, const std::string& path) {
  const llama_vocab* vocab = llama_model_get_vocab(model);
  const int columns = llama_vocab_n_tokens(vocab);
  std::vector<llama_token> tokens = tokens_of(options, vocab, read_file(path));
  if (tokens.empty()) fail("no tokens in " + path);

  llama_context_params params = llama_context_default_params();
  params.n_ctx = params.n_batch = params.n_ubatch = static_cast<uint32_t>(tokens.size());
  params.n_threads = params.n_threads_batch = options.threads;
  params.flash_attn_type = options.flash ? LLAMA_FLASH_ATTN_TYPE_ENABLED : LLAMA_FLASH_ATTN_TYPE_DISABLED;
  params.type_k = params.type_v = options.f32_cache ? GGML_TYPE_F32 : GGML_TYPE_F16;
  llama_context* context = llama_init_from_model(model, params);
  if (!context) fail("llama_init_from_model failed");

  llama_batch batch = llama_batch_init(static_cast<int>(tokens.size()), 0, 1);
  batch.n_tokens = static_cast<int>(tokens.size());
  for (int i = 0; i < batch.n_tokens; ++i) {
    batch.token[i] = tokens[i];
    batch.pos[i] = i;
    batch.n_seq_id[i] = 1;
    batch.seq_id[i][0] = 0;
    batch.logits[i] = 1;
  }
  if (llama_decode(context, batch) != 0) fail("llama_decode failed on " + path);

  const std::string base = options.out + "/" + std::filesystem::path(path).stem().string();
  std::ofstream ids(base + ".tokens"), logits(base + ".logits", std::ios::binary);
  for (int i = 0; i < batch.n_tokens; ++i) {
    ids << tokens[i] << '\n';
    logits.write(reinterpret_cast<const char*>(llama_get_logits_ith(context, i)), columns * sizeof(float));
  }
  if (!ids.flush() || !logits.flush()) fail("cannot write " + base);
  llama_batch_free(batch);
  llama_free(context);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string(argv[1]) == "--system-info") return std::puts(llama_print_system_info()) < 0;
  const Options options = parse(argc, argv);
  llama_log_set(
      [](ggml_log_level level, const char* text, void*) {
        if (level == GGML_LOG_LEVEL_ERROR) std::fputs(text, stderr);
      },
      nullptr);
  llama_backend_init();
  llama_model_params params = llama_model_default_params();
  params.use_extra_bufts = options.repack;
  llama_model* model = llama_model_load_from_file(options.model.c_str(), params);
  if (!model) fail("cannot load " + options.model);
  std::filesystem::create_directories(options.out);
  for (const std::string& file : options.files) write_logits(options, model, file);
  llama_model_free(model);
}
