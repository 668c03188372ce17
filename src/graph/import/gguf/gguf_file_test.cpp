// SPDX-License-Identifier: Apache-2.0
// Reading files made by the PyPI package gguf (tests/gguf/make_fixtures.py), and typed access.
#include "graph/import/gguf/gguf_file.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "base/block_formats.h"

namespace isthmus {
namespace {

std::string fixture(const std::string& name) {
  return std::string(ISTHMUS_SOURCE_DIR) + "/tests/gguf/" + name;
}

GgufFile open_fixture(const std::string& name) {
  Result<GgufFile> file = GgufFile::open(fixture(name));
  EXPECT_TRUE(file.ok()) << file.status().to_string();
  return std::move(file).value();
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

class EveryType : public testing::TestWithParam<const char*> {};

TEST_P(EveryType, ScalarsAndArrays) {
  const GgufFile file = open_fixture(GetParam());
  EXPECT_EQ(*file.get_string("general.architecture"), "toy");
  EXPECT_EQ(*file.get_u32("u8"), 200u);
  EXPECT_EQ(*file.get_i32("i8"), -100);
  EXPECT_EQ(*file.get_u32("u16"), 60000u);
  EXPECT_EQ(*file.get_i32("i16"), -30000);
  EXPECT_EQ(*file.get_u32("u32"), 4000000000u);
  EXPECT_EQ(*file.get_i32("i32"), -2000000000);
  EXPECT_EQ(*file.get_f32("f32"), 0.1f);
  EXPECT_EQ(*file.get_u64("u64"), (uint64_t{1} << 63) + 5);
  EXPECT_EQ(*file.get_i64("i64"), -(int64_t{1} << 62));
  EXPECT_EQ(*file.get<double>("f64"), 0.1);
  EXPECT_EQ(*file.get_f32("f64"), 0.1f);
  EXPECT_EQ(*file.get_bool("yes"), true);
  EXPECT_EQ(*file.get_bool("no"), false);
  EXPECT_EQ(*file.get_string("text"), "Grüße, 世界\n");
  EXPECT_EQ(*file.get_strings("strings"), (std::vector<std::string_view>{"a", "", "ccc"}));
  EXPECT_EQ(*file.get_i32s("ints"), (std::vector<int32_t>{1, -2, 3}));
  EXPECT_EQ(*file.get_f32s("floats"), (std::vector<float>{0.5f, -1.5f}));
  EXPECT_EQ(*file.get<std::vector<bool>>("bools"), (std::vector<bool>{true, false, true}));
  EXPECT_EQ(*file.get_u32s("bytes"), (std::vector<uint32_t>{0, 255, 7}));
}

TEST_P(EveryType, TensorsInFileOrderAndRowMajor) {
  const GgufFile file = open_fixture(GetParam());
  ASSERT_EQ(file.tensors().size(), 5u);
  const GgufTensor& vector = file.tensors()[0];
  EXPECT_EQ(vector.name, "vector");
  EXPECT_EQ(vector.rank, 1);
  EXPECT_EQ(vector.size_bytes, 12);
  float three[3];
  std::memcpy(three, vector.data, sizeof(three));
  EXPECT_EQ(three[2], 2.0f);

  const GgufTensor& cube = **file.tensor("cube.f16");
  EXPECT_EQ(cube.dtype, Dtype::kF16);
  EXPECT_EQ(std::vector<int64_t>(cube.shape().begin(), cube.shape().end()), (std::vector<int64_t>{2, 3, 4}));
  EXPECT_EQ(cube.elements, 24);

  // The same rows plain and quantised, element by element in row-major order.
  const GgufTensor& matrix = **file.tensor("matrix");
  const GgufTensor& quantized = **file.tensor("quantized.q8_0");
  EXPECT_EQ(quantized.dtype, Dtype::kQ8_0);
  EXPECT_EQ(std::vector<int64_t>(quantized.shape().begin(), quantized.shape().end()),
            (std::vector<int64_t>{2, 32}));
  EXPECT_EQ(quantized.size_bytes, 68);
  float plain[64], dequantized[64];
  std::memcpy(plain, matrix.data, sizeof(plain));
  dequantize(quantized.dtype, quantized.data, dequantized, 64);
  for (int i = 0; i < 64; ++i) {
    EXPECT_EQ(plain[i], static_cast<float>(i) / 8 - 3);
    EXPECT_NEAR(dequantized[i], plain[i], 0.03);
  }
  for (const GgufTensor& tensor : file.tensors()) {
    EXPECT_EQ(tensor.offset % 32, 0u);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.data) % 32, 0u);
  }
  EXPECT_EQ((*file.tensor("ids"))->dtype, Dtype::kI32);
}

INSTANTIATE_TEST_SUITE_P(Versions, EveryType, testing::Values("every_type.gguf", "version2.gguf"));

TEST(GgufFile, VersionAlignmentAndMove) {
  EXPECT_EQ(open_fixture("version2.gguf").version(), 2u);
  GgufFile file = open_fixture("aligned.gguf");
  EXPECT_EQ(file.version(), 3u);
  EXPECT_EQ(file.alignment(), 64u);
  EXPECT_EQ(file.tensors()[1].offset % 64, 0u);
  const GgufFile moved = std::move(file);
  float two[2];
  std::memcpy(two, (*moved.tensor("two"))->data, sizeof(two));
  EXPECT_EQ(two[1], 2.0f);
  EXPECT_EQ(*moved.get_string("general.architecture"), "toy");
  EXPECT_TRUE(moved.check_unchanged_size().ok());
}

TEST(GgufFile, WrongTypeNamesKeyExpectedAndFound) {
  const GgufFile file = open_fixture("every_type.gguf");
  const Status status = file.get_u32("text").status();
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  for (const char* part : {"every_type.gguf", "\"text\"", "expected u32", "found string \"Grüße, 世界\\n\""})
    EXPECT_TRUE(contains(status.message(), part)) << status.message();
  // Numbers that do not fit, fractions for integers, integers for fractions, scalars for arrays.
  EXPECT_TRUE(contains(file.get_u32("i8").status().message(), "expected u32, found i8 -100"));
  EXPECT_TRUE(contains(file.get_i64("u64").status().message(), "found u64 9223372036854775813"));
  EXPECT_FALSE(file.get_u32("f32").ok());
  EXPECT_FALSE(file.get_f32("u32").ok());
  EXPECT_FALSE(file.get_bool("u8").ok());
  EXPECT_FALSE(file.get_u32("yes").ok());
  EXPECT_FALSE(file.get_string("strings").ok());
  EXPECT_TRUE(contains(file.get_strings("u8").status().message(), "expected array of string, found u8 200"));
  EXPECT_TRUE(contains(file.get_u32s("ints").status().message(),
                       "expected array of u32, found array of i32 [1, -2, 3]"));
}

TEST(GgufFile, AbsentKeysAndTensors) {
  const GgufFile file = open_fixture("every_type.gguf");
  const Status status = file.get_u32("toy.block_count").status();
  EXPECT_EQ(status.code(), Code::kNotFound);
  EXPECT_TRUE(contains(status.message(), "every_type.gguf: metadata key \"toy.block_count\" is missing"));
  EXPECT_EQ(*file.get_or<uint32_t>("toy.block_count", 7), 7u);
  EXPECT_EQ(*file.get_or<uint32_t>("u8", 7), 200u);
  EXPECT_FALSE(file.get_or<uint32_t>("text", 7).ok());
  EXPECT_EQ(file.find("toy.block_count"), nullptr);
  EXPECT_EQ(file.find_tensor("output"), nullptr);
  EXPECT_EQ(file.tensor("output").status().code(), Code::kNotFound);
}

TEST(GgufFile, MetadataInFileOrderPrintsShortly) {
  const GgufFile file = open_fixture("every_type.gguf");
  EXPECT_EQ(file.metadata()[0].key, "general.architecture");
  EXPECT_EQ(file.metadata()[1].key, "u8");
  const auto shown = [&](const char* key) { return file.find(key)->value.to_short_string(); };
  EXPECT_EQ(shown("u8"), "200");
  EXPECT_EQ(shown("f32"), "0.1");
  EXPECT_EQ(shown("yes"), "true");
  EXPECT_EQ(shown("strings"), "[\"a\", \"\", \"ccc\"]");
  EXPECT_EQ(shown("bools"), "[true, false, true]");
  EXPECT_EQ(file.find("ints")->value.to_short_string(5), "[1, … 3 in all]");
  EXPECT_EQ(file.find("ints")->value.type_name(), "array of i32");
}

TEST(GgufFile, NestedArraysAreShownNotRead) {
  const GgufFile file = open_fixture("nested.gguf");
  EXPECT_EQ(file.find("nested")->value.to_short_string(), "[2 arrays]");
  EXPECT_FALSE(file.get_i32s("nested").ok());
}

TEST(GgufFile, RefusesBigEndianAndSplitFiles) {
  const Status big = GgufFile::open(fixture("big_endian.gguf")).status();
  EXPECT_EQ(big.code(), Code::kUnimplemented);
  EXPECT_TRUE(contains(big.message(), "big-endian")) << big.message();
  const Status split = GgufFile::open(fixture("split.gguf")).status();
  EXPECT_EQ(split.code(), Code::kUnimplemented);
  EXPECT_TRUE(contains(split.message(), "split into 2 files")) << split.message();
}

TEST(GgufFile, NotAGgufFile) {
  const Status status = GgufFile::open(fixture("make_fixtures.py")).status();
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_TRUE(contains(status.message(), "make_fixtures.py: not a GGUF file: at byte 0")) << status.message();
  EXPECT_EQ(GgufFile::open(fixture("absent.gguf")).status().code(), Code::kNotFound);
}

TEST(QuoteGgufText, EscapesAndCuts) {
  EXPECT_EQ(quote_gguf_text("a\"b\\\x1b[2J\x7f"), "\"a\\\"b\\\\\\x1b[2J\\x7f\"");
  EXPECT_EQ(quote_gguf_text("世\xff\xe4\xb8"), "\"世\\xff\\xe4\\xb8\"");
  EXPECT_EQ(quote_gguf_text("\xc2\x9b"), "\"\\xc2\\x9b\"");  // a control character of the terminal
  EXPECT_EQ(quote_gguf_text("\xed\xa0\x80"), "\"\\xed\\xa0\\x80\"");
  EXPECT_EQ(quote_gguf_text(std::string(100, 'x'), 5), "\"xxxxx…\" (100 bytes)");
}

}  // namespace
}  // namespace isthmus
