// SPDX-License-Identifier: Apache-2.0
// Operators by name: attributes and options are kept, the operators themselves are only aclnn's. "Identity"
// is there, by which PyTorch's extension casts weights into a chip's own layouts and back: here these are
// plain.
#include <algorithm>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "acl/acl_op_compiler.h"
#include "acl/acl_rt.h"
#include "cann/error.h"
#include "cann/handles.h"

namespace isthmus::cann {
namespace {

using Value = std::variant<bool, int64_t, float, std::string, aclDataType, std::vector<uint8_t>,
                           std::vector<int64_t>, std::vector<float>, std::vector<std::string>,
                           std::vector<aclDataType>, std::vector<std::vector<int64_t>>>;
struct Attributes {
  std::mutex mutex;
  std::map<std::string, Value> values;
};

HandleTable<Attributes>& attributes() {
  static auto& table = *new HandleTable<Attributes>(9, "aclopAttr");
  return table;
}

aclError set(const char* entry, aclopAttr* attr, const char* name, Value value) {
  const auto found = attributes().find(attr);
  if (!found.ok()) return fail(ACL_ERROR_INVALID_PARAM, "{}: {}", entry, found.status().message());
  if (!name) return fail(ACL_ERROR_INVALID_PARAM, "{}: the name is null", entry);
  std::lock_guard lock((*found)->mutex);
  (*found)->values[name] = std::move(value);
  return ACL_SUCCESS;
}

// A list as the program gives it, or nothing when it is wrong.
template <typename T, typename From>
aclError set_list(const char* entry, aclopAttr* attr, const char* name, int count, const From* values) {
  if (count < 0 || (count > 0 && !values))
    return fail(ACL_ERROR_INVALID_PARAM, "{}: a list of {} values at {}", entry, count,
                static_cast<const void*>(values));
  return set(entry, attr, name, std::vector<T>(values, values + count));
}

struct Options {
  std::mutex mutex;
  std::map<int, std::string> values;
};
Options& options() {
  static Options& options = *new Options;
  return options;
}
bool is_option(int64_t option) { return option >= 0 && option < 64; }

aclError not_found(const char* entry, const char* type) {
  return fail(ACL_ERROR_OP_NOT_FOUND, "{}: there are no operators by name (asked for {}); aclnn's are here",
              entry, type ? type : "null");
}

// As many bytes as both have: a private layout may take more room than the elements.
aclError copy_plainly(const char* entry, int input_count, const aclDataBuffer* const* inputs,
                      int output_count, const aclDataBuffer* const* outputs, aclrtStream stream) {
  if (input_count != 1 || output_count != 1 || !inputs || !outputs)
    return fail(ACL_ERROR_INVALID_PARAM, "{}: Identity of {} inputs and {} outputs", entry, input_count,
                output_count);
  void *const from = aclGetDataBufferAddr(inputs[0]), *const to = aclGetDataBufferAddr(outputs[0]);
  const size_t have = aclGetDataBufferSizeV2(inputs[0]), room = aclGetDataBufferSizeV2(outputs[0]);
  if (have == 0 && room == 0) return ACL_SUCCESS;
  if (!from || !to)
    return fail(ACL_ERROR_INVALID_PARAM, "{}: Identity from {} bytes into {}, and one of them has no data",
                entry, have, room);
  const size_t bytes = std::min(have, room);
  return aclrtMemcpyAsync(to, bytes, from, bytes, ACL_MEMCPY_DEVICE_TO_DEVICE, stream);
}

}  // namespace
}  // namespace isthmus::cann

using namespace isthmus;        // NOLINT: entry points stand outside of namespaces
using namespace isthmus::cann;  // NOLINT

aclopAttr* aclopCreateAttr(void) {
  return static_cast<aclopAttr*>(attributes().add(std::make_shared<Attributes>()));
}
void aclopDestroyAttr(const aclopAttr* attr) {
  const auto removed = attributes().remove(attr);
  if (!removed.ok()) fail(ACL_ERROR_INVALID_PARAM, "aclopDestroyAttr: {}", removed.status().message());
}

aclError aclopSetAttrBool(aclopAttr* attr, const char* name, uint8_t value) {
  return set("aclopSetAttrBool", attr, name, value != 0);
}
aclError aclopSetAttrInt(aclopAttr* attr, const char* name, int64_t value) {
  return set("aclopSetAttrInt", attr, name, value);
}
aclError aclopSetAttrFloat(aclopAttr* attr, const char* name, float value) {
  return set("aclopSetAttrFloat", attr, name, value);
}
aclError aclopSetAttrString(aclopAttr* attr, const char* name, const char* value) {
  if (!value) return fail(ACL_ERROR_INVALID_PARAM, "aclopSetAttrString: the value is null");
  return set("aclopSetAttrString", attr, name, std::string(value));
}
aclError aclopSetAttrDataType(aclopAttr* attr, const char* name, aclDataType value) {
  return set("aclopSetAttrDataType", attr, name, value);
}
aclError aclopSetAttrListBool(aclopAttr* attr, const char* name, int count, const uint8_t* values) {
  return set_list<uint8_t>("aclopSetAttrListBool", attr, name, count, values);
}
aclError aclopSetAttrListInt(aclopAttr* attr, const char* name, int count, const int64_t* values) {
  return set_list<int64_t>("aclopSetAttrListInt", attr, name, count, values);
}
aclError aclopSetAttrListFloat(aclopAttr* attr, const char* name, int count, const float* values) {
  return set_list<float>("aclopSetAttrListFloat", attr, name, count, values);
}
aclError aclopSetAttrListString(aclopAttr* attr, const char* name, int count, const char** values) {
  for (int i = 0; values && i < count; ++i)
    if (!values[i]) return fail(ACL_ERROR_INVALID_PARAM, "aclopSetAttrListString: string {} is null", i);
  return set_list<std::string>("aclopSetAttrListString", attr, name, count, values);
}
aclError aclopSetAttrListDataType(aclopAttr* attr, const char* name, int count, const aclDataType values[]) {
  return set_list<aclDataType>("aclopSetAttrListDataType", attr, name, count, values);
}
aclError aclopSetAttrListListInt(aclopAttr* attr, const char* name, int lists, const int* counts,
                                 const int64_t* const values[]) {
  const char* const entry = "aclopSetAttrListListInt";
  if (lists < 0 || (lists > 0 && (!counts || !values)))
    return fail(ACL_ERROR_INVALID_PARAM, "{}: {} lists, or null where they are", entry, lists);
  std::vector<std::vector<int64_t>> value;
  for (int i = 0; i < lists; ++i) {
    if (counts[i] < 0 || (counts[i] > 0 && !values[i]))
      return fail(ACL_ERROR_INVALID_PARAM, "{}: list {} has {} values", entry, i, counts[i]);
    value.emplace_back(values[i], values[i] + counts[i]);
  }
  return set(entry, attr, name, std::move(value));
}

aclError aclopCompileAndExecute(const char* type, int input_count, const aclTensorDesc* const[],
                                const aclDataBuffer* const inputs[], int output_count,
                                const aclTensorDesc* const[], aclDataBuffer* const outputs[],
                                const aclopAttr*, aclopEngineType, aclopCompileType, const char*,
                                aclrtStream stream) {
  const char* const entry = "aclopCompileAndExecute";
  if (type && type == std::string_view("Identity"))
    return copy_plainly(entry, input_count, inputs, output_count, outputs, stream);
  return not_found(entry, type);
}
aclError aclopCompileAndExecuteV2(const char* type, int input_count, aclTensorDesc*[],
                                  aclDataBuffer* inputs[], int output_count, aclTensorDesc*[],
                                  aclDataBuffer* outputs[], aclopAttr*, aclopEngineType, aclopCompileType,
                                  const char*, aclrtStream stream) {
  const char* const entry = "aclopCompileAndExecuteV2";
  if (type && type == std::string_view("Identity"))
    return copy_plainly(entry, input_count, inputs, output_count, outputs, stream);
  return not_found(entry, type);
}

aclError aclSetCompileopt(aclCompileOpt option, const char* value) {
  if (!value || !is_option(option))
    return fail(ACL_ERROR_INVALID_PARAM, "aclSetCompileopt: option {} with {}", static_cast<int>(option),
                value ? "a value" : "no value");
  std::lock_guard lock(options().mutex);
  options().values[option] = value;
  return ACL_SUCCESS;
}
size_t aclGetCompileoptSize(aclCompileOpt option) {
  std::lock_guard lock(options().mutex);
  const auto found = options().values.find(option);
  return found == options().values.end() ? 1 : found->second.size() + 1;
}
aclError aclGetCompileopt(aclCompileOpt option, char* value, size_t length) {
  if (!value) return fail(ACL_ERROR_INVALID_PARAM, "aclGetCompileopt: no place for the answer");
  std::lock_guard lock(options().mutex);
  const auto found = options().values.find(option);
  const std::string text = found == options().values.end() ? "" : found->second;
  if (length < text.size() + 1)
    return fail(ACL_ERROR_INVALID_PARAM, "aclGetCompileopt: {} bytes are too few for {}", length,
                text.size() + 1);
  text.copy(value, text.size());
  value[text.size()] = '\0';
  return ACL_SUCCESS;
}
