// SPDX-License-Identifier: Apache-2.0
// The dialect's words in OpenCL C 1.2. docs/guide/portable-kernels.md explains them.
#pragma OPENCL FP_CONTRACT OFF
#ifdef ISTHMUS_F64
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#endif

#define KERNEL __kernel
#define FUNCTION static inline
#define GLOBAL __global
#define LOCAL __local
#define IN_LOCAL __local
#define CONSTANT __constant
#define RESTRICT restrict

// An operand as parameter, and as a pointer to its element 0.
#define ADDRESS(NAME) __global uchar *NAME##_base, ulong NAME##_offset
#define POINTER(TYPE, NAME) ((__global TYPE*)(NAME##_base + NAME##_offset))
#define PRESENT(NAME) (NAME##_base != 0)

// Work items and groups, dimension 0, 1 or 2.
#define ITEM(D) ((long)get_global_id(D))
#define ITEMS(D) ((long)get_global_size(D))
#define LOCAL_ITEM(D) ((int)get_local_id(D))
#define LOCAL_ITEMS(D) ((int)get_local_size(D))
#define GROUP(D) ((long)get_group_id(D))
#define GROUPS(D) ((long)get_num_groups(D))
#define BARRIER() barrier(CLK_LOCAL_MEM_FENCE)
#define UNROLL _Pragma("unroll")

typedef char int8_t;
typedef short int16_t;
typedef int int32_t;
typedef long int64_t;
typedef uchar uint8_t;
typedef ushort uint16_t;
typedef uint uint32_t;
typedef ulong uint64_t;

// The language's select() is another one.
#undef select
#define select(MASK, A, B) ((MASK) ? (A) : (B))
#undef any
#define any(MASK) (MASK)
