// SPDX-License-Identifier: Apache-2.0
#include "ops/prepared_op.h"

#include <cstring>

namespace isthmus {
namespace {

// The C form of a query, with everything it points to.
struct Query {
  std::vector<isthmus_attribute_t> attributes;
  std::vector<isthmus_operand_t> operands;
  isthmus_op_query_t c = {};

  Query(const OpDef& op, const Attributes& complete, std::span<const OperandSpec> specs, int input_count,
        std::span<const SymbolRange> symbols, isthmus_numerics_t numerics) {
    for (size_t i = 0; i < op.attributes.size(); ++i)
      add_attribute(op.attributes[i], complete.values()[i].second);
    for (const OperandSpec& spec : specs) add_operand(spec, symbols);
    c.size = sizeof c;
    c.name = op.name.c_str();
    c.version = op.version;
    c.numerics = numerics;
    c.attributes = attributes.data();
    c.attribute_count = static_cast<int32_t>(attributes.size());
    c.operands = operands.data();
    c.input_count = input_count;
    c.output_count = static_cast<int32_t>(specs.size()) - input_count;
  }

  void add_attribute(const AttributeDef& def, const AttributeValue& value) {
    isthmus_attribute_t a{};
    a.size = sizeof a;
    a.name = def.name;
    a.is_default = value == def.default_value;
    a.type = static_cast<isthmus_attribute_type_t>(value.index());
    if (auto* i = std::get_if<int64_t>(&value)) a.i = *i;
    if (auto* f = std::get_if<double>(&value)) a.f = *f;
    if (auto* s = std::get_if<std::string>(&value)) a.s = s->c_str();
    if (auto* v = std::get_if<std::vector<int64_t>>(&value))
      a.ints = v->data(), a.count = static_cast<int64_t>(v->size());
    if (auto* v = std::get_if<std::vector<double>>(&value))
      a.floats = v->data(), a.count = static_cast<int64_t>(v->size());
    attributes.push_back(a);
  }

  void add_operand(const OperandSpec& spec, std::span<const SymbolRange> symbols) {
    isthmus_operand_t o{};
    o.size = sizeof o;
    o.dtype = static_cast<isthmus_dtype_t>(spec.type.dtype);
    o.role = spec.role;
    o.rank = spec.type.rank();
    for (int i = 0; i < o.rank; ++i) {
      const Dim& dim = spec.type.shape[i];
      o.dims[i] = dim.fixed() ? dim.offset : dim.scale * symbols[dim.symbol].max + dim.offset;
      o.dims_min[i] = dim.fixed() ? dim.offset : dim.scale * symbols[dim.symbol].min + dim.offset;
    }
    o.contiguous = spec.strides.empty();
    if (o.contiguous) {
      contiguous_strides(o.dims, o.rank, o.strides);
    } else {
      for (int i = 0; i < o.rank; ++i) o.strides[i] = spec.strides[i];
    }
    operands.push_back(o);
  }
};

Status ask_chip(Device& device, const Query& query, isthmus_prepared_t* prepared) {
  if (!device.api().op_prepare)
    return unimplemented("{}: this chip has no operators of its own", device.id());
  prepared->size = sizeof *prepared;
  return device.status(device.api().op_prepare(device.handle(), &query.c, prepared), query.c.name);
}

// What a chip answered may be anything.
Status check_answer(const Device& device, const OpDef& op, const isthmus_prepared_t& prepared,
                    int input_count) {
  constexpr uint64_t kMostBytes = uint64_t{1} << 56;  // sizes computed of it do not overflow
  const auto wrong = [&](const std::string& what) {
    return error(Code::kInternal, "{}: {}: the plug-in prepared it, but {}", device.id(), op.name, what);
  };
  if (!prepared.op) return wrong("gave no operator");
  if (prepared.workspace_bytes > kMostBytes)
    return wrong(fmt::format("asks for a workspace of {} bytes", prepared.workspace_bytes));
  for (int i = 0; i < input_count; ++i) {
    if (!prepared.packed_layout[i]) continue;
    if (!device.api().op_pack) return wrong("wants a weight packed and lacks the entry op_pack");
    if (!*prepared.packed_layout[i]) return wrong(fmt::format("gives the layout of input {} no name", i));
    if (prepared.packed_bytes[i] > kMostBytes)
      return wrong(fmt::format("packs input {} into {} bytes", i, prepared.packed_bytes[i]));
  }
  return ok();
}

// What the chip's own operators and the portable kernel said, each if there is something to say.
Status both_refused(const Device& device, const Status& chip, const Status& portable) {
  if (!device.api().kernel_build) return chip;
  if (!device.api().op_prepare)
    return unimplemented("{}: portable kernel: {}", device.id(), portable.message());
  return unimplemented("{}; portable kernel: {}", chip.message(), portable.message());
}

int vector_floats(const Device& device) {
  const int wish = device.properties().kernel_vector_floats;
  return wish >= 16 ? 16 : wish >= 8 ? 8 : 4;
}

// Bytes between the first and the last element of a tensor, inclusive; strides not negative.
uint64_t extent_bytes(Dtype dtype, const isthmus_tensor_arg_t& arg, int rank) {
  int64_t last = 0;
  for (int i = 0; i < rank; ++i) {
    if (arg.dims[i] == 0) return 0;
    last += (arg.dims[i] - 1) * arg.strides[i];
  }
  const DtypeInfo& info = dtype_info(dtype);
  const int64_t elements = last + 1;
  return static_cast<uint64_t>((elements + info.block_elements - 1) / info.block_elements * info.block_bytes);
}

}  // namespace

Status PreparedOp::supported(const DevicePtr& device, const OpDef& op, const Attributes& attributes,
                             std::span<const OperandSpec> operands, int input_count,
                             std::span<const SymbolRange> symbols, isthmus_numerics_t numerics) {
  Query query(op, attributes, operands, input_count, symbols, numerics);
  isthmus_prepared_t prepared{};
  Status status = ask_chip(*device, query, &prepared);
  if (status.ok()) {
    if (prepared.op) device->api().op_release(prepared.op);
    return check_answer(*device, op, prepared, input_count);
  }
  if (status.code() != Code::kUnimplemented) return status;
  const Result<PortablePlan> plan = PortableOp::plan(
      *device, {op, attributes, query.operands, input_count, vector_floats(*device)}, numerics);
  if (plan.ok()) return ok();
  return plan.status().code() == Code::kUnimplemented ? both_refused(*device, status, plan.status())
                                                      : plan.status();
}

Result<std::unique_ptr<PreparedOp>> PreparedOp::prepare(const DevicePtr& device, const OpDef& op,
                                                        const Attributes& attributes,
                                                        std::span<const OperandSpec> operands,
                                                        int input_count, std::span<const SymbolRange> symbols,
                                                        const PreparePolicy& policy) {
  if (operands.size() > ISTHMUS_MAX_OPERANDS)
    return unimplemented("{}: {} operands, at most {} are supported", op.name, operands.size(),
                         ISTHMUS_MAX_OPERANDS);
  std::unique_ptr<PreparedOp> result(new PreparedOp);
  result->device_ = device;
  result->op_ = &op;
  result->attributes_ = attributes;
  result->input_count_ = input_count;
  for (const OperandSpec& spec : operands) result->types_.push_back(spec.type);

  Query query(op, attributes, operands, input_count, symbols, policy.numerics);
  isthmus_prepared_t prepared{};
  Status status = ask_chip(*device, query, &prepared);
  if (status.ok()) {
    result->handle_ = prepared.op;
    RETURN_IF_ERROR(check_answer(*device, op, prepared, input_count));
    result->workspace_bytes_ = prepared.workspace_bytes;
    result->implementation_ = prepared.implementation ? prepared.implementation : device->plugin().name();
    result->refusal_ = prepared.refused ? prepared.refused : "";
    for (int i = 0; i < input_count; ++i) {
      if (!prepared.packed_layout[i]) continue;
      result->packed_layout_[i] = prepared.packed_layout[i];
      result->packed_bytes_[i] = prepared.packed_bytes[i];
    }
    return result;
  }
  if (status.code() != Code::kUnimplemented) return status;
  Result<PortablePlan> plan = PortableOp::plan(
      *device, {op, attributes, query.operands, input_count, vector_floats(*device)}, policy.numerics);
  if (plan.ok()) {
    ASSIGN_OR_RETURN(result->portable_, PortableOp::build(device, std::move(plan).value()), "{}", op.name);
    result->workspace_bytes_ = result->portable_->workspace_bytes();
    result->implementation_ = result->portable_->implementation();
    for (int i = 0; i < input_count; ++i) {
      result->packed_layout_[i] = result->portable_->packing(i).layout;
      result->packed_bytes_[i] = result->portable_->packing(i).bytes;
    }
    if (device->api().op_prepare) result->refusal_ = status.message();
    return result;
  }
  if (plan.status().code() != Code::kUnimplemented) return plan.status();
  status = both_refused(*device, status, plan.status());
  if (policy.no_fallback)
    return error(
        Code::kUnimplemented,
        "operator '{}' would fall back to the host, which --no-fallback (ISTHMUS_NO_FALLBACK=1) forbids: {}",
        op.name, status.message());
  result->refusal_ = status.message();
  result->implementation_ = "reference on host";
  return result;
}

PreparedOp::~PreparedOp() {
  if (handle_) device_->api().op_release(handle_);
}

Status PreparedOp::pack(int input, const void* src, void* dst) const {
  if (portable_) {
    portable_->packing(input).pack(src, dst);
    return ok();
  }
  return device_->status(device_->api().op_pack(handle_, input, src, dst), "packing a weight");
}

Status PreparedOp::run(const isthmus_tensor_arg_t* args, isthmus_address_t workspace, Stream& stream) {
  if (portable_) return portable_->run(args, workspace, stream);
  if (!handle_) return run_on_host(args, stream);
  const isthmus_status_t code = device_->api().op_run(handle_, args, workspace, stream.handle());
  return device_->status(code, op_->name.c_str());
}

// In step with the stream: waits for what is before, copies in, runs the reference, copies back. Slow and
// visible.
Status PreparedOp::run_on_host(const isthmus_tensor_arg_t* args, Stream& stream) {
  RETURN_IF_ERROR(stream.wait());
  const bool direct = device_->has(ISTHMUS_FEATURE_HOST_ACCESS);
  const size_t count = types_.size();
  std::vector<Tensor> tensors(count);
  std::vector<std::unique_ptr<std::byte[]>> copies(count);
  std::vector<uint64_t> bytes(count, 0);
  for (size_t i = 0; i < count; ++i) {
    Tensor& t = tensors[i];
    t.dtype = types_[i].dtype;
    t.rank = types_[i].rank();
    std::memcpy(t.dims, args[i].dims, sizeof t.dims);
    std::memcpy(t.strides, args[i].strides, sizeof t.strides);
    if (!t.present()) continue;
    if (direct) {
      t.data = reinterpret_cast<void*>(args[i].address);
      continue;
    }
    for (int d = 0; d < t.rank; ++d)
      if (t.strides[d] < 0) return unimplemented("{}: fallback over negative strides", op_->name);
    bytes[i] = extent_bytes(t.dtype, args[i], t.rank);
    copies[i] = std::make_unique<std::byte[]>(bytes[i]);
    t.data = copies[i].get();
    // Outputs are read too: a strided one has bytes in between that must survive.
    RETURN_IF_ERROR(stream.download(t.data, args[i].address, bytes[i]));
    bytes_copied_ += bytes[i];
  }
  if (!direct) RETURN_IF_ERROR(stream.wait());
  const std::span<const Tensor> all(tensors);
  RETURN_IF_ERROR(
      op_->reference(ReferenceCall{all.first(input_count_), all.subspan(input_count_), attributes_}), "{}",
      op_->name);
  if (direct) return ok();
  for (size_t i = 0; i < count; ++i) {
    const bool state =
        i < static_cast<size_t>(input_count_) && op_->inputs[std::min(i, op_->inputs.size() - 1)].state;
    const bool written = i >= static_cast<size_t>(input_count_) || state;
    if (!written || !bytes[i]) continue;
    RETURN_IF_ERROR(stream.upload(args[i].address, tensors[i].data, bytes[i]));
    bytes_copied_ += bytes[i];
  }
  return stream.wait();
}

}  // namespace isthmus
