// SPDX-License-Identifier: Apache-2.0
// Files that lie: each check of the parser once by hand, then every truncation and every flipped bit.
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include "graph/import/gguf/gguf_file.h"
#include "graph/import/gguf/gguf_writer.h"

namespace isthmus {
namespace {

using Bytes = std::vector<std::byte>;

// Writes a file field by field, so that any of them can be wrong.
class Raw {
 public:
  Raw(uint64_t tensors, uint64_t entries, uint32_t version = 3) {
    text("GGUF").number(version).number(tensors).number(entries);
  }
  template <typename T>
  Raw& number(T value) {
    return text({reinterpret_cast<const char*>(&value), sizeof(T)});
  }
  Raw& text(std::string_view text) {
    for (const char c : text) bytes.push_back(static_cast<std::byte>(c));
    return *this;
  }
  Raw& string(std::string_view content) { return number(uint64_t{content.size()}).text(content); }
  Raw& entry(std::string_view key, GgufType type) { return string(key).number(static_cast<uint32_t>(type)); }
  Raw& tensor(std::string_view name, std::vector<uint64_t> dims, uint32_t type, uint64_t offset) {
    string(name).number(static_cast<uint32_t>(dims.size()));
    for (const uint64_t dim : dims) number(dim);
    return number(type).number(offset);
  }
  // Padding to the data section and `size` bytes of data.
  Raw& data(size_t size) {
    bytes.resize((bytes.size() + 31) / 32 * 32 + size);
    return *this;
  }
  Bytes bytes;
};

// The message of the error, which must mention every part.
void expect_error(const Raw& raw, std::vector<std::string> parts) {
  const Result<GgufFile> file = GgufFile::open_memory(raw.bytes, "bad.gguf");
  ASSERT_FALSE(file.ok()) << "accepted, wanted: " << parts[0];
  parts.push_back("bad.gguf: ");
  parts.push_back("at byte ");
  for (const std::string& part : parts)
    EXPECT_NE(file.status().message().find(part), std::string::npos)
        << file.status().message() << "\nlacks " << part;
}

constexpr uint64_t kHuge = std::numeric_limits<uint64_t>::max();

TEST(GgufHostile, Preamble) {
  expect_error(Raw(0, 0, 1), {"at byte 4", "expected 2 or 3, found 1"});
  expect_error(Raw(0, 0, 4), {"expected 2 or 3, found 4"});
  expect_error(Raw(0, 0, 0), {"found 0"});
  expect_error(Raw(0, 0, 0x03000000), {"big-endian"});
  expect_error(Raw(kHuge, 0), {"at byte 8", "number of tensors", "18446744073709551615"});
  expect_error(Raw(0, kHuge), {"at byte 16", "number of metadata entries", "18446744073709551615"});
  expect_error(Raw(0, 1), {"expected at most 0"});
}

TEST(GgufHostile, Metadata) {
  Raw long_key(0, 1);
  expect_error(long_key.number(kHuge).data(64),
               {"at byte 32", "metadata entry 1 of 1", "18446744073709551615 bytes"});
  expect_error(Raw(0, 1).entry("", GgufType::kU32).data(64), {"empty key"});
  expect_error(Raw(0, 1).entry("k", static_cast<GgufType>(13)).data(64),
               {"at byte 33", "metadata key \"k\"", "value type: expected 0 to 12, found 13"});
  expect_error(Raw(0, 1).entry("k", GgufType::kBool).number(uint8_t{2}).data(0), {"bool", "found 2"});
  expect_error(Raw(0, 1).entry("k", GgufType::kString).number(kHuge - 7).data(64), {"a string"});
  Raw twice(0, 2);
  twice.entry("k", GgufType::kU8).number(uint8_t{1}).entry("k", GgufType::kU8).number(uint8_t{1}).data(0);
  expect_error(twice, {"at byte 38", "\"k\" occurs twice"});
  // A name cannot draw on the terminal.
  expect_error(Raw(0, 1).entry("\x1b[2J", static_cast<GgufType>(99)).data(64), {"\\x1b[2J"});
}

TEST(GgufHostile, Arrays) {
  const auto array = [](GgufType element, uint64_t count) {
    Raw raw(0, 1);
    raw.entry("k", GgufType::kArray).number(static_cast<uint32_t>(element)).number(count);
    return raw;
  };
  expect_error(array(static_cast<GgufType>(77), 1).data(64), {"element type", "found 77"});
  expect_error(array(GgufType::kU8, kHuge).data(64), {"length of an array", "18446744073709551615"});
  expect_error(array(GgufType::kF64, (uint64_t{1} << 61) + 1).data(64), {"length of an array"});
  expect_error(array(GgufType::kString, 10).data(64), {"length of an array"});
  expect_error(array(GgufType::kString, 1).number(kHuge).data(64), {"element 0 of 1"});
  expect_error(array(GgufType::kBool, 2).number(uint16_t{0x0300}).data(0), {"at byte 50", "bool", "found 3"});
  Raw deep(0, 1);
  deep.entry("k", GgufType::kArray);
  for (int i = 0; i < 1000; ++i) deep.number(uint32_t{9}).number(uint64_t{1});
  expect_error(deep.data(0), {"nested more than 4 deep"});
}

TEST(GgufHostile, KnownKeys) {
  for (const uint32_t alignment : {0u, 1u, 4u, 24u, 33u, 0xffffffffu})
    expect_error(Raw(0, 1).entry("general.alignment", GgufType::kU32).number(alignment).data(0),
                 {"general.alignment: expected a power of two of at least 8", std::to_string(alignment)});
  expect_error(Raw(0, 1).entry("general.alignment", GgufType::kF32).number(32.0f).data(0), {"found f32 32"});
  expect_error(Raw(0, 1).entry("split.count", GgufType::kI32).number(-1).data(0), {"split into -1 files"});
  // The largest one there is: the data of the tensor would begin far behind the end.
  Raw large(1, 1);
  large.entry("general.alignment", GgufType::kU32).number(0x80000000u).tensor("t", {1}, 0, 0).data(64);
  expect_error(large, {"has 0 bytes of it"});
}

TEST(GgufHostile, Tensors) {
  const uint64_t large = uint64_t{1} << 40;
  expect_error(Raw(1, 0).tensor("", {1}, 0, 0).data(64), {"empty name"});
  expect_error(Raw(1, 0).tensor("t", {1, 1, 1, 1, 1}, 0, 0).data(64), {"number of dimensions", "found 5"});
  expect_error(Raw(1, 0).tensor("t", {4, 0}, 0, 0).data(64), {"dimension", "found 0"});
  expect_error(Raw(1, 0).tensor("t", {kHuge}, 0, 0).data(64), {"dimension", "18446744073709551615"});
  expect_error(Raw(1, 0).tensor("t", {large, large}, 0, 0).data(64), {"product below 2^63"});
  expect_error(Raw(1, 0).tensor("t", {large << 20, 4}, 0, 0).data(64), {"size below 2^63"});
  expect_error(Raw(1, 0).tensor("t", {33}, 2, 0).data(64), {"multiple of 32 for Q4_0, found 33"});
  expect_error(Raw(1, 0).tensor("t", {}, 2, 0).data(64), {"multiple of 32 for Q4_0, found 1"});
  expect_error(Raw(1, 0).tensor("t", {256}, 17, 0).data(256),
               {"tensor \"t\"", "IQ2_XS (17) is not supported", "supported are F32, F16, Q4_0", "MXFP4"});
  expect_error(Raw(1, 0).tensor("t", {256}, 4, 0).data(256), {"tensor type number 4 is not supported"});
  expect_error(Raw(1, 0).tensor("t", {1}, 0, 4).data(64), {"multiple of the alignment 32, found 4"});
  expect_error(Raw(1, 0).tensor("t", {17}, 0, 0).data(64), {"expected 68 bytes at offset 0", "has 64 bytes"});
  expect_error(Raw(1, 0).tensor("t", {1}, 0, 64).data(64), {"expected 4 bytes at offset 64"});
  expect_error(Raw(1, 0).tensor("t", {1}, 0, kHuge - 31).data(64), {"is the file complete?"});
  expect_error(Raw(2, 0).tensor("a", {9}, 0, 0).tensor("b", {1}, 0, 32).data(64),
               {"\"b\" lies inside tensor \"a\""});
  expect_error(Raw(2, 0).tensor("a", {1}, 0, 0).tensor("b", {1}, 0, 0).data(64), {"lies inside"});
  expect_error(Raw(2, 0).tensor("a", {1}, 0, 0).tensor("a", {1}, 0, 32).data(64), {"\"a\" occurs twice"});
  expect_error(Raw(2, 0).tensor("a", {1}, 0, 0), {"number of tensors: expected at most 1"});
}

TEST(GgufHostile, OddButRightFilesAreRead) {
  // Out of order, with a gap, of rank 0, data ending exactly at the end of the file.
  Raw raw(3, 0);
  raw.tensor("last", {8}, 0, 96).tensor("scalar", {}, 0, 32).tensor("first", {8}, 0, 0).data(128);
  const Result<GgufFile> file = GgufFile::open_memory(raw.bytes, "odd.gguf");
  ASSERT_TRUE(file.ok()) << file.status().to_string();
  EXPECT_EQ(file->tensors()[0].name, "last");
  EXPECT_EQ((*file->tensor("scalar"))->rank, 0);
  EXPECT_EQ((*file->tensor("scalar"))->elements, 1);
  // No tensors and no padding; nothing at all.
  EXPECT_TRUE(GgufFile::open_memory(Raw(0, 1).entry("k", GgufType::kU8).number(uint8_t{1}).bytes, "v").ok());
  EXPECT_TRUE(GgufFile::open_memory(Raw(0, 0).bytes, "none").ok());
  EXPECT_FALSE(GgufFile::open_memory({}, "empty").ok());
}

Bytes read_fixture(const std::string& name) {
  std::ifstream file(std::string(ISTHMUS_SOURCE_DIR) + "/tests/gguf/" + name, std::ios::binary);
  const std::string content((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const auto bytes = std::as_bytes(std::span(content.data(), content.size()));
  return Bytes(bytes.begin(), bytes.end());
}

// Reads everything a file offers; the sanitizers judge whether it was there.
uint64_t touch_everything(const GgufFile& file) {
  uint64_t sum = 0;
  for (const GgufEntry& entry : file.metadata()) {
    sum += entry.value.to_short_string().size() + entry.key.size();
    if (const auto text = file.get_string(entry.key); text.ok()) sum += text->size();
    if (const auto texts = file.get_strings(entry.key); texts.ok()) sum += texts->size();
    if (const auto numbers = file.get_f32s(entry.key); numbers.ok()) sum += numbers->size();
    if (const auto number = file.get_u32(entry.key); number.ok()) sum += *number;
  }
  for (const GgufTensor& tensor : file.tensors())
    for (int64_t i = 0; i < tensor.size_bytes; ++i) sum += std::to_integer<uint64_t>(tensor.data[i]);
  return sum;
}

TEST(GgufHostile, EveryTruncationIsRefused) {
  const Bytes whole = read_fixture("every_type.gguf");
  const Result<GgufFile> file = GgufFile::open_memory(whole, "whole");
  ASSERT_TRUE(file.ok()) << file.status().to_string();
  // The padding behind the last tensor carries nothing, so a file may end before it.
  uint64_t needed = 0;
  for (const GgufTensor& tensor : file->tensors())
    needed = std::max(needed, tensor.offset + static_cast<uint64_t>(tensor.size_bytes));
  ASSERT_GT(needed, whole.size() - 32);
  for (size_t size = 0; size < whole.size(); ++size) {
    const Bytes cut(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size));
    const Result<GgufFile> part = GgufFile::open_memory(cut, "cut.gguf");
    ASSERT_EQ(part.ok(), size >= needed) << size;
    if (part.ok()) continue;
    EXPECT_EQ(part.status().code(), Code::kDataLoss) << size;
    EXPECT_NE(part.status().message().find("cut.gguf: "), std::string::npos);
    const char* place = size == 0 ? "the file is empty" : "at byte ";
    EXPECT_NE(part.status().message().find(place), std::string::npos) << part.status().message();
  }
}

TEST(GgufHostile, EveryFlippedBitIsRefusedOrHarmless) {
  for (const char* name : {"every_type.gguf", "aligned.gguf", "nested.gguf", "split.gguf"}) {
    Bytes bytes = read_fixture(name);
    uint64_t refused = 0, read = 0;
    for (size_t i = 0; i < bytes.size() * 8; ++i) {
      const auto bit = static_cast<std::byte>(1 << (i % 8));
      bytes[i / 8] ^= bit;
      const Result<GgufFile> file = GgufFile::open_memory(bytes, name);
      if (file.ok()) {
        touch_everything(*file);
        ++read;
      } else {
        ++refused;
      }
      bytes[i / 8] ^= bit;
    }
    EXPECT_GT(refused, 0u) << name;
    EXPECT_GT(read, 0u) << name;
  }
}

}  // namespace
}  // namespace isthmus
