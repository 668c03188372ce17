// SPDX-License-Identifier: Apache-2.0
// The printable alphabet of byte-level vocabularies: printable Latin-1 stands for itself, every other byte is
// shifted to U+0100 and up in order.
#include "llm/tokenizer/byte_alphabet.h"

#include <array>
#include <cstdint>

#include "llm/tokenizer/utf8.h"

namespace isthmus {
namespace {

constexpr uint32_t kFirstShifted = 0x100;
constexpr uint32_t kAlphabetEnd = kFirstShifted + 68;

constexpr bool stands_for_itself(uint32_t byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

constexpr std::array<uint16_t, 256> kCodePointOfByte = [] {
  std::array<uint16_t, 256> table{};
  uint32_t next = kFirstShifted;
  for (uint32_t byte = 0; byte < 256; ++byte)
    table[byte] = static_cast<uint16_t>(stands_for_itself(byte) ? byte : next++);
  return table;
}();

constexpr std::array<int16_t, kAlphabetEnd> kByteOfCodePoint = [] {
  std::array<int16_t, kAlphabetEnd> table{};
  for (auto& entry : table) entry = -1;
  for (uint32_t byte = 0; byte < 256; ++byte) table[kCodePointOfByte[byte]] = static_cast<int16_t>(byte);
  return table;
}();

}  // namespace

std::optional<std::string> bytes_from_alphabet(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  while (!text.empty()) {
    const Utf8Step step = utf8_step(text);
    if (!step.valid || step.code_point >= kAlphabetEnd) return std::nullopt;
    const int16_t byte = kByteOfCodePoint[step.code_point];
    if (byte < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(byte));
    text.remove_prefix(step.length);
  }
  return bytes;
}

std::string bytes_to_alphabet(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  for (const char c : bytes) append_utf8(kCodePointOfByte[static_cast<uint8_t>(c)], text);
  return text;
}

}  // namespace isthmus
