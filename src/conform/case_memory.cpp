// SPDX-License-Identifier: Apache-2.0
#include "conform/case_memory.h"

#include <algorithm>
#include <cstring>

namespace isthmus::conform {
namespace {

constexpr uint64_t kGuard = 256;  // at least; as many as the alignment, so that what lies behind is aligned
constexpr unsigned char kPackGuard = 0xc3;

// A constant operand as the operator wants it; other operands as they are.
Result<std::vector<unsigned char>> packed(const PreparedOp& op, size_t input, const HostTensor& tensor) {
  const auto* bytes = tensor.data();
  const int index = static_cast<int>(input);
  if (!op.packed_layout(index)) return std::vector<unsigned char>(bytes, bytes + tensor.bytes());
  const uint64_t size = op.packed_bytes(index);
  std::vector<unsigned char> result(size + kGuard, kPackGuard);
  RETURN_IF_ERROR(op.pack(index, bytes, result.data()));
  for (uint64_t i = size; i < result.size(); ++i)
    if (result[i] != kPackGuard)
      return error(Code::kInternal, "op_pack wrote byte {} of the {} bytes that prepare asked for", i, size);
  result.resize(size);
  return result;
}

}  // namespace

bool is_state_port(const OpDef& def, size_t input) {
  return !def.inputs.empty() && def.inputs[std::min(input, def.inputs.size() - 1)].state;
}

Result<CaseMemory::Piece> CaseMemory::make(const DevicePtr& device, uint64_t bytes, uint64_t shift) {
  const uint64_t guard = std::max(kGuard, device->properties().alignment_bytes);
  Piece piece;
  piece.before = guard + shift;
  piece.bytes = bytes;
  piece.after = guard;
  ASSIGN_OR_RETURN(piece.buffer, device->allocate(piece.before + bytes + piece.after));
  return piece;
}

Status CaseMemory::Piece::fill(unsigned char pattern, Stream& stream) const {
  return stream.fill(buffer.address(), pattern, before + bytes + after);
}

Result<std::vector<unsigned char>> CaseMemory::Piece::read(unsigned char pattern, const std::string& what,
                                                           Stream& stream) const {
  std::vector<unsigned char> all(before + bytes + after);
  RETURN_IF_ERROR(stream.download(all.data(), buffer.address(), all.size()));
  RETURN_IF_ERROR(stream.wait());
  for (uint64_t i = 0; i < all.size(); ++i) {
    if (i == before) i += bytes;
    if (i >= all.size() || all[i] == pattern) continue;
    return i < before ? error(Code::kInternal, "{} byte{} in front of {} overwritten", before - i,
                              before - i == 1 ? "" : "s", what)
                      : error(Code::kInternal, "byte {} of {} was written to, which has {} bytes", i - before,
                              what, bytes);
  }
  return std::vector<unsigned char>(all.begin() + static_cast<int64_t>(before),
                                    all.end() - static_cast<int64_t>(after));
}

Result<CaseMemory> CaseMemory::allocate(const DevicePtr& device, const OpDef& def, const SampleCase& sample,
                                        const PreparedOp& op, bool shifted) {
  CaseMemory memory;
  memory.def_ = &def;
  std::vector<HostTensor> outputs = sample.make_outputs();
  const size_t inputs = sample.inputs.size(), count = inputs + outputs.size();
  memory.pieces_.resize(count);
  memory.arguments_.resize(count);
  memory.given_.resize(inputs);
  for (size_t i = 0; i < count; ++i) {
    const HostTensor& host = i < inputs ? sample.inputs[i] : outputs[i - inputs];
    const Tensor& t = host.tensor();
    if (!t.present()) continue;
    const bool is_packed = i < inputs && op.packed_layout(static_cast<int>(i));
    const auto bytes = is_packed ? op.packed_bytes(static_cast<int>(i)) : static_cast<uint64_t>(host.bytes());
    const auto element = static_cast<uint64_t>(dtype_info(t.dtype).block_bytes);
    ASSIGN_OR_RETURN(memory.pieces_[i], make(device, bytes, shifted && !is_packed ? element : 0));
    memory.arguments_[i].address = memory.pieces_[i].address();
    std::copy(t.dims, t.dims + t.rank, memory.arguments_[i].dims);
    std::copy(t.strides, t.strides + t.rank, memory.arguments_[i].strides);
  }
  ASSIGN_OR_RETURN(memory.workspace_, make(device, op.workspace_bytes(), 0));
  return memory;
}

Status CaseMemory::fill(const SampleCase& sample, const PreparedOp& op, unsigned char pattern,
                        Stream& stream) {
  pattern_ = pattern;
  RETURN_IF_ERROR(workspace_.fill(pattern, stream));
  for (size_t i = 0; i < pieces_.size(); ++i) {
    if (!pieces_[i].buffer) continue;
    RETURN_IF_ERROR(pieces_[i].fill(pattern, stream));
    if (i >= given_.size()) continue;
    ASSIGN_OR_RETURN(given_[i], packed(op, i, sample.inputs[i]));
    if (given_[i].size() != pieces_[i].bytes)
      return error(Code::kInternal, "input {}: an operator prepared alike packs it into {} bytes, not {}", i,
                   given_[i].size(), pieces_[i].bytes);
    if (!given_[i].empty())
      RETURN_IF_ERROR(stream.upload(pieces_[i].address(), given_[i].data(), given_[i].size()));
  }
  return ok();
}

Status CaseMemory::copy(const CaseMemory& from, Stream& stream) {
  pattern_ = from.pattern_;
  given_ = from.given_;
  const auto copy_piece = [&](const Piece& to, const Piece& source) {
    return stream.copy(to.buffer.address(), source.buffer.address(), to.buffer.bytes());
  };
  RETURN_IF_ERROR(copy_piece(workspace_, from.workspace_));
  for (size_t i = 0; i < pieces_.size(); ++i)
    if (pieces_[i].buffer) RETURN_IF_ERROR(copy_piece(pieces_[i], from.pieces_[i]));
  return ok();
}

Result<std::vector<HostTensor>> CaseMemory::read(const SampleCase& sample, Stream& stream) const {
  RETURN_IF_ERROR(stream.wait());
  RETURN_IF_ERROR(workspace_.read(pattern_, "the workspace that prepare asked for", stream).status());
  const size_t inputs = given_.size();
  const std::vector<HostTensor> outputs = sample.make_outputs();
  std::vector<HostTensor> results, states;
  for (size_t i = 0; i < pieces_.size(); ++i) {
    const HostTensor& host = i < inputs ? sample.inputs[i] : outputs[i - inputs];
    if (!pieces_[i].buffer) {
      if (i >= inputs) results.push_back(host.clone());
      continue;
    }
    const std::string name = i < inputs ? fmt::format("input {}", i) : fmt::format("output {}", i - inputs);
    ASSIGN_OR_RETURN(const std::vector<unsigned char> content, pieces_[i].read(pattern_, name, stream));
    const bool state = i < inputs && is_state_port(*def_, i);
    if (i < inputs && !state) {
      if (content != given_[i]) return error(Code::kInternal, "{} was overwritten", name);
      continue;
    }
    HostTensor result = host.clone();
    if (!content.empty()) std::memcpy(result.tensor().data, content.data(), content.size());
    (state ? states : results).push_back(std::move(result));
  }
  for (HostTensor& state : states) results.push_back(std::move(state));
  return results;
}

}  // namespace isthmus::conform
