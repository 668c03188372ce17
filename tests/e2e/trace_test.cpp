// SPDX-License-Identifier: Apache-2.0
// The same bits everywhere: digests of every family and weight format, against those stored in digests.json,
// on every instruction set here, any number of threads and any chunking. Other processors run this test with
// the same file.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "program.h"

namespace isthmus::e2e {
namespace {

const std::string kStored = "tests/e2e/digests.json";

std::string last_line(const std::string& text) {
  const size_t end = text.find_last_not_of('\n');
  const size_t begin = text.find_last_of('\n', end);
  return text.substr(begin == std::string::npos ? 0 : begin + 1, end - begin);
}

std::string digest(const std::string& model, std::vector<std::string> more, const std::string& isa = "") {
  std::vector<std::string> arguments = {"trace",          model, "--exact", "--digest", "--no-fallback",
                                        "--packed-cache", "off"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const Outcome outcome = run(
      Call{arguments, "", isa.empty() ? std::vector<std::string>{} : std::vector{"ISTHMUS_CPU_ISA=" + isa}});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  return last_line(outcome.out);
}

// The stored digest of a name; what was computed for a name that is missing is in the failure's message.
std::string stored(const std::string& name) {
  return nlohmann::json::parse(read_file(source_path(kStored))).value(name, "none stored");
}

std::vector<std::string> instruction_sets() {
  std::vector<std::string> list = {"generic"};
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx2")) list.push_back("avx2");
  if (__builtin_cpu_supports("avx512vnni")) list.push_back("avx512");
#endif
  return list;
}

class Families : public testing::TestWithParam<const char*> {};

TEST_P(Families, DigestIsTheStoredOne) {
  const std::string name = GetParam(), model = model_path(name), expected = stored(name);
  for (const std::string& isa : instruction_sets())
    for (const char* threads : {"1", "2"})
      EXPECT_EQ(digest(model, {"--threads", threads}, isa), expected) << name << " " << isa << " " << threads;
  for (const char* chunk : {"1", "3", "16"})
    EXPECT_EQ(digest(model, {"--chunk", chunk}), expected) << name << " in chunks of " << chunk;
}

INSTANTIATE_TEST_SUITE_P(All, Families,
                         testing::Values("llama", "llama-tied", "qwen2", "qwen2-tied", "qwen2-yarn", "qwen3",
                                         "smollm3"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

class Formats : public testing::TestWithParam<const char*> {};

TEST_P(Formats, DigestIsTheStoredOne) {
  const std::string format = GetParam(), model = write_file(format + ".gguf", ""), expected = stored(format);
  const std::string command = ISTHMUS_EMULATOR " " ISTHMUS_MAKE_RANDOM_MODEL " --shape tiny-qwen3 --dtype " +
                              format + " --tokenizer-from " + model_path("qwen3") + " --out " + model +
                              " >/dev/null";
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
  for (const std::string& isa : instruction_sets())
    EXPECT_EQ(digest(model, {}, isa), expected) << format << " " << isa;
}

INSTANTIATE_TEST_SUITE_P(All, Formats,
                         testing::Values("F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K",
                                         "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "MXFP4"));

// The portable kernels, over shared memory and over buffers.
TEST_P(Families, DigestOnOpenClIsTheStoredOne) {
  const std::string name = GetParam();
  if (run({"devices", "--json"}).out.find("\"opencl:0\"") == std::string::npos)
    GTEST_SKIP() << "no OpenCL device here";
  for (const char* svm : {"ISTHMUS_OPENCL_SVM=0", "ISTHMUS_OPENCL_SVM=1"}) {
    const Outcome outcome =
        run(Call{{"trace", model_path(name), "--device", "opencl", "--no-fallback"}, "", {svm}});
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_EQ(last_line(outcome.out), stored(name)) << name << " " << svm;
  }
}

// One model over two chips.
TEST_P(Families, DigestOfASplitIsTheStoredOne) {
  const std::string name = GetParam(), expected = stored(name);
  EXPECT_EQ(digest(model_path(name), {"--device", "cpu,cpu"}), expected);
  EXPECT_EQ(digest(model_path(name), {"--device", "cpu,cpu", "--chunk", "3"}), expected);
  if (run({"devices", "--json"}).out.find("\"opencl:0\"") == std::string::npos)
    GTEST_SKIP() << "no OpenCL device here";
  for (const char* devices : {"cpu,opencl:0", "opencl:0,cpu"})
    EXPECT_EQ(digest(model_path(name), {"--device", devices}), expected) << devices;
}

TEST(Trace, AnotherPromptHasAnotherDigest) {
  const std::string model = model_path("qwen3");
  EXPECT_NE(digest(model, {}), digest(model, {"--prompt", "Something else."}));
  EXPECT_EQ(digest(model, {}).size(), 64u);
}

}  // namespace
}  // namespace isthmus::e2e
