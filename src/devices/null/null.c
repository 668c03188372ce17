/* SPDX-License-Identifier: Apache-2.0 */
/* The skeleton of a chip: all that plugin.h requires and nothing more, on host memory. Copy this folder,
 * replace the word "null" everywhere and fill the entries from top to bottom, along README.md's page.
 */
#include <stdlib.h>
#include <string.h>

#include "isthmus/plugin.h"

/* ---- What this chip is
 * ------------------------------------------------------------------------------------------ */

/* One per device of the machine, with the host it was opened for. Yours holds the driver's handle. */
typedef struct null_device_t {
  const isthmus_host_t* host;
  int32_t index;
} null_device_t;

/* Work is done as it is put on a stream, so a stream has nothing to remember. Yours holds the driver's queue.
 */
typedef struct null_stream_t {
  null_device_t* device;
} null_stream_t;

/* Everything recorded is done already. Yours holds the driver's fence. */
typedef struct null_event_t {
  int32_t recorded;
} null_event_t;

static isthmus_status_t fail(const isthmus_host_t* host, isthmus_status_t code, const char* message) {
  host->report_error(host->context, code, message);
  return code;
}

/* ---- Devices
 * ---------------------------------------------------------------------------------------------------- */

/* Nobody should get this chip by accident: it is there only where ISTHMUS_NULL_DEVICE is 1. Yours asks the
 * driver; a machine without your device is no error: say 0. */
static int32_t device_count(void) {
  const char* wish = getenv("ISTHMUS_NULL_DEVICE");
  return wish != NULL && strcmp(wish, "1") == 0;
}

static isthmus_status_t device_open(const isthmus_host_t* host, int32_t index,
                                    isthmus_chip_device_t** device) {
  if (index < 0 || index >= device_count())
    return fail(host, ISTHMUS_NOT_FOUND, "there is one device, and only with ISTHMUS_NULL_DEVICE=1");
  null_device_t* d = calloc(1, sizeof *d);
  if (d == NULL) return fail(host, ISTHMUS_OUT_OF_MEMORY, "no memory for a device");
  d->host = host;
  d->index = index;
  *device = (isthmus_chip_device_t*)d;
  return ISTHMUS_OK;
}

static void device_close(isthmus_chip_device_t* device) { free(device); }

static isthmus_status_t device_properties(isthmus_chip_device_t* device,
                                          isthmus_device_properties_t* properties) {
  (void)device;
  isthmus_device_properties_t p = {0};
  p.size = sizeof p;
  p.name = "null, host memory and no operators";
  p.architecture = "null";
  p.alignment_bytes = 64;
  p.parallelism = 1;
  /* No features: not even HOST_ACCESS, although it would be true, so that this chip is treated like one with
   * memory of its own and every copy is made and counted. */
  isthmus_give(properties, &p);
  return ISTHMUS_OK;
}

/* ---- Memory
 * ----------------------------------------------------------------------------------------------------- */

static isthmus_status_t allocate(isthmus_chip_device_t* device, isthmus_memory_kind_t kind, uint64_t bytes,
                                 isthmus_address_t* address) {
  const isthmus_host_t* host = ((null_device_t*)device)->host;
  (void)kind; /* Both kinds are host memory here. */
  if (bytes > UINT64_MAX - 63)
    return fail(host, ISTHMUS_OUT_OF_MEMORY, "more bytes than there are addresses");
  void* memory = aligned_alloc(64, bytes == 0 ? 64 : (bytes + 63) / 64 * 64);
  if (memory == NULL) return fail(host, ISTHMUS_OUT_OF_MEMORY, "the host has no memory left");
  *address = (isthmus_address_t)(uintptr_t)memory;
  return ISTHMUS_OK;
}

static void free_memory(isthmus_chip_device_t* device, isthmus_address_t address) {
  (void)device;
  free((void*)(uintptr_t)address);
}

/* ---- Streams
 * ---------------------------------------------------------------------------------------------------- */

static isthmus_status_t stream_create(isthmus_chip_device_t* device, isthmus_chip_stream_t** stream) {
  null_stream_t* s = calloc(1, sizeof *s);
  null_device_t* d = (null_device_t*)device;
  if (s == NULL) return fail(d->host, ISTHMUS_OUT_OF_MEMORY, "no memory for a stream");
  s->device = d;
  *stream = (isthmus_chip_stream_t*)s;
  return ISTHMUS_OK;
}

static void stream_destroy(isthmus_chip_stream_t* stream) { free(stream); }

static isthmus_status_t stream_wait(isthmus_chip_stream_t* stream) {
  (void)stream;
  return ISTHMUS_OK;
}

static isthmus_status_t stream_query(isthmus_chip_stream_t* stream, int32_t* idle) {
  (void)stream;
  *idle = 1;
  return ISTHMUS_OK;
}

static isthmus_status_t copy(isthmus_chip_stream_t* stream, isthmus_copy_direction_t direction, uint64_t dst,
                             uint64_t src, uint64_t bytes) {
  (void)stream;
  (void)direction; /* Yours picks the engine: host to device, device to host, or on the device. */
  memmove((void*)(uintptr_t)dst, (const void*)(uintptr_t)src, bytes);
  return ISTHMUS_OK;
}

static isthmus_status_t fill(isthmus_chip_stream_t* stream, isthmus_address_t dst, uint8_t value,
                             uint64_t bytes) {
  (void)stream;
  memset((void*)(uintptr_t)dst, value, bytes);
  return ISTHMUS_OK;
}

/* ---- Events
 * ----------------------------------------------------------------------------------------------------- */

static isthmus_status_t event_create(isthmus_chip_device_t* device, isthmus_chip_event_t** event) {
  null_event_t* e = calloc(1, sizeof *e);
  if (e == NULL) return fail(((null_device_t*)device)->host, ISTHMUS_OUT_OF_MEMORY, "no memory for an event");
  *event = (isthmus_chip_event_t*)e;
  return ISTHMUS_OK;
}

static void event_destroy(isthmus_chip_event_t* event) { free(event); }

static isthmus_status_t event_record(isthmus_chip_event_t* event, isthmus_chip_stream_t* stream) {
  (void)stream;
  ((null_event_t*)event)->recorded = 1;
  return ISTHMUS_OK;
}

static isthmus_status_t event_wait(isthmus_chip_event_t* event) {
  (void)event;
  return ISTHMUS_OK;
}

static isthmus_status_t event_query(isthmus_chip_event_t* event, int32_t* done) {
  (void)event; /* An event never recorded counts as done, too. */
  *done = 1;
  return ISTHMUS_OK;
}

static isthmus_status_t stream_wait_event(isthmus_chip_stream_t* stream, isthmus_chip_event_t* event) {
  (void)stream;
  (void)event;
  return ISTHMUS_OK;
}

/* ---- The table
 * -------------------------------------------------------------------------------------------------- */

/* Entries that are left out are NULL: no operators (op_prepare …), so each runs on the host with copies,
 * visibly; no kernels, no capture, no import of host pages. Add them one by one: what you add is used from
 * then on. */
static const isthmus_plugin_t plugin = {
    .size = sizeof(isthmus_plugin_t),
    .major = ISTHMUS_PLUGIN_MAJOR,
    .minor = ISTHMUS_PLUGIN_MINOR,
    .name = "null",
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
    .event_create = event_create,
    .event_destroy = event_destroy,
    .event_record = event_record,
    .event_wait = event_wait,
    .event_query = event_query,
    .stream_wait_event = stream_wait_event,
};

ISTHMUS_PLUGIN_EXPORT const isthmus_plugin_t* isthmus_plugin_load(const isthmus_host_t* host) {
  (void)host; /* For what can go wrong here: a driver library that is missing, say. Devices get their own. */
  return &plugin;
}
