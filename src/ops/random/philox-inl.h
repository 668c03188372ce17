// SPDX-License-Identifier: Apache-2.0
// The random generator Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1,
// 2, 3", 2011) and what floats are made of its words. Included by the reference, once per instruction set by
// the kernels, and by the portable kernel: written in the common subset of both languages.
#pragma once

#if defined(ISTHMUS_PORTABLE)
#include "base/elementary-inl.h"
#define ISTHMUS_RANDOM FUNCTION
#define ISTHMUS_WORD(NAME) NAME
#define ISTHMUS_SIN_COS struct SinCos
#else
#include "ops/elementwise/vocabulary-inl.h"
#define ISTHMUS_RANDOM ISTHMUS_FORMULA
#define ISTHMUS_WORD(NAME) elementary::NAME
#define ISTHMUS_SIN_COS elementary::SinCos<float>
#if defined(ISTHMUS_ISA)
namespace isthmus::cpu::ISTHMUS_ISA::formulas {
#else
namespace isthmus::formulas {
#endif
#endif

struct RandomWords {
  uint32_t word[4];
};

// Four words for each (seed, counter): ten rounds, the counter being the low half of Philox's, the seed its
// key.
ISTHMUS_RANDOM struct RandomWords philox(uint64_t seed, uint64_t counter) {
  struct RandomWords c = {{(uint32_t)counter, (uint32_t)(counter >> 32), 0, 0}};
  uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = (uint64_t)0xd2511f53u * c.word[0], b = (uint64_t)0xcd9e8d57u * c.word[2];
    const uint32_t next[4] = {(uint32_t)(b >> 32) ^ c.word[1] ^ key[0], (uint32_t)b,
                              (uint32_t)(a >> 32) ^ c.word[3] ^ key[1], (uint32_t)a};
    for (int i = 0; i < 4; ++i) c.word[i] = next[i];
    key[0] += 0x9e3779b9u;
    key[1] += 0xbb67ae85u;
  }
  return c;
}

struct FourFloats {
  float value[4];
};

// In [0, 1), 24 bits of each word.
ISTHMUS_RANDOM struct FourFloats four_uniform(struct RandomWords words) {
  struct FourFloats out;
  for (int i = 0; i < 4; ++i) out.value[i] = (float)(words.word[i] >> 8) * 0x1p-24f;
  return out;
}

#if !defined(ISTHMUS_PORTABLE) || defined(ISTHMUS_F64)  // the circular functions need F64
// Box and Muller: the first word of a pair gives the radius, the second the angle.
ISTHMUS_RANDOM struct FourFloats four_normal(struct RandomWords words) {
  struct FourFloats out;
  for (int i = 0; i < 4; i += 2) {
    const float u = (float)((words.word[i] >> 8) + 1) * 0x1p-24f;
    const float radius = sqrt(-2.0f * ISTHMUS_WORD(log)(u));
    const ISTHMUS_SIN_COS angle = ISTHMUS_WORD(sincos)((float)(words.word[i + 1] >> 8) * 0x1.921fb6p-22f);
    out.value[i] = radius * angle.cos;
    out.value[i + 1] = radius * angle.sin;
  }
  return out;
}
#endif

#undef ISTHMUS_RANDOM
#undef ISTHMUS_WORD
#undef ISTHMUS_SIN_COS

#if !defined(ISTHMUS_PORTABLE)
}  // namespace
#endif
