// SPDX-License-Identifier: Apache-2.0
// Rotary embedding by a table of angles, with norms and caches behind it, and its gradient.
#include "cann/operators/caches.h"
#include "cann/operators/quantize.h"
#include "cann/operators/rows.h"

namespace isthmus::cann {
namespace {

Value turned(Builder& b, const Value& x, const Value& cos, const Value& sin, bool interleaved) {
  return b.op("rotate_pairs", {x, cos, sin}, {{"style", std::string(interleaved ? "interleaved" : "neox")}});
}

// What rotate_pairs multiplies with the sines.
Value crossed(Builder& b, const Value& x, bool interleaved) {
  if (b.failed()) return {};
  const auto all = [&](double value) { return b.filled(Scalar::of(value), x.dtype, x.shape()); };
  return turned(b, x, all(0), all(1), interleaved);
}

// The even numbers of each head before the odd ones.
Value put_apart(Builder& b, const Value& x) {
  if (b.failed() || !b.require(x.rank >= 1 && x.rank < kMaxRank && x.dims[x.rank - 1] % 2 == 0, "pairs of {}",
                               to_string(x)))
    return {};
  std::vector<int64_t> pairs = x.shape();
  pairs.back() /= 2;
  pairs.push_back(2);
  return b.reshape(b.transpose(b.reshape(x, pairs), -1, -2), x.shape());
}

// Rows of half the angles for each token. Positions of three axes take a section of the angles each, one
// behind the other, or (interleaved) in turn up to three times the second section.
Value angles(Builder& b, const Value& table, const Value& positions, const std::vector<int64_t>& sections,
             bool in_turn) {
  const auto rows = [&](const Value& numbers) { return rows_of(b, table, numbers); };
  if (b.failed() || positions.rank == 1) return rows(positions);
  const int64_t half = table.dims[1];
  if (!b.require(positions.rank == 2 && positions.dims[0] == 3 && sections.size() == 3,
                 "positions {} with {} sections", to_string(positions), sections.size()) ||
      !b.require(sections[0] >= 0 && sections[1] >= 0 && sections[2] >= 0 && sections[0] <= half &&
                     sections[1] <= half && sections[2] <= half &&
                     sections[0] + sections[1] + sections[2] == half,
                 "sections {} of {} angles", dims_to_string(sections), half) ||
      !b.require(!in_turn || sections[1] == sections[2], "sections {} in turn", dims_to_string(sections)))
    return {};
  Value parts[3];
  for (int64_t i = 0; i < 3; ++i) parts[i] = rows(b.select(positions, 0, i));
  if (!in_turn) {
    std::vector<Value> all;
    int64_t at = 0;
    for (size_t i = 0; i < 3; at += sections[i++])
      if (sections[i] > 0) all.push_back(b.slice(parts[i], 1, at, at + sections[i]));
    return all.empty() ? parts[0] : b.op("concat", all, {{"axis", int64_t{1}}});
  }
  std::vector<int64_t> axis(static_cast<size_t>(half), 0);
  for (int64_t i = 0; i < half && i < 3 * sections[1]; ++i) axis[static_cast<size_t>(i)] = i % 3;
  const Value which = b.constant(Dtype::kI64, {1, half}, axis);
  const Value rest = b.op("where", {b.op("equal", {which, whole_number(b, 1)}), parts[1], parts[2]});
  return b.op("where", {b.op("equal", {which, whole_number(b, 0)}), parts[0], rest});
}

Status rope_by_table(Builder& b, bool in_turn) {
  const Value table = b.cast(b.tensor("cosSinCache"), Dtype::kF32), given = b.tensor("positions");
  const bool interleaved = !b.boolean("isNeoxStyle");
  const int64_t head = b.integer("headSize");
  if (b.failed() || !b.require(table.rank == 2 && given.rank >= 1 && table.dims[1] > 0 &&
                                   table.dims[1] % 4 == 0 && table.dims[1] <= head,
                               "cosines and sines {} for heads of {}", to_string(table), head))
    return b.status();
  const int64_t width = table.dims[1], tokens = given.dims[given.rank - 1];
  const Value positions = b.cast(given, Dtype::kI64);
  Value both[2];
  for (int64_t i = 0; i < 2; ++i) {
    const Value half = angles(b, b.slice(table, 1, i * (width / 2), (i + 1) * (width / 2)), positions,
                              b.ints("mropeSection"), in_turn);
    if (b.failed()) return b.status();
    const Value twice =
        interleaved ? b.reshape(b.expand(b.unsqueeze(half, 2), {tokens, width / 2, 2}), {tokens, width})
                    : b.op("concat", {half, half}, {{"axis", int64_t{1}}});
    both[i] = b.unsqueeze(twice, 1);
  }
  for (const auto& [from, to] : {std::pair{"queryIn", "queryOut"}, {"keyIn", "keyOut"}}) {
    const Value x = b.tensor(from), place = b.output(to);
    if (b.failed() ||
        !b.require(tokens > 0 && x.elements() % (tokens * head) == 0 && place.elements() == x.elements(),
                   "{} tokens of heads of {} in {}", tokens, head, to_string(x)))
      return b.status();
    const Value heads = b.reshape(b.cast(x, Dtype::kF32), {tokens, x.elements() / (tokens * head), head});
    Value y = turned(b, b.slice(heads, 2, 0, width), both[0], both[1], interleaved);
    if (width < head) y = b.op("concat", {y, b.slice(heads, 2, width, head)}, {{"axis", int64_t{2}}});
    if (b.failed()) return b.status();
    b.store(b.reshape(y, place.shape()), place);
  }
  return b.status();
}

// The sum over the axes along which `like` was repeated.
Value reduced_to(Builder& b, const Value& x, const Value& like) {
  if (b.failed() || !b.require(x.rank == like.rank, "{} for {}", to_string(like), to_string(x))) return {};
  std::vector<int64_t> axes;
  for (int i = 0; i < x.rank; ++i)
    if (like.dims[i] != x.dims[i]) axes.push_back(i);
  return axes.empty() ? x : b.op("reduce_sum", {x}, {{"axes", axes}});
}

}  // namespace

Status build_RopeWithSinCosCache(Builder& b) { return rope_by_table(b, false); }
Status build_RopeWithSinCosCacheV2(Builder& b) {
  const int64_t mode = b.integer("cacheMode");
  b.require(mode == 0 || mode == 1, "cacheMode {}", mode);
  return rope_by_table(b, mode == 1);
}

// dcos and dsin are written when x is given.
Status build_RotaryPositionEmbeddingGrad(Builder& b) {
  const Value dy = b.cast(b.tensor("dy"), Dtype::kF32), cos = b.cast(b.tensor("cos"), Dtype::kF32),
              sin = b.cast(b.tensor("sin"), Dtype::kF32);
  const int64_t mode = b.integer("mode");
  if (!b.require(mode == 0 || mode == 1, "mode {}; 0 and 1 are supported", mode)) return b.status();
  const Value by_sin = b.op("mul", {dy, sin});
  b.store(b.op("sub", {b.op("mul", {dy, cos}), crossed(b, by_sin, mode == 1)}), b.output("dxOut"));
  if (!b.has("x")) return b.status();
  const Value x = b.cast(b.tensor("x"), Dtype::kF32);
  if (b.has("dcosOut")) b.store(reduced_to(b, b.op("mul", {dy, x}), cos), b.output("dcosOut"));
  if (b.has("dsinOut"))
    b.store(reduced_to(b, b.op("mul", {dy, crossed(b, x, mode == 1)}), sin), b.output("dsinOut"));
  return b.status();
}

// kv is what is normed, then what is turned; places below 0 are not written.
Status build_KvRmsNormRopeCache(Builder& b) {
  for (const char* parameter : {"kRopeOffset", "ckvOffset"})
    if (b.has(parameter)) b.fail(unimplemented("'{}' is not supported", parameter));
  const Value kv = b.cast(b.tensor("kv"), Dtype::kF32), gamma = b.cast(b.tensor("gamma"), Dtype::kF32);
  const Value cos = b.cast(b.tensor("cos"), Dtype::kF32), sin = b.cast(b.tensor("sin"), Dtype::kF32);
  const std::string mode = b.text("cacheMode");
  b.require(mode == "Norm" || mode == "PA" || mode == "PA_BNSD" || mode == "PA_BLK_BNSD",
            "cacheMode '{}'; Norm, PA, PA_BNSD and PA_BLK_BNSD are supported", mode);
  if (b.failed() ||
      !b.require(kv.rank == 4 && kv.dims[1] == 1 && gamma.rank == 1 && gamma.dims[0] < kv.dims[3],
                 "kv {} with gamma {}", to_string(kv), to_string(gamma)))
    return b.status();
  const int64_t batches = kv.dims[0], length = kv.dims[2], normed = gamma.dims[0];
  const Value y = b.op("rms_norm", {b.slice(kv, 3, 0, normed), gamma}, {{"eps", b.number("epsilon")}});
  const Value k = turned(b, put_apart(b, b.slice(kv, 3, normed, kv.dims[3])), cos, sin, false);
  if (b.boolean("isOutputKv")) {
    b.store(k, b.output("kRopeOut"));
    b.store(y, b.output("ckvOut"));
  }
  const Value index = numbers_in(b, b.tensor("index"));
  for (const bool keys : {true, false}) {
    const Value cache = b.tensor(keys ? "kCacheRef" : "ckvCacheRef");
    const char* scale = keys ? "kRopeScale" : "ckvScale";
    Value x = keys ? k : y;
    if (b.has(scale)) x = b.op("mul", {x, along(b, b.tensor(scale), x, -1)});
    if (b.failed() || !b.require(cache.rank == 4, "{} stored in {}", to_string(x), to_string(cache))) break;
    x = cache.dtype == Dtype::kI8 ? to_integers(b, x, Dtype::kI8) : b.cast(x, cache.dtype);
    Value slots = index;
    if (mode == "Norm") {  // counted in each batch
      if (!b.require(cache.dims[0] == batches && cache.dims[1] == 1 && index.elements() == batches * length,
                     "{} places in {}", index.elements(), to_string(cache)))
        break;
      const Value first = b.op("mul", {b.unsqueeze(count_up(b, batches), 1), whole_number(b, cache.dims[2])});
      const Value of_batch = b.reshape(index, {batches, length});
      const Value outside =
          b.op("logical_or", {b.op("less", {of_batch, whole_number(b, 0)}),
                              b.op("greater_equal", {of_batch, whole_number(b, cache.dims[2])})});
      slots = flat(b, b.op("where", {outside, whole_number(b, -1), b.op("add", {first, of_batch})}));
    } else if (mode == "PA_BLK_BNSD") {  // where blocks begin
      const int64_t block = cache.dims[1], blocks = block > 0 ? (length + block - 1) / block : 0;
      if (!b.require(block > 0 && index.elements() == batches * blocks, "{} blocks for {} batches of {}",
                     index.elements(), batches, length))
        break;
      const Value starts = b.unsqueeze(b.reshape(index, {batches, blocks}), 2);
      const Value seats = b.reshape(count_up(b, block), {1, 1, block});
      const Value all = b.op("where", {b.op("less", {starts, whole_number(b, 0)}), whole_number(b, -1),
                                       b.op("add", {starts, seats})});
      slots = flat(b, b.slice(b.reshape(all, {batches, blocks * block}), 1, 0, length));
    }
    if (b.failed() || !b.require(slots.elements() == batches * length, "{} places for {} tokens",
                                 slots.elements(), batches * length))
      break;
    write_rows(b, cache, b.reshape(x, {batches * length, x.dims[3]}), slots);
  }
  return b.status();
}

}  // namespace isthmus::cann
