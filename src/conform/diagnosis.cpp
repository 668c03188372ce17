// SPDX-License-Identifier: Apache-2.0
#include "conform/diagnosis.h"

#include <cmath>
#include <cstring>

#include "ops/reference.h"

namespace isthmus::conform {
namespace {

bool same(const std::vector<HostTensor>& a, const std::vector<HostTensor>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i)
    if (!compare_bits(a[i].tensor(), b[i].tensor()).empty()) return false;
  return true;
}

// The smallest number of full precision.
double smallest_normal(Dtype dtype) {
  switch (dtype) {
    case Dtype::kF64: return 0x1p-1022;
    case Dtype::kF16: return 0x1p-14;
    default: return 0x1p-126;
  }
}

// What the elements that differ have in common.
struct Differences {
  int64_t count = 0, elements = 0, lost_nan = 0, flushed = 0, unwritten = 0;
  bool all_last_of_tensor = true, all_last_of_row = true;

  void add(const Tensor& expected, const Tensor& found) {
    if (!expected.present() || is_block(expected.dtype)) return;
    elements += expected.elements();
    const int64_t bytes = dtype_info(expected.dtype).block_bytes;
    int64_t number = 0;
    reference::for_each_index(expected.dims, expected.rank, [&](const int64_t* index) {
      const int64_t at = number++, e = expected.offset(index), f = found.offset(index);
      const char *want_bytes = expected.as<char>() + e * bytes, *got_bytes = found.as<char>() + f * bytes;
      if (std::memcmp(want_bytes, got_bytes, static_cast<size_t>(bytes)) == 0) return;
      const double want = reference::load_f64(expected, e), got = reference::load_f64(found, f);
      if (std::isnan(want) && std::isnan(got)) return;
      ++count;
      lost_nan += std::isnan(want);
      flushed += is_float(expected.dtype) && want != 0 && got == 0 &&
                 std::fabs(want) < smallest_normal(expected.dtype);
      bool untouched = true;  // case_memory's pattern of a first run
      for (int64_t b = 0; b < bytes; ++b) untouched &= got_bytes[b] == 0x5a;
      unwritten += untouched;
      all_last_of_tensor &= at == expected.elements() - 1;
      all_last_of_row &=
          expected.rank > 0 && index[expected.rank - 1] == expected.dims[expected.rank - 1] - 1;
    });
  }
};

std::string in_common(const std::vector<HostTensor>& expected, const std::vector<HostTensor>& found) {
  Differences d;
  for (size_t i = 0; i < expected.size(); ++i) d.add(expected[i].tensor(), found[i].tensor());
  if (d.count == 0) return "";
  if (d.lost_nan == d.count) return "every element that differs should be NaN: NaN is dropped";
  if (d.flushed == d.count)
    return "every element that differs is subnormal and became zero: subnormal numbers are flushed";
  if (d.all_last_of_tensor && d.unwritten == d.count)
    return "only the last element is wrong, and was never written: a tail of one";
  if (d.count < d.elements && d.all_last_of_tensor) return "only the last element is wrong: a tail of one";
  if (d.unwritten == d.count) return fmt::format("{} of {} elements were never written", d.count, d.elements);
  if (d.count < d.elements && d.all_last_of_row) return "only the last element of each row is wrong: a tail";
  return "";
}

// The same case with subnormal inputs as zeros.
SampleCase flushed(const SampleCase& sample, const std::vector<HostTensor>& inputs) {
  SampleCase out = sample;
  out.inputs.clear();
  for (const HostTensor& input : inputs) {
    out.inputs.push_back(input.clone());
    const Tensor& t = out.inputs.back().tensor();
    if (!t.present() || is_block(t.dtype) || !is_float(t.dtype)) continue;
    const int64_t bytes = dtype_info(t.dtype).block_bytes;
    reference::for_each_index(t.dims, t.rank, [&](const int64_t* index) {
      const int64_t at = t.offset(index);
      if (std::fabs(reference::load_f64(t, at)) < smallest_normal(t.dtype))
        std::memset(t.as<char>() + at * bytes, 0, static_cast<size_t>(bytes));
    });
  }
  return out;
}

// The same values in dense memory; false when they lie so already.
bool dense(const SampleCase& sample, SampleCase& out) {
  out = sample;
  out.inputs.clear();
  bool changed = false;
  for (const HostTensor& input : sample.inputs) {
    const Tensor& t = input.tensor();
    if (!t.present() || is_block(t.dtype) || is_contiguous(t)) {
      out.inputs.push_back(input.clone());
      continue;
    }
    changed = true;
    out.inputs.emplace_back(t.dtype, std::vector<int64_t>(t.dims, t.dims + t.rank));
    const Tensor& to = out.inputs.back().tensor();
    const int64_t bytes = dtype_info(t.dtype).block_bytes;
    reference::for_each_index(t.dims, t.rank, [&](const int64_t* index) {
      std::memcpy(to.as<char>() + to.offset(index) * bytes, t.as<char>() + t.offset(index) * bytes,
                  static_cast<size_t>(bytes));
    });
  }
  return changed;
}

// Of another call: whether its reference gives what was found.
bool gives(const OpDef& def, const SampleCase& other, const std::vector<HostTensor>& found) {
  const Result<std::vector<HostTensor>> results = other.run_reference(def);
  return results.ok() && same(*results, found);
}

std::string ignored_attribute(const OpDef& def, const SampleCase& sample,
                              const std::vector<HostTensor>& found) {
  for (const AttributeDef& attribute : def.attributes) {
    if (*sample.attributes.find(attribute.name) == attribute.default_value) continue;
    Attributes changed;
    for (const auto& [name, value] : sample.attributes.values())
      if (name != attribute.name) changed.set(name, value);
    SampleCase other = sample;  // which outlives it, and whose inputs it shares
    Result<Attributes> complete = def.complete(changed);
    if (!complete.ok()) continue;
    other.attributes = std::move(complete).value();
    const auto types = def.infer_types(other.input_types, other.attributes);
    if (types.ok() && *types == sample.output_types && gives(def, other, found))
      return fmt::format("the results are those of attribute {} at its default: it is ignored",
                         attribute.name);
  }
  return "";
}

std::string of_mode(const OpDef& def, const CaseOptions& options, const CaseResult& found) {
  switch (options.mode) {
    case Mode::kPlain: return "";
    case Mode::kRanged: return "right when prepared for exactly these dims";
    case Mode::kUnaligned: return "right where operands are aligned: an address is taken for an aligned one";
    case Mode::kRefilled:
      return gives(def, *options.other, found.results)
                 ? "the results are those of what lay at the same addresses before: something stale is kept"
                 : "right the first time: something is kept of the runs before";
    case Mode::kRepeated:
      return fmt::format(
          "run {} of {} on the same inputs; right in run 1: a race, or memory is read that was "
          "never written",
          found.run + 1, options.repeats);
    case Mode::kReplayed:
      return gives(def, *options.other, found.results)
                 ? "the results are those of what lay there when it was captured: it ran then, not at replay"
                 : "right when it is not captured";
    case Mode::kHeld:
      return gives(def, *options.other, found.results)
                 ? "it read its operands before the work in front of it was done"
                 : "right when nothing is in front of it";
  }
  return "";
}

}  // namespace

std::string diagnose(const DevicePtr& device, const OpDef& def, const SampleCase& sample,
                     const std::vector<HostTensor>& expected, const CaseOptions& options,
                     const CaseResult& found) {
  if (found.results.size() != expected.size()) return "";
  // Modes are tried after the plain one was right; the first of many runs may still be wrong by itself.
  if (options.mode != Mode::kPlain && !(options.mode == Mode::kRepeated && found.run == 0))
    return of_mode(def, options, found);
  if (std::string text = in_common(expected, found.results); !text.empty()) return text;
  if (std::string text = ignored_attribute(def, sample, found.results); !text.empty()) return text;
  if (gives(def, flushed(sample, sample.inputs), found.results))
    return "the results are those of subnormal inputs taken for zero: subnormal numbers are flushed";
  const Result<CaseResult> again = run_case(device, def, sample, expected, {});
  if (again.ok() && !same(again->results, found.results))
    return "the same call gave another result when repeated: a race, or memory is read that was never "
           "written";
  SampleCase contiguous;
  if (dense(sample, contiguous)) {
    const Result<CaseResult> result = run_case(device, def, contiguous, expected, {});
    if (result.ok() && result->difference.empty())
      return "right when the same values lie in dense memory: strides are mixed up";
  }
  return "";
}

}  // namespace isthmus::conform
