// SPDX-License-Identifier: Apache-2.0
// rope on the CPU: tokens split over the threads; the sines of a token are worked out once, in pieces that
// stay in cache, and used by all its heads.
#include "devices/cpu/elementary.h"
#include "devices/cpu/rows.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

constexpr int kPiece = 128;  // pairs

struct RopePlan {
  float scale;
  bool neox;
  isthmus_dtype_t dtype;
};

const char* prepare_rope(const isthmus_op_query_t& query, Plan& plan) {
  RopePlan& rope = plan_data<RopePlan>(plan);
  rope.scale = static_cast<float>(attribute_float(query, "scale"));
  rope.neox = attribute_string(query, "style")[0] == 'n';
  rope.dtype = query.operands[0].dtype;
  return nullptr;
}

// Cosines and sines of pairs [from, from + n), n <= kPiece.
void angles(float position, const isthmus_tensor_arg_t& inv_freq, int64_t from, int n, float scale, float* c,
            float* s) {
  const float* p = reinterpret_cast<const float*>(inv_freq.address) + from * inv_freq.strides[0];
  for (int i = 0; i < n; i += 16) {
    float lanes[16] = {};
    for (int j = 0; j < 16 && i + j < n; ++j) lanes[j] = p[(i + j) * inv_freq.strides[0]];
    const auto both = elementary::sincos(load(lanes) * position);
    store(c + i, both.cos * scale);
    store(s + i, both.sin * scale);
  }
}

// Pairs are halves of a row: numbers [from, from + n) of each half.
ISTHMUS_SIMD void rotate_halves(const float* x, float* y, int64_t pairs, int n, const float* c,
                                const float* s) {
  for (int i = 0; i < n; i += 16) {
    const int width = n - i < 16 ? n - i : 16;
    const bool full = width == 16;
    const F32x16 a = full ? load(x + i) : load_n(x + i, width);
    const F32x16 b = full ? load(x + pairs + i) : load_n(x + pairs + i, width);
    const F32x16 first = fma(a, load(c + i), -(b * load(s + i)));
    const F32x16 second = fma(b, load(c + i), a * load(s + i));
    if (full) {
      store(y + i, first);
      store(y + pairs + i, second);
    } else {
      store_n(y + i, first, width);
      store_n(y + pairs + i, second, width);
    }
  }
}
// Pairs are neighbours: n pairs from x on. c holds each cosine twice, s each sine negative, then positive.
ISTHMUS_SIMD void rotate_neighbours(const float* x, float* y, int n, const float* c, const float* s) {
  for (int i = 0; i < 2 * n; i += 16) {
    const int width = 2 * n - i < 16 ? 2 * n - i : 16;
    const F32x16 v = width == 16 ? load(x + i) : load_n(x + i, width);
    const F32x16 rotated = fma(v, load(c + i), swap_pairs(v) * load(s + i));
    width == 16 ? store(y + i, rotated) : store_n(y + i, rotated, width);
  }
}
void repeat_for_neighbours(int n, const float* c, const float* s, float* c2, float* s2) {
  for (int i = 0; i < n; ++i) {
    c2[2 * i] = c2[2 * i + 1] = c[i];
    s2[2 * i] = -s[i];
    s2[2 * i + 1] = s[i];
  }
}
// Any dtype, strides and style.
void rotate_any(const Rows& x, const Rows& y, int64_t xo, int64_t yo, bool neox, int64_t pairs, int64_t from,
                int n, const float* c, const float* s) {
  for (int i = 0; i < n; ++i) {
    const int64_t pair = from + i, first = neox ? pair : 2 * pair,
                  second = neox ? pair + pairs : 2 * pair + 1;
    const float a = get(load_row(x, xo, first, 1), 0), b = get(load_row(x, xo, second, 1), 0);
    store_row(y, yo, first, 1, set1(elementary::fma(a, c[i], -(b * s[i]))));
    store_row(y, yo, second, 1, set1(elementary::fma(b, c[i], a * s[i])));
  }
}

void run_rope(const Run& run, const Team& team) {
  const RopePlan& plan = plan_data<RopePlan>(*run.plan);
  const isthmus_tensor_arg_t &positions = run.operands[1], &inv_freq = run.operands[2];
  const isthmus_tensor_arg_t &from_arg = run.operands[0], &to_arg = run.operands[3];
  const Rows x = rows_of(from_arg, plan.dtype, 3, 2), y = rows_of(to_arg, plan.dtype, 3, 2);
  const int64_t tokens = from_arg.dims[0], heads = from_arg.dims[1], pairs = inv_freq.dims[0];
  const bool plain = x.plain() && y.plain();
  int64_t begin, end;
  team.split(tokens, 1, &begin, &end);
  alignas(64) float c[kPiece], s[kPiece], c2[2 * kPiece + 16], s2[2 * kPiece + 16];
  for (int64_t t = begin; t < end; ++t) {
    const float position = static_cast<float>(run.data<const int32_t>(1)[t * positions.strides[0]]);
    const int64_t x_token = t * from_arg.strides[0], y_token = t * to_arg.strides[0];
    for (int64_t from = 0; from < pairs; from += kPiece) {
      const int n = pairs - from < kPiece ? static_cast<int>(pairs - from) : kPiece;
      angles(position, inv_freq, from, n, plan.scale, c, s);
      if (plain && !plan.neox) repeat_for_neighbours(n, c, s, c2, s2);
      for (int64_t h = 0; h < heads; ++h) {
        const int64_t xo = x_token + h * from_arg.strides[1], yo = y_token + h * to_arg.strides[1];
        const float* source = reinterpret_cast<const float*>(x.base) + xo;
        float* target = reinterpret_cast<float*>(y.base) + yo;
        if (!plain)
          rotate_any(x, y, xo, yo, plan.neox, pairs, from, n, c, s);
        else if (plan.neox)
          rotate_halves(source + from, target + from, pairs, n, c, s);
        else
          rotate_neighbours(source + 2 * from, target + 2 * from, n, c2, s2);
      }
    }
    for (int64_t h = 0; h < heads && 2 * pairs < x.length; ++h) {
      const int64_t xo = x_token + h * from_arg.strides[1], yo = y_token + h * to_arg.strides[1];
      for (int64_t d = 2 * pairs; d < x.length; d += 16) {
        const int width = x.length - d < 16 ? static_cast<int>(x.length - d) : 16;
        store_row(y, yo, d, width, load_row(x, xo, d, width));
      }
    }
  }
}

}  // namespace

ISTHMUS_CPU_KERNELS(rope, {"rope", "16 lanes", prepare_rope, run_rope, nullptr})

}  // namespace isthmus::cpu::ISTHMUS_ISA
