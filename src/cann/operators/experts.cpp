// SPDX-License-Identifier: Apache-2.0
// Mixtures of experts: rows brought in the order of their experts, and back.
#include "cann/operators/quantize.h"
#include "cann/operators/rows.h"

namespace isthmus::cann {
namespace {

// Rows of choices sorted by expert, stable.
struct ByExpert {
  Value experts;  // of each place, counted from the first of the range; its length for those outside
  Value order;    // which (row, choice), as row * choices + choice, came to each place
  Value places;   // the place of each (row, choice)
};
ByExpert sort_by_expert(Builder& b, const Value& experts, int64_t begin, int64_t end) {
  const Value given = numbers_in(b, experts);
  const Value inside = b.op("logical_and", {b.op("greater_equal", {given, whole_number(b, begin)}),
                                            b.op("less", {given, whole_number(b, end)})});
  const Value key =
      b.op("where", {inside, b.op("sub", {given, whole_number(b, begin)}), whole_number(b, end - begin)});
  const std::vector<Value> sorted = b.ops("sort", {key});
  if (b.failed()) return {};
  return {sorted[0], sorted[1], inverse(b, sorted[1], given.elements())};
}

// What the versions of MoeInitRouting give by other names.
struct Routing {
  int64_t begin = 0, end = 0;  // experts whose rows are wanted
  int64_t capacity = 0;        // rows of each expert, dropped or padded; 0: as they come
  int64_t quant_mode = -1;     // 0: by one scale, 1: by rows
  bool by_place = false;       // expandedRowIdx names the row of each place, not the place of each row
};
struct Routed {
  Value counts;  // of each expert, before rows are dropped
  bool valid = false;
};

void store_quantized(Builder& b, const Routing& r, const Value& rows, const Value& there, const Value& owner,
                     const Value& place) {
  Value x = b.cast(rows, Dtype::kF32);
  const Value scale = b.cast(b.optional("scale"), Dtype::kF32), offset = b.optional("offset");
  if (b.failed()) return;
  if (r.quant_mode == 0) {
    if (!b.require(scale.present() && scale.elements() == 1 && (!offset.present() || offset.elements() == 1),
                   "quantising by one scale, which is {}, offset {}", to_string(scale), to_string(offset)))
      return;
    x = b.op("mul", {x, b.reshape(scale, {})});
    if (offset.present()) x = b.op("add", {x, b.reshape(b.cast(offset, Dtype::kF32), {})});
    x = b.op("where", {b.unsqueeze(there, 1), x, b.constant(Scalar::of(0.0), Dtype::kF32)});
    return b.store(to_integers(b, x, Dtype::kI8), place);
  }
  if (scale.present()) {
    if (!b.require(scale.rank == 2 && scale.dims[1] == x.dims[1] &&
                       (scale.dims[0] == 1 || scale.dims[0] == r.end - r.begin),
                   "smoothing {} by {}", to_string(x), to_string(scale)))
      return;
    x = b.op("mul", {x, scale.dims[0] == 1 ? scale : rows_of(b, scale, owner)});
  }
  const QuantizedRows quantized = quantize_by_row(b, x);
  b.store(quantized.integers, place);
  const Value scales = b.output(b.declares("expandedScaleOut") ? "expandedScaleOut" : "scaleOut");
  if (scales.present()) b.store(quantized.scale, b.reshape(scales, {scales.elements(), 1}));
}

Routed route(Builder& b, const Routing& r) {
  const Value x = b.tensor("x"), experts = b.tensor("expertIdx"), place = b.output("expandedXOut"),
              index = b.output("expandedRowIdxOut");
  if (b.failed() ||
      !b.require(x.rank == 2 && experts.rank == 2 && experts.dims[0] == x.dims[0] && experts.dims[1] > 0,
                 "x is {}, expertIdx {}", to_string(x), to_string(experts)) ||
      !b.require(r.begin >= 0 && r.begin < r.end && r.end <= INT32_MAX, "experts from {} to {}", r.begin,
                 r.end))
    return {};
  const int64_t n = r.end - r.begin, all = experts.elements(), width = x.dims[1];
  const ByExpert s = sort_by_expert(b, experts, r.begin, r.end);
  if (b.failed()) return {};
  const Value none = whole_number(b, all);
  const Value inside = b.op("less", {s.experts, whole_number(b, n)});
  Routed routed;
  Value from, owner;  // of each row of the result: its (row, choice), or `all`; its expert
  if (r.capacity == 0) {
    if (!b.require(place.rank == 2 && place.dims[0] <= all && place.dims[1] == width,
                   "{} rows sorted into {}", all, to_string(place)))
      return {};
    from = b.slice(b.op("where", {inside, s.order, none}), 0, 0, place.dims[0]);
    owner = b.slice(s.experts, 0, 0, place.dims[0]);
    const Value wanted = b.op("less", {s.places, sum_over(b, b.cast(inside, Dtype::kI64), 0)});
    b.store(r.by_place ? s.order : b.op("where", {wanted, s.places, whole_number(b, -1)}), index);
  } else {
    int64_t rows = 0;
    if (!b.require(r.capacity > 0 && n <= 1 << 20 && !__builtin_mul_overflow(n, r.capacity, &rows) &&
                       place.rank == 3 && place.dims[0] == n && place.dims[1] == r.capacity &&
                       place.dims[2] == width,
                   "{} experts with room for {} rows of {} in {}", n, r.capacity, width, to_string(place)))
      return {};
    routed.counts = histogram(b, s.experts, n);
    const Value starts = b.op("cumulative_sum", {routed.counts}, {{"exclusive", int64_t{1}}});
    const Value seat = b.unsqueeze(count_up(b, r.capacity), 0);
    const Value taken = b.op("less", {seat, b.unsqueeze(routed.counts, 1)});
    const Value at = b.op("add", {b.unsqueeze(starts, 1), seat});
    from = b.op("where", {flat(b, taken), rows_of(b, s.order, flat(b, at)), none});
    owner = flat(b, b.op("where", {taken, b.unsqueeze(count_up(b, n), 1), whole_number(b, n)}));
    const Value turn = b.op("sub", {count_up(b, all), rows_of(b, starts, s.experts)});
    const Value seated = b.op("add", {b.op("mul", {s.experts, whole_number(b, r.capacity)}), turn});
    const Value kept = b.op("logical_and", {inside, b.op("less", {turn, whole_number(b, r.capacity)})});
    const Value destination = b.op("where", {kept, seated, whole_number(b, -1)});
    b.store(r.by_place ? s.order : rows_of(b, destination, s.places), index);
  }
  if (b.failed()) return {};
  const Value row = b.op("div", {from, whole_number(b, experts.dims[1])});
  const Value rows = rows_of(b, x, row), two = b.reshape(place, {from.elements(), width});
  if (r.quant_mode == -1) {
    b.store(rows, two);
    if (b.declares("scale") && b.has("scale") && b.output("expandedScaleOut").present())
      b.store(rows_of(b, flat(b, b.tensor("scale")), row), b.output("expandedScaleOut"));
  } else if (b.require(r.quant_mode == 0 || r.quant_mode == 1, "quantMode {}; -1, 0 and 1 are supported",
                       r.quant_mode)) {
    store_quantized(b, r, rows, b.op("less", {from, none}), owner, two);
  }
  routed.valid = !b.failed();
  return routed;
}

Value counts_of(Builder& b, const Routing& r) {
  const Value given = numbers_in(b, b.tensor("expertIdx"));
  const Value from_first = b.op("sub", {given, whole_number(b, r.begin)});
  // A negative number would count from the end.
  const Value below = b.op("less", {from_first, whole_number(b, 0)});
  return histogram(b, b.op("where", {below, whole_number(b, r.end - r.begin), from_first}), r.end - r.begin);
}

// Pairs of an expert and how many rows it has, for those that have any, then zeros.
Value pairs_of(Builder& b, const Value& counts, int64_t begin, int64_t rows) {
  if (b.failed()) return {};
  const int64_t n = counts.elements();
  const Value number = count_up(b, n);
  const Value any = b.op("greater", {counts, whole_number(b, 0)});
  const std::vector<Value> sorted =
      b.ops("sort", {b.op("where", {any, number, b.op("add", {number, whole_number(b, n)})})});
  if (b.failed()) return {};
  const Value count = rows_of(b, counts, sorted[1]);
  const Value expert = b.op("where", {b.op("greater", {count, whole_number(b, 0)}),
                                      b.op("add", {sorted[1], whole_number(b, begin)}), whole_number(b, 0)});
  const Value pairs = b.op("concat", {b.unsqueeze(expert, 1), b.unsqueeze(count, 1)}, {{"axis", int64_t{1}}});
  return b.op("pad", {pairs}, {{"pads", std::vector<int64_t>{0, 0, rows - n, 0}}});
}

// MoeInitRoutingV2 and its quantised form.
Status route_v2(Builder& b, int64_t quant_mode, const char* flag, const char* count_place,
                const char* before_place) {
  Routing r;
  r.quant_mode = quant_mode;
  r.end = b.integer("expertNum");
  const int64_t mode = b.integer("dropPadMode"), kind = b.integer(flag);
  b.require(mode == 0 || mode == 1, "dropPadMode {}", mode);
  b.require(kind >= 0 && kind <= 2, "{} {}; 0: nothing, 1: where experts end, 2: counts", flag, kind);
  // Without counts nobody needs to say how many experts there are.
  if (r.end == 0 && mode == 0 && kind == 0) r.end = INT32_MAX;
  if (mode == 1) {
    r.capacity = b.integer("expertCapacity");
    b.require(r.capacity > 0, "expertCapacity {}", r.capacity);
  }
  const Routed routed = route(b, r);
  if (!routed.valid) return b.status();
  const Value place = b.output(count_place), before = b.output(before_place);
  if (kind != 0 && place.present() && mode == 0) {
    const Value counts = counts_of(b, r);
    b.store(kind == 1 ? b.op("cumulative_sum", {counts}) : counts, place);
  }
  if (before.present() && mode == 1 && b.boolean("expertTokensBeforeCapacityFlag"))
    b.store(routed.counts, before);
  return b.status();
}

}  // namespace

// rowIdx numbers the choices column by column: choice * rows + row.
Status build_MoeInitRouting(Builder& b) {
  const Value x = b.tensor("x"), experts = b.tensor("expertIdx"), numbers = b.tensor("rowIdx"),
              place = b.output("expandedXOut");
  if (b.failed() ||
      !b.require(x.rank == 2 && experts.rank == 2 && experts.dims[0] == x.dims[0] &&
                     numbers.shape() == experts.shape(),
                 "x is {}, rowIdx {}, expertIdx {}", to_string(x), to_string(numbers), to_string(experts)) ||
      !b.require(place.rank == 2 && place.dims[0] <= experts.elements(), "{} rows sorted into {}",
                 experts.elements(), to_string(place)))
    return b.status();
  const std::vector<Value> sorted = b.ops("sort", {flat(b, experts)});
  if (b.failed()) return b.status();
  const Value number = rows_of(b, numbers_in(b, numbers), sorted[1]);
  const Value row = b.op("mod", {number, whole_number(b, x.dims[0])});
  b.store(rows_of(b, x, b.slice(row, 0, 0, place.dims[0])), place);
  b.store(inverse(b, number, experts.elements()), b.output("expandedRowIdxOut"));
  b.store(sorted[0], b.output("expandedExpertIdxOut"));
  return b.status();
}

Status build_MoeInitRoutingV2(Builder& b) {
  return route_v2(b, -1, "expertTokensCountOrCumsumFlag", "expertTokensCountOrCumsumOut",
                  "expertTokensBeforeCapacityOut");
}

Status build_MoeInitRoutingQuantV2(Builder& b) {
  const int64_t mode = b.integer("quantMode");
  b.require(mode == 0 || mode == 1, "quantMode {}", mode);
  return route_v2(b, mode, "expertTokensNumMode", "expertTokensCountOrCumsumOut",
                  "expertTokensBeforeCapacityOut");
}

Status build_MoeInitRoutingV3(Builder& b) {
  Routing r;
  const std::vector<int64_t> range = b.ints("activeExpertRange");
  const int64_t experts = b.integer("expertNum"), pad = b.integer("dropPadMode"),
                kind = b.integer("expertTokensNumType"), index = b.integer("rowIdxType");
  r.quant_mode = b.integer("quantMode");
  r.by_place = index == 1;
  if (!b.require(range.empty() || range.size() == 2, "activeExpertRange has {} numbers", range.size()) ||
      !b.require(pad == 0 || pad == 1, "dropPadMode {}", pad) ||
      !b.require(index == 0 || index == 1, "rowIdxType {}", index) ||
      !b.require(kind >= 0 && kind <= 2, "expertTokensNumType {}", kind))
    return b.status();
  r.begin = range.empty() ? 0 : range[0];
  r.end = range.empty() ? experts : range[1];
  if (pad == 1) {
    r.capacity = b.integer("expertCapacity");
    if (!b.require(r.capacity > 0 && r.begin == 0 && r.end == experts,
                   "expertCapacity {} for experts from {} to {} of {}", r.capacity, r.begin, r.end, experts))
      return b.status();
  }
  const Routed routed = route(b, r);
  const Value place = b.output("expertTokensCountOrCumsumOut");
  if (!routed.valid || !place.present() || !b.boolean("expertTokensNumFlag")) return b.status();
  const Value counts = pad == 1 ? routed.counts : counts_of(b, r);
  if (pad == 0 && kind == 2) {
    if (!b.require(place.rank == 2 && place.dims[1] == 2 && place.dims[0] >= r.end - r.begin,
                   "pairs of {} experts in {}", r.end - r.begin, to_string(place)))
      return b.status();
    b.store(pairs_of(b, counts, r.begin, place.dims[0]), place);
  } else {
    b.store(pad == 0 && kind == 0 ? b.op("cumulative_sum", {counts}) : counts, place);
  }
  return b.status();
}

namespace {

// out = first + second + the sum over choices of scale * (row + bias of the expert). Numbers below 0 are of
// rows that were dropped. by_choice: the numbers go choice by choice, not row by row.
Status finalize(Builder& b, const char* expanded, const char* numbers, const char* first, const char* second,
                const char* experts, bool by_choice) {
  Value rows = b.tensor(expanded), index = numbers_in(b, b.tensor(numbers));
  const Value place = b.output();
  if (b.failed() ||
      !b.require(place.rank == 2 && place.dims[0] > 0 && index.elements() % place.dims[0] == 0 &&
                     rows.rank >= 2 && rows.dims[rows.rank - 1] == place.dims[1],
                 "{} by {} in {}", to_string(rows), to_string(index), to_string(place)))
    return b.status();
  const int64_t n = place.dims[0], choices = index.elements() / n, width = place.dims[1];
  if (!b.require(width > 0, "rows of {}", to_string(rows))) return b.status();
  rows = b.reshape(rows, {rows.elements() / width, width});
  const Value dropped = b.op("less", {index, whole_number(b, 0)});
  index = b.op("where", {dropped, whole_number(b, rows.dims[0]), index});
  index = by_choice ? b.transpose(b.reshape(index, {choices, n}), 0, 1) : b.reshape(index, {n, choices});
  Value y = b.reshape(b.cast(rows_of(b, rows, flat(b, index)), Dtype::kF32), {n, choices, width});
  const Value bias = b.optional("bias"), scales = b.optional("scales");
  if (bias.present()) {
    const Value expert = b.tensor(experts);
    if (b.failed() || !b.require(bias.rank == 2 && bias.dims[1] == width && expert.elements() == n * choices,
                                 "bias {} of experts {}", to_string(bias), to_string(expert)))
      return b.status();
    const Value added = rows_of(b, b.cast(bias, Dtype::kF32), numbers_in(b, expert));
    y = b.op("add", {y, b.reshape(added, {n, choices, width})});
  }
  if (scales.present()) {
    if (!b.require(scales.elements() == n * choices, "scales {} of {} choices", to_string(scales), choices))
      return b.status();
    y = b.op("mul", {y, b.reshape(b.cast(scales, Dtype::kF32), {n, choices, 1})});
  }
  y = sum_over(b, y, 1);
  Value skipped = b.cast(b.optional(first), Dtype::kF32);
  const Value other = b.cast(b.optional(second), Dtype::kF32);
  if (skipped.present() && other.present()) skipped = b.op("add", {skipped, other});
  if (!skipped.present()) skipped = other;
  if (skipped.present()) y = b.op("add", {b.reshape(skipped, {n, width}), y});
  b.store(y, place);
  return b.status();
}

}  // namespace

Status build_MoeFinalizeRouting(Builder& b) {
  return finalize(b, "expandedPermutedRows", "expandedSrcToDstRow", "skip1", "skip2", "expertForSourceRow",
                  true);
}
Status build_MoeFinalizeRoutingV2(Builder& b) {
  const int64_t mode = b.integer("dropPadMode");
  b.require(mode >= 0 && mode <= 3, "dropPadMode {}", mode);
  return finalize(b, "expandedX", "expandedRowIdx", "x1", "x2", "expertIdx", mode < 2);
}

}  // namespace isthmus::cann
