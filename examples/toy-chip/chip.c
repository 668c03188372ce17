/* SPDX-License-Identifier: Apache-2.0 */
/* The chip itself, played by a process: memory of its own and a thread per queue that does what is put there.
 * The plug-in starts it with a socket, which tells each side when the other is gone, and the shared file. */
#include "chip.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static struct toy_shared* shared;
static char* memory;

void* chip_memory(uint64_t address, uint64_t bytes) {
  if (address < TOY_MEMORY_BEGIN || bytes > TOY_MEMORY_BYTES ||
      address - TOY_MEMORY_BEGIN > TOY_MEMORY_BYTES - bytes)
    return NULL;
  return memory + (address - TOY_MEMORY_BEGIN);
}

/* The host's part of a command, now. */
static void ask_host(struct toy_queue* queue) {
  const uint64_t number = atomic_fetch_add(&queue->asked, 1) + 1;
  toy_ring(queue);
  for (;;) {
    const uint32_t heard = atomic_load(&queue->bell);
    if (atomic_load(&queue->answered) == number) return;
    toy_sleep(queue, heard);
  }
}

/* NULL, or what is wrong. */
static const char* run(struct toy_queue* queue, const struct toy_command* command) {
  const uint64_t bytes = command->bytes;
  char *dst = NULL, *src = NULL;
  if (command->code == TOY_UPLOAD || command->code == TOY_MOVE || command->code == TOY_FILL) {
    dst = chip_memory(command->dst, bytes);
    if (dst == NULL) return "the destination is outside of the chip's memory";
  }
  if (command->code == TOY_DOWNLOAD || command->code == TOY_MOVE) {
    src = chip_memory(command->src, bytes);
    if (src == NULL) return "the source is outside of the chip's memory";
  }
  switch (command->code) {
    case TOY_UPLOAD:
    case TOY_DOWNLOAD:
      for (uint64_t at = 0; at < bytes; at += TOY_WINDOW) {
        const uint64_t piece = bytes - at < TOY_WINDOW ? bytes - at : TOY_WINDOW;
        if (src != NULL) memcpy(queue->window, src + at, piece);
        ask_host(queue);
        if (dst != NULL) memcpy(dst + at, queue->window, piece);
      }
      return NULL;
    case TOY_MOVE: memmove(dst, src, bytes); return NULL;
    case TOY_FILL: memset(dst, (int)command->value, bytes); return NULL;
    case TOY_CALL: ask_host(queue); return NULL;
    case TOY_WAIT: {
      struct toy_queue* other = &shared->queue[command->value % TOY_QUEUES];
      for (;;) {
        const uint32_t heard = atomic_load(&other->bell);
        if (atomic_load(&other->done) >= bytes) return NULL;
        toy_sleep(other, heard);
      }
    }
    default: return chip_run_operator(command);
  }
}

static void* work_off(void* argument) {
  struct toy_queue* queue = argument;
  for (;;) {
    const uint32_t heard = atomic_load(&queue->bell);
    const uint64_t done = atomic_load(&queue->done);
    if (done == atomic_load(&queue->put)) {
      toy_sleep(queue, heard);
      continue;
    }
    const char* fault = run(queue, &queue->slot[done % TOY_SLOTS]);
    if (fault != NULL && atomic_load(&queue->failed) == 0) {
      snprintf(queue->message, sizeof queue->message, "%s", fault);
      atomic_store(&queue->failed, done + 1);
    }
    atomic_store(&queue->done, done + 1);
    toy_ring(queue);
  }
  return NULL;
}

int main(void) {
  shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, TOY_SHARED, 0);
  memory = mmap(NULL, TOY_MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                -1, 0);
  if (shared == MAP_FAILED || memory == MAP_FAILED) {
    fprintf(stderr, "toy-chip: started by the plug-in isthmus_toy.so only, on a machine with memory left\n");
    return 1;
  }
  for (int i = 0; i < TOY_QUEUES; ++i) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, work_off, &shared->queue[i]) != 0) return 1;
  }
  char byte = 'r'; /* ready */
  if (write(TOY_SOCKET, &byte, 1) != 1) return 1;
  while (read(TOY_SOCKET, &byte, 1) > 0) {
  }
  _exit(0); /* the host's process is gone, or closed the device */
}
