// SPDX-License-Identifier: Apache-2.0
// Convolutions as kernels see them: in phases, in each of which every output meets the same places of the
// window.
//
// A convolution is one phase. A transposed one with stride s has s along an axis: outputs that lie s apart
// meet the same places, and along these outputs x is walked one by one.
#pragma once

#include "ops/windows/windows-inl.h"

namespace isthmus {

// One axis in one phase. Output i is at first + i * step; its place j is number place + j * place_step of the
// window and meets x at base + i * x_step + j * x_place_step, or zero outside of x.
struct PhaseAxis {
  int64_t first, step, count;
  int64_t places, place, place_step;
  int64_t base, x_step, x_place_step;
};

// Always three axes; those that are not there lie in front and have one output and one place.
struct Phase {
  PhaseAxis axes[kMaxWindowAxes];
  __attribute__((always_inline)) int64_t outputs() const {
    return axes[0].count * axes[1].count * axes[2].count;
  }
  __attribute__((always_inline)) int64_t places() const {
    return axes[0].places * axes[1].places * axes[2].places;
  }
};

// `out`: the spatial dims of y.
__attribute__((always_inline)) inline int64_t phase_count(const Windows& w, bool transposed,
                                                          const int64_t* out) {
  int64_t n = 1;
  for (int d = 0; transposed && d < w.axes; ++d) n *= w.stride[d] < out[d] ? w.stride[d] : out[d];
  return n;
}

__attribute__((always_inline)) inline Phase phase_of(const Windows& w, bool transposed, const int64_t* out,
                                                     int64_t number) {
  Phase phase;
  for (int i = kMaxWindowAxes - 1; i >= 0; --i) {
    const int d = i - (kMaxWindowAxes - w.axes);
    PhaseAxis& axis = phase.axes[i];
    if (d < 0) {
      axis = {0, 1, 1, 1, 0, 1, 0, 1, 1};
    } else if (!transposed) {
      axis = {0, 1, out[d], w.size[d], 0, 1, -w.before[d], w.stride[d], w.dilation[d]};
    } else {
      const int64_t stride = w.stride[d], phases = stride < out[d] ? stride : out[d];
      axis = {phases > 0 ? number % phases : 0, stride, 0, 0, 0, 1, 0, 1, 0};
      if (phases > 0) number /= phases;
      axis.count = axis.first < out[d] ? (out[d] - axis.first - 1) / stride + 1 : 0;
      // Places meet x where first + before - place * dilation is a multiple of the stride.
      const int64_t reach = axis.first + w.before[d];
      int64_t divisor = stride, rest = w.dilation[d] % stride;
      while (rest != 0) {
        const int64_t next = divisor % rest;
        divisor = rest;
        rest = next;
      }
      const int64_t step = stride / divisor, limit = step < w.size[d] ? step : w.size[d];
      int64_t place = 0;
      while (place < limit && (reach - place * w.dilation[d]) % stride != 0) ++place;
      if (place < limit) {
        axis.places = (w.size[d] - place - 1) / step + 1;
        axis.place = place;
        axis.place_step = step;
        axis.base = (reach - place * w.dilation[d]) / stride;
        axis.x_place_step = -(step * w.dilation[d] / stride);
      }
    }
  }
  return phase;
}

}  // namespace isthmus
