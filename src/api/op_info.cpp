// SPDX-License-Identifier: Apache-2.0
// The list of operators, as the C interface shows it.
#include <map>
#include <memory>
#include <mutex>

#include "api/convert.h"
#include "ops/registry.h"

namespace isthmus::api {
namespace {

// The C arrays of one declaration; never destroyed, as the interface promises.
struct Info {
  std::vector<std::vector<isthmus_dtype_t>> dtypes;
  std::vector<isthmus_port_t> inputs, outputs;
  std::vector<isthmus_attribute_t> attributes;
  isthmus_op_info_t c = {};

  explicit Info(const OpDef& def) {
    for (const Port& port : def.inputs) inputs.push_back(add_port(port));
    for (const Port& port : def.outputs) outputs.push_back(add_port(port));
    for (const AttributeDef& a : def.attributes)
      attributes.push_back(from_attribute(a.name, a.default_value, true));
    c.size = sizeof c;
    c.name = def.name.c_str();
    c.version = def.version;
    c.family = def.family.c_str();
    c.meaning = def.meaning.c_str();
    c.order = def.order.c_str();
    c.inputs = inputs.data();
    c.input_count = static_cast<int32_t>(inputs.size());
    c.outputs = outputs.data();
    c.output_count = static_cast<int32_t>(outputs.size());
    c.attributes = attributes.data();
    c.attribute_count = static_cast<int32_t>(attributes.size());
  }

  isthmus_port_t add_port(const Port& port) {
    std::vector<isthmus_dtype_t>& list = dtypes.emplace_back();
    for (Dtype dtype : port.dtypes) list.push_back(static_cast<isthmus_dtype_t>(dtype));
    isthmus_port_t c_port = {};
    c_port.size = sizeof c_port;
    c_port.name = port.name;
    c_port.meaning = port.meaning;
    c_port.dtypes =
        list.data();  // A vector keeps its place when the outer one grows: it is moved, not copied.
    c_port.dtype_count = static_cast<int32_t>(list.size());
    c_port.optional = port.optional;
    c_port.state = port.state;
    c_port.variadic = port.variadic;
    return c_port;
  }
};

const Info& info_of(const OpDef* def) {
  static std::mutex mutex;
  static auto* infos = new std::map<const OpDef*, std::unique_ptr<Info>>;
  std::lock_guard lock(mutex);
  std::unique_ptr<Info>& info = (*infos)[def];
  if (!info) info = std::make_unique<Info>(*def);
  return *info;
}

}  // namespace
}  // namespace isthmus::api

using namespace isthmus;
using namespace isthmus::api;

const char* isthmus_op_name(int32_t index) {
  const char* name = nullptr;
  (void)guard([&]() -> Status {
    const std::vector<const OpDef*> ops = all_ops();
    if (index >= 0 && static_cast<size_t>(index) < ops.size())
      name = ops[static_cast<size_t>(index)]->name.c_str();
    return ok();
  });
  return name;
}

isthmus_status_t isthmus_op_info(const char* name, isthmus_op_info_t* info) {
  return guard([&]() -> Status {
    RETURN_IF_ERROR(require("isthmus_op_info", ISTHMUS_POINTER(name)));
    ASSIGN_OR_RETURN(const OpDef* def, require_op(name));
    return write_struct(info, info_of(def).c, "info");
  });
}
