// SPDX-License-Identifier: Apache-2.0
// Caches of keys and values in blocks: [blocks, block, heads, head], or with the mode PA_NZ [blocks, pieces,
// block, piece], where a token's numbers lie in pieces.
#include "cann/operators/caches.h"

#include "cann/operators/rows.h"

namespace isthmus::cann {

void write_rows(Builder& b, const Value& cache, const Value& rows, const Value& slots) {
  if (b.failed()) return;
  const int64_t width = rows.dims[1];
  if (!b.require(cache.dense() && width > 0 && cache.elements() % width == 0, "rows of {} in {}", width,
                 to_string(cache)))
    return;
  const int64_t count = cache.elements() / width;
  const Value place = b.reshape(cache, {count, width});
  const Value below = b.op("less", {slots, whole_number(b, 0)});  // else they would count from the end
  const Value at = b.op("where", {below, whole_number(b, count), slots});
  b.ops("index_copy", {place, at, b.apart(b.cast(rows, cache.dtype), cache)});
}

namespace {

struct Layout {
  int64_t blocks, block, pieces, piece;  // of a token
};

// The layout of a cache for tokens of `width` numbers.
Layout layout_of(Builder& b, const Value& cache, int64_t width) {
  const std::string mode = b.text("cacheMode");
  const bool pieces = mode == "PA_NZ";
  if (b.failed() || !b.require(pieces || mode.empty() || mode == "Norm", "cacheMode '{}'", mode)) return {};
  Layout l = {};
  if (!b.require(cache.rank == 4 && cache.dense(), "a cache of {}", to_string(cache))) return {};
  l = pieces ? Layout{cache.dims[0], cache.dims[2], cache.dims[1], cache.dims[3]}
             : Layout{cache.dims[0], cache.dims[1], 1, cache.dims[2] * cache.dims[3]};
  b.require(l.block > 0 && l.piece > 0 && l.pieces * l.piece == width, "tokens of {} in a cache of {}", width,
            to_string(cache));
  return l;
}

// The rows of pieces that slots (I64, [n]) mean, [n * pieces]; for slots outside one behind the last.
Value rows_of_slots(Builder& b, const Layout& l, const Value& slots) {
  if (b.failed()) return {};
  const Value outside =
      b.op("logical_or", {b.op("less", {slots, whole_number(b, 0)}),
                          b.op("greater_equal", {slots, whole_number(b, l.blocks * l.block)})});
  const Value block = b.op("div", {slots, whole_number(b, l.block)});
  const Value seat = b.op("sub", {slots, b.op("mul", {block, whole_number(b, l.block)})});
  const Value first = b.op("add", {b.op("mul", {block, whole_number(b, l.block * l.pieces)}), seat});
  const Value step = b.op("mul", {count_up(b, l.pieces), whole_number(b, l.block)});
  const Value all = b.op("add", {b.unsqueeze(first, 1), b.unsqueeze(step, 0)});
  return flat(b,
              b.op("where", {b.unsqueeze(outside, 1), whole_number(b, l.blocks * l.block * l.pieces), all}));
}

void scatter(Builder& b, const char* given, const char* cache_name, const Value& slots) {
  const Value x = b.tensor(given), cache = b.tensor(cache_name);
  if (b.failed() || !b.require(x.rank == 3 && slots.elements() == x.dims[0], "{} at {} slots", to_string(x),
                               slots.elements()))
    return;
  const Layout l = layout_of(b, cache, x.dims[1] * x.dims[2]);
  if (b.failed()) return;
  write_rows(b, cache, b.reshape(x, {x.dims[0] * l.pieces, l.piece}), rows_of_slots(b, l, slots));
}

void refuse_compressed(Builder& b) {
  for (const char* parameter : {"compressLens", "compressSeqOffsets", "seqLens"})
    if (b.has(parameter)) b.fail(unimplemented("'{}' is not supported", parameter));
}

}  // namespace

Status build_ScatterPaCache(Builder& b) {
  refuse_compressed(b);
  scatter(b, "key", "keyCacheRef", numbers_in(b, b.tensor("slotMapping")));
  return b.status();
}
Status build_ScatterPaKvCache(Builder& b) {
  refuse_compressed(b);
  const std::string mode = b.text("scatterMode");
  const std::vector<int64_t> steps = b.ints("strides"), offsets = b.ints("offsets");
  b.require(mode.empty() || mode == "None", "scatterMode '{}'", mode);
  for (int64_t step : steps) b.require(step == 1, "a stride of {}; 1 is supported", step);
  for (int64_t offset : offsets) b.require(offset == 0, "an offset of {}; 0 is supported", offset);
  const Value slots = numbers_in(b, b.tensor("slotMapping"));
  scatter(b, "key", "keyCacheRef", slots);
  scatter(b, "value", "valueCacheRef", slots);
  return b.status();
}

// Token after token of each sequence, from the block on in which seqOffset lies; blocks that are not there
// read zeros, and what is behind the last sequence stays.
Status build_GatherPaKvCache(Builder& b) {
  const Value tables = b.cast(b.tensor("blockTables"), Dtype::kI64);
  Value lengths = numbers_in(b, b.tensor("seqLens"));
  if (b.failed() || !b.require(tables.rank == 2, "block tables {}", to_string(tables))) return b.status();
  const int64_t batches = tables.dims[0], width = tables.dims[1];
  Value ends;
  if (b.boolean("isSeqLensCumsum")) {
    if (!b.require(lengths.elements() == batches + 1, "{} sums of lengths for {} sequences",
                   lengths.elements(), batches))
      return b.status();
    ends = b.slice(lengths, 0, 1, batches + 1);
    lengths = b.op("sub", {ends, b.slice(lengths, 0, 0, batches)});
  } else {
    if (!b.require(lengths.elements() == batches, "{} lengths for {} sequences", lengths.elements(), batches))
      return b.status();
    ends = b.op("cumulative_sum", {lengths});
  }
  for (const bool keys : {true, false}) {
    const Value cache = b.tensor(keys ? "keyCache" : "valueCache"),
                place = b.output(keys ? "keyRef" : "valueRef");
    if (b.failed() || !b.require(place.rank == 3 && place.dtype == cache.dtype, "tokens {} of a cache {}",
                                 to_string(place), to_string(cache)))
      return b.status();
    const int64_t tokens = place.dims[0];
    const Layout l = layout_of(b, cache, place.dims[1] * place.dims[2]);
    if (b.failed()) return b.status();
    const Value batch = group_of_rows(b, ends, tokens);
    const Value started = rows_of(b, b.op("sub", {ends, lengths}), batch);
    const Value number = b.op("sub", {count_up(b, tokens), started});
    Value nth = b.op("div", {number, whole_number(b, l.block)});
    const Value seat = b.op("sub", {number, b.op("mul", {nth, whole_number(b, l.block)})});
    if (b.has("seqOffset")) {
      const Value from = b.op("div", {numbers_in(b, b.tensor("seqOffset")), whole_number(b, l.block)});
      if (b.failed() ||
          !b.require(from.elements() == batches, "{} offsets for {} sequences", from.elements(), batches))
        return b.status();
      nth = b.op("add", {nth, rows_of(b, from, batch)});
    }
    const Value in_table = b.op("logical_and", {b.op("less", {nth, whole_number(b, width)}),
                                                b.op("greater_equal", {nth, whole_number(b, 0)})});
    const Value at = b.op("add", {b.op("mul", {batch, whole_number(b, width)}), nth});
    const Value block = rows_of(b, flat(b, tables), at);
    const Value there = b.op(
        "logical_and", {in_table, b.op("logical_and", {b.op("greater_equal", {block, whole_number(b, 0)}),
                                                       b.op("less", {block, whole_number(b, l.blocks)})})});
    const Value slot = b.op(
        "where",
        {there, b.op("add", {b.op("mul", {block, whole_number(b, l.block)}), seat}), whole_number(b, -1)});
    const Value rows =
        rows_of(b, b.reshape(cache, {l.blocks * l.pieces * l.block, l.piece}), rows_of_slots(b, l, slot));
    const Value belongs = b.op("less", {batch, whole_number(b, batches)});
    if (b.failed()) return b.status();
    b.store(b.op("where", {b.reshape(belongs, {tokens, 1, 1}), b.reshape(rows, place.shape()),
                           b.tensor(keys ? "keyRef" : "valueRef")}),
            place);
  }
  return b.status();
}

}  // namespace isthmus::cann
