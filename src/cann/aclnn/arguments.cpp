// SPDX-License-Identifier: Apache-2.0
#include "cann/aclnn/arguments.h"

#include "base/half.h"

namespace isthmus::cann {
namespace {

bool is_list(Kind kind) {
  return kind == Kind::kInList || kind == Kind::kOutList || kind == Kind::kInOutList;
}
bool is_tensor(Kind kind) { return kind == Kind::kIn || kind == Kind::kOut || kind == Kind::kInOut; }
bool is_written(Kind kind) {
  return kind == Kind::kOut || kind == Kind::kInOut || kind == Kind::kOutList || kind == Kind::kInOutList;
}

Arg::Type type_of(Kind kind) {
  switch (kind) {
    case Kind::kScalar: return Arg::Type::kScalar;
    case Kind::kScalarList: return Arg::Type::kScalarList;
    case Kind::kInts: return Arg::Type::kInts;
    case Kind::kFloats: return Arg::Type::kFloats;
    case Kind::kBools: return Arg::Type::kBools;
    case Kind::kInteger: return Arg::Type::kInteger;
    case Kind::kNumber: return Arg::Type::kNumber;
    case Kind::kText: return Arg::Type::kText;
    default: return is_list(kind) ? Arg::Type::kTensorList : Arg::Type::kTensor;
  }
}

bool by_value(Kind kind) { return kind == Kind::kInteger || kind == Kind::kNumber; }

// The arguments of a call fit what its row says; only the table's generator could get this wrong.
Status check_types(const Operator& op, std::span<const Arg> args) {
  if (args.size() != op.parameters.size())
    return error(Code::kInternal, "{} arguments for {} parameters", args.size(), op.parameters.size());
  size_t i = 0;
  for (const Arg& arg : args) {
    const Parameter& parameter = op.parameters[i++];
    if (arg.type != type_of(parameter.kind))
      return error(Code::kInternal, "'{}' is of another kind than its row says", parameter.name);
  }
  return ok();
}

template <typename T>
T read_as(const ScalarObject& scalar) {
  T value;
  std::memcpy(&value, scalar.bytes, sizeof value);
  return value;
}

}  // namespace

Result<Scalar> scalar_value(const ScalarObject& scalar) {
  Scalar result;
  result.dtype = data_type(scalar.type).dtype;
  const auto whole = [&](auto value) {
    result.i = static_cast<int64_t>(value);
    result.f = static_cast<double>(value);
    return result;
  };
  const auto real = [&](double value) {
    result.f = value;
    result.i = value > -9e18 && value < 9e18 ? static_cast<int64_t>(value) : 0;
    return result;
  };
  switch (result.dtype) {
    case Dtype::kF32: return real(static_cast<double>(read_as<float>(scalar)));
    case Dtype::kF16: return real(static_cast<double>(f16_to_f32(read_as<uint16_t>(scalar))));
    case Dtype::kBF16: return real(static_cast<double>(bf16_to_f32(read_as<uint16_t>(scalar))));
    case Dtype::kF64: return real(read_as<double>(scalar));
    case Dtype::kI8: return whole(read_as<int8_t>(scalar));
    case Dtype::kI16: return whole(read_as<int16_t>(scalar));
    case Dtype::kI32: return whole(read_as<int32_t>(scalar));
    case Dtype::kI64: return whole(read_as<int64_t>(scalar));
    case Dtype::kU8: return whole(read_as<uint8_t>(scalar));
    case Dtype::kU16: return whole(read_as<uint16_t>(scalar));
    case Dtype::kU32: return whole(read_as<uint32_t>(scalar));
    case Dtype::kU64: return whole(read_as<uint64_t>(scalar));
    case Dtype::kBool: return whole(static_cast<int>(read_as<uint8_t>(scalar) != 0));
    default: return unimplemented("scalars of {}", data_type_name(scalar.type));
  }
}

void CallKey::put_tensor(std::shared_ptr<TensorObject> tensor, bool write) {
  SlotUse use;
  if (tensor) {
    put(static_cast<int8_t>(tensor->type));
    put(static_cast<int8_t>(tensor->rank));
    bytes.append(reinterpret_cast<const char*>(tensor->dims), sizeof(int64_t) * tensor->rank);
    bytes.append(reinterpret_cast<const char*>(tensor->strides), sizeof(int64_t) * tensor->rank);
    use.below = tensor->below;
    use.above = tensor->above;
    use.alignment = static_cast<uint8_t>(tensor->bits < 16 ? 1 : tensor->bits / 8);
    addresses.push_back(tensor->address());
  } else {
    put(int8_t{-2});
    addresses.push_back(0);
  }
  use.written = write;
  extents.push_back(use);
  written.push_back(write);
  tensors.push_back(std::move(tensor));
}

Status CallKey::put_value(const Parameter& parameter, const Arg& arg) {
  switch (parameter.kind) {
    case Kind::kInteger: put(arg.integer); return ok();
    case Kind::kNumber: put(arg.number); return ok();
    case Kind::kText: bytes.append(arg.text).push_back('\0'); return ok();
    case Kind::kScalar: {
      ASSIGN_OR_RETURN(const auto scalar, scalars().find(arg.handle));
      put(static_cast<int8_t>(scalar->type));
      put(scalar->bytes);
      return ok();
    }
    case Kind::kScalarList: {
      ASSIGN_OR_RETURN(const auto list, scalar_lists().find(arg.handle));
      put(list->objects.size());
      for (const auto& scalar : list->objects) {
        put(static_cast<int8_t>(scalar->type));
        put(scalar->bytes);
      }
      return ok();
    }
    default: break;
  }
  const auto put_array = [&](const auto& values) {
    put(values.size());
    bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(values[0]));
    return ok();
  };
  if (parameter.kind == Kind::kInts) {
    ASSIGN_OR_RETURN(const auto array, int_arrays().find(arg.handle));
    return put_array(array->values);
  }
  if (parameter.kind == Kind::kFloats) {
    ASSIGN_OR_RETURN(const auto array, float_arrays().find(arg.handle));
    return put_array(array->values);
  }
  ASSIGN_OR_RETURN(const auto array, bool_arrays().find(arg.handle));
  return put_array(array->values);
}

void CallKey::find_overlaps() {
  for (uint32_t a = 0; a < tensors.size(); ++a) {
    if (!written[a]) continue;
    for (uint32_t b = 0; b < tensors.size(); ++b) {
      if (a == b || !overlap(addresses[a], extents[a], addresses[b], extents[b])) continue;
      overlaps.emplace_back(a, b);
      put(a);
      put(b);
    }
  }
}

Status CallKey::read(const Operator& op, std::span<const Arg> args, const void* device) {
  bytes.clear();
  tensors.clear();
  addresses.clear();
  written.clear();
  extents.clear();
  overlaps.clear();
  list_lengths.clear();
  null_argument = false;
  put(&op);
  put(device);
  RETURN_IF_ERROR(check_types(op, args));
  size_t i = 0;
  for (const Arg& arg : args) {
    const Parameter& parameter = op.parameters[i++];
    const bool write = is_written(parameter.kind);
    if (!by_value(parameter.kind) && !arg.handle) {
      if (!parameter.optional) {
        null_argument = true;
        return invalid_argument("'{}' is null", parameter.name);
      }
      if (is_tensor(parameter.kind)) put_tensor(nullptr, write);
      if (is_list(parameter.kind)) list_lengths.push_back(0);
      put(int8_t{-3});
    } else if (is_tensor(parameter.kind)) {
      ASSIGN_OR_RETURN(auto tensor, cann::tensors().find(arg.handle), "'{}'", parameter.name);
      put_tensor(std::move(tensor), write);
    } else if (is_list(parameter.kind)) {
      ASSIGN_OR_RETURN(const auto list, tensor_lists().find(arg.handle), "'{}'", parameter.name);
      put(list->objects.size());
      list_lengths.push_back(static_cast<uint32_t>(list->objects.size()));
      for (size_t t = 0; t < list->objects.size(); ++t) put_tensor(tensor_of(*list, t), write);
    } else {
      RETURN_IF_ERROR(put_value(parameter, arg), "'{}'", parameter.name);
    }
  }
  find_overlaps();
  return ok();
}

namespace {

Status bind_value(BoundArg& bound, const Arg& arg) {
  switch (bound.parameter.kind) {
    case Kind::kInteger: bound.integer = arg.integer; return ok();
    case Kind::kNumber: bound.number = arg.number; return ok();
    case Kind::kText: bound.text = arg.text; return ok();
    case Kind::kInts: {
      ASSIGN_OR_RETURN(const auto array, int_arrays().find(arg.handle));
      bound.ints = array->values;
      return ok();
    }
    case Kind::kFloats: {
      ASSIGN_OR_RETURN(const auto array, float_arrays().find(arg.handle));
      bound.floats.assign(array->values.begin(), array->values.end());
      return ok();
    }
    case Kind::kBools: {
      ASSIGN_OR_RETURN(const auto array, bool_arrays().find(arg.handle));
      bound.ints.assign(array->values.begin(), array->values.end());
      return ok();
    }
    case Kind::kScalar: {
      ASSIGN_OR_RETURN(const auto scalar, scalars().find(arg.handle));
      ASSIGN_OR_RETURN(const Scalar value, scalar_value(*scalar));
      bound.scalars.push_back(value);
      return ok();
    }
    case Kind::kScalarList: {
      ASSIGN_OR_RETURN(const auto list, scalar_lists().find(arg.handle));
      for (const auto& scalar : list->objects) {
        ASSIGN_OR_RETURN(const Scalar value, scalar_value(*scalar));
        bound.scalars.push_back(value);
      }
      return ok();
    }
    default: return ok();
  }
}

}  // namespace

Result<std::vector<BoundArg>> bind_arguments(const Operator& op, std::span<const Arg> args) {
  std::vector<BoundArg> result;
  uint32_t slot = 0;
  for (const Arg& arg : args) {
    BoundArg bound;
    bound.parameter = op.parameters[result.size()];
    const Kind kind = bound.parameter.kind;
    bound.present = by_value(kind) || arg.handle;
    bound.first_slot = slot;
    if (is_tensor(kind)) bound.slot_count = 1;
    if (is_list(kind) && bound.present) {
      ASSIGN_OR_RETURN(const auto list, tensor_lists().find(arg.handle));
      bound.slot_count = static_cast<uint32_t>(list->objects.size());
    }
    slot += bound.slot_count;
    if (bound.present && !is_tensor(kind) && !is_list(kind))
      RETURN_IF_ERROR(bind_value(bound, arg), "'{}'", bound.parameter.name);
    result.push_back(std::move(bound));
  }
  return result;
}

}  // namespace isthmus::cann
