// SPDX-License-Identifier: Apache-2.0
// Encodes and decodes stored lines with our tokenizer, for compare.py to hold against Hugging Face's.
//   encode_lines SOURCE.json LINES RESULTS
// LINES: per line a 32-bit length and the bytes. RESULTS: per line four fields, each a 32-bit length in bytes
// and that many bytes: ids with special tokens parsed, ids without, and the text of the first with and
// without special tokens. All numbers little-endian.
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "llm/tokenizer/stream_decoder.h"
#include "llm/tokenizer/test_source.h"

namespace {

void put(std::ofstream& out, const void* data, size_t size) {
  const auto length = static_cast<uint32_t>(size);
  out.write(reinterpret_cast<const char*>(&length), sizeof length);
  out.write(static_cast<const char*>(data), static_cast<std::streamsize>(size));
}

std::string streamed(const isthmus::Tokenizer& tokenizer, const std::vector<int32_t>& ids,
                     bool skip_special) {
  isthmus::StreamDecoder decoder(tokenizer, {.skip_special = skip_special});
  std::string text;
  for (const int32_t id : ids) text += decoder.push(id);
  return text + decoder.finish();
}

int run(const char* source_path, const char* lines_path, const char* results_path) {
  std::ifstream source_file(source_path);
  auto tokenizer = isthmus::Tokenizer::create(isthmus::source_from_json(nlohmann::json::parse(source_file)));
  if (!tokenizer.ok()) {
    std::fprintf(stderr, "%s\n", tokenizer.status().to_string().c_str());
    return 1;
  }
  std::ifstream lines(lines_path, std::ios::binary);
  std::ofstream results(results_path, std::ios::binary);
  uint32_t length = 0;
  while (lines.read(reinterpret_cast<char*>(&length), sizeof length)) {
    std::string line(length, '\0');
    lines.read(line.data(), length);
    std::vector<int32_t> parsed;
    for (const bool parse_special : {true, false}) {
      auto ids = (*tokenizer)->encode(line, {.parse_special = parse_special});
      if (!ids.ok()) {
        std::fprintf(stderr, "%s\n", ids.status().to_string().c_str());
        return 1;
      }
      put(results, ids->data(), ids->size() * sizeof(int32_t));
      if (parse_special) parsed = *ids;
    }
    for (const bool skip_special : {false, true}) {
      const std::string text = (*tokenizer)->decode(parsed, {.skip_special = skip_special});
      if (streamed(**tokenizer, parsed, skip_special) != text) {
        std::fprintf(stderr, "the stream of tokens decodes differently from all at once\n");
        return 1;
      }
      put(results, text.data(), text.size());
    }
  }
  return results.good() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: encode_lines SOURCE.json LINES RESULTS\n");
    return 2;
  }
  try {
    return run(argv[1], argv[2], argv[3]);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    return 1;
  }
}
