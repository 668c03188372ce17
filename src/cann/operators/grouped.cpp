// SPDX-License-Identifier: Apache-2.0
// Products of groups of rows, or of groups along what is summed, each group with a matrix of its own.
#include "cann/operators/grouped.h"

#include <algorithm>

#include "cann/operators/quantize.h"
#include "cann/operators/rows.h"

namespace isthmus::cann {
namespace {

// The dtype of a product: that of both, or F32, so that what is added is rounded once with the rest.
Dtype summed(const Value& x, const Value& weight, const Value& bias) {
  return x.dtype == weight.dtype && is_half(x.dtype) && !bias.present() ? x.dtype : Dtype::kF32;
}

}  // namespace

Value stacked_groups(Builder& b, const std::vector<Value>& parts, int rank) {
  if (b.failed() || parts.empty()) return {};
  if (parts.size() == 1 && parts[0].rank == rank + 1) return parts[0];
  std::vector<Value> all;
  for (const Value& part : parts) {
    if (!b.require(part.rank == rank, "{} of {} for the groups", to_string(part), parts.size())) return {};
    all.push_back(b.unsqueeze(part, 0));
  }
  return all.size() == 1 ? all[0] : b.op("concat", all, {{"axis", int64_t{0}}});
}

// Every sum of 1024 products of I8 is a whole number that F32 holds.
Value grouped_product(Builder& b, const Value& x, const Value& weight, const Value& bias,
                      const Value& group) {
  if (b.failed() || !b.require(x.rank == 2 && weight.rank == 3 && x.dims[1] == weight.dims[1],
                               "rows of {} by matrices {}", to_string(x), to_string(weight)))
    return {};
  const bool whole = x.dtype == Dtype::kI8 && weight.dtype == Dtype::kI8;
  if (!whole) {
    if (!b.require(is_float(x.dtype) && is_float(weight.dtype), "a product of {} and {}", to_string(x),
                   to_string(weight)))
      return {};
    const Dtype dtype = summed(x, weight, bias);
    return b.op("grouped_matmul", {b.cast(x, dtype), b.cast(weight, dtype), group});
  }
  if (!b.require(x.dims[1] <= kMostWholeProducts, "sums of {} products, at most {} fit I32", x.dims[1],
                 kMostWholeProducts))
    return {};
  Value sum;
  for (int64_t from = 0; from == 0 || from < x.dims[1]; from += 1024) {
    const int64_t to = std::min(x.dims[1], from + 1024);
    const Value part =
        b.cast(b.op("grouped_matmul", {b.cast(b.slice(x, 1, from, to), Dtype::kF32),
                                       b.cast(b.slice(weight, 1, from, to), Dtype::kF32), group}),
               Dtype::kI32);
    sum = sum.present() ? b.op("add", {sum, part}) : part;
  }
  return sum;
}

Value ends_of_groups(Builder& b, int64_t type) {
  const Value list = numbers_in(b, b.tensor("groupList"));
  if (!b.require(type == 0 || type == 1, "groupListType {}; 0 and 1 are supported", type)) return {};
  return type == 1 ? b.op("cumulative_sum", {list}) : list;
}

Value scaled_groups(Builder& b, const Value& sums, const Value& scale, const Value& group,
                    const Value& rows) {
  if (b.failed() ||
      !b.require(scale.present() && scale.rank == 2 && is_float(scale.dtype),
                 "products of I8 with scales {}; floats for each group are supported", to_string(scale)))
    return {};
  const Value y = b.op("mul", {b.cast(sums, Dtype::kF32), rows_of(b, b.cast(scale, Dtype::kF32), group)});
  if (!rows.present()) return y;
  return b.op("mul", {y, b.unsqueeze(flat(b, b.cast(rows, Dtype::kF32)), 1)});
}

namespace {

// The tensors of a list that may be null or, as clients say the same, hold one empty tensor.
std::vector<Value> given(Builder& b, const char* parameter) {
  if (!b.declares(parameter) || !b.has(parameter)) return {};
  std::vector<Value> list = b.tensor_list(parameter);
  if (list.size() == 1 && list[0].elements() == 0) list.clear();
  return list;
}

void refuse(Builder& b, std::initializer_list<const char*> lists) {
  for (const char* parameter : lists)
    if (!given(b, parameter).empty()) b.fail(unimplemented("'{}' is not supported", parameter));
}

// One tensor of a list, or part of the one there is.
Value of_group(Builder& b, const std::vector<Value>& list, size_t i, int rank) {
  if (b.failed() || list.empty()) return {};
  const bool one = list.size() == 1 && list[0].rank == rank + 1;
  const size_t count = one ? static_cast<size_t>(list[0].dims[0]) : list.size();
  if (!b.require(i < count, "{} for the groups, no number {}", count, i)) return {};
  return one ? b.select(list[0], 0, static_cast<int64_t>(i)) : list[i];
}

// Rows of one group.
Value product(Builder& b, const Value& x, const Value& weight, const Value& bias) {
  if (b.failed()) return {};
  const Dtype dtype = summed(x, weight, bias);
  Value y = b.op("matmul", {b.cast(x, dtype), b.cast(weight, dtype)});
  if (bias.present()) y = b.op("add", {y, b.cast(bias, Dtype::kF32)});
  return y;
}

// The places of results one behind the other: each output of its own, or parts of the only one.
class Places {
 public:
  Places(Builder& b, std::vector<Value> outputs) : b_(b), outputs_(std::move(outputs)) {}
  void store(const Value& y) {
    if (b_.failed()) return;
    if (outputs_.size() == 1 && y.rank == 2 && outputs_[0].rank == 2) {
      const int64_t end = at_ + y.dims[0];
      if (!b_.require(end <= outputs_[0].dims[0], "{} rows in {}", end, to_string(outputs_[0]))) return;
      b_.store(y, b_.slice(outputs_[0], 0, at_, end));
      at_ = end;
    } else if (b_.require(next_ < outputs_.size(), "{} outputs are too few", outputs_.size())) {
      b_.store(y, outputs_[next_++]);
    }
  }

 private:
  Builder& b_;
  std::vector<Value> outputs_;
  size_t next_ = 0;
  int64_t at_ = 0;
};

struct Operands {
  std::vector<Value> x, weight, bias, outputs;
};
Operands operands(Builder& b, const char* out) {
  Operands o = {b.tensor_list("x"), b.tensor_list("weight"), given(b, "bias"), b.output_list(out)};
  b.require(!o.x.empty() && !o.weight.empty() && !o.outputs.empty(), "{} x, {} weights and {} outputs",
            o.x.size(), o.weight.size(), o.outputs.size());
  return o;
}

// x[i] weight[i] for each i.
Status one_by_one(Builder& b, const Operands& o) {
  Places places(b, o.outputs);
  for (size_t i = 0; i < o.x.size() && !b.failed(); ++i)
    places.store(product(b, o.x[i], of_group(b, o.weight, i, 2), of_group(b, o.bias, i, 1)));
  return b.status();
}

// Groups of the rows of x that end where the caller says.
Status by_known_ends(Builder& b, const Operands& o, const std::vector<int64_t>& ends) {
  const Value x = o.x[0];
  Places places(b, o.outputs);
  int64_t from = 0;
  for (size_t i = 0; i < ends.size() && !b.failed(); ++i) {
    if (!b.require(x.rank == 2 && ends[i] >= from && ends[i] <= x.dims[0], "group {} ends at row {} of {}", i,
                   ends[i], to_string(x)))
      break;
    places.store(
        product(b, b.slice(x, 0, from, ends[i]), of_group(b, o.weight, i, 2), of_group(b, o.bias, i, 1)));
    from = ends[i];
  }
  return b.status();
}

Status by_rows(Builder& b, const Operands& o, int64_t type) {
  const Value x = o.x[0];
  if (!b.require(x.rank == 2, "rows of {}", to_string(x))) return b.status();
  if (o.outputs.size() > 1) {  // they say how long the groups are
    std::vector<int64_t> ends;
    for (const Value& y : o.outputs)
      ends.push_back((ends.empty() ? 0 : ends.back()) + (y.rank ? y.dims[0] : 0));
    return by_known_ends(b, o, ends);
  }
  const Value group = group_of_rows(b, ends_of_groups(b, type), x.dims[0]);
  Value bias = stacked_groups(b, o.bias, 1);
  Value y = grouped_product(b, x, stacked_groups(b, o.weight, 2), bias, group);
  if (b.failed()) return b.status();
  if (y.dtype == Dtype::kI32) {
    if (bias.present() && !is_float(bias.dtype)) {
      y = b.op("add", {y, rows_of(b, b.cast(bias, Dtype::kI32), group)});
      bias = {};
    }
    const std::vector<Value> tokens = given(b, "perTokenScale");
    y = scaled_groups(b, y, stacked_groups(b, given(b, "scale"), 1), group,
                      tokens.empty() ? Value{} : tokens[0]);
  } else {
    refuse(b, {"scale", "perTokenScale"});
  }
  if (bias.present()) y = b.op("add", {y, rows_of(b, b.cast(bias, Dtype::kF32), group)});
  b.store(y, o.outputs[0]);
  return b.status();
}

// Groups along what is summed: x is [m, k] and weight [k, n].
Value along_sums(Builder& b, const Value& x, const Value& weight, const Value& ends, Dtype dtype) {
  if (b.failed()) return {};
  return b.op("grouped_matmul_transposed",
              {b.cast(b.transpose(x, 0, 1), dtype), b.cast(weight, dtype), ends});
}

}  // namespace

Status build_GroupedMatmul(Builder& b) {
  refuse(b, {"scale", "offset", "antiquantScale", "antiquantOffset"});
  const Operands o = operands(b, "y");
  const std::vector<int64_t> ends = b.ints("groupList");
  if (b.failed()) return b.status();
  if (ends.empty() || o.x.size() > 1) return one_by_one(b, o);
  return by_known_ends(b, o, ends);
}

Status build_GroupedMatmulV4(Builder& b) {
  refuse(b, {"offset", "antiquantScale", "antiquantOffset", "activationInput", "activationQuantScale",
             "activationQuantOffset"});
  b.require(b.integer("actType") == 0, "actType {}; 0 is supported", b.integer("actType"));
  const int64_t kind = b.integer("groupType");
  const Operands o = operands(b, "out");
  if (!b.require(kind == -1 || kind == 0 || kind == 2, "groupType {}; -1, 0 and 2 are supported", kind))
    return b.status();
  if (kind == -1 || !b.has("groupList") || o.x.size() > 1) {
    refuse(b, {"scale", "perTokenScale"});
    return one_by_one(b, o);
  }
  if (kind == 0) return by_rows(b, o, b.integer("groupListType"));
  refuse(b, {"scale", "perTokenScale", "bias"});
  if (!b.require(o.weight.size() == 1 && o.outputs.size() == 1 && o.x[0].rank == 2 && o.weight[0].rank == 2,
                 "groups along what is summed, of {} and {} weights, in {} outputs", to_string(o.x[0]),
                 o.weight.size(), o.outputs.size()))
    return b.status();
  b.store(along_sums(b, o.x[0], o.weight[0], ends_of_groups(b, b.integer("groupListType")),
                     summed(o.x[0], o.weight[0], {})),
          o.outputs[0]);
  return b.status();
}
Status build_GroupedMatmulV5(Builder& b) { return build_GroupedMatmulV4(b); }

Status build_GroupedMatmulAdd(Builder& b) {
  Value x = b.tensor("x"), weight = b.tensor("weight");
  const Value place = b.output("yRef");
  const int64_t kind = b.integer("groupType");
  b.require(kind == 2, "groupType {}; 2 is supported", kind);
  if (b.failed() ||
      !b.require(x.rank == 2 && weight.rank == 2, "x {} and weight {}", to_string(x), to_string(weight)))
    return b.status();
  if (b.boolean("transposeX")) x = b.transpose(x, 0, 1);
  if (b.boolean("transposeWeight")) weight = b.transpose(weight, 0, 1);
  const Value sum = along_sums(b, x, weight, numbers_in(b, b.tensor("groupList")), Dtype::kF32);
  if (b.failed() ||
      !b.require(sum.elements() == place.elements(), "{} added to {}", to_string(sum), to_string(place)))
    return b.status();
  b.store(b.op("add", {b.cast(b.tensor("yRef"), Dtype::kF32), b.reshape(sum, place.shape())}), place);
  return b.status();
}

}  // namespace isthmus::cann
