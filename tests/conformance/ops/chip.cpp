// SPDX-License-Identifier: Apache-2.0
#include "chip.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstring>

namespace isthmus::conformance {
namespace {

constexpr uint64_t kGuard = 256;
constexpr unsigned char kPattern = 0x5a;

bool state_port(const OpDef& def, size_t input) {
  return !def.inputs.empty() && def.inputs[std::min(input, def.inputs.size() - 1)].state;
}

std::vector<isthmus_attribute_t> attributes_of(const OpDef& def, const Attributes& attributes) {
  std::vector<isthmus_attribute_t> out;
  for (const AttributeDef& declared : def.attributes) {
    const AttributeValue& value = *attributes.find(declared.name);
    isthmus_attribute_t a{};
    a.size = sizeof a;
    a.name = declared.name;
    a.is_default = value == declared.default_value;
    a.type = static_cast<isthmus_attribute_type_t>(value.index());
    if (const auto* i = std::get_if<int64_t>(&value)) a.i = *i;
    if (const auto* f = std::get_if<double>(&value)) a.f = *f;
    if (const auto* s = std::get_if<std::string>(&value)) a.s = s->c_str();
    if (const auto* l = std::get_if<std::vector<int64_t>>(&value)) {
      a.ints = l->data();
      a.count = static_cast<int64_t>(l->size());
    }
    if (const auto* l = std::get_if<std::vector<double>>(&value)) {
      a.floats = l->data();
      a.count = static_cast<int64_t>(l->size());
    }
    out.push_back(a);
  }
  return out;
}

isthmus_operand_t operand_of(const Tensor& t, isthmus_role_t role) {
  isthmus_operand_t o{};
  o.size = sizeof o;
  o.dtype = static_cast<isthmus_dtype_t>(t.dtype);
  o.role = role;
  o.rank = t.present() ? t.rank : 0;
  for (int i = 0; i < o.rank; ++i) {
    o.dims[i] = o.dims_min[i] = t.dims[i];
    o.strides[i] = t.strides[i];
  }
  o.contiguous = is_contiguous(t);
  return o;
}

// Makes the first dimension of the first input, and of every activation that shares it, a symbol that the
// shape rule accepts. Fills the operands' ranges. False when the case does not allow it.
bool make_ranges(const OpDef& def, const SampleCase& sample, std::vector<isthmus_operand_t>& operands) {
  if (sample.input_types.empty() || sample.input_types[0].rank() == 0) return false;
  const int64_t actual = sample.input_types[0].shape[0].offset;
  std::vector<TensorType> inputs = sample.input_types;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].present() && !is_contiguous(sample.inputs[i].tensor())) return false;
    if (inputs[i].rank() > 0 && inputs[i].shape[0].is(actual) && !sample.constant[i] && !state_port(def, i))
      inputs[i].shape[0] = Dim::of_symbol(0);
  }
  Result<std::vector<TensorType>> outputs = def.infer_types(inputs, sample.attributes);
  if (!outputs.ok()) return false;
  std::vector<TensorType> all = inputs;
  all.insert(all.end(), outputs->begin(), outputs->end());
  const int64_t largest[] = {actual + 7}, smallest[] = {std::min<int64_t>(actual, 1)}, now[] = {actual};
  for (size_t i = 0; i < all.size(); ++i) {
    if (i >= inputs.size()) {
      const TensorType& expected = sample.output_types[i - inputs.size()];
      if (all[i].rank() != expected.rank()) return false;
      for (int d = 0; d < expected.rank(); ++d)
        if (all[i].shape[d].at(now) != expected.shape[d].offset) return false;
    }
    for (int d = 0; d < all[i].rank(); ++d) {
      operands[i].dims[d] = all[i].shape[d].at(largest);
      operands[i].dims_min[d] = all[i].shape[d].at(smallest);
    }
    if (!is_block(all[i].dtype)) contiguous_strides(operands[i].dims, operands[i].rank, operands[i].strides);
  }
  return true;
}

// Device memory with a guarded border, released at the end of its scope.
class Memory {
 public:
  Memory(const isthmus_plugin_t& plugin, isthmus_chip_device_t* device, isthmus_chip_stream_t* stream)
      : plugin_(plugin), device_(device), stream_(stream) {}
  Memory(Memory&& other) noexcept
      : plugin_(other.plugin_),
        device_(other.device_),
        stream_(other.stream_),
        base_(other.base_),
        bytes_(other.bytes_) {
    other.base_ = 0;
  }
  ~Memory() {
    if (base_ != 0) plugin_.free(device_, base_);
  }
  isthmus_address_t address() const { return base_ + kGuard; }
  isthmus_status_t allocate(const void* content, uint64_t bytes) {
    bytes_ = bytes;
    const isthmus_status_t status =
        plugin_.allocate(device_, ISTHMUS_MEMORY_DEVICE, bytes + 2 * kGuard, &base_);
    if (status != ISTHMUS_OK) return status;
    isthmus_status_t done = plugin_.fill(stream_, base_, kPattern, bytes + 2 * kGuard);
    if (done == ISTHMUS_OK && content && bytes > 0)
      done = plugin_.copy(stream_, ISTHMUS_COPY_HOST_TO_DEVICE, address(),
                          reinterpret_cast<uint64_t>(content), bytes);
    return done == ISTHMUS_OK ? plugin_.stream_wait(stream_) : done;
  }
  // Content without its borders; empty when the borders were written to.
  std::vector<unsigned char> read(bool* intact) const {
    std::vector<unsigned char> all(bytes_ + 2 * kGuard);
    plugin_.copy(stream_, ISTHMUS_COPY_DEVICE_TO_HOST, reinterpret_cast<uint64_t>(all.data()), base_,
                 all.size());
    plugin_.stream_wait(stream_);
    const auto untouched = [](unsigned char byte) { return byte == kPattern; };
    *intact = std::all_of(all.begin(), all.begin() + kGuard, untouched) &&
              std::all_of(all.end() - kGuard, all.end(), untouched);
    return {all.begin() + kGuard, all.end() - kGuard};
  }

 private:
  const isthmus_plugin_t& plugin_;
  isthmus_chip_device_t* device_;
  isthmus_chip_stream_t* stream_;
  isthmus_address_t base_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace

Result<std::unique_ptr<Chip>> Chip::open(const std::string& path, int threads) {
  std::unique_ptr<Chip> chip(new Chip);
  chip->library_ = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!chip->library_) return error(Code::kNotFound, "{}", dlerror());
  auto load = reinterpret_cast<isthmus_plugin_load_t>(dlsym(chip->library_, "isthmus_plugin_load"));
  if (!load) return error(Code::kNotFound, "{} exports no isthmus_plugin_load", path);
  chip->host_.size = sizeof chip->host_;
  chip->host_.context = chip.get();
  chip->host_.report_error = [](void* context, isthmus_status_t, const char* message) {
    static_cast<Chip*>(context)->message_ = message;
  };
  chip->host_.log = [](void*, isthmus_log_level_t, const char*) {};
  chip->host_.thread_count = threads;
  chip->plugin_ = load(&chip->host_);
  if (!chip->plugin_) return error(Code::kUnavailable, "{}", chip->message_);
  if (!chip->plugin_->op_prepare) return error(Code::kUnimplemented, "{} has no operators", path);
  RETURN_IF_ERROR(chip->check(chip->plugin_->device_open(&chip->host_, 0, &chip->device_), "device_open"));
  RETURN_IF_ERROR(chip->check(chip->plugin_->stream_create(chip->device_, &chip->stream_), "stream_create"));
  return chip;
}

Chip::~Chip() {
  if (stream_) plugin_->stream_destroy(stream_);
  if (device_) plugin_->device_close(device_);
  if (plugin_ && plugin_->unload) plugin_->unload();
  if (library_) dlclose(library_);
}

std::string Chip::name() const {
  isthmus_device_properties_t properties{};
  properties.size = sizeof properties;
  plugin_->device_properties(device_, &properties);
  return properties.name;
}

Status Chip::check(isthmus_status_t status, const char* entry) {
  if (status == ISTHMUS_OK) return ok();
  std::string message;
  message.swap(message_);
  return error(static_cast<Code>(status), "{}: {}", entry,
               message.empty() ? "no message was reported" : message);
}

Result<Outcome> Chip::run(const OpDef& def, const SampleCase& sample, Dims dims) {
  const std::vector<HostTensor> outputs = sample.make_outputs();
  std::vector<const HostTensor*> all;
  std::vector<isthmus_operand_t> operands;
  for (size_t i = 0; i < sample.inputs.size(); ++i) {
    all.push_back(&sample.inputs[i]);
    operands.push_back(operand_of(sample.inputs[i].tensor(), state_port(def, i)   ? ISTHMUS_ROLE_STATE
                                                             : sample.constant[i] ? ISTHMUS_ROLE_CONSTANT
                                                                                  : ISTHMUS_ROLE_ACTIVATION));
  }
  for (const HostTensor& output : outputs) {
    all.push_back(&output);
    operands.push_back(operand_of(output.tensor(), ISTHMUS_ROLE_ACTIVATION));
  }
  if (dims == Dims::kRange && !make_ranges(def, sample, operands))
    return error(Code::kFailedPrecondition, "nothing to vary");

  const std::vector<isthmus_attribute_t> attributes = attributes_of(def, sample.attributes);
  isthmus_op_query_t query{};
  query.size = sizeof query;
  query.name = def.name.c_str();
  query.version = def.version;
  query.attributes = attributes.data();
  query.attribute_count = static_cast<int32_t>(attributes.size());
  query.operands = operands.data();
  query.input_count = static_cast<int32_t>(sample.inputs.size());
  query.output_count = static_cast<int32_t>(outputs.size());
  isthmus_prepared_t prepared{};
  prepared.size = sizeof prepared;
  message_.clear();
  RETURN_IF_ERROR(check(plugin_->op_prepare(device_, &query, &prepared), "op_prepare"));
  const std::unique_ptr<isthmus_chip_op_t, void (*)(isthmus_chip_op_t*)> op(prepared.op, plugin_->op_release);

  Outcome outcome;
  outcome.implementation = prepared.implementation ? prepared.implementation : "";
  std::vector<Memory> memory;
  std::vector<isthmus_tensor_arg_t> arguments;
  for (size_t i = 0; i < all.size(); ++i) {
    const Tensor& t = all[i]->tensor();
    Memory piece(*plugin_, device_, stream_);
    isthmus_tensor_arg_t argument{};
    if (t.present()) {
      if (i < ISTHMUS_MAX_OPERANDS && prepared.packed_layout[i]) {
        std::vector<unsigned char> packed(prepared.packed_bytes[i] + 64, kPattern);
        RETURN_IF_ERROR(
            check(plugin_->op_pack(op.get(), static_cast<int32_t>(i), t.data, packed.data()), "op_pack"));
        for (size_t b = prepared.packed_bytes[i]; b < packed.size(); ++b)
          if (packed[b] != kPattern)
            return error(Code::kInternal, "op_pack wrote past the {} bytes it asked for",
                         prepared.packed_bytes[i]);
        RETURN_IF_ERROR(check(piece.allocate(packed.data(), prepared.packed_bytes[i]), "allocate"));
      } else {
        RETURN_IF_ERROR(
            check(piece.allocate(i < sample.inputs.size() ? t.data : nullptr, all[i]->bytes()), "allocate"));
      }
      argument.address = piece.address();
      std::copy(t.dims, t.dims + t.rank, argument.dims);
      std::copy(t.strides, t.strides + t.rank, argument.strides);
    }
    memory.push_back(std::move(piece));
    arguments.push_back(argument);
  }
  Memory workspace(*plugin_, device_, stream_);
  RETURN_IF_ERROR(check(workspace.allocate(nullptr, prepared.workspace_bytes), "allocate"));
  RETURN_IF_ERROR(check(plugin_->op_run(op.get(), arguments.data(),
                                        prepared.workspace_bytes ? workspace.address() : 0, stream_),
                        "op_run"));
  RETURN_IF_ERROR(check(plugin_->stream_wait(stream_), "stream_wait"));

  bool intact = true;
  workspace.read(&intact);
  if (!intact)
    return error(Code::kInternal, "bytes around the workspace of {} were overwritten",
                 prepared.workspace_bytes);
  std::vector<HostTensor> states;
  for (size_t i = 0; i < all.size(); ++i) {
    const Tensor& t = all[i]->tensor();
    if (!t.present()) {
      if (i >= sample.inputs.size()) outcome.results.push_back(all[i]->clone());
      continue;
    }
    const std::vector<unsigned char> content = memory[i].read(&intact);
    const bool input = i < sample.inputs.size();
    if (!intact)
      return error(Code::kInternal, "bytes around {} {} were overwritten", input ? "input" : "output",
                   input ? i : i - sample.inputs.size());
    const bool state = input && state_port(def, i);
    const bool packed = i < ISTHMUS_MAX_OPERANDS && prepared.packed_layout[i];
    if (input && !state && !packed && !content.empty() &&
        std::memcmp(content.data(), t.data, content.size()) != 0)
      return error(Code::kInternal, "input {} was overwritten", i);
    if (input && !state) continue;
    HostTensor result = all[i]->clone();
    if (!content.empty()) std::memcpy(result.tensor().data, content.data(), content.size());
    (state ? states : outcome.results).push_back(std::move(result));
  }
  for (HostTensor& state : states) outcome.results.push_back(std::move(state));
  return outcome;
}

}  // namespace isthmus::conformance
