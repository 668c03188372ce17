/* SPDX-License-Identifier: Apache-2.0 */
/* A chip that is another process, as an Isthmus plug-in: memory and order. Made of the skeleton devices/null
 * by filling its entries from top to bottom. */
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"
#include "process.h"

/* Commands put on a queue so far mark the place; queues count on for ever, so it stays right when the stream
 * is gone. */
typedef struct toy_event_t {
  toy_device_t* device;
  uint32_t number; /* of the queue */
  uint64_t place;
} toy_event_t;

static toy_device_t* device_of(isthmus_chip_device_t* d) { return (toy_device_t*)d; }
static toy_stream_t* stream_of(isthmus_chip_stream_t* s) { return (toy_stream_t*)s; }
static toy_event_t* event_of(isthmus_chip_event_t* e) { return (toy_event_t*)e; }

isthmus_status_t toy_fail(const isthmus_host_t* host, isthmus_status_t code, const char* format, ...) {
  char message[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  host->report_error(host->context, code, message);
  return code;
}

/* ---- Devices ---- */

/* A chip is made by opening it. A driver would look at the bus. */
static int32_t device_count(void) { return 1; }

static isthmus_status_t device_open(const isthmus_host_t* host, int32_t index,
                                    isthmus_chip_device_t** device) {
  if (index < 0 || index >= device_count())
    return toy_fail(host, ISTHMUS_NOT_FOUND, "there is no toy device %d", index);
  toy_device_t* d = calloc(1, sizeof *d);
  struct piece* all = calloc(1, sizeof *all);
  if (d == NULL || all == NULL) {
    free(d);
    free(all);
    return toy_fail(host, ISTHMUS_OUT_OF_MEMORY, "no memory for a device");
  }
  *all = (struct piece){TOY_MEMORY_BEGIN, TOY_MEMORY_BYTES, 0, NULL};
  d->host = host;
  d->pieces = all;
  pthread_mutex_init(&d->mutex, NULL);
  const isthmus_status_t code = start_chip(d);
  if (code != ISTHMUS_OK) {
    free(all);
    free(d);
    return code;
  }
  *device = (isthmus_chip_device_t*)d;
  return ISTHMUS_OK;
}

static void device_close(isthmus_chip_device_t* device) {
  toy_device_t* d = device_of(device);
  stop_chip(d);
  while (d->pieces != NULL) {
    struct piece* next = d->pieces->next;
    free(d->pieces);
    d->pieces = next;
  }
  pthread_mutex_destroy(&d->mutex);
  free(d);
}

static isthmus_status_t device_properties(isthmus_chip_device_t* device,
                                          isthmus_device_properties_t* properties) {
  (void)device;
  isthmus_device_properties_t p = {0};
  p.size = sizeof p;
  p.name = "toy, a process that plays a chip";
  p.architecture = "toy-1";
  p.memory_bytes = TOY_MEMORY_BYTES;
  p.alignment_bytes = 64;
  p.features = ISTHMUS_FEATURE_EXACT;
  p.parallelism = TOY_QUEUES;
  isthmus_give(properties, &p);
  return ISTHMUS_OK;
}

/* ---- Memory: the first free piece that is big enough ---- */

static isthmus_status_t allocate(isthmus_chip_device_t* device, isthmus_memory_kind_t kind, uint64_t bytes,
                                 isthmus_address_t* address) {
  toy_device_t* d = device_of(device);
  if (atomic_load(&d->lost)) return toy_fail(d->host, ISTHMUS_DEVICE_LOST, "%s", d->why);
  const uint64_t rounded = bytes == 0 ? 64 : (bytes + 63) / 64 * 64;
  if (rounded < bytes || rounded > TOY_MEMORY_BYTES)
    return toy_fail(d->host, ISTHMUS_OUT_OF_MEMORY, "%llu bytes are more than the chip has in all",
                    (unsigned long long)bytes);
  if (kind == ISTHMUS_MEMORY_PINNED_HOST) { /* any host memory: the window is between it and the chip */
    void* memory = aligned_alloc(64, rounded);
    if (memory == NULL) return toy_fail(d->host, ISTHMUS_OUT_OF_MEMORY, "the host has no memory left");
    *address = (isthmus_address_t)(uintptr_t)memory;
    return ISTHMUS_OK;
  }
  pthread_mutex_lock(&d->mutex);
  uint64_t unused = 0;
  for (struct piece* p = d->pieces; p != NULL; p = p->next) {
    if (p->used) continue;
    unused += p->bytes;
    if (p->bytes < rounded) continue;
    struct piece* rest = p->bytes > rounded ? calloc(1, sizeof *rest) : NULL;
    if (rest != NULL) {
      *rest = (struct piece){p->begin + rounded, p->bytes - rounded, 0, p->next};
      p->next = rest;
      p->bytes = rounded;
    }
    p->used = 1;
    *address = p->begin;
    pthread_mutex_unlock(&d->mutex);
    return ISTHMUS_OK;
  }
  pthread_mutex_unlock(&d->mutex);
  return toy_fail(d->host, ISTHMUS_OUT_OF_MEMORY,
                  "the chip has no %llu bytes in one piece; %llu of %llu are free", (unsigned long long)bytes,
                  (unsigned long long)unused, (unsigned long long)TOY_MEMORY_BYTES);
}

static void free_memory(isthmus_chip_device_t* device, isthmus_address_t address) {
  toy_device_t* d = device_of(device);
  if (address - TOY_MEMORY_BEGIN >= TOY_MEMORY_BYTES) {
    free((void*)(uintptr_t)address);
    return;
  }
  pthread_mutex_lock(&d->mutex);
  struct piece *before = NULL, *p = d->pieces;
  while (p->begin != address) before = p, p = p->next;
  p->used = 0;
  if (before == NULL || before->used) before = p;
  while (before->next != NULL && !before->next->used) {
    struct piece* next = before->next;
    before->bytes += next->bytes;
    before->next = next->next;
    free(next);
  }
  pthread_mutex_unlock(&d->mutex);
}

/* ---- Streams: a queue of the chip each, and a thread that does the host's part of its commands ---- */

/* Waits until the queue did `place` commands: done, lost, or the error of one of them. */
static isthmus_status_t wait_for(toy_device_t* d, struct toy_queue* queue, uint64_t place) {
  for (;;) {
    const uint32_t heard = atomic_load(&queue->bell);
    if (atomic_load(&d->lost)) return toy_fail(d->host, ISTHMUS_DEVICE_LOST, "%s", d->why);
    if (atomic_load(&queue->done) >= place) break;
    toy_sleep(queue, heard);
  }
  const uint64_t failed = atomic_load(&queue->failed);
  if (failed == 0 || failed > place) return ISTHMUS_OK;
  return toy_fail(d->host, ISTHMUS_INVALID_ARGUMENT, "the chip refused a command: %.255s", queue->message);
}

isthmus_status_t toy_put(toy_stream_t* stream, const struct toy_command* command, const struct part* part) {
  toy_device_t* d = stream->device;
  struct toy_queue* queue = stream->queue;
  const uint64_t put = atomic_load(&queue->put);
  for (;;) {
    const uint32_t heard = atomic_load(&queue->bell);
    if (atomic_load(&d->lost)) return toy_fail(d->host, ISTHMUS_DEVICE_LOST, "%s", d->why);
    if (put - atomic_load(&queue->done) < TOY_SLOTS) break;
    toy_sleep(queue, heard);
  }
  queue->slot[put % TOY_SLOTS] = *command;
  if (part != NULL) stream->part[put % TOY_SLOTS] = *part;
  atomic_store(&queue->put, put + 1);
  toy_ring(queue);
  return ISTHMUS_OK;
}

static void do_part(toy_stream_t* stream) {
  struct toy_queue* queue = stream->queue;
  const uint64_t slot = atomic_load(&queue->done) % TOY_SLOTS;
  struct part* part = &stream->part[slot];
  if (part->function != NULL) {
    part->function(part->argument);
    return;
  }
  const uint64_t piece = part->left < TOY_WINDOW ? part->left : TOY_WINDOW;
  if (queue->slot[slot].code == TOY_UPLOAD)
    memcpy(queue->window, part->host, piece);
  else
    memcpy(part->host, queue->window, piece);
  part->host += piece;
  part->left -= piece;
}

static void* help(void* argument) {
  toy_stream_t* stream = argument;
  struct toy_queue* queue = stream->queue;
  for (;;) {
    const uint32_t heard = atomic_load(&queue->bell);
    if (atomic_load(&stream->closing) || atomic_load(&stream->device->lost)) return NULL;
    if (atomic_load(&queue->asked) == atomic_load(&queue->answered)) {
      toy_sleep(queue, heard);
      continue;
    }
    do_part(stream);
    atomic_fetch_add(&queue->answered, 1);
    toy_ring(queue);
  }
}

static isthmus_status_t stream_create(isthmus_chip_device_t* device, isthmus_chip_stream_t** stream) {
  toy_device_t* d = device_of(device);
  if (atomic_load(&d->lost)) return toy_fail(d->host, ISTHMUS_DEVICE_LOST, "%s", d->why);
  toy_stream_t* s = calloc(1, sizeof *s);
  if (s == NULL) return toy_fail(d->host, ISTHMUS_OUT_OF_MEMORY, "no memory for a stream");
  pthread_mutex_lock(&d->mutex);
  while (s->number < TOY_QUEUES && (d->queues_used >> s->number & 1)) ++s->number;
  if (s->number < TOY_QUEUES) d->queues_used |= 1u << s->number;
  pthread_mutex_unlock(&d->mutex);
  if (s->number == TOY_QUEUES) {
    free(s);
    return toy_fail(d->host, ISTHMUS_UNAVAILABLE, "all %d queues of the chip are in use", TOY_QUEUES);
  }
  s->device = d;
  s->queue = &d->shared->queue[s->number];
  if (start_thread(&s->helper, help, s) != 0) {
    pthread_mutex_lock(&d->mutex);
    d->queues_used &= ~(1u << s->number);
    pthread_mutex_unlock(&d->mutex);
    free(s);
    return toy_fail(d->host, ISTHMUS_UNAVAILABLE, "no thread for a stream");
  }
  *stream = (isthmus_chip_stream_t*)s;
  return ISTHMUS_OK;
}

static isthmus_status_t stream_wait(isthmus_chip_stream_t* stream) {
  toy_stream_t* s = stream_of(stream);
  const isthmus_status_t code = wait_for(s->device, s->queue, atomic_load(&s->queue->put));
  atomic_store(&s->queue->failed, 0);
  return code;
}

static void stream_destroy(isthmus_chip_stream_t* stream) {
  toy_stream_t* s = stream_of(stream);
  toy_device_t* d = s->device;
  for (;;) { /* as stream_wait, but with nobody to tell */
    const uint32_t heard = atomic_load(&s->queue->bell);
    if (atomic_load(&d->lost) || atomic_load(&s->queue->done) == atomic_load(&s->queue->put)) break;
    toy_sleep(s->queue, heard);
  }
  atomic_store(&s->closing, 1);
  toy_ring(s->queue);
  pthread_join(s->helper, NULL);
  atomic_store(&s->queue->failed, 0);
  pthread_mutex_lock(&d->mutex);
  d->queues_used &= ~(1u << s->number);
  pthread_mutex_unlock(&d->mutex);
  free(s);
}

static isthmus_status_t stream_query(isthmus_chip_stream_t* stream, int32_t* idle) {
  toy_stream_t* s = stream_of(stream);
  if (atomic_load(&s->device->lost))
    return toy_fail(s->device->host, ISTHMUS_DEVICE_LOST, "%s", s->device->why);
  *idle = atomic_load(&s->queue->done) == atomic_load(&s->queue->put);
  return ISTHMUS_OK;
}

static isthmus_status_t copy(isthmus_chip_stream_t* stream, isthmus_copy_direction_t direction, uint64_t dst,
                             uint64_t src, uint64_t bytes) {
  struct toy_command command = {.dst = dst, .src = src, .bytes = bytes};
  struct part part = {.left = bytes};
  switch (direction) {
    case ISTHMUS_COPY_HOST_TO_DEVICE:
      command.code = TOY_UPLOAD;
      part.host = (char*)(uintptr_t)src;
      break;
    case ISTHMUS_COPY_DEVICE_TO_HOST:
      command.code = TOY_DOWNLOAD;
      part.host = (char*)(uintptr_t)dst;
      break;
    default: command.code = TOY_MOVE;
  }
  return toy_put(stream_of(stream), &command, &part);
}

static isthmus_status_t fill(isthmus_chip_stream_t* stream, isthmus_address_t dst, uint8_t value,
                             uint64_t bytes) {
  const struct toy_command command = {.code = TOY_FILL, .value = value, .dst = dst, .bytes = bytes};
  return toy_put(stream_of(stream), &command, NULL);
}

static isthmus_status_t call_host(isthmus_chip_stream_t* stream, void (*function)(void*), void* argument) {
  const struct toy_command command = {.code = TOY_CALL};
  const struct part part = {.function = function, .argument = argument};
  return toy_put(stream_of(stream), &command, &part);
}

/* ---- Events: places in queues ---- */

static isthmus_status_t event_create(isthmus_chip_device_t* device, isthmus_chip_event_t** event) {
  toy_event_t* e = calloc(1, sizeof *e); /* place 0 of queue 0 is done: an event never recorded is, too */
  if (e == NULL) return toy_fail(device_of(device)->host, ISTHMUS_OUT_OF_MEMORY, "no memory for an event");
  e->device = device_of(device);
  *event = (isthmus_chip_event_t*)e;
  return ISTHMUS_OK;
}

static void event_destroy(isthmus_chip_event_t* event) { free(event_of(event)); }

static isthmus_status_t event_record(isthmus_chip_event_t* event, isthmus_chip_stream_t* stream) {
  toy_event_t* e = event_of(event);
  e->number = stream_of(stream)->number;
  e->place = atomic_load(&stream_of(stream)->queue->put);
  return ISTHMUS_OK;
}

static isthmus_status_t event_wait(isthmus_chip_event_t* event) {
  const toy_event_t* e = event_of(event);
  return wait_for(e->device, &e->device->shared->queue[e->number], e->place);
}

static isthmus_status_t event_query(isthmus_chip_event_t* event, int32_t* done) {
  const toy_event_t* e = event_of(event);
  *done = atomic_load(&e->device->shared->queue[e->number].done) >= e->place;
  if (*done || atomic_load(&e->device->lost)) return event_wait(event); /* which tells of errors, too */
  return ISTHMUS_OK;
}

static isthmus_status_t stream_wait_event(isthmus_chip_stream_t* stream, isthmus_chip_event_t* event) {
  const toy_event_t* e = event_of(event);
  const struct toy_command command = {.code = TOY_WAIT, .value = e->number, .bytes = e->place};
  if (e->number == stream_of(stream)->number) return ISTHMUS_OK; /* in order anyway */
  return toy_put(stream_of(stream), &command, NULL);
}

/* ---- The table ---- */

static const isthmus_plugin_t plugin = {
    .size = sizeof(isthmus_plugin_t),
    .major = ISTHMUS_PLUGIN_MAJOR,
    .minor = ISTHMUS_PLUGIN_MINOR,
    .name = "toy",
    .version = "0.1.0",
    .device_count = device_count,
    .device_open = device_open,
    .device_close = device_close,
    .device_properties = device_properties,
    .allocate = allocate,
    .free = free_memory,
    .stream_create = stream_create,
    .stream_destroy = stream_destroy,
    .stream_wait = stream_wait,
    .stream_query = stream_query,
    .copy = copy,
    .fill = fill,
    .call_host = call_host,
    .event_create = event_create,
    .event_destroy = event_destroy,
    .event_record = event_record,
    .event_wait = event_wait,
    .event_query = event_query,
    .stream_wait_event = stream_wait_event,
    .op_prepare = toy_op_prepare,
    .op_run = toy_op_run,
    .op_release = toy_op_release,
};

ISTHMUS_PLUGIN_EXPORT const isthmus_plugin_t* isthmus_plugin_load(const isthmus_host_t* host) {
  (void)host;
  return &plugin;
}
