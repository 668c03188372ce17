// SPDX-License-Identifier: Apache-2.0
// The functions of lanes.h for one instruction set; compiled once per set, like a kernel file.
#include "devices/cpu/elementary.h"
#include "lanes.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

// clang-format off: each of its passes would break one more of these lines
#define ISTHMUS_EACH_FUNCTION(ROW)                                                \
  ROW(exp) ROW(exp2) ROW(expm1) ROW(log) ROW(log2) ROW(log10) ROW(log1p)          \
  ROW(sin) ROW(cos) ROW(tan) ROW(sinh) ROW(cosh) ROW(tanh) ROW(erf)               \
  ROW(sigmoid) ROW(silu) ROW(softplus) ROW(gelu_erf) ROW(gelu_tanh)
// clang-format on

#define ISTHMUS_APPLY(NAME)                                                          \
  void apply_##NAME(const float* x, float* y, int64_t n) {                           \
    for (int64_t i = 0; i < n; i += 16) store(y + i, elementary::NAME(load(x + i))); \
  }
ISTHMUS_EACH_FUNCTION(ISTHMUS_APPLY)
#define ISTHMUS_ROW(NAME) {#NAME, apply_##NAME},
const Lanes::Function kFunctions[] = {ISTHMUS_EACH_FUNCTION(ISTHMUS_ROW){nullptr, nullptr}};

void load_f16_all(const uint16_t* x, float* y, int64_t n) {
  for (int64_t i = 0; i < n; i += 16) store(y + i, load_f16(x + i));
}
void load_bf16_all(const uint16_t* x, float* y, int64_t n) {
  for (int64_t i = 0; i < n; i += 16) store(y + i, load_bf16(x + i));
}
void store_f16_all(const float* x, uint16_t* y, int64_t n) {
  for (int64_t i = 0; i < n; i += 16) store_f16(y + i, load(x + i));
}
void store_bf16_all(const float* x, uint16_t* y, int64_t n) {
  for (int64_t i = 0; i < n; i += 16) store_bf16(y + i, load(x + i));
}
void max_all(const float* x, const float* y, float* z, int64_t n) {
  for (int64_t i = 0; i < n; i += 16) store(z + i, max(load(x + i), load(y + i)));
}
void min_all(const float* x, const float* y, float* z, int64_t n) {
  for (int64_t i = 0; i < n; i += 16) store(z + i, min(load(x + i), load(y + i)));
}
void fma_all(const float* a, const float* b, const float* c, float* y, int64_t n) {
  for (int64_t i = 0; i < n; i += 16) store(y + i, fma(load(a + i), load(b + i), load(c + i)));
}
float sum_all(const float* x) { return sum_lanes(load(x)); }

}  // namespace

extern const Lanes lanes;
const Lanes lanes = {kFunctions, load_f16_all, load_bf16_all, store_f16_all, store_bf16_all,
                     max_all,    min_all,      fma_all,       sum_all};

}  // namespace isthmus::cpu::ISTHMUS_ISA
