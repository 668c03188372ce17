// SPDX-License-Identifier: Apache-2.0
// What each instruction set's 16-lane vectors can be asked in a test; counts are multiples of 16.
#pragma once

#include <cstdint>

namespace isthmus::cpu {

struct Lanes {
  struct Function {
    const char* name;
    void (*apply)(const float* x, float* y, int64_t n);
  };
  const Function* functions;  // ends with a null name
  void (*load_f16)(const uint16_t* x, float* y, int64_t n);
  void (*load_bf16)(const uint16_t* x, float* y, int64_t n);
  void (*store_f16)(const float* x, uint16_t* y, int64_t n);
  void (*store_bf16)(const float* x, uint16_t* y, int64_t n);
  void (*max)(const float* x, const float* y, float* z, int64_t n);
  void (*min)(const float* x, const float* y, float* z, int64_t n);
  void (*fma)(const float* a, const float* b, const float* c, float* y, int64_t n);
  float (*sum)(const float* x);  // of 16
};

struct LanesOfIsa {
  const char* isa;
  const Lanes* lanes;
};
extern const LanesOfIsa kLanes[];  // ends with a null isa

}  // namespace isthmus::cpu
