// SPDX-License-Identifier: Apache-2.0
// Preparing and running one operator. Declaring and listing them: op_declaration.cpp, op_info.cpp.
#include "isthmus/ops.h"

#include "api/convert.h"
#include "api/handles.h"
#include "ops/registry.h"

using namespace isthmus;
using namespace isthmus::api;

namespace {

bool is_state(const OpDef& def, size_t input) {
  return !def.inputs.empty() && def.inputs[std::min(input, def.inputs.size() - 1)].state;
}

OperandSpec spec_of(const Tensor& tensor, isthmus_role_t role) {
  OperandSpec spec;
  spec.type = type_of(tensor);
  spec.role = role;
  if (!is_contiguous(tensor)) spec.strides.assign(tensor.strides, tensor.strides + tensor.rank);
  return spec;
}

// Copies of a constant's bytes in the chip's layout, on the device.
Status pack(isthmus_op_s& handle, size_t input) {
  const int i = static_cast<int>(input);
  const Tensor& tensor = handle.inputs[input];
  if (!tensor.data)
    return invalid_argument("input {} is a constant: its address is needed to prepare", input);
  if (!is_contiguous(tensor)) return unimplemented("input {} is a constant that is not dense", input);
  Device& device = *handle.device;
  ASSIGN_OR_RETURN(const uint64_t bytes, tensor_bytes(tensor.dtype, tensor.rank, tensor.dims));
  const auto address = reinterpret_cast<isthmus_address_t>(tensor.data);
  ASSIGN_OR_RETURN(const auto stream, device.create_stream());
  std::vector<std::byte> plain(bytes), packed(handle.op->packed_bytes(i));
  RETURN_IF_ERROR(stream->download(plain.data(), address, bytes));
  RETURN_IF_ERROR(stream->wait());
  RETURN_IF_ERROR(handle.op->pack(i, plain.data(), packed.data()));
  ASSIGN_OR_RETURN(Buffer buffer, device.allocate(std::max<uint64_t>(packed.size(), 1)));
  RETURN_IF_ERROR(stream->upload(buffer.address(), packed.data(), packed.size()));
  RETURN_IF_ERROR(stream->wait());
  handle.fixed[input] = buffer.address();
  handle.packed.push_back(std::move(buffer));
  return ok();
}

Status prepare(isthmus_op_s& handle, const OpDef& def, const Attributes& attributes,
               const std::vector<isthmus_tensor_t>& inputs, const PreparePolicy& policy) {
  std::vector<TensorType> types;
  std::vector<OperandSpec> specs;
  for (size_t i = 0; i < inputs.size(); ++i) {
    ASSIGN_OR_RETURN(const Tensor tensor, to_tensor(inputs[i]), "input {}", i);
    const isthmus_role_t role = inputs[i].role;
    if (role < ISTHMUS_ROLE_ACTIVATION || role > ISTHMUS_ROLE_STATE)
      return invalid_argument("input {}: there is no role {}", i, static_cast<int>(role));
    handle.inputs.push_back(tensor);
    types.push_back(type_of(tensor));
    specs.push_back(spec_of(tensor, is_state(def, i) ? ISTHMUS_ROLE_STATE : role));
  }
  ASSIGN_OR_RETURN(const std::vector<TensorType> outputs, def.infer_types(types, attributes));
  while (handle.inputs.size() < def.inputs.size()) {  // Optional ones that were left out.
    handle.inputs.emplace_back();
    specs.emplace_back();
  }
  for (const TensorType& type : outputs) {
    Tensor tensor;
    tensor.dtype = type.dtype;
    tensor.rank = type.rank();
    for (int d = 0; d < tensor.rank; ++d) {
      if (!type.shape[static_cast<size_t>(d)].fixed())
        return error(Code::kInternal, "an output without fixed dims");
      tensor.dims[d] = type.shape[static_cast<size_t>(d)].offset;
    }
    contiguous_strides(tensor.dims, tensor.rank, tensor.strides);
    if (tensor.present())
      RETURN_IF_ERROR(tensor_bytes(tensor.dtype, tensor.rank, tensor.dims).status(), "an output");
    handle.outputs.push_back(tensor);
    specs.push_back(spec_of(tensor, ISTHMUS_ROLE_ACTIVATION));
  }
  ASSIGN_OR_RETURN(handle.op, PreparedOp::prepare(handle.device, def, attributes, specs,
                                                  static_cast<int>(handle.inputs.size()), {}, policy));
  handle.fixed.assign(handle.inputs.size(), 0);
  for (size_t i = 0; i < handle.inputs.size(); ++i)
    if (handle.op->packed_layout(static_cast<int>(i))) RETURN_IF_ERROR(pack(handle, i));
  ASSIGN_OR_RETURN(handle.workspace,
                   handle.device->allocate(std::max<uint64_t>(handle.op->workspace_bytes(), 1)));
  return ok();
}

// Adds the operand `given` for run, which must be as it was prepared.
Status add_argument(const Tensor& prepared, const isthmus_tensor_t& given, isthmus_address_t fixed,
                    std::vector<isthmus_tensor_arg_t>& args) {
  ASSIGN_OR_RETURN(Tensor tensor, to_tensor(given));
  bool same = tensor.dtype == prepared.dtype && tensor.rank == prepared.rank;
  bool empty = false;
  for (int d = 0; same && d < tensor.rank; ++d) {
    same = tensor.dims[d] == prepared.dims[d] &&
           (tensor.dims[d] == 1 || tensor.strides[d] == prepared.strides[d]);
    empty |= tensor.dims[d] == 0;
  }
  if (!same)
    return invalid_argument("{} {} is given, {} {} was prepared, and strides must be equal too",
                            dtype_name(tensor.dtype), shape_to_string(type_of(tensor).shape),
                            dtype_name(prepared.dtype), shape_to_string(type_of(prepared).shape));
  if (tensor.present() && !tensor.data && !empty && !fixed) return invalid_argument("its address is 0");
  args.push_back(to_arg(tensor));
  if (fixed) args.back().address = fixed;
  return ok();
}

}  // namespace

isthmus_status_t isthmus_op_prepare(isthmus_device_t* device, const char* name,
                                    const isthmus_attribute_t* attributes, int32_t attribute_count,
                                    const isthmus_tensor_t* inputs, int32_t input_count,
                                    const isthmus_op_options_t* options, isthmus_op_t** op) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(
        require("isthmus_op_prepare", ISTHMUS_POINTER(device), ISTHMUS_POINTER(name), ISTHMUS_POINTER(op)));
    ASSIGN_OR_RETURN(const OpDef* def, require_op(name));
    ASSIGN_OR_RETURN(const Attributes given, to_attributes(attributes, attribute_count), "{}", name);
    ASSIGN_OR_RETURN(const Attributes complete, def->complete(given));
    ASSIGN_OR_RETURN(const auto tensors, read_structs(inputs, input_count, ISTHMUS_MAX_OPERANDS, "inputs"),
                     "{}", name);
    ASSIGN_OR_RETURN(const PreparePolicy policy, read_policy(options));
    auto handle = std::make_unique<isthmus_op_t>();
    handle->device = device->device;
    RETURN_IF_ERROR(prepare(*handle, *def, complete, tensors, policy), "preparing {}", name);
    *op = handle.release();
    return ok();
  });
}

void isthmus_op_destroy(isthmus_op_t* op) { delete op; }

isthmus_status_t isthmus_op_output(const isthmus_op_t* op, int32_t index, isthmus_tensor_t* output,
                                   uint64_t* bytes) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_op_output", ISTHMUS_POINTER(op)));
    if (index < 0 || static_cast<size_t>(index) >= op->outputs.size())
      return error(Code::kOutOfRange, "{} has {} outputs, there is no {}", op->op->op().name,
                   op->outputs.size(), index);
    const Tensor& tensor = op->outputs[static_cast<size_t>(index)];
    uint64_t size = 0;
    if (tensor.present()) {
      ASSIGN_OR_RETURN(size, tensor_bytes(tensor.dtype, tensor.rank, tensor.dims));
    }
    RETURN_IF_ERROR(write_struct(output, from_tensor(tensor), "output"));
    if (bytes) *bytes = size;
    return ok();
  });
}

const char* isthmus_op_implementation(const isthmus_op_t* op, const char** refusal) {
  if (!op) return "";
  if (refusal) *refusal = op->op->is_fallback() ? op->op->refusal().c_str() : nullptr;
  return op->op->implementation().c_str();
}

isthmus_status_t isthmus_op_run(isthmus_op_t* op, const isthmus_tensor_t* inputs, int32_t input_count,
                                const isthmus_tensor_t* outputs, int32_t output_count,
                                isthmus_stream_t* stream) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_op_run", ISTHMUS_POINTER(op), ISTHMUS_POINTER(stream)));
    const std::string& name = op->op->op().name;
    if (&stream->stream->device() != op->device.get())
      return invalid_argument("{} is prepared on {}, the stream is of {}", name, op->device->id(),
                              stream->stream->device().id());
    ASSIGN_OR_RETURN(auto in, read_structs(inputs, input_count, ISTHMUS_MAX_OPERANDS, "inputs"), "{}", name);
    ASSIGN_OR_RETURN(const auto out, read_structs(outputs, output_count, ISTHMUS_MAX_OPERANDS, "outputs"),
                     "{}", name);
    if (in.size() > op->inputs.size() || out.size() != op->outputs.size())
      return invalid_argument("{}: {} inputs and {} outputs are given, {} and {} were prepared", name,
                              in.size(), out.size(), op->inputs.size(), op->outputs.size());
    in.resize(op->inputs.size());
    std::vector<isthmus_tensor_arg_t> args;
    for (size_t i = 0; i < in.size(); ++i)
      RETURN_IF_ERROR(add_argument(op->inputs[i], in[i], op->fixed[i], args), "{}: input {}", name, i);
    for (size_t i = 0; i < out.size(); ++i)
      RETURN_IF_ERROR(add_argument(op->outputs[i], out[i], 0, args), "{}: output {}", name, i);
    return op->op->run(args.data(), op->workspace.address(), *stream->stream);
  });
}
