/* SPDX-License-Identifier: Apache-2.0 */
/* The plug-in's side of the chip: what its two halves share, plugin.c (memory and order) and operators.c. */
#ifndef TOY_DRIVER_H
#define TOY_DRIVER_H

#include <pthread.h>

#include "isthmus/plugin.h"
#include "protocol.h"

/* A piece of the chip's memory, free or not; all of them in ascending order make up the whole. */
struct piece {
  uint64_t begin, bytes;
  int used;
  struct piece* next;
};

typedef struct toy_device_t {
  const isthmus_host_t* host;
  pid_t chip;
  int socket;
  struct toy_shared* shared;
  pthread_t watcher;   /* sleeps until the chip's process ends */
  _Atomic int lost;    /* it has; `why` says how and is set before */
  _Atomic int closing; /* it should */
  char why[200];
  pthread_mutex_t mutex; /* of what follows */
  struct piece* pieces;
  uint32_t queues_used; /* a bit each */
} toy_device_t;

/* The host's part of a command, which the chip is not shown. */
struct part {
  char* host;
  uint64_t left;
  void (*function)(void*);
  void* argument;
};

typedef struct toy_stream_t {
  toy_device_t* device;
  uint32_t number;
  struct toy_queue* queue;
  pthread_t helper; /* does the host's part of commands */
  _Atomic int closing;
  struct part part[TOY_SLOTS]; /* of the command in the slot of that number */
} toy_stream_t;

/* Reports to the device's host; returns the code. Takes what printf takes. */
isthmus_status_t toy_fail(const isthmus_host_t* host, isthmus_status_t code, const char* format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts a command on the stream's queue, after it has room. */
isthmus_status_t toy_put(toy_stream_t* stream, const struct toy_command* command, const struct part* part);

/* operators.c */
isthmus_status_t toy_op_prepare(isthmus_chip_device_t* device, const isthmus_op_query_t* query,
                                isthmus_prepared_t* prepared);
isthmus_status_t toy_op_run(isthmus_chip_op_t* op, const isthmus_tensor_arg_t* operands,
                            isthmus_address_t workspace, isthmus_chip_stream_t* stream);
void toy_op_release(isthmus_chip_op_t* op);

#endif
