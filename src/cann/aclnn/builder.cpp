// SPDX-License-Identifier: Apache-2.0
// Builder: arguments, operators and constants. Views are in views.cpp, finish() in lowering.cpp.
#include "cann/aclnn/builder.h"

#include <algorithm>
#include <cmath>

#include "base/half.h"
#include "ops/registry.h"

namespace isthmus::cann {
namespace {

bool is_written(Kind kind) {
  return kind == Kind::kOut || kind == Kind::kInOut || kind == Kind::kOutList || kind == Kind::kInOutList;
}

TensorType type_of(const Value& value) {
  TensorType type;
  type.dtype = value.dtype;
  for (int i = 0; i < value.rank; ++i) type.shape.push_back(value.dims[i]);
  return type;
}

// Appends one number in a dtype; floats are rounded to nearest, integers keep their low bits.
void append_number(std::vector<uint8_t>& out, Dtype dtype, double f, int64_t i) {
  const auto put = [&](auto value) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(&value);
    out.insert(out.end(), bytes, bytes + sizeof value);
  };
  switch (dtype) {
    case Dtype::kF32: return put(static_cast<float>(f));
    case Dtype::kF16: return put(f32_to_f16(static_cast<float>(f)));
    case Dtype::kBF16: return put(f32_to_bf16(static_cast<float>(f)));
    case Dtype::kF64: return put(f);
    case Dtype::kI8:
    case Dtype::kU8: return put(static_cast<uint8_t>(i));
    case Dtype::kI16:
    case Dtype::kU16: return put(static_cast<uint16_t>(i));
    case Dtype::kI32:
    case Dtype::kU32: return put(static_cast<uint32_t>(i));
    case Dtype::kI64:
    case Dtype::kU64: return put(i);
    case Dtype::kBool: return put(static_cast<uint8_t>(f != 0 || i != 0));
    default: break;
  }
}

}  // namespace

std::string dims_to_string(std::span<const int64_t> dims) {
  return fmt::format("[{}]", fmt::join(dims, ", "));
}

std::string to_string(const Value& value) {
  if (!value.present()) return "absent";
  std::string text =
      fmt::format("{} {}", dtype_name(value.dtype), dims_to_string({value.dims, size_t(value.rank)}));
  if (!value.dense()) text += " strides " + dims_to_string({value.strides, size_t(value.rank)});
  return text;
}

Builder::Builder(const Operator& op, DevicePtr device, const CallKey& key, std::vector<BoundArg> arguments)
    : op_(op), device_(std::move(device)), key_(key), arguments_(std::move(arguments)) {
  for (uint32_t i = 0; i < key_.tensors.size(); ++i) bases_.push_back({Place::kArgument, i, 0, 0});
}

const BoundArg* Builder::find(std::string_view parameter) const {
  for (const BoundArg& arg : arguments_)
    if (parameter == arg.parameter.name) return &arg;
  for (const BoundArg& arg : arguments_) {
    const std::string_view name = arg.parameter.name;
    if (name.ends_with("Ref") && name.substr(0, name.size() - 3) == parameter) return &arg;
  }
  return nullptr;
}

const BoundArg* Builder::need(std::string_view parameter) {
  const BoundArg* arg = find(parameter);
  if (!arg) fail(error(Code::kInternal, "the table has no parameter '{}'", parameter));
  return status_.ok() ? arg : nullptr;
}

bool Builder::declares(std::string_view parameter) const { return find(parameter) != nullptr; }

bool Builder::has(std::string_view parameter) const {
  const BoundArg* arg = find(parameter);
  return arg && arg->present;
}

Value Builder::slot_value(uint32_t slot) {
  const std::shared_ptr<TensorObject>& t = key_.tensors[slot];
  Value value;
  if (!t) return value;
  value.base = static_cast<int>(slot);
  value.dtype = data_type(t->type).dtype;
  value.rank = t->rank;
  std::copy_n(t->dims, kMaxRank, value.dims);
  std::copy_n(t->strides, kMaxRank, value.strides);
  return value;
}

Value Builder::optional(std::string_view parameter) {
  const BoundArg* arg = need(parameter);
  if (!arg || !arg->present) return {};
  if (arg->slot_count != 1) {
    fail(error(Code::kInternal, "'{}' is no tensor", parameter));
    return {};
  }
  const Value value = slot_value(arg->first_slot);
  if (!value.present())
    fail(unimplemented("'{}' is of {}, which this operator does not take", parameter,
                       data_type_name(key_.tensors[arg->first_slot]->type)));
  return value;
}

Value Builder::tensor(std::string_view parameter) {
  const Value value = optional(parameter);
  if (!value.present()) fail(invalid_argument("'{}' is null", parameter));
  return value;
}

std::vector<Value> Builder::tensor_list(std::string_view parameter) {
  const BoundArg* arg = need(parameter);
  std::vector<Value> values;
  if (!arg) return values;
  for (uint32_t i = 0; i < arg->slot_count; ++i) {
    values.push_back(slot_value(arg->first_slot + i));
    if (!values.back().present())
      fail(unimplemented("tensor {} of '{}' is of a data type that this operator does not take", i,
                         parameter));
  }
  return values;
}

Value Builder::output(std::string_view parameter) {
  if (find(parameter)) return optional(parameter);
  const BoundArg* only = nullptr;
  for (const BoundArg& arg : arguments_) {
    if (!is_written(arg.parameter.kind)) continue;
    if (only) {
      need(parameter);
      return {};
    }
    only = &arg;
  }
  return only ? optional(only->parameter.name) : optional(parameter);
}

std::vector<Value> Builder::output_list(std::string_view parameter) { return tensor_list(parameter); }

Scalar Builder::scalar(std::string_view parameter) {
  const BoundArg* arg = need(parameter);
  if (!arg) return {};
  if (arg->parameter.kind == Kind::kInteger) return Scalar::of(arg->integer);
  if (arg->parameter.kind == Kind::kNumber) return Scalar::of(arg->number);
  return arg->scalars.empty() ? Scalar{} : arg->scalars[0];
}

std::vector<Scalar> Builder::scalar_list(std::string_view parameter) {
  const BoundArg* arg = need(parameter);
  return arg ? arg->scalars : std::vector<Scalar>{};
}

std::vector<int64_t> Builder::ints(std::string_view parameter) {
  const BoundArg* arg = need(parameter);
  return arg ? arg->ints : std::vector<int64_t>{};
}

std::vector<double> Builder::floats(std::string_view parameter) {
  const BoundArg* arg = need(parameter);
  return arg ? arg->floats : std::vector<double>{};
}

int64_t Builder::integer(std::string_view parameter) {
  const BoundArg* arg = need(parameter);
  if (!arg) return 0;
  return arg->scalars.empty() ? arg->integer : arg->scalars[0].i;
}

double Builder::number(std::string_view parameter) {
  const BoundArg* arg = need(parameter);
  if (!arg) return 0;
  if (!arg->scalars.empty()) return arg->scalars[0].f;
  return arg->parameter.kind == Kind::kInteger ? static_cast<double>(arg->integer) : arg->number;
}

std::string Builder::text(std::string_view parameter) {
  const BoundArg* arg = need(parameter);
  return arg ? arg->text : "";
}

Dtype Builder::dtype(std::string_view parameter) {
  const int64_t number = integer(parameter);
  const DataType& type = data_type(static_cast<int>(number));
  if (type.dtype == Dtype::kInvalid && status_.ok())
    fail(unimplemented("'{}' is {}, which this operator does not give", parameter,
                       data_type_name(static_cast<int>(number))));
  return type.dtype;
}

bool Builder::is_int4(std::string_view parameter) {
  const BoundArg* arg = need(parameter);
  return arg && arg->present && arg->slot_count == 1 && key_.tensors[arg->first_slot]->bits == 4;
}

Value Builder::int4_bytes(std::string_view parameter) {
  const BoundArg* arg = need(parameter);
  if (!arg) return {};
  Value value = slot_value(arg->first_slot);
  value.dtype = Dtype::kU8;
  int packed = -1;
  for (int i = value.rank - 1; i >= 0 && packed < 0; --i)
    if (value.strides[i] == 1 && value.dims[i] > 1) packed = i;
  if (!require(packed >= 0 && value.dims[packed] % 2 == 0,
               "'{}' is INT4 {}: one dimension must have stride 1 and an even length", parameter,
               dims_to_string({value.dims, size_t(value.rank)})))
    return {};
  for (int i = 0; i < value.rank; ++i) {
    if (i == packed || value.dims[i] <= 1) continue;
    if (!require(value.strides[i] % 2 == 0, "'{}' is INT4 with stride {}, inside a byte", parameter,
                 value.strides[i]))
      return {};
    value.strides[i] /= 2;
  }
  value.dims[packed] /= 2;
  return value;
}

Value Builder::make(Place place, Dtype dtype, const std::vector<int64_t>& dims) {
  Value value;
  if (!require(dims.size() <= kMaxRank, "a result of rank {}", dims.size())) return value;
  value.base = static_cast<int>(bases_.size());
  value.dtype = dtype;
  value.rank = static_cast<int>(dims.size());
  int64_t elements = 1, step = 1;  // step: as if no dimension were 0, for strides
  for (int64_t dim : dims) {
    if (!require(dim >= 0 && !__builtin_mul_overflow(step, std::max<int64_t>(dim, 1), &step) &&
                     step < int64_t{1} << 58,
                 "a result of {}", dims_to_string(dims)))
      return {};
    elements *= dim;
  }
  std::copy(dims.begin(), dims.end(), value.dims);
  contiguous_strides(value.dims, value.rank, value.strides);
  bases_.push_back({place, 0, 0, static_cast<uint64_t>(dtype_bytes(dtype, elements))});
  return value;
}

std::vector<Value> Builder::ops(std::string_view name, const std::vector<Value>& inputs,
                                Attributes attributes) {
  if (failed()) return {};
  Result<const OpDef*> def = require_op(name);
  if (!def.ok()) {
    fail(std::move(def).status());
    return {};
  }
  Step step;
  step.op = *def;
  Result<Attributes> complete = step.op->complete(attributes);
  if (!complete.ok()) {
    fail(std::move(complete).status());
    return {};
  }
  step.attributes = std::move(complete).value();
  step.inputs = inputs;
  const size_t declared = step.op->inputs.size();
  if (inputs.size() < declared && step.op->inputs[inputs.size()].optional) step.inputs.resize(declared);
  std::vector<TensorType> types;
  for (const Value& input : step.inputs) types.push_back(type_of(input));
  Result<std::vector<TensorType>> outputs = step.op->infer_types(types, step.attributes);
  if (!outputs.ok()) {
    fail(std::move(outputs).status());
    return {};
  }
  for (const TensorType& type : *outputs) {
    std::vector<int64_t> dims;
    for (const Dim& dim : type.shape) dims.push_back(dim.offset);
    step.outputs.push_back(type.present() ? make(Place::kWorkspace, type.dtype, dims) : Value{});
  }
  if (failed()) return {};
  steps_.push_back(std::move(step));
  return steps_.back().outputs;
}

Value Builder::op(std::string_view name, const std::vector<Value>& inputs, Attributes attributes) {
  const std::vector<Value> results = ops(name, inputs, std::move(attributes));
  return results.empty() ? Value{} : results[0];
}

Value Builder::cast(const Value& x, Dtype dtype) {
  if (failed() || x.dtype == dtype || !x.present()) return x;
  return op("cast", {x}, {{"to", std::string(dtype_name(dtype))}});
}

Value Builder::copy(const Value& x) { return op("copy", {x}); }

Value Builder::dense(const Value& x) { return failed() || x.dense() ? x : copy(x); }

Value Builder::apart(const Value& x, const Value& other) {
  if (failed() || !x.present()) return x;
  bool meet = x.base == other.base;
  for (const auto& [a, b] : key_.overlaps)
    meet |= (static_cast<int>(a) == x.base && static_cast<int>(b) == other.base) ||
            (static_cast<int>(b) == x.base && static_cast<int>(a) == other.base);
  return meet ? copy(x) : x;
}

Value Builder::constant_bytes(Dtype dtype, std::vector<int64_t> dims, const void* data, uint64_t bytes) {
  Value value = make(Place::kConstant, dtype, dims);
  if (failed()) return {};
  constants_.resize((constants_.size() + 15) / 16 * 16);
  bases_.back().offset = static_cast<int64_t>(constants_.size());
  const auto* from = static_cast<const uint8_t*>(data);
  constants_.insert(constants_.end(), from, from + bytes);
  return value;
}

Value Builder::constant(Dtype dtype, std::vector<int64_t> dims, const std::vector<double>& numbers) {
  std::vector<uint8_t> bytes;
  for (double number : numbers) append_number(bytes, dtype, number, Scalar::of(number).i);
  return constant_bytes(dtype, std::move(dims), bytes.data(), bytes.size());
}

Value Builder::constant(Dtype dtype, std::vector<int64_t> dims, const std::vector<int64_t>& numbers) {
  std::vector<uint8_t> bytes;
  for (int64_t number : numbers) append_number(bytes, dtype, static_cast<double>(number), number);
  return constant_bytes(dtype, std::move(dims), bytes.data(), bytes.size());
}

Value Builder::constant(const Scalar& scalar, Dtype dtype) {
  std::vector<uint8_t> bytes;
  append_number(bytes, dtype, scalar.f, scalar.i);
  return constant_bytes(dtype, {}, bytes.data(), bytes.size());
}

Value Builder::filled(const Scalar& scalar, Dtype dtype, const std::vector<int64_t>& dims) {
  return expand(constant(scalar, dtype), dims);
}

Dtype Builder::promote(Dtype a, Dtype b) {
  if (a == b || b == Dtype::kInvalid) return a;
  if (a == Dtype::kInvalid) return b;
  const auto category = [](Dtype d) { return is_float(d) ? 2 : d == Dtype::kBool ? 0 : 1; };
  if (category(a) != category(b)) return category(a) > category(b) ? a : b;
  const int a_bits = dtype_info(a).block_bytes * 8, b_bits = dtype_info(b).block_bytes * 8;
  if (is_float(a)) return a_bits == b_bits ? Dtype::kF32 : a_bits > b_bits ? a : b;  // F16 and BF16
  const bool a_signed = dtype_info(a).kind == DtypeKind::kSigned;
  const bool b_signed = dtype_info(b).kind == DtypeKind::kSigned;
  if (a_signed == b_signed) return a_bits > b_bits ? a : b;
  // The smallest signed integer that holds both; beyond 64 bits PyTorch takes a float.
  const int bits = a_signed ? std::max(a_bits, 2 * b_bits) : std::max(b_bits, 2 * a_bits);
  return bits == 16 ? Dtype::kI16 : bits == 32 ? Dtype::kI32 : bits == 64 ? Dtype::kI64 : Dtype::kF32;
}

Dtype Builder::promote(Dtype tensor, const Scalar& scalar) {
  if (!scalar.present()) return tensor;
  if (is_float(scalar.dtype)) return is_float(tensor) ? tensor : Dtype::kF32;
  if (tensor == Dtype::kBool && scalar.dtype != Dtype::kBool) return Dtype::kI64;
  return tensor;
}

int Builder::axis(int64_t axis, int rank) {
  const int range = std::max(rank, 1);
  if (!require(axis >= -range && axis < range, "dimension {} of a tensor of rank {}", axis, rank)) return 0;
  return static_cast<int>(axis < 0 ? axis + range : axis);
}

std::vector<int64_t> Builder::broadcast(const std::vector<int64_t>& a, const std::vector<int64_t>& b) {
  std::vector<int64_t> result(std::max(a.size(), b.size()));
  for (size_t i = 1; i <= result.size(); ++i) {
    const int64_t x = i <= a.size() ? a[a.size() - i] : 1, y = i <= b.size() ? b[b.size() - i] : 1;
    if (!require(x == y || x == 1 || y == 1, "{} and {} do not broadcast", dims_to_string(a),
                 dims_to_string(b)))
      return {};
    result[result.size() - i] = x == 1 ? y : x;
  }
  return result;
}

}  // namespace isthmus::cann
