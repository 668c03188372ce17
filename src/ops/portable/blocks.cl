// SPDX-License-Identifier: Apache-2.0
// Block formats in kernels: 32 consecutive weights of a row as integers with their scales, as base/block_integers.h
// gives them. FORMAT names the format by its definition FORMAT_….

typedef struct {
  int w[32];     // the integer the numerics note multiplies with
  float d[2];    // what elements 0-15 and 16-31 are multiplied with: d times the integer scale
  float min[2];  // what is added once: m, or -(dmin * min); 0 where the format has none
} BlockIntegers;

FUNCTION float block_f16(GLOBAL const uint8_t* p) { return get_F16((uint16_t)(p[0] | (uint)p[1] << 8)); }
FUNCTION int block_nibble(GLOBAL const uint8_t* qs, int i) { return i < 16 ? qs[i] & 15 : qs[i - 16] >> 4; }

#if FORMAT == FORMAT_Q4_0
#define BLOCK_BYTES 18
#elif FORMAT == FORMAT_Q4_1
#define BLOCK_BYTES 20
#define BLOCK_HAS_MIN
#elif FORMAT == FORMAT_Q5_0
#define BLOCK_BYTES 22
#elif FORMAT == FORMAT_Q5_1
#define BLOCK_BYTES 24
#define BLOCK_HAS_MIN
#elif FORMAT == FORMAT_Q8_0
#define BLOCK_BYTES 34
#elif FORMAT == FORMAT_Q2_K
#define BLOCK_BYTES 84
#define BLOCK_SUPER
#define BLOCK_HALVES
#define BLOCK_HAS_MIN
#elif FORMAT == FORMAT_Q3_K
#define BLOCK_BYTES 110
#define BLOCK_SUPER
#define BLOCK_HALVES
#elif FORMAT == FORMAT_Q4_K
#define BLOCK_BYTES 144
#define BLOCK_SUPER
#define BLOCK_HAS_MIN
#elif FORMAT == FORMAT_Q5_K
#define BLOCK_BYTES 176
#define BLOCK_SUPER
#define BLOCK_HAS_MIN
#elif FORMAT == FORMAT_Q6_K
#define BLOCK_BYTES 210
#define BLOCK_SUPER
#define BLOCK_HALVES
#elif FORMAT == FORMAT_IQ4_NL
#define BLOCK_BYTES 18
CONSTANT int8_t kBlockValues[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
#elif FORMAT == FORMAT_MXFP4
#define BLOCK_BYTES 17
CONSTANT int8_t kBlockValues[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};
#endif

// Number `block` (of 32 weights) of a row.
FUNCTION void read_block(GLOBAL const uint8_t* row, long block, BlockIntegers* b) {
#ifdef BLOCK_SUPER
  GLOBAL const uint8_t* p = row + block / 8 * BLOCK_BYTES;
  const int group = (int)(block % 8);
#else
  GLOBAL const uint8_t* p = row + block * BLOCK_BYTES;
#endif
  b->min[0] = 0;
  b->min[1] = 0;
#if FORMAT == FORMAT_Q4_0
  b->d[0] = block_f16(p);
  for (int i = 0; i < 32; ++i) b->w[i] = block_nibble(p + 2, i) - 8;
#elif FORMAT == FORMAT_Q4_1
  b->d[0] = block_f16(p);
  b->min[0] = block_f16(p + 2);
  for (int i = 0; i < 32; ++i) b->w[i] = block_nibble(p + 4, i);
#elif FORMAT == FORMAT_Q5_0
  b->d[0] = block_f16(p);
  for (int i = 0; i < 32; ++i)
    b->w[i] = (block_nibble(p + 6, i) | (p[2 + i / 8] >> (i % 8) & 1) << 4) - 16;
#elif FORMAT == FORMAT_Q5_1
  b->d[0] = block_f16(p);
  b->min[0] = block_f16(p + 2);
  for (int i = 0; i < 32; ++i) b->w[i] = block_nibble(p + 8, i) | (p[4 + i / 8] >> (i % 8) & 1) << 4;
#elif FORMAT == FORMAT_Q8_0
  b->d[0] = block_f16(p);
  for (int i = 0; i < 32; ++i) b->w[i] = (int8_t)p[2 + i];
#elif FORMAT == FORMAT_IQ4_NL
  b->d[0] = block_f16(p);
  for (int i = 0; i < 32; ++i) b->w[i] = kBlockValues[block_nibble(p + 2, i)];
#elif FORMAT == FORMAT_MXFP4
  // Half of 2^(e - 127), the least two being subnormal.
  b->d[0] = as_float(p[0] < 2 ? 0x00200000u << p[0] : (uint)(p[0] - 1) << 23);
  for (int i = 0; i < 32; ++i) b->w[i] = kBlockValues[block_nibble(p + 1, i)];
#elif FORMAT == FORMAT_Q2_K
  const float d = block_f16(p + 80), dmin = block_f16(p + 82);
  for (int i = 0; i < 32; ++i) b->w[i] = p[16 + 32 * (group / 4) + i] >> (2 * (group % 4)) & 3;
  for (int h = 0; h < 2; ++h) {
    b->d[h] = d * (float)(p[2 * group + h] & 15);
    b->min[h] = -(dmin * (float)(p[2 * group + h] >> 4));
  }
#elif FORMAT == FORMAT_Q3_K
  const float d = block_f16(p + 108);
  for (int i = 0; i < 32; ++i)
    b->w[i] = ((p[32 + 32 * (group / 4) + i] >> (2 * (group % 4)) & 3) | (p[i] >> group & 1) << 2) - 4;
  for (int h = 0; h < 2; ++h) {
    const int g = 2 * group + h;
    const int low = p[96 + g % 8] >> (4 * (g / 8)) & 15, high = p[104 + g % 4] >> (2 * (g / 4)) & 3;
    b->d[h] = d * (float)((low | high << 4) - 32);
  }
#elif FORMAT == FORMAT_Q4_K || FORMAT == FORMAT_Q5_K
  GLOBAL const uint8_t* scales = p + 4;
  int scale, min;
  if (group < 4) {
    scale = scales[group] & 63;
    min = scales[group + 4] & 63;
  } else {
    scale = (scales[group + 4] & 15) | scales[group - 4] >> 6 << 4;
    min = scales[group + 4] >> 4 | scales[group] >> 6 << 4;
  }
  b->d[0] = block_f16(p) * (float)scale;
  b->min[0] = -(block_f16(p + 2) * (float)min);
  for (int i = 0; i < 32; ++i) {
#if FORMAT == FORMAT_Q4_K
    b->w[i] = p[16 + 32 * (group / 2) + i] >> (4 * (group % 2)) & 15;
#else
    b->w[i] = (p[48 + 32 * (group / 2) + i] >> (4 * (group % 2)) & 15) | (p[16 + i] >> group & 1) << 4;
#endif
  }
#elif FORMAT == FORMAT_Q6_K
  const float d = block_f16(p + 208);
  const int half_of = group / 4, k = group % 4;
  for (int i = 0; i < 32; ++i) {
    const int low = p[64 * half_of + 32 * (k % 2) + i] >> (k < 2 ? 0 : 4) & 15;
    const int high = p[128 + 32 * half_of + i] >> (2 * k) & 3;
    b->w[i] = (low | high << 4) - 32;
  }
  for (int h = 0; h < 2; ++h) b->d[h] = d * (float)(int8_t)p[192 + 2 * group + h];
#endif
#ifndef BLOCK_HALVES
  b->d[1] = b->d[0];
  b->min[1] = b->min[0];
#endif
}
