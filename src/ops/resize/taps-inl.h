// SPDX-License-Identifier: Apache-2.0
// Which elements along an axis make one of a resized one, and what they weigh: for C++ and portable kernels
// alike.
#pragma once

#if defined(ISTHMUS_PORTABLE)
#define ISTHMUS_TAPS_FUNCTION FUNCTION
#define ISTHMUS_TAPS_FLOOR floor
#define ISTHMUS_TAPS_CEIL ceil
#else
#include <cstdint>
namespace isthmus {
#define ISTHMUS_TAPS_FUNCTION __attribute__((always_inline)) inline
#define ISTHMUS_TAPS_FLOOR __builtin_floorf
#define ISTHMUS_TAPS_CEIL __builtin_ceilf
#endif

#define RESIZE_NEAREST 0
#define RESIZE_LINEAR 1
#define RESIZE_CUBIC 2
#define RESIZE_HALF_PIXEL 0
#define RESIZE_PYTORCH_HALF_PIXEL 1
#define RESIZE_ALIGN_CORNERS 2
#define RESIZE_ASYMMETRIC 3
#define RESIZE_FLOOR 0
#define RESIZE_CEIL 1
#define RESIZE_ROUND_PREFER_FLOOR 2
#define RESIZE_ROUND_PREFER_CEIL 3

// The same struct for every axis of an operator.
typedef struct {
  int32_t mode, coordinates, rounding;
  float cubic_a;
} ResizeRule;

typedef struct {
  int32_t count;
  int64_t index[4];
  float weight[4];
} ResizeTaps;

// How far neighbours of the output lie apart in the input; `scale` 0: follows from the sizes.
ISTHMUS_TAPS_FUNCTION float resize_step(int32_t coordinates, int64_t in, int64_t out, float scale) {
  if (coordinates == RESIZE_ALIGN_CORNERS) return out > 1 ? (float)(in - 1) / (float)(out - 1) : 0.0f;
  return scale > 0 ? 1.0f / scale : (float)in / (float)out;
}

ISTHMUS_TAPS_FUNCTION float resize_near(float a, float t) {
  return ((a + 2.0f) * t - (a + 3.0f)) * t * t + 1.0f;
}
ISTHMUS_TAPS_FUNCTION float resize_far(float a, float t) {
  return ((a * t - 5.0f * a) * t + 8.0f * a) * t - 4.0f * a;
}

// Of output element i.
ISTHMUS_TAPS_FUNCTION ResizeTaps resize_taps(ResizeRule rule, float step, int64_t in, int64_t out,
                                             int64_t i) {
  ResizeTaps taps;
  float at = (float)i * step;
  if (rule.coordinates == RESIZE_HALF_PIXEL || (rule.coordinates == RESIZE_PYTORCH_HALF_PIXEL && out > 1))
    at = ((float)i + 0.5f) * step - 0.5f;
  if (rule.coordinates == RESIZE_PYTORCH_HALF_PIXEL && out <= 1) at = 0.0f;
  const float last = (float)(in - 1);
  if (rule.mode == RESIZE_NEAREST) {
    float near = ISTHMUS_TAPS_FLOOR(at);
    if (rule.rounding == RESIZE_CEIL) near = ISTHMUS_TAPS_CEIL(at);
    if (rule.rounding == RESIZE_ROUND_PREFER_FLOOR) near = ISTHMUS_TAPS_CEIL(at - 0.5f);
    if (rule.rounding == RESIZE_ROUND_PREFER_CEIL) near = ISTHMUS_TAPS_FLOOR(at + 0.5f);
    taps.count = 1;
    taps.index[0] = (int64_t)(near < 0.0f ? 0.0f : near > last ? last : near);
    if (taps.index[0] > in - 1) taps.index[0] = in - 1;  // (float)(in - 1) may have been rounded up
    taps.weight[0] = 1.0f;
    return taps;
  }
  if (rule.mode == RESIZE_LINEAR) at = at < 0.0f ? 0.0f : at > last ? last : at;
  const float floor_at = ISTHMUS_TAPS_FLOOR(at), t = at - floor_at;
  const int64_t first = (int64_t)floor_at - (rule.mode == RESIZE_CUBIC ? 1 : 0);
  taps.count = rule.mode == RESIZE_CUBIC ? 4 : 2;
  for (int k = 0; k < taps.count; ++k) {
    const int64_t index = first + k;
    taps.index[k] = index < 0 ? 0 : index > in - 1 ? in - 1 : index;
  }
  if (rule.mode == RESIZE_CUBIC) {
    taps.weight[0] = resize_far(rule.cubic_a, t + 1.0f);
    taps.weight[1] = resize_near(rule.cubic_a, t);
    taps.weight[2] = resize_near(rule.cubic_a, 1.0f - t);
    taps.weight[3] = resize_far(rule.cubic_a, 2.0f - t);
  } else {
    taps.weight[0] = 1.0f - t;
    taps.weight[1] = t;
  }
  return taps;
}

#if !defined(ISTHMUS_PORTABLE)
}  // namespace isthmus
#endif
