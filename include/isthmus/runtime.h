/* SPDX-License-Identifier: Apache-2.0 */
/* The platform (chips found on this machine), devices, and the buffers, streams and events made on them. */
#ifndef ISTHMUS_RUNTIME_H
#define ISTHMUS_RUNTIME_H

#include "isthmus/library.h"
#include "isthmus/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct isthmus_platform_s isthmus_platform_t;
typedef struct isthmus_device_s isthmus_device_t;
typedef struct isthmus_buffer_s isthmus_buffer_t;
typedef struct isthmus_stream_s isthmus_stream_t;
typedef struct isthmus_event_s isthmus_event_t;

/* ---- Platform */

/* What the embedding program gives. All 0 is the default. The functions and their contexts stay valid while
 * anything made through the platform lives, and may be called from any thread. */
typedef struct isthmus_platform_options_t {
  size_t size;
  int32_t thread_count; /* 0: one per core that the process may use (affinity, cgroup quota) */
  void (*log)(void* context, isthmus_log_level_t level, const char* message); /* NULL: nobody is told */
  void* log_context;
  /* The program's own threads: calls body(body_context, begin, end) over pieces of [0, count) and returns
   * when all are done. NULL: chips use threads of their own. */
  void (*parallel_for)(void* context, int64_t count, isthmus_range_body_t body, void* body_context);
  void* parallel_for_context;
  /* The program's own memory for buffers, working memory and packed weights in host memory; both or neither.
   * allocate: `bytes` bytes (more than 0) at a multiple of `alignment` (a power of two), or NULL when there
   * are none left. Memory of other kinds comes from the chip's driver, and files are mapped. */
  void* (*allocate)(void* context, uint64_t bytes, uint64_t alignment);
  void (*free)(void* context, void* memory);
  void* allocate_context;
} isthmus_platform_options_t;

/* Finds chips: isthmus_*.so in the folders of the variable ISTHMUS_PLUGIN_PATH (colon separated), then in
 * lib/isthmus beside this library. A chip that fails to load does not disturb the others; isthmus_device_open
 * names it. options may be NULL. A platform may be used by several threads at once. */
ISTHMUS_API isthmus_status_t isthmus_platform_create(const isthmus_platform_options_t* options,
                                                     isthmus_platform_t** platform);
ISTHMUS_API void isthmus_platform_destroy(isthmus_platform_t* platform);

/* Name of the device at `index` over all chips, from 0 on: "cpu:0". NULL past the last one. Lives as long as
 * the platform. */
ISTHMUS_API const char* isthmus_platform_device(const isthmus_platform_t* platform, int32_t index);

/* ---- Device */

/* name: "cpu", "cpu:0", "opencl:1", or the path of a plug-in (its device 0). Opening one twice gives two
 * handles of one device. A device may be used by several threads at once. */
ISTHMUS_API isthmus_status_t isthmus_device_open(isthmus_platform_t* platform, const char* name,
                                                 isthmus_device_t** device);
ISTHMUS_API void isthmus_device_close(isthmus_device_t* device);
/* "cpu:0". Lives as long as the device. */
ISTHMUS_API const char* isthmus_device_name(const isthmus_device_t* device);
/* Fills *properties (its size set). Strings live as long as the device. */
ISTHMUS_API isthmus_status_t isthmus_device_properties(const isthmus_device_t* device,
                                                       isthmus_device_properties_t* properties);

/* ---- Buffer: device memory */

/* Undefined contents, at the device's alignment (at least 64 bytes). bytes may be 0. */
ISTHMUS_API isthmus_status_t isthmus_buffer_create(isthmus_device_t* device, isthmus_memory_kind_t kind,
                                                   uint64_t bytes, isthmus_buffer_t** buffer);
/* The caller has made sure that no stream still uses it: isthmus_stream_wait. */
ISTHMUS_API void isthmus_buffer_destroy(isthmus_buffer_t* buffer);
/* Of its first byte; never 0. Arithmetic on it, up to its bytes, is fine on every chip. */
ISTHMUS_API isthmus_address_t isthmus_buffer_address(const isthmus_buffer_t* buffer);
/* The memory itself where the host may touch it (while no stream does); NULL elsewhere. */
ISTHMUS_API void* isthmus_buffer_host(const isthmus_buffer_t* buffer);

/* ---- Stream: an in-order queue of work, asynchronous to the caller. One thread at a time. */

ISTHMUS_API isthmus_status_t isthmus_stream_create(isthmus_device_t* device, isthmus_stream_t** stream);
ISTHMUS_API void isthmus_stream_destroy(isthmus_stream_t* stream); /* waits for its work */
/* Blocks until all its work is done; returns the first error since the last wait. */
ISTHMUS_API isthmus_status_t isthmus_stream_wait(isthmus_stream_t* stream);
/* Copies of `bytes` bytes. The host side (src, dst) stays valid until the stream has done it. */
ISTHMUS_API isthmus_status_t isthmus_stream_upload(isthmus_stream_t* stream, isthmus_address_t dst,
                                                   const void* src, uint64_t bytes);
ISTHMUS_API isthmus_status_t isthmus_stream_download(isthmus_stream_t* stream, void* dst,
                                                     isthmus_address_t src, uint64_t bytes);
ISTHMUS_API isthmus_status_t isthmus_stream_copy(isthmus_stream_t* stream, isthmus_address_t dst,
                                                 isthmus_address_t src, uint64_t bytes);
ISTHMUS_API isthmus_status_t isthmus_stream_fill(isthmus_stream_t* stream, isthmus_address_t dst,
                                                 uint8_t value, uint64_t bytes);

/* ---- Event: a point in a stream's work. Waiting for one never recorded returns at once. */

ISTHMUS_API isthmus_status_t isthmus_event_create(isthmus_device_t* device, isthmus_event_t** event);
ISTHMUS_API void isthmus_event_destroy(isthmus_event_t* event);
ISTHMUS_API isthmus_status_t isthmus_event_record(isthmus_event_t* event, isthmus_stream_t* stream);
ISTHMUS_API isthmus_status_t isthmus_event_wait(isthmus_event_t* event); /* blocks the calling thread */
/* Work put on the stream from now on starts after the event. Both are of one device. */
ISTHMUS_API isthmus_status_t isthmus_stream_wait_event(isthmus_stream_t* stream, isthmus_event_t* event);
/* Seconds from start to end, both recorded and done. ISTHMUS_UNIMPLEMENTED where the chip keeps no time. */
ISTHMUS_API isthmus_status_t isthmus_event_elapsed(isthmus_event_t* start, isthmus_event_t* end,
                                                   double* seconds);

#ifdef __cplusplus
}
#endif
#endif
