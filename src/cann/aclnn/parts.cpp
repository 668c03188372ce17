// SPDX-License-Identifier: Apache-2.0
#include "cann/aclnn/parts.h"

#include <algorithm>

#include "aclnn/acl_meta.h"
#include "ops/registry.h"

namespace isthmus::cann {
namespace {

constexpr int64_t kLarge = 4 << 20, kPart = 1 << 20;  // bytes of a result
constexpr int64_t kMostParts = 256;

// Whether each element of the result is computed from those of the inputs in its place.
bool is_elementwise(const Operator& op) {
  if (!op.regular) return std::string_view(op.name) == "Cast";
  const OpDef* def = find_op(op.regular);
  return def && def->family.starts_with("Elementwise");
}

int64_t elements(const TensorObject& t) {
  int64_t n = 1;
  for (int i = 0; i < t.rank; ++i) n *= t.dims[i];
  return n;
}

bool is_dense(const TensorObject& t) {
  int64_t step = 1;
  for (int i = t.rank - 1; i >= 0; step *= t.dims[i--])
    if (t.dims[i] != 1 && t.strides[i] != step) return false;
  return true;
}

// The most parts of equally many rows that are large enough; 1 if there are none.
int64_t part_count(int64_t rows, int64_t bytes) {
  int64_t count = std::min({kMostParts, rows, bytes / kPart});
  while (count > 1 && rows % count != 0) --count;
  return count;
}

}  // namespace

std::optional<PartArguments> PartArguments::of(const Operator& op, std::span<const Arg> args,
                                               const CallKey& key) {
  // What is small is soon told.
  const auto large = [](const auto& tensor) { return tensor && tensor->above >= kLarge; };
  if (std::none_of(key.tensors.begin(), key.tensors.end(), large)) return std::nullopt;
  if (!is_elementwise(op) || !key.overlaps.empty() || args.size() != op.parameters.size())
    return std::nullopt;
  const TensorObject* out = nullptr;
  uint32_t slot = 0;
  for (const Parameter& parameter : op.parameters) {
    if (parameter.kind == Kind::kOut && !out)
      out = key.tensors[slot].get();
    else if (parameter.kind == Kind::kOut || parameter.kind == Kind::kInOut ||
             parameter.kind == Kind::kInList || parameter.kind == Kind::kOutList ||
             parameter.kind == Kind::kInOutList)
      return std::nullopt;
    slot += parameter.kind == Kind::kIn || parameter.kind == Kind::kOut;
  }
  if (!out || out->bits < 8 || out->above < kLarge || !is_dense(*out)) return std::nullopt;
  int row_dim = 0;
  while (out->dims[row_dim] == 1) ++row_dim;
  PartArguments made;
  made.parts_.count = part_count(out->dims[row_dim], elements(*out) * out->bits / 8);
  if (made.parts_.count < 2) return std::nullopt;
  slot = 0;
  for (size_t i = 0; i < args.size(); ++i) {
    const Kind kind = op.parameters[i].kind;
    const bool tensor = kind == Kind::kIn || kind == Kind::kOut;
    if (kind == Kind::kOut) made.parts_.result = slot;
    if (!made.add(op.parameters[i], args[i], tensor ? key.tensors[slot++].get() : nullptr, *out, row_dim))
      return std::nullopt;
  }
  return made;
}

bool PartArguments::add(const Parameter& parameter, const Arg& arg, const TensorObject* tensor,
                        const TensorObject& out, int row_dim) {
  if (parameter.kind != Kind::kIn && parameter.kind != Kind::kOut) {
    args_.push_back(arg);
    return true;
  }
  if (!tensor) {
    args_.push_back(static_cast<const aclTensor*>(nullptr));
    parts_.steps.push_back(0);
    return true;
  }
  if (tensor->bits < 8) return false;
  int64_t dims[kMaxRank], step = 0;
  std::copy_n(tensor->dims, kMaxRank, dims);
  const int at = tensor->rank - (out.rank - row_dim);  // where its rows are
  if (at >= 0 && dims[at] != 1) {
    if (dims[at] != out.dims[row_dim] || tensor->strides[at] < 0) return false;
    dims[at] /= parts_.count;
    step = tensor->strides[at] * dims[at] * tensor->bits / 8;
  }
  const aclTensor* part =
      aclCreateTensor(dims, static_cast<uint64_t>(tensor->rank), tensor->type, tensor->strides,
                      tensor->offset, tensor->format, tensor->storage_dims.data(),
                      tensor->storage_dims.size(), reinterpret_cast<void*>(tensor->storage));
  if (!part) return false;
  tensors_.push_back(part);
  args_.push_back(part);
  parts_.steps.push_back(static_cast<uint64_t>(step));
  return true;
}

PartArguments::~PartArguments() {
  for (const aclTensor* tensor : tensors_) (void)aclDestroyTensor(tensor);
}

}  // namespace isthmus::cann
