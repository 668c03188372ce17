/* SPDX-License-Identifier: Apache-2.0 */
/* Element types, plain and block-quantised, and the byte layout of each. */
#ifndef ISTHMUS_DTYPE_H
#define ISTHMUS_DTYPE_H

#ifdef __cplusplus
extern "C" {
#endif

/* Numbers never change and are never reused; new dtypes go at the end.
 *
 * Block dtypes pack BLOCK consecutive elements of the innermost dimension into BYTES bytes, with the
 * byte layout the GGUF specification gives the type of the same name
 * (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md), so that a mapped file is read in place. */
typedef enum isthmus_dtype_t {
  ISTHMUS_DTYPE_INVALID = 0,
  ISTHMUS_F32 = 1,
  ISTHMUS_F16 = 2,
  ISTHMUS_BF16 = 3,
  ISTHMUS_F64 = 4,
  ISTHMUS_I8 = 5,
  ISTHMUS_I16 = 6,
  ISTHMUS_I32 = 7,
  ISTHMUS_I64 = 8,
  ISTHMUS_U8 = 9,
  ISTHMUS_U16 = 10,
  ISTHMUS_U32 = 11,
  ISTHMUS_U64 = 12,
  ISTHMUS_BOOL = 13, /* one byte, 0 or 1 */

  /* BLOCK elements in BYTES bytes */
  ISTHMUS_Q4_0 = 32,   /* 32 in 18 */
  ISTHMUS_Q4_1 = 33,   /* 32 in 20 */
  ISTHMUS_Q5_0 = 34,   /* 32 in 22 */
  ISTHMUS_Q5_1 = 35,   /* 32 in 24 */
  ISTHMUS_Q8_0 = 36,   /* 32 in 34 */
  ISTHMUS_Q2_K = 37,   /* 256 in 84 */
  ISTHMUS_Q3_K = 38,   /* 256 in 110 */
  ISTHMUS_Q4_K = 39,   /* 256 in 144 */
  ISTHMUS_Q5_K = 40,   /* 256 in 176 */
  ISTHMUS_Q6_K = 41,   /* 256 in 210 */
  ISTHMUS_IQ4_NL = 42, /* 32 in 18 */
  ISTHMUS_MXFP4 = 43   /* 32 in 17 */
} isthmus_dtype_t;

#ifdef __cplusplus
}
#endif
#endif
