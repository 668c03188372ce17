// SPDX-License-Identifier: Apache-2.0
#include "ops/samples.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

#include "base/block_formats.h"
#include "ops/reference.h"
#include "ops/registry.h"

namespace isthmus {
namespace {

constexpr int64_t kGuardBytes = 64;
constexpr unsigned char kPattern = 0xa5;

// A number for every (key, counter): the finaliser of splitmix64 over their mix.
uint64_t random_bits(uint64_t key, uint64_t counter) {
  uint64_t x = key * 0x9e3779b97f4a7c15u + counter * 0xd1342543de82ef95u + 0x2545f4914f6cdd1du;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

// In (0, 1], with 24 random bits.
double uniform(uint64_t key, uint64_t counter) {
  return (static_cast<double>(random_bits(key, counter) >> 40) + 1) * 0x1p-24;
}

// Nearly a normal distribution: twelve uniform numbers less six. No function of the C library, whose last
// bits differ from machine to machine: cases are the same everywhere.
double normal(uint64_t key, uint64_t counter) {
  uint64_t sum = 0;
  for (uint64_t i = 0; i < 6; ++i) {
    const uint64_t bits = random_bits(key, 6 * counter + i);
    sum += (bits >> 32) + (bits & 0xffffffff);
  }
  return (static_cast<double>(sum) - 6 * 0x1p32) * 0x1p-32;
}

constexpr double kInfinity = std::numeric_limits<double>::infinity();
const double kAwkwardNumbers[] = {0.0,
                                  -0.0,
                                  kInfinity,
                                  -kInfinity,
                                  std::numeric_limits<double>::quiet_NaN(),
                                  1,
                                  -1,
                                  0.5,
                                  -0.5,
                                  1.5,
                                  2.5,
                                  -2.5,
                                  1e-40,
                                  -1e-40,
                                  0x1p-149,
                                  0x1p-126,
                                  -0x1p-126,
                                  0x1p-24,
                                  3.4e38,
                                  -3.4e38,
                                  65504,
                                  -65519,
                                  1e-3,
                                  87,
                                  -87,
                                  89,
                                  -104,
                                  1e10,
                                  -1e10,
                                  2147483647,
                                  -2147483648.0,
                                  4294967295.0,
                                  9.3e18,
                                  -9.3e18,
                                  127.5,
                                  -128.5,
                                  255.9,
                                  65535.5,
                                  0.49999997,
                                  8388607.5,
                                  16777215,
                                  16777217,
                                  std::numbers::pi,
                                  1e5};

double draw(const SampleOperand& operand, Dtype dtype, uint64_t key, uint64_t i, int64_t width) {
  const uint64_t choice = random_bits(~key, i);
  switch (operand.fill) {
    case Fill::kNormal:
      if (dtype == Dtype::kBool) return static_cast<double>(choice & 1);
      if (is_float(dtype)) return normal(key, i);
      return std::trunc(normal(key, i) * 5) + (dtype_info(dtype).kind == DtypeKind::kUnsigned ? 5 : 0);
    case Fill::kAwkward:
      if (!is_float(dtype)) break;
      if (choice % 2 == 0) return kAwkwardNumbers[choice / 2 % std::size(kAwkwardNumbers)];
      return std::ldexp(normal(key, i), static_cast<int>(choice / 2 % 40) - 20);
    case Fill::kIndex: return static_cast<double>(operand.limit > 0 ? choice % operand.limit : 0);
    case Fill::kPositive: return uniform(key, i);
    case Fill::kZero: return 0;
    case Fill::kWeight: return normal(key, i) / std::sqrt(static_cast<double>(std::max<int64_t>(1, width)));
  }
  return 0;
}

// Integers that meet every boundary; half of them small.
int64_t awkward_integer(uint64_t key, uint64_t i) {
  const uint64_t bits = random_bits(key, i), choice = random_bits(~key, i);
  if (choice % 4 == 0) return static_cast<int64_t>(bits % 9) - 4;
  if (choice % 4 == 1) return static_cast<int64_t>((uint64_t{1} << (bits % 64)) - bits / 64 % 3);
  if (choice % 4 == 2) return static_cast<int64_t>(bits);
  return static_cast<int64_t>(bits >> (choice / 4 % 64));
}

void store(const Tensor& t, int64_t at, double value) {
  reference::visit(t.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using V = reference::Computed<T>;
    if constexpr (std::is_same_v<T, reference::Bool>)
      reference::put(t.as<T>()[at], value != 0);
    else if constexpr (std::is_integral_v<V>)
      t.as<T>()[at] = value < 0 ? static_cast<V>(static_cast<int64_t>(value))
                                : static_cast<V>(static_cast<uint64_t>(value));
    else
      reference::put(t.as<T>()[at], static_cast<V>(value));
  });
}

}  // namespace

SampleOperand sample_operand(Dtype dtype, std::vector<int64_t> dims, Fill fill, int64_t limit,
                             std::vector<int64_t> order) {
  SampleOperand operand;
  operand.dtype = dtype;
  operand.dims = std::move(dims);
  operand.fill = fill;
  operand.limit = limit;
  operand.order = std::move(order);
  return operand;
}

SampleOperand sample_indices(Dtype dtype, std::vector<int64_t> dims, int64_t limit) {
  return sample_operand(dtype, std::move(dims), Fill::kIndex, limit);
}

SampleOperand sample_values(Dtype dtype, std::vector<int64_t> dims, std::vector<double> values) {
  SampleOperand operand = sample_operand(dtype, std::move(dims));
  operand.values = std::move(values);
  return operand;
}

SampleOperand sample_absent() { return sample_operand(Dtype::kInvalid, {}); }

HostTensor::HostTensor(Dtype dtype, const std::vector<int64_t>& dims, const std::vector<int64_t>& order)
    : order_(order) {
  tensor_.dtype = dtype;
  tensor_.rank = static_cast<int>(dims.size());
  std::copy(dims.begin(), dims.end(), tensor_.dims);
  if (dtype == Dtype::kInvalid) return;
  int64_t step = 1;
  for (int i = tensor_.rank - 1; i >= 0; --i) {
    const int64_t axis = order.empty() ? i : order[i];
    tensor_.strides[axis] = step;
    step *= dims[axis];
  }
  bytes_ = dtype_bytes(dtype, step);
  memory_.assign(static_cast<size_t>(bytes_ + 3 * kGuardBytes), kPattern);
  const auto address = reinterpret_cast<uintptr_t>(memory_.data()) + kGuardBytes;
  tensor_.data = reinterpret_cast<void*>((address + 63) / 64 * 64);
}

bool HostTensor::guards_intact() const {
  const unsigned char* begin = memory_.data();
  const unsigned char* end = begin + memory_.size();
  const auto intact = [](unsigned char byte) { return byte == kPattern; };
  return std::all_of(begin, std::min(data(), end), intact) &&
         (memory_.empty() || std::all_of(data() + bytes_, end, intact));
}

HostTensor HostTensor::clone() const {
  HostTensor copy(tensor_.dtype, {tensor_.dims, tensor_.dims + tensor_.rank}, order_);
  if (bytes_ > 0) std::memcpy(copy.tensor_.data, tensor_.data, static_cast<size_t>(bytes_));
  return copy;
}

void fill_sample(const SampleOperand& operand, uint64_t key, HostTensor& host) {
  const Tensor& t = host.tensor();
  if (!t.present()) return;
  const int64_t width = t.rank > 0 ? t.dims[t.rank - 1] : 1;
  if (is_block(t.dtype)) {
    std::vector<float> values(static_cast<size_t>(t.elements()));
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = i < operand.values.size() ? static_cast<float>(operand.values[i])
                                            : static_cast<float>(draw(operand, Dtype::kF32, key, i, width));
    quantize(t.dtype, values.data(), t.data, t.elements());
    return;
  }
  uint64_t i = 0;
  reference::for_each_index(t.dims, t.rank, [&](const int64_t* index) {
    const int64_t at = t.offset(index);
    if (i < operand.values.size())
      store(t, at, operand.values[i]);
    else if (operand.fill == Fill::kAwkward && !is_float(t.dtype))
      reference::store_i64(t, at, awkward_integer(key, i) & (t.dtype == Dtype::kBool ? 1 : -1));
    else
      store(t, at, draw(operand, t.dtype, key, i, width));
    ++i;
  });
}

std::string SampleCase::describe(const OpDef& def) const {
  std::string text = def.name + "(";
  for (size_t i = 0; i < input_types.size(); ++i) {
    const TensorType& type = input_types[i];
    text += i ? ", " : "";
    text += type.present() ? fmt::format("{}{}{}", dtype_name(type.dtype), shape_to_string(type.shape),
                                         is_contiguous(inputs[i].tensor()) ? "" : " strided")
                           : "absent";
  }
  for (const auto& [name, value] : attributes.values()) {
    text += fmt::format("; {}=", name);
    if (const auto* n = std::get_if<int64_t>(&value)) text += fmt::format("{}", *n);
    if (const auto* f = std::get_if<double>(&value)) text += fmt::format("{}", *f);
    if (const auto* s = std::get_if<std::string>(&value)) text += *s;
    if (const auto* l = std::get_if<std::vector<int64_t>>(&value))
      text += fmt::format("[{}]", fmt::join(*l, ","));
    if (const auto* l = std::get_if<std::vector<double>>(&value))
      text += fmt::format("[{}]", fmt::join(*l, ","));
  }
  return text + ")";
}

std::vector<HostTensor> SampleCase::make_outputs() const {
  std::vector<HostTensor> outputs;
  for (const TensorType& type : output_types) {
    std::vector<int64_t> dims;
    for (const Dim& dim : type.shape) dims.push_back(dim.offset);
    outputs.emplace_back(type.dtype, dims);
  }
  return outputs;
}

Result<SampleCase> make_case(const OpDef& def, const Sample& sample, uint64_t key) {
  SampleCase out;
  ASSIGN_OR_RETURN(out.attributes, def.complete(sample.attributes));
  std::vector<SampleOperand> operands = sample.inputs;
  if (operands.size() < def.inputs.size()) operands.resize(def.inputs.size());
  for (size_t i = 0; i < operands.size(); ++i) {
    const SampleOperand& operand = operands[i];
    out.inputs.emplace_back(operand.dtype, operand.dims, operand.order);
    fill_sample(operand, key * 64 + i, out.inputs.back());
    out.constant.push_back(operand.fill == Fill::kWeight);
    out.input_types.push_back({operand.dtype, Shape(operand.dims.begin(), operand.dims.end())});
  }
  ASSIGN_OR_RETURN(out.output_types, def.infer_types(out.input_types, out.attributes));
  for (const TensorType& type : out.output_types)
    for (const Dim& dim : type.shape)
      if (!dim.fixed() || dim.offset < 0)
        return invalid_argument("output {} of a sample", shape_to_string(type.shape));
  return out;
}

namespace {

Result<std::vector<HostTensor>> run(const OpDef& def, const Attributes& attributes,
                                    const std::vector<HostTensor*>& inputs, std::vector<HostTensor> outputs) {
  std::vector<Tensor> in, result;
  for (const HostTensor* input : inputs) in.push_back(input->tensor());
  for (const HostTensor& output : outputs) result.push_back(output.tensor());
  RETURN_IF_ERROR(def.reference(ReferenceCall{in, result, attributes}), "reference of {}", def.name);
  return outputs;
}

bool is_state(const OpDef& def, size_t input) {
  return !def.inputs.empty() && def.inputs[std::min(input, def.inputs.size() - 1)].state;
}

// Runs every operator as it is emitted.
class ReferenceEmitter : public Emitter {
 public:
  std::vector<std::unique_ptr<HostTensor>> values;
  std::vector<TensorType> types;

  EmitValue add(HostTensor tensor, TensorType type) {
    values.push_back(std::make_unique<HostTensor>(std::move(tensor)));
    types.push_back(std::move(type));
    return static_cast<EmitValue>(values.size() - 1);
  }
  const TensorType& type(EmitValue value) const override {
    static const TensorType absent;
    return value < 0 ? absent : types[value];
  }
  Result<std::vector<EmitValue>> emit(std::string_view op, std::vector<EmitValue> inputs,
                                      Attributes given) override {
    ASSIGN_OR_RETURN(const OpDef* def, require_op(op));
    ASSIGN_OR_RETURN(const Attributes attributes, def->complete(given));
    SampleCase step;
    std::vector<HostTensor*> operands;
    HostTensor absent(Dtype::kInvalid, {});
    for (EmitValue input : inputs) step.input_types.push_back(type(input));
    if (step.input_types.size() < def->inputs.size()) step.input_types.resize(def->inputs.size());
    for (size_t i = 0; i < step.input_types.size(); ++i)
      operands.push_back(i < inputs.size() && inputs[i] >= 0 ? values[inputs[i]].get() : &absent);
    ASSIGN_OR_RETURN(step.output_types, def->infer_types(step.input_types, attributes));
    ASSIGN_OR_RETURN(std::vector<HostTensor> outputs, run(*def, attributes, operands, step.make_outputs()));
    std::vector<EmitValue> result;
    for (size_t i = 0; i < outputs.size(); ++i)
      result.push_back(add(std::move(outputs[i]), step.output_types[i]));
    return result;
  }
};

}  // namespace

Result<std::vector<HostTensor>> SampleCase::run_reference(const OpDef& def) const {
  std::vector<HostTensor> copies;
  for (const HostTensor& input : inputs) copies.push_back(input.clone());
  std::vector<HostTensor*> operands;
  for (HostTensor& copy : copies) operands.push_back(&copy);
  ASSIGN_OR_RETURN(std::vector<HostTensor> results, run(def, attributes, operands, make_outputs()));
  for (size_t i = 0; i < copies.size(); ++i)
    if (is_state(def, i) && copies[i].tensor().present()) results.push_back(std::move(copies[i]));
  return results;
}

Result<std::vector<HostTensor>> run_decomposed(const OpDef& def, const SampleCase& sample) {
  ReferenceEmitter emitter;
  std::vector<EmitValue> inputs;
  for (size_t i = 0; i < sample.inputs.size(); ++i)
    inputs.push_back(
        sample.input_types[i].present() ? emitter.add(sample.inputs[i].clone(), sample.input_types[i]) : -1);
  ASSIGN_OR_RETURN(const std::vector<EmitValue> outputs, def.decompose(emitter, inputs, sample.attributes));
  std::vector<HostTensor> results;
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i] < 0 || emitter.type(outputs[i]) != sample.output_types[i])
      return error(Code::kInternal, "output {} of the decomposition is {}{}, not {}{}", i,
                   dtype_name(emitter.type(outputs[i]).dtype),
                   shape_to_string(emitter.type(outputs[i]).shape), dtype_name(sample.output_types[i].dtype),
                   shape_to_string(sample.output_types[i].shape));
    results.push_back(emitter.values[outputs[i]]->clone());
  }
  for (size_t i = 0; i < inputs.size(); ++i)
    if (is_state(def, i) && inputs[i] >= 0) results.push_back(emitter.values[inputs[i]]->clone());
  return results;
}

std::string compare_bits(const Tensor& expected, const Tensor& actual) {
  if (expected.dtype != actual.dtype || expected.rank != actual.rank) return "another type";
  if (!expected.present()) return "";
  if (is_block(expected.dtype)) {
    const auto bytes = static_cast<size_t>(dtype_bytes(expected.dtype, expected.elements()));
    return std::memcmp(expected.data, actual.data, bytes) == 0 ? "" : "blocks differ";
  }
  std::string text;
  int64_t differing = 0;
  const int64_t size = dtype_info(expected.dtype).block_bytes;
  reference::for_each_index(expected.dims, expected.rank, [&](const int64_t* index) {
    const int64_t e = expected.offset(index), a = actual.offset(index);
    if (std::memcmp(expected.as<char>() + e * size, actual.as<char>() + a * size,
                    static_cast<size_t>(size)) == 0)
      return;
    const double want = reference::load_f64(expected, e), got = reference::load_f64(actual, a);
    if (want != want && got != got) return;
    if (differing++ == 0) {
      std::string place;
      for (int i = 0; i < expected.rank; ++i) place += fmt::format("{}{}", i ? "," : "", index[i]);
      text = fmt::format("[{}]: expected {:.9g} ({:a}), found {:.9g} ({:a})", place, want, want, got, got);
    }
  });
  if (differing > 1) text += fmt::format(" and {} more of {}", differing - 1, expected.elements());
  return text;
}

}  // namespace isthmus
