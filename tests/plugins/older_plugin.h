/* SPDX-License-Identifier: Apache-2.0 */
/* The layout of a synthetic older minor version of the plug-in table: today's without everything after event
 * entries. It is what a binary built long ago would contain, whatever plugin.h has been given since. */
#ifndef ISTHMUS_TESTS_OLDER_PLUGIN_H
#define ISTHMUS_TESTS_OLDER_PLUGIN_H

#include "isthmus/plugin.h"

typedef struct older_plugin_t {
  size_t size;
  uint32_t major;
  uint32_t minor;
  const char* name;
  const char* version;
  void (*unload)(void);
  int32_t (*device_count)(void);
  isthmus_status_t (*device_open)(const isthmus_host_t*, int32_t, isthmus_chip_device_t**);
  void (*device_close)(isthmus_chip_device_t*);
  isthmus_status_t (*device_properties)(isthmus_chip_device_t*, isthmus_device_properties_t*);
  isthmus_status_t (*allocate)(isthmus_chip_device_t*, isthmus_memory_kind_t, uint64_t, isthmus_address_t*);
  void (*free)(isthmus_chip_device_t*, isthmus_address_t);
  isthmus_status_t (*import_host)(isthmus_chip_device_t*, const void*, uint64_t, isthmus_address_t*);
  void (*release_host)(isthmus_chip_device_t*, isthmus_address_t);
  isthmus_status_t (*stream_create)(isthmus_chip_device_t*, isthmus_chip_stream_t**);
  void (*stream_destroy)(isthmus_chip_stream_t*);
  isthmus_status_t (*stream_wait)(isthmus_chip_stream_t*);
  isthmus_status_t (*stream_query)(isthmus_chip_stream_t*, int32_t*);
  isthmus_status_t (*copy)(isthmus_chip_stream_t*, isthmus_copy_direction_t, uint64_t, uint64_t, uint64_t);
  isthmus_status_t (*fill)(isthmus_chip_stream_t*, isthmus_address_t, uint8_t, uint64_t);
  isthmus_status_t (*call_host)(isthmus_chip_stream_t*, void (*)(void*), void*);
  isthmus_status_t (*event_create)(isthmus_chip_device_t*, isthmus_chip_event_t**);
  void (*event_destroy)(isthmus_chip_event_t*);
  isthmus_status_t (*event_record)(isthmus_chip_event_t*, isthmus_chip_stream_t*);
  isthmus_status_t (*event_wait)(isthmus_chip_event_t*);
  isthmus_status_t (*event_query)(isthmus_chip_event_t*, int32_t*);
  isthmus_status_t (*stream_wait_event)(isthmus_chip_stream_t*, isthmus_chip_event_t*);
} older_plugin_t;

/* The first fields of the properties, as that version knew them. */
typedef struct older_properties_t {
  size_t size;
  const char* name;
  const char* architecture;
  uint64_t memory_bytes;
  uint64_t alignment_bytes;
} older_properties_t;

#endif
