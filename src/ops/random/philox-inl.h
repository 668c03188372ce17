// SPDX-License-Identifier: Apache-2.0
// The random generator Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1,
// 2, 3", 2011) and what floats are made of its words. Included by the reference and, once per instruction
// set, by the kernels.
#pragma once

#include "ops/elementwise/vocabulary-inl.h"

#if defined(ISTHMUS_ISA)
namespace isthmus::cpu::ISTHMUS_ISA::formulas {
#else
namespace isthmus::formulas {
#endif

struct RandomWords {
  uint32_t word[4];
};

// Four words for each (seed, counter): ten rounds, the counter being the low half of Philox's, the seed its
// key.
ISTHMUS_FORMULA RandomWords philox(uint64_t seed, uint64_t counter) {
  uint32_t c[4] = {static_cast<uint32_t>(counter), static_cast<uint32_t>(counter >> 32), 0, 0};
  uint32_t key[2] = {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)};
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = uint64_t{0xd2511f53u} * c[0], b = uint64_t{0xcd9e8d57u} * c[2];
    const uint32_t next[4] = {static_cast<uint32_t>(b >> 32) ^ c[1] ^ key[0], static_cast<uint32_t>(b),
                              static_cast<uint32_t>(a >> 32) ^ c[3] ^ key[1], static_cast<uint32_t>(a)};
    for (int i = 0; i < 4; ++i) c[i] = next[i];
    key[0] += 0x9e3779b9u;
    key[1] += 0xbb67ae85u;
  }
  return {{c[0], c[1], c[2], c[3]}};
}

struct FourFloats {
  float value[4];
};

// In [0, 1), 24 bits of each word.
ISTHMUS_FORMULA FourFloats four_uniform(const RandomWords& words) {
  FourFloats out;
  for (int i = 0; i < 4; ++i) out.value[i] = static_cast<float>(words.word[i] >> 8) * 0x1p-24f;
  return out;
}
// Box and Muller: the first word of a pair gives the radius, the second the angle.
ISTHMUS_FORMULA FourFloats four_normal(const RandomWords& words) {
  FourFloats out;
  for (int i = 0; i < 4; i += 2) {
    const float u = static_cast<float>((words.word[i] >> 8) + 1) * 0x1p-24f;
    const float radius = sqrt(-2.0f * elementary::log(u));
    const auto angle = elementary::sincos(static_cast<float>(words.word[i + 1] >> 8) * 0x1.921fb6p-22f);
    out.value[i] = radius * angle.cos;
    out.value[i + 1] = radius * angle.sin;
  }
  return out;
}

}  // namespace
