/* SPDX-License-Identifier: Apache-2.0 */
/* Plug-ins that are old or wrong, one per FAULT_… macro: an older minor version that works, and those that
 * must be refused with a sentence. */
#include <stdlib.h>
#include <string.h>

#include "older_plugin.h"

static int32_t device_count(void) {
#ifdef FAULT_COUNT
  return 2000000000;
#endif
  return 1;
}
/* A device is nothing but the host it was opened for. */
static isthmus_status_t device_open(const isthmus_host_t* host, int32_t index,
                                    isthmus_chip_device_t** device) {
  const isthmus_host_t** d = malloc(sizeof *d);
  if (!d) return ISTHMUS_OUT_OF_MEMORY;
  *d = host;
  *device = (isthmus_chip_device_t*)d;
#ifdef FAULT_CRASH
  *(volatile int*)device_count = 0;
#endif
#ifdef FAULT_NOWHERE /* a jump to where nothing is, with a stack that leads nowhere */
  __asm__ volatile("" ::: "memory");
  ((void (*)(void))(uintptr_t)0x10)();
#endif
#ifdef FAULT_DEVICE
  *device = NULL;
#endif
#ifdef FAULT_FAILING
  *device = (isthmus_chip_device_t*)(uintptr_t)16;
  return ISTHMUS_UNAVAILABLE;
#endif
  return index == 0 ? ISTHMUS_OK : ISTHMUS_NOT_FOUND;
}
static void device_close(isthmus_chip_device_t* device) { free(device); }
static isthmus_status_t device_properties(isthmus_chip_device_t* device,
                                          isthmus_device_properties_t* properties) {
  (void)device;
  older_properties_t p = {sizeof p, "an older chip", "older", 0, 64};
#ifdef FAULT_ALIGNMENT
  p.alignment_bytes = 24;
#endif
#ifdef FAULT_NAME
  p.name = NULL;
#endif
  memcpy(properties, &p, sizeof p);
#ifdef FAULT_FEATURE
  properties->features = ISTHMUS_FEATURE_CAPTURE;
#endif
  return ISTHMUS_OK;
}
static isthmus_status_t allocate(isthmus_chip_device_t* d, isthmus_memory_kind_t k, uint64_t bytes,
                                 isthmus_address_t* a) {
  (void)k;
  void* memory = bytes < (uint64_t)1 << 40 ? aligned_alloc(64, (bytes + 64) / 64 * 64) : NULL;
#ifdef FAULT_ADDRESS
  *a = 0;
  return ISTHMUS_OK;
#endif
  if (!memory) {
    const isthmus_host_t* host = *(const isthmus_host_t**)d;
    host->report_error(host->context, ISTHMUS_OUT_OF_MEMORY, "no memory left");
    return ISTHMUS_OUT_OF_MEMORY;
  }
  *a = (isthmus_address_t)(uintptr_t)memory;
  return ISTHMUS_OK;
}
static void free_memory(isthmus_chip_device_t* d, isthmus_address_t a) {
  (void)d;
  free((void*)(uintptr_t)a);
}
static isthmus_status_t make(isthmus_chip_device_t* d, void** object) {
  (void)d;
  *object = malloc(1);
  return ISTHMUS_OK;
}
static isthmus_status_t stream_create(isthmus_chip_device_t* d, isthmus_chip_stream_t** s) {
#ifdef FAULT_STREAM
  return ISTHMUS_OK;
#endif
  return make(d, (void**)s);
}
static void stream_destroy(isthmus_chip_stream_t* s) { free(s); }
static isthmus_status_t stream_wait(isthmus_chip_stream_t* s) {
#ifdef FAULT_LOST /* once, and then all is well again */
  static int waits;
  if (waits++ == 0) return ISTHMUS_DEVICE_LOST;
#endif
  return s ? ISTHMUS_OK : ISTHMUS_INTERNAL;
}
static isthmus_status_t copy(isthmus_chip_stream_t* s, isthmus_copy_direction_t w, uint64_t dst, uint64_t src,
                             uint64_t n) {
  (void)s;
  (void)w;
  memmove((void*)(uintptr_t)dst, (const void*)(uintptr_t)src, n);
  return ISTHMUS_OK;
}
static isthmus_status_t fill(isthmus_chip_stream_t* s, isthmus_address_t dst, uint8_t value, uint64_t n) {
  (void)s;
  memset((void*)(uintptr_t)dst, value, n);
  return ISTHMUS_OK;
}
static isthmus_status_t event_create(isthmus_chip_device_t* d, isthmus_chip_event_t** e) {
#ifdef FAULT_EVENT
  return ISTHMUS_OK;
#endif
  return make(d, (void**)e);
}
static void event_destroy(isthmus_chip_event_t* e) { free(e); }
static isthmus_status_t event_record(isthmus_chip_event_t* e, isthmus_chip_stream_t* s) {
  return e && s ? ISTHMUS_OK : ISTHMUS_INTERNAL;
}
static isthmus_status_t event_wait(isthmus_chip_event_t* e) { return e ? ISTHMUS_OK : ISTHMUS_INTERNAL; }
static isthmus_status_t stream_wait_event(isthmus_chip_stream_t* s, isthmus_chip_event_t* e) {
  return e && s ? ISTHMUS_OK : ISTHMUS_INTERNAL;
}

static older_plugin_t plugin = {
    .size = sizeof(older_plugin_t),
    .major = ISTHMUS_PLUGIN_MAJOR,
    .minor = ISTHMUS_PLUGIN_MINOR_OLDEST,
    .name = "older",
    .version = "0.0.1",
    .device_count = device_count,
    .device_open = device_open,
    .device_close = device_close,
    .device_properties = device_properties,
    .allocate = allocate,
    .free = free_memory,
    .stream_create = stream_create,
    .stream_destroy = stream_destroy,
    .stream_wait = stream_wait,
    .copy = copy,
    .fill = fill,
    .event_create = event_create,
    .event_destroy = event_destroy,
    .event_record = event_record,
    .event_wait = event_wait,
    .stream_wait_event = stream_wait_event,
};

#ifdef FAULT_SYMBOL
#define isthmus_plugin_load isthmus_plugin_lode
#endif
ISTHMUS_PLUGIN_EXPORT const isthmus_plugin_t* isthmus_plugin_load(const isthmus_host_t* host) {
  (void)host;
#ifdef FAULT_REASON
  host->report_error(host->context, ISTHMUS_UNAVAILABLE, "the driver is too old: 3 found, 4 needed");
  return NULL;
#endif
#ifdef FAULT_MAJOR
  plugin.major = 99;
#endif
#ifdef FAULT_MINOR
  plugin.minor = ISTHMUS_PLUGIN_MINOR_OLDEST - 1;
#endif
#ifdef FAULT_NEWER
  plugin.minor = ISTHMUS_PLUGIN_MINOR + 1;
#endif
#ifdef FAULT_SIZE
  plugin.size = (size_t)1 << 40;
#endif
#ifdef FAULT_HALF
  plugin.size = offsetof(older_plugin_t, device_count) + sizeof(void*) / 2;
#endif
#ifdef FAULT_TITLE
  plugin.name = "Older, or not";
#endif
#ifdef FAULT_ENTRY
  plugin.copy = NULL;
#endif
  return (const isthmus_plugin_t*)(const void*)&plugin;
}
