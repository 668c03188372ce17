// SPDX-License-Identifier: Apache-2.0
// References of norms, softmax, rope, gated activations, attention and windows against float64 results of
// PyTorch and Transformers, stored by make_fixture.py. Kernels have the references' bits, which other tests
// check.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>

#include "base/half.h"
#include "ops/registry.h"
#include "ops/samples.h"

namespace isthmus {
namespace {

struct Stored {
  Dtype dtype;
  std::vector<int64_t> dims;
  std::vector<unsigned char> bytes;

  int64_t elements() const {
    int64_t n = 1;
    for (const int64_t d : dims) n *= d;
    return n;
  }
  template <typename T>
  const T* as() const {
    return reinterpret_cast<const T*>(bytes.data());
  }
};
struct Case {
  std::string op;
  std::map<std::string, std::string> attributes;
  std::map<std::string, Stored> tensors;
};

std::vector<Case> read_fixture() {
  std::ifstream file(ISTHMUS_SOURCE_DIR "/tests/ops_oracle/fixture.bin", std::ios::binary);
  std::vector<Case> cases;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string kind, name, word;
    words >> kind >> name;
    if (kind == "case") {
      cases.push_back({name, {}, {}});
      while (words >> word)
        cases.back().attributes[word.substr(0, word.find('='))] = word.substr(word.find('=') + 1);
    } else {
      words >> word;
      for (char& c : word) c = static_cast<char>(std::toupper(c));
      Stored stored{dtype_from_name(word).value(), {}, {}};
      for (int64_t d; words >> d;) stored.dims.push_back(d);
      stored.bytes.resize(static_cast<size_t>(dtype_bytes(stored.dtype, stored.elements())));
      file.read(reinterpret_cast<char*>(stored.bytes.data()),
                static_cast<std::streamsize>(stored.bytes.size()));
      cases.back().tensors[name] = std::move(stored);
    }
  }
  return cases;
}

HostTensor host(const Stored& stored) {
  HostTensor t(stored.dtype, stored.dims);
  std::memcpy(t.tensor().data, stored.bytes.data(), stored.bytes.size());
  return t;
}
HostTensor indices(const std::vector<int32_t>& values, std::vector<int64_t> dims) {
  HostTensor t(Dtype::kI32, dims);
  std::memcpy(t.tensor().data, values.data(), values.size() * sizeof(int32_t));
  return t;
}

template <typename T>
std::vector<T> list_of(const std::string& text) {
  std::vector<T> list;
  std::istringstream numbers(text);
  for (std::string number; std::getline(numbers, number, ',');)
    list.push_back(static_cast<T>(std::stod(number)));
  return list;
}

Attributes attributes_of(const OpDef& def, const Case& c) {
  Attributes given;
  for (const AttributeDef& a : def.attributes) {
    const auto found = c.attributes.find(a.name);
    if (found == c.attributes.end()) continue;
    if (std::holds_alternative<int64_t>(a.default_value))
      given.set(a.name, static_cast<int64_t>(std::stoll(found->second)));
    else if (std::holds_alternative<double>(a.default_value))
      given.set(a.name, std::stod(found->second));
    else if (std::holds_alternative<std::vector<int64_t>>(a.default_value))
      given.set(a.name, list_of<int64_t>(found->second));
    else if (std::holds_alternative<std::vector<double>>(a.default_value))
      given.set(a.name, list_of<double>(found->second));
    else
      given.set(a.name, found->second);
  }
  return def.complete(given).value();
}

void run(const OpDef& def, const std::vector<HostTensor>& inputs, const Attributes& attributes,
         const Stored& expected, double tolerance, const std::string& what) {
  std::vector<Tensor> in;
  for (const HostTensor& t : inputs) in.push_back(t.tensor());
  HostTensor y(Dtype::kF32, expected.dims);
  const Tensor out = y.tensor();
  ASSERT_TRUE(def.reference({in, {&out, 1}, attributes}).ok()) << what;
  double largest = 0, error = 0;
  for (int64_t i = 0; i < expected.elements(); ++i) {
    largest = std::max(largest, std::fabs(static_cast<double>(expected.as<float>()[i])));
    const double difference = std::fabs(static_cast<double>(out.as<float>()[i]) - expected.as<float>()[i]);
    error = difference <= error ? error : difference;  // NaN stays
  }
  EXPECT_GT(largest, 0) << what;
  EXPECT_LE(error, tolerance * largest) << what;
}

// Stores keys or values of one sequence after the other in its blocks through cache_write.
HostTensor cache_of(const Stored& x, const std::vector<int32_t>& slots, int64_t blocks, bool keys) {
  const int64_t heads = x.dims[1], d = x.dims[2];
  HostTensor cache(x.dtype, keys ? std::vector<int64_t>{blocks, heads, d, 64}
                                 : std::vector<int64_t>{blocks, heads, 64, d});
  // What is not written must not be read: NaN.
  std::memset(cache.tensor().data, 0xff, static_cast<size_t>(cache.bytes()));
  const HostTensor values = host(x), where = indices(slots, {static_cast<int64_t>(slots.size())});
  const Tensor in[] = {values.tensor(), where.tensor(), cache.tensor(), {}};
  const OpDef& def = *find_op("cache_write");
  const Attributes layout =
      def.complete({{"layout", std::string(keys ? "dims_major" : "positions_major")}}).value();
  EXPECT_TRUE(def.reference({in, {}, layout}).ok());
  return cache;
}

void check_attention(const Case& c, const std::string& what) {
  const OpDef& def = *find_op("attention");
  const Stored &lengths = c.tensors.at("lengths"), &tokens = c.tensors.at("tokens");
  const int32_t sequences = static_cast<int32_t>(lengths.elements());
  constexpr int32_t kMaxBlocks = 3;
  std::vector<int32_t> table, slots, sequence, positions;
  for (int32_t s = 0; s < sequences; ++s) {
    for (int32_t b = 0; b < kMaxBlocks; ++b) table.push_back(b * sequences + (sequences - 1 - s));
    const int32_t length = lengths.as<int32_t>()[s], queries = tokens.as<int32_t>()[s];
    for (int32_t i = 0; i < length; ++i)
      slots.push_back(table[static_cast<size_t>(s * kMaxBlocks + i / 64)] * 64 + i % 64);
    for (int32_t i = length - queries; i < length; ++i) sequence.push_back(s), positions.push_back(i);
  }
  const int64_t rows = static_cast<int64_t>(positions.size()), blocks = sequences * kMaxBlocks;
  std::vector<HostTensor> inputs;
  inputs.push_back(host(c.tensors.at("q")));
  inputs.push_back(cache_of(c.tensors.at("k"), slots, blocks, true));
  inputs.push_back(cache_of(c.tensors.at("v"), slots, blocks, false));
  inputs.push_back(indices(table, {sequences, kMaxBlocks}));
  inputs.push_back(indices(sequence, {rows}));
  inputs.push_back(indices(positions, {rows}));
  const bool causal = c.attributes.at("causal") == "1";
  inputs.push_back(causal ? HostTensor(Dtype::kInvalid, {}) : host(lengths));
  inputs.push_back(c.tensors.count("sinks") ? host(c.tensors.at("sinks")) : HostTensor(Dtype::kInvalid, {}));
  for (int i = 0; i < 2; ++i) inputs.push_back(HostTensor(Dtype::kInvalid, {}));  // scales
  // Capped scores went through an F32 softmax over there.
  const double tolerance = c.attributes.at("soft_cap") == "0.0" ? 1e-6 : 2e-6;
  run(def, inputs, attributes_of(def, c), c.tensors.at("expected"), tolerance, what);
}

TEST(OpsOracle, ReferencesAgreeWithPyTorchAndTransformers) {
  const std::vector<Case> cases = read_fixture();
  ASSERT_EQ(cases.size(), 46u);
  for (const Case& c : cases) {
    std::string what = c.op;
    for (const auto& [name, value] : c.attributes) what += " " + name + "=" + value;
    const OpDef* def = find_op(c.op);
    ASSERT_NE(def, nullptr) << what;
    if (c.op == "attention") {
      check_attention(c, what);
      continue;
    }
    std::vector<HostTensor> inputs;
    for (const Port& port : def->inputs) {
      const auto found = c.tensors.find(port.name);
      inputs.push_back(found == c.tensors.end() ? HostTensor(Dtype::kInvalid, {}) : host(found->second));
    }
    // Coordinates of resize are F32 numbers: a last bit of them weighs.
    run(*def, inputs, attributes_of(*def, c), c.tensors.at("expected"), c.op == "resize" ? 2e-6 : 1e-6, what);
  }
}

}  // namespace
}  // namespace isthmus
