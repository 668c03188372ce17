// SPDX-License-Identifier: Apache-2.0
#include "ops/windows/windows.h"

#include <algorithm>

namespace isthmus {
namespace {

constexpr int64_t kMost = int64_t{1} << 31;  // of every number given: products of two do not overflow

// One number per axis, within [least, 2^31); `rest` where none are given.
Status read(const Attributes& attributes, const char* name, int count, int64_t least, int64_t rest,
            int64_t* to) {
  const AttributeValue* value = attributes.find(name);
  if (!value || std::get<std::vector<int64_t>>(*value).empty()) {
    std::fill(to, to + count, rest);
    return ok();
  }
  const std::vector<int64_t>& given = std::get<std::vector<int64_t>>(*value);
  if (static_cast<int>(given.size()) != count)
    return invalid_argument("{} has {} numbers, not {}", name, given.size(), count);
  for (int i = 0; i < count; ++i) {
    if (given[i] < least || given[i] >= kMost)
      return invalid_argument("{}[{}] is {}, not {} or more", name, i, given[i], least);
    to[i] = given[i];
  }
  return ok();
}

// The largest whole number not above x / by.
int64_t floor_divide(int64_t x, int64_t by) { return x >= 0 ? x / by : -((-x + by - 1) / by); }

}  // namespace

std::vector<AttributeDef> window_attributes() {
  return {{"strides", std::vector<int64_t>{}, "from window to window, per axis; empty: 1"},
          {"pads", std::vector<int64_t>{}, "rows of padding: all before, then all after; empty: 0"},
          {"dilations", std::vector<int64_t>{}, "between neighbours in a window, per axis; empty: 1"}};
}

Result<Windows> windows_of(const Attributes& attributes, int axes) {
  if (axes < 1 || axes > kMaxWindowAxes)
    return invalid_argument("x must have rank 3, 4 or 5, not {}", axes + 2);
  Windows windows = {};
  windows.axes = axes;
  RETURN_IF_ERROR(read(attributes, "strides", axes, 1, 1, windows.stride));
  RETURN_IF_ERROR(read(attributes, "dilations", axes, 1, 1, windows.dilation));
  int64_t pads[2 * kMaxWindowAxes];
  RETURN_IF_ERROR(read(attributes, "pads", 2 * axes, 0, 0, pads));
  std::copy(pads, pads + axes, windows.before);
  std::copy(pads + axes, pads + 2 * axes, windows.after);
  return windows;
}

Status set_sizes(Windows& windows, std::span<const int64_t> sizes) {
  if (static_cast<int>(sizes.size()) != windows.axes)
    return invalid_argument("the window has {} sizes, not {}", sizes.size(), windows.axes);
  int64_t taps = 1;
  for (int d = 0; d < windows.axes; ++d) {
    if (sizes[d] < 1 || sizes[d] >= kMost)
      return invalid_argument("the window's size along axis {} is {}", d + 2, sizes[d]);
    if (taps > kMost / sizes[d]) return invalid_argument("the window has more than 2^31 places");
    windows.size[d] = sizes[d];
    taps *= sizes[d];
  }
  return ok();
}

Result<Windows> windows_in(const Attributes& attributes, int rank) {
  ASSIGN_OR_RETURN(Windows windows, windows_of(attributes, rank - 2));
  RETURN_IF_ERROR(set_sizes(windows, attributes.ints("sizes")));
  return windows;
}

Result<Dim> count_windows(const Windows& windows, int d, const Dim& in, bool ceil) {
  const int64_t stride = windows.stride[d];
  // What is left of the axis for the first places of windows after the first one.
  const int64_t more = windows.before[d] + windows.after[d] - windows.dilation[d] * (windows.size[d] - 1) - 1;
  if (!in.fixed()) {
    if (in.scale % stride != 0 || ceil)
      return invalid_argument("windows every {} along {} cannot be counted before the symbol is known",
                              stride, in.to_string());
    Dim count = in;
    count.scale = in.scale / stride;
    count.offset = floor_divide(in.offset + more, stride) + 1;
    return count;
  }
  if (in.offset > int64_t{1} << 60) return invalid_argument("axis {} has {} elements", d + 2, in.offset);
  const int64_t left = in.offset + more;
  if (left < 0)
    return invalid_argument(
        "a window of {} by steps of {} does not fit axis {}: {} elements, padding {} and {}", windows.size[d],
        windows.dilation[d], d + 2, in.offset, windows.before[d], windows.after[d]);
  int64_t count = left / stride + 1;
  // PyTorch's and ONNX's rule: no window begins in the padding behind.
  if (ceil && left % stride != 0 && count * stride < in.offset + windows.before[d]) ++count;
  return Dim(count);
}

}  // namespace isthmus
