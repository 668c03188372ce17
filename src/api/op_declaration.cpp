// SPDX-License-Identifier: Apache-2.0
// Operators declared from outside: a C declaration becomes an OpDef whose rules call the program's callbacks.
#include <memory>

#include "api/convert.h"
#include "ops/registry.h"

namespace isthmus::api {
namespace {

constexpr size_t kLongestName = 128;

Status check_name(const char* name, const char* what) {
  if (!name) return invalid_argument("{}: its name is NULL", what);
  const std::string_view text(name);
  if (text.empty() || text.size() > kLongestName)
    return invalid_argument("{}: a name of {} characters; 1 to {} are possible", what, text.size(),
                            kLongestName);
  for (char c : text)
    if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '_' && c != '.')
      return invalid_argument("{} '{}': names are made of letters, digits, _ and .", what, text);
  return ok();
}

// What the declaration's texts point to once the caller's are gone: kept for the life of the process.
const char* keep(const char* text) {
  if (!text) return "";
  auto* kept = new std::string(text);  // Operators are never undeclared.
  return kept->c_str();
}

Result<std::vector<Port>> read_ports(const isthmus_port_t* given, int32_t count, const char* what) {
  ASSIGN_OR_RETURN(const auto list, read_structs(given, count, ISTHMUS_MAX_OPERANDS, what));
  std::vector<Port> ports;
  for (size_t i = 0; i < list.size(); ++i) {
    const isthmus_port_t& p = list[i];
    RETURN_IF_ERROR(check_name(p.name, what));
    if (p.dtype_count < 1 || p.dtype_count > 255 || !p.dtypes)
      return invalid_argument("{} '{}': it needs the dtypes it takes", what, p.name);
    if (p.variadic && i + 1 < list.size())
      return invalid_argument("{} '{}': only the last may be variadic", what, p.name);
    Port port;
    for (int32_t d = 0; d < p.dtype_count; ++d) {
      RETURN_IF_ERROR(check_dtype(p.dtypes[d]), "{} '{}'", what, p.name);
      port.dtypes.push_back(static_cast<Dtype>(p.dtypes[d]));
    }
    port.name = keep(p.name);
    port.meaning = keep(p.meaning);
    port.optional = p.optional != 0;
    port.state = p.state != 0;
    port.variadic = p.variadic != 0;
    ports.push_back(std::move(port));
  }
  return ports;
}

std::vector<isthmus_attribute_t> attribute_list(const std::vector<AttributeDef>& defs,
                                                const Attributes& complete) {
  std::vector<isthmus_attribute_t> list;
  for (size_t i = 0; i < defs.size(); ++i) {
    const AttributeValue& value = complete.values()[i].second;
    list.push_back(from_attribute(defs[i].name, value, value == defs[i].default_value));
  }
  return list;
}

// One more than the largest symbol of the inputs: a shape rule makes no new ones.
size_t symbol_count(std::span<const TensorType> types) {
  size_t count = 0;
  for (const TensorType& type : types)
    for (const Dim& dim : type.shape) count = std::max(count, static_cast<size_t>(dim.symbol + 1));
  return count;
}

// The program's callbacks, with what they need of the declaration.
struct Outside {
  std::string name;
  std::vector<Port> outputs;
  std::vector<AttributeDef> attributes;
  decltype(isthmus_op_declaration_t::infer) infer;
  decltype(isthmus_op_declaration_t::reference) reference;
  void* context;

  Status run_infer(const InferCall& call) const {
    std::vector<isthmus_type_t> in, out(outputs.size());
    for (const TensorType& type : call.inputs) in.push_back(from_type(type));
    for (isthmus_type_t& type : out) type.size = sizeof type;
    const auto list = attribute_list(attributes, call.attributes);
    clear_last_error();
    RETURN_IF_ERROR(callback_status(infer(context, in.data(), static_cast<int32_t>(in.size()), list.data(),
                                          out.data(), static_cast<int32_t>(out.size())),
                                    "its shape rule"));
    for (size_t i = 0; i < out.size(); ++i) {
      ASSIGN_OR_RETURN(call.outputs[i], to_type(out[i], symbol_count(call.inputs)),
                       "the shape rule's output '{}'", outputs[i].name);
      const TensorType& type = call.outputs[i];
      if (!type.present() && !outputs[i].optional)
        return invalid_argument("the shape rule gave output '{}' no dtype", outputs[i].name);
      const std::vector<Dtype>& possible = outputs[i].dtypes;
      if (type.present() && std::find(possible.begin(), possible.end(), type.dtype) == possible.end())
        return invalid_argument("the shape rule gave output '{}' the dtype {}, which it is not declared with",
                                outputs[i].name, dtype_name(type.dtype));
    }
    return ok();
  }

  Status run_reference(const ReferenceCall& call) const {
    std::vector<isthmus_tensor_t> in, out;
    for (const Tensor& tensor : call.inputs) in.push_back(from_tensor(tensor));
    for (const Tensor& tensor : call.outputs) out.push_back(from_tensor(tensor));
    const auto list = attribute_list(attributes, call.attributes);
    clear_last_error();
    return callback_status(reference(context, in.data(), static_cast<int32_t>(in.size()), list.data(),
                                     out.data(), static_cast<int32_t>(out.size())),
                           "its reference");
  }
};

Status declare(const isthmus_op_declaration_t& given) {
  RETURN_IF_ERROR(check_name(given.name, "operator"));
  if (!given.infer || !given.reference)
    return invalid_argument("operator '{}' needs a shape rule and a reference", given.name);
  OpDef def;
  def.name = given.name;
  def.version = std::max<uint32_t>(given.version, 1);
  def.family = given.family ? given.family : "Declared from outside";
  def.meaning = given.meaning ? given.meaning : "";
  def.order = given.order ? given.order : "elementwise";
  ASSIGN_OR_RETURN(def.inputs, read_ports(given.inputs, given.input_count, "input"));
  ASSIGN_OR_RETURN(def.outputs, read_ports(given.outputs, given.output_count, "output"));
  const bool writes =
      std::any_of(def.inputs.begin(), def.inputs.end(), [](const Port& p) { return p.state; });
  if (def.outputs.empty() && !writes) return invalid_argument("it has neither an output nor a state");
  if (def.inputs.size() + def.outputs.size() > ISTHMUS_MAX_OPERANDS)
    return invalid_argument("{} operands, at most {} are possible", def.inputs.size() + def.outputs.size(),
                            ISTHMUS_MAX_OPERANDS);
  ASSIGN_OR_RETURN(const auto attributes,
                   read_structs(given.attributes, given.attribute_count, kMostAttributes, "attributes"));
  for (const isthmus_attribute_t& a : attributes) {
    RETURN_IF_ERROR(check_name(a.name, "attribute"));
    ASSIGN_OR_RETURN(AttributeValue value, to_attribute(a));
    for (const AttributeDef& other : def.attributes)
      if (std::string_view(other.name) == a.name)
        return invalid_argument("attribute '{}' is declared twice", a.name);
    def.attributes.push_back({keep(a.name), std::move(value), ""});
  }
  auto outside = std::make_shared<const Outside>(
      Outside{def.name, def.outputs, def.attributes, given.infer, given.reference, given.context});
  def.infer = [outside](const InferCall& call) { return outside->run_infer(call); };
  def.reference = [outside](const ReferenceCall& call) { return outside->run_reference(call); };
  def.samples = [] { return std::vector<Sample>(); };
  return register_op(std::move(def));
}

}  // namespace
}  // namespace isthmus::api

using namespace isthmus;
using namespace isthmus::api;

isthmus_status_t isthmus_op_declare(const isthmus_op_declaration_t* declaration) {
  return guard([&]() -> Status {
    ASSIGN_OR_RETURN(const isthmus_op_declaration_t given, read_struct(declaration, "declaration"));
    RETURN_IF_ERROR(declare(given), "declaring '{}'", given.name ? given.name : "");
    return ok();
  });
}
