// SPDX-License-Identifier: Apache-2.0
#include "graph/import/gguf/gguf_writer.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

namespace isthmus {
namespace {

std::string temporary(const char* name) {
  return testing::TempDir() + name + "." + std::to_string(getpid()) + ".gguf";
}

template <typename T>
std::span<const std::byte> bytes_of(const std::vector<T>& values) {
  return std::as_bytes(std::span(values));
}

TEST(GgufWriter, WhatIsWrittenIsRead) {
  const std::string path = temporary("written");
  const std::vector<float> wide(10, 1.5f);
  const std::vector<std::byte> block(34, std::byte{7});
  GgufWriter writer(64);
  writer.add_string("general.architecture", "toy");
  writer.add_u32("u32", 5);
  writer.add_u64("u64", uint64_t{1} << 40);
  writer.add_f32("f32", 0.25f);
  writer.add_bool("bool", true);
  writer.add_i32s("ints", std::vector<int32_t>{1, -1});
  writer.add_f32s("floats", std::vector<float>{0.5f});
  writer.add_strings("strings", std::vector<std::string_view>{"x", ""});
  writer.add_tensor("wide", Dtype::kF32, std::vector<int64_t>{2, 5});
  writer.add_tensor("block", Dtype::kQ8_0, std::vector<int64_t>{1, 32});
  ASSERT_TRUE(writer.create(path).ok());
  // In two pieces, to show that a tensor may come in parts.
  ASSERT_TRUE(writer.append(bytes_of(wide).first(12)).ok());
  ASSERT_TRUE(writer.append(bytes_of(wide).subspan(12)).ok());
  ASSERT_TRUE(writer.append(block).ok());
  ASSERT_TRUE(writer.finish().ok());

  const Result<GgufFile> file = GgufFile::open(path);
  ASSERT_TRUE(file.ok()) << file.status().to_string();
  EXPECT_EQ(file->alignment(), 64u);
  EXPECT_EQ(*file->get_u32("u32"), 5u);
  EXPECT_EQ(*file->get_u64("u64"), uint64_t{1} << 40);
  EXPECT_EQ(*file->get_f32("f32"), 0.25f);
  EXPECT_EQ(*file->get_bool("bool"), true);
  EXPECT_EQ(*file->get_i32s("ints"), (std::vector<int32_t>{1, -1}));
  EXPECT_EQ(*file->get_f32s("floats"), (std::vector<float>{0.5f}));
  EXPECT_EQ(*file->get_strings("strings"), (std::vector<std::string_view>{"x", ""}));
  const GgufTensor& read = **file->tensor("wide");
  EXPECT_EQ(read.dims[0], 2);
  EXPECT_EQ(read.dims[1], 5);
  EXPECT_EQ(std::memcmp(read.data, wide.data(), 40), 0);
  EXPECT_EQ((*file->tensor("block"))->data[33], std::byte{7});
  EXPECT_EQ(file->size_bytes(), writer.header().size() + writer.data_bytes());
  std::filesystem::remove(path);
}

TEST(GgufWriter, CopiedValuesStayTheSame) {
  const Result<GgufFile> source =
      GgufFile::open(std::string(ISTHMUS_SOURCE_DIR) + "/tests/gguf/every_type.gguf");
  ASSERT_TRUE(source.ok());
  GgufWriter writer;
  for (const GgufEntry& entry : source->metadata()) writer.add_value(entry.key, entry.value);
  const std::vector<std::byte> header = writer.header();
  const Result<GgufFile> copy = GgufFile::open_memory(header, "copy");
  ASSERT_TRUE(copy.ok()) << copy.status().to_string();
  ASSERT_EQ(copy->metadata().size(), source->metadata().size());
  for (size_t i = 0; i < source->metadata().size(); ++i) {
    EXPECT_EQ(copy->metadata()[i].key, source->metadata()[i].key);
    EXPECT_EQ(copy->metadata()[i].value.type_name(), source->metadata()[i].value.type_name());
    EXPECT_EQ(copy->metadata()[i].value.to_short_string(), source->metadata()[i].value.to_short_string());
  }
}

TEST(GgufWriter, CountsTheDataItIsGiven) {
  const std::string path = temporary("short");
  GgufWriter writer;
  writer.add_tensor("t", Dtype::kF32, std::vector<int64_t>{4});
  ASSERT_TRUE(writer.create(path).ok());
  const std::vector<std::byte> bytes(17);
  EXPECT_FALSE(writer.append(bytes).ok());
  EXPECT_TRUE(writer.append(std::span(bytes).first(8)).ok());
  EXPECT_FALSE(writer.finish().ok());
  EXPECT_TRUE(writer.append(std::span(bytes).first(8)).ok());
  EXPECT_TRUE(writer.finish().ok());
  EXPECT_FALSE(writer.create("/nonexistent/folder/x.gguf").ok());
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace isthmus
