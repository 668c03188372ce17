/* SPDX-License-Identifier: Apache-2.0 */
/* What the plug-in and the chip's process share: a file of memory with queues in it. A queue is a ring of
 * commands and a window of bytes; the chip works a queue off in order, each on a thread of its own. The
 * chip's memory is not in here: bytes come and go through the window. */
#ifndef TOY_PROTOCOL_H
#define TOY_PROTOCOL_H

#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
  TOY_QUEUES = 32,
  TOY_SLOTS = 64,
  TOY_WINDOW = 256 * 1024,
  TOY_OPERANDS = 6,
  TOY_RANK = 4,
  TOY_SOCKET = 3, /* file descriptors the chip's process is started with: ends when the other side does */
  TOY_SHARED = 4
};

/* The chip numbers its bytes from here on: no address of a host looks like that. */
#define TOY_MEMORY_BEGIN 0x00a0000000000000u
#define TOY_MEMORY_BYTES ((uint64_t)1 << 30)

enum toy_code {
  TOY_UPLOAD,   /* bytes from the host to dst, through the window */
  TOY_DOWNLOAD, /* bytes from src to the host, through the window */
  TOY_MOVE,     /* bytes from src to dst */
  TOY_FILL,     /* bytes at dst with `value` */
  TOY_CALL,     /* the host does something */
  TOY_WAIT,     /* until queue `value` has done `bytes` commands */
  TOY_COPY,     /* the first operator; each is its number in operators.c and chip_operators.c */
  TOY_CAST,
  TOY_ADD,
  TOY_MUL,
  TOY_SILU,
  TOY_SWIGLU,
  TOY_SOFTMAX,
  TOY_RMS_NORM,
  TOY_ROPE,
  TOY_EMBEDDING,
  TOY_CACHE_WRITE,
  TOY_QUANTIZE_ROWS,
  TOY_LINEAR,
  TOY_LINEAR_QUANTIZED,
  TOY_CODES
};

/* An operand of a fixed-function operator. dtype is isthmus_dtype_t, 0 where absent. */
struct toy_tensor {
  uint64_t address;
  int32_t dtype, rank;
  int64_t dims[TOY_RANK], strides[TOY_RANK];
};

struct toy_command {
  uint32_t code;
  uint32_t value;
  uint64_t dst, src, bytes;
  float number;     /* eps of rms_norm, scale of rope */
  int32_t flag;     /* axis of softmax, interleaved of rope, dims_major of cache_write */
  int32_t operands; /* inputs, then outputs */
  struct toy_tensor operand[TOY_OPERANDS];
};

struct toy_queue {
  _Atomic uint32_t bell; /* rung at every change below; what both sides sleep on */
  _Atomic uint64_t put;  /* commands ever put here, by the host */
  _Atomic uint64_t done; /* commands ever done, by the chip */
  _Atomic uint64_t
      asked; /* how often the chip asked for the host's part of a command: a window full, a call */
  _Atomic uint64_t answered; /* how often the host did it */
  _Atomic uint64_t failed;   /* `done` of the first command that failed, until the host sets it to 0 */
  char message[256];         /* why */
  struct toy_command slot[TOY_SLOTS]; /* command n is slot[n % TOY_SLOTS] */
  char window[TOY_WINDOW];
};

struct toy_shared {
  struct toy_queue queue[TOY_QUEUES];
};

static inline void toy_ring(struct toy_queue* queue) {
  atomic_fetch_add(&queue->bell, 1);
  syscall(SYS_futex, &queue->bell, FUTEX_WAKE, 1 << 30, NULL, NULL, 0);
}
/* Sleeps until the bell rings after it was read as `heard`; now and then for no reason. */
static inline void toy_sleep(struct toy_queue* queue, uint32_t heard) {
  syscall(SYS_futex, &queue->bell, FUTEX_WAIT, heard, NULL, NULL, 0);
}

#endif
