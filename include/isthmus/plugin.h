/* SPDX-License-Identifier: Apache-2.0 */
/* The interface between Isthmus and a chip: what a maker's shared library exports and what it is given.
 *
 * A chip joins as one shared library that exports one function, isthmus_plugin_load. The function receives
 * the host's callbacks and returns a table of entries. A chip fills what it has and leaves the rest NULL:
 *
 *   memory and order   required: devices, allocate, free, copy, fill, streams, events
 *   operators          optional: its own implementation of any operator, in two phases (prepare, run)
 *   kernels            optional: builds source text in a language it names and launches it
 *   graphs             reserved; entries will be appended when a chip uses them
 *
 * What a chip lacks, Isthmus runs on the host with copies, visibly. docs/guide/new-chip.md leads from a
 * skeleton to copy (src/devices/null) to a certificate (isthmus conform); docs/operators.md says what each
 * operator means.
 *
 * Versions. Every struct starts with `size`, set by whoever fills it to sizeof its own struct; a reader
 * treats fields beyond `size` as zero. Entries and fields are appended; while the major version is 0 existing
 * ones may change, too, so that only plug-ins from ISTHMUS_PLUGIN_MINOR_OLDEST to ISTHMUS_PLUGIN_MINOR of the
 * host are loaded. The plug-in reports the version it was built for and what it has; nobody infers features
 * from versions. What changed is in CHANGELOG.md. Where the plug-in fills a struct of the host's
 * (device_properties, op_prepare), `size` says on entry how much the host knows of it: fill one of your own
 * and isthmus_give it.
 *
 * Strings are UTF-8 and NUL-terminated. Strings and arrays passed in a call live until the call returns
 * unless said otherwise. Strings a plug-in returns live until the object they describe is destroyed (those of
 * isthmus_prepared_t until op_release).
 *
 * Errors. Every entry that can fail returns a code and, before returning a failure, calls report_error of the
 * device's host once, from the same thread, with a sentence: what happened, where, what to do. Nothing is
 * freed across the line and no C++ exception may cross it. Failures of asynchronous work surface at
 * stream_wait, event_wait and event_query of the stream it was put on: at the first after it, and once.
 *
 * A device that is lost (reset, unplugged, its driver gone) stays so until it is closed: from then on every
 * entry that can fail and needs the device returns ISTHMUS_DEVICE_LOST, those that wait return at once, and
 * nothing put on it before succeeds later. What releases something still works. It may be opened again, as
 * another device, while the lost one is not closed yet.
 *
 * Lives. Whatever is made on a device is released before device_close; and an operator, kernel, event,
 * capture or memory only when no stream uses it any more.
 *
 * Threads. Entries may be called from any thread. Calls on one stream are not concurrent with each other,
 * except stream_query; calls on different streams are. prepare, pack and allocate may be concurrent with
 * anything. */
#ifndef ISTHMUS_PLUGIN_H
#define ISTHMUS_PLUGIN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "isthmus/dtype.h"
#include "isthmus/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ISTHMUS_PLUGIN_MAJOR 0
#define ISTHMUS_PLUGIN_MINOR 3
#define ISTHMUS_PLUGIN_MINOR_OLDEST 3 /* that is still loaded */
#define ISTHMUS_MAX_RANK 8
#define ISTHMUS_MAX_OPERANDS 16
#define ISTHMUS_PLUGIN_EXPORT __attribute__((visibility("default")))

/* A position in a device's memory. Callers do arithmetic on it on every chip; 0 is no address. */
typedef uint64_t isthmus_address_t;

/* Objects a plug-in makes; the host only passes them back. */
typedef struct isthmus_chip_device_s isthmus_chip_device_t;
typedef struct isthmus_chip_stream_s isthmus_chip_stream_t;
typedef struct isthmus_chip_event_s isthmus_chip_event_t;
typedef struct isthmus_chip_op_s isthmus_chip_op_t;
typedef struct isthmus_chip_capture_s isthmus_chip_capture_t;
typedef struct isthmus_chip_kernel_s isthmus_chip_kernel_t;

/* ---- What the host gives
 * -------------------------------------------------------------------------------------- */

typedef enum isthmus_log_level_t {
  ISTHMUS_LOG_DEBUG = 0,
  ISTHMUS_LOG_INFO = 1,
  ISTHMUS_LOG_WARNING = 2,
  ISTHMUS_LOG_ERROR = 3
} isthmus_log_level_t;

/* A stretch of time in which an execution unit worked on something that was put on a stream. */
typedef struct isthmus_span_t {
  size_t size;
  uint64_t mark;    /* of the work; see stream_mark */
  int64_t begin_ns; /* of CLOCK_MONOTONIC */
  int64_t end_ns;
  int32_t lane; /* which unit of the device, from 0: a thread, a queue */
} isthmus_span_t;

typedef void (*isthmus_range_body_t)(void* body_context, int64_t begin, int64_t end);

/* What one user of Isthmus in the process gives to the devices it opens; another user of the same library
 * gives its own. Valid, with all it points to: in isthmus_plugin_load until that call returns, in device_open
 * until device_close of that device returns. Thread-safe. */
typedef struct isthmus_host_t {
  size_t size;
  void* context; /* first argument of every callback */
  /* The message of the failure that the entry called on this thread is about to return. The text is copied.
   */
  void (*report_error)(void* context, isthmus_status_t code, const char* message);
  void (*log)(void* context, isthmus_log_level_t level, const char* message);
  /* How many threads the process may keep busy (cores, cgroup quota, the embedder's wish). At least 1. */
  int32_t thread_count;
  /* The embedder's own threads, or NULL: runs body over [0, count) in pieces and returns when all are done.
   */
  void (*parallel_for)(void* context, int64_t count, isthmus_range_body_t body, void* body_context);
  /* The embedder's own memory, or both NULL: `bytes` bytes, more than 0, at a multiple of `alignment`, a
   * power of two; NULL when there are none left. A chip whose device memory is the host's takes it from here.
   */
  void* (*allocate)(void* context, uint64_t bytes, uint64_t alignment);
  void (*free)(void* context, void* memory);
  /* Tells of marked work, from any thread, before a wait for that work returns; NULL: nobody wants to know.
   */
  void (*span)(void* context, const isthmus_span_t* span);
} isthmus_host_t;

/* ---- Devices and memory
 * --------------------------------------------------------------------------------------- */

typedef enum isthmus_device_feature_t {
  ISTHMUS_FEATURE_HOST_ACCESS =
      1u << 0,                      /* device addresses are host pointers: the host may read and write them */
  ISTHMUS_FEATURE_IMPORT = 1u << 1, /* import_host works */
  ISTHMUS_FEATURE_CAPTURE = 1u << 2,      /* the capture entries work */
  ISTHMUS_FEATURE_EXACT = 1u << 3,        /* its operators keep the exact order unless asked for fast ones */
  ISTHMUS_FEATURE_EVENT_TIMING = 1u << 4, /* event_elapsed works */
  /* In kernels it builds: F32 + - * and fma round to nearest and keep subnormals, infinities and NaN … */
  ISTHMUS_FEATURE_KERNEL_EXACT = 1u << 5,
  ISTHMUS_FEATURE_KERNEL_DIVISION = 1u << 6, /* … F32 / and sqrt round to nearest, too … */
  ISTHMUS_FEATURE_KERNEL_F64 = 1u << 7       /* … and there is F64, as exact */
} isthmus_device_feature_t;

typedef struct isthmus_device_properties_t {
  size_t size;
  const char* name;         /* for people: "AMD EPYC, 2 threads, AVX-512" */
  const char* architecture; /* what tuning is keyed by: "x86_64-avx512-vnni-bf16" */
  uint64_t memory_bytes;    /* total device memory; 0 when unknown */
  uint64_t alignment_bytes; /* of every allocation, a power of two, at least 64 */
  uint32_t features;        /* isthmus_device_feature_t, or-ed */
  int32_t parallelism;      /* independent execution units (threads, cores), for people and benchmarks */
  /* Languages kernel_build takes, NULL-terminated ("opencl-c-1.2", "cuda-c++"), or NULL. */
  const char* const* kernel_languages;
  /* How many floats one work item of a kernel does best at a time: 16 where it may use 512-bit vectors, 0 or
   * 1 where work items themselves are the lanes of vectors. */
  int32_t kernel_vector_floats;
} isthmus_device_properties_t;

typedef enum isthmus_memory_kind_t {
  ISTHMUS_MEMORY_DEVICE = 0,
  /* Host memory the device copies from and to fast. The address is a host pointer; no operand of an operator
   * or kernel lies there. */
  ISTHMUS_MEMORY_PINNED_HOST = 1
} isthmus_memory_kind_t;

typedef enum isthmus_copy_direction_t {
  ISTHMUS_COPY_HOST_TO_DEVICE = 0, /* src is a host pointer */
  ISTHMUS_COPY_DEVICE_TO_HOST = 1, /* dst is a host pointer */
  ISTHMUS_COPY_DEVICE_TO_DEVICE = 2
} isthmus_copy_direction_t;

/* ---- Operators
 * ------------------------------------------------------------------------------------------------ */

typedef enum isthmus_role_t {
  ISTHMUS_ROLE_ACTIVATION = 0, /* changes from run to run */
  ISTHMUS_ROLE_CONSTANT = 1,   /* same bytes for the life of the prepared operator: may be packed */
  ISTHMUS_ROLE_STATE = 2       /* lives between runs and may be written in place */
} isthmus_role_t;

/* What prepare is told of an operand. There is one for every declared operand, and of a variadic one as many
 * as were given; an optional operand that is absent has dtype ISTHMUS_DTYPE_INVALID, rank 0. */
typedef struct isthmus_operand_t {
  size_t size;
  isthmus_dtype_t dtype;
  isthmus_role_t role;
  int32_t rank;
  int64_t dims[ISTHMUS_MAX_RANK];     /* the largest; outermost first */
  int64_t dims_min[ISTHMUS_MAX_RANK]; /* the smallest; equal to dims where fixed */
  /* In elements, at the largest dims. Block dtypes have innermost stride 1. May be 0 (broadcast) or negative.
   */
  int64_t strides[ISTHMUS_MAX_RANK];
  int32_t contiguous; /* 1: dense row-major at every run, so that strides follow from dims */
} isthmus_operand_t;

/* What run is told of an operand; dtype and rank are those prepared for. No output overlaps an input or
 * another output. A state is an input only, which is written in place; no other operand overlaps it. */
typedef struct isthmus_tensor_arg_t {
  isthmus_address_t address;         /* of element 0, aligned for its dtype; 0: an absent operand */
  int64_t dims[ISTHMUS_MAX_RANK];    /* within those prepared for; any may be 0 */
  int64_t strides[ISTHMUS_MAX_RANK]; /* filled in for contiguous operands, too */
} isthmus_tensor_arg_t;

typedef enum isthmus_attribute_type_t {
  ISTHMUS_ATTRIBUTE_INT = 0, /* also booleans: 0 or 1 */
  ISTHMUS_ATTRIBUTE_FLOAT = 1,
  ISTHMUS_ATTRIBUTE_STRING = 2,
  ISTHMUS_ATTRIBUTE_INTS = 3,
  ISTHMUS_ATTRIBUTE_FLOATS = 4
} isthmus_attribute_type_t;

typedef struct isthmus_attribute_t {
  size_t size;
  const char* name;
  int32_t
      is_default; /* 1: the value is the declared default; a chip that does not know the name may ignore it */
  isthmus_attribute_type_t type;
  int64_t i;
  double f;
  const char* s;
  const int64_t* ints;
  const double* floats;
  int64_t count; /* of ints or floats */
} isthmus_attribute_t;

typedef enum isthmus_numerics_t {
  ISTHMUS_NUMERICS_EXACT = 0, /* the bits the operator's declaration fixes */
  ISTHMUS_NUMERICS_FAST = 1   /* another order within the declared tolerance is welcome */
} isthmus_numerics_t;

/* One operator with its attributes and operands. A chip that meets an attribute it does not know, with a
 * value other than the default, or an operator version it does not know, refuses. */
typedef struct isthmus_op_query_t {
  size_t size;
  const char* name; /* "rms_norm" */
  uint32_t version;
  isthmus_numerics_t numerics;
  const isthmus_attribute_t* attributes; /* every declared attribute, in declared order */
  int32_t attribute_count;
  const isthmus_operand_t* operands; /* inputs, then outputs */
  int32_t input_count;
  int32_t output_count;
} isthmus_op_query_t;

/* What prepare answers. */
typedef struct isthmus_prepared_t {
  size_t size;
  isthmus_chip_op_t* op;
  uint64_t workspace_bytes;   /* the largest any run needs; given to run at the device's alignment */
  const char* implementation; /* for people: "avx512 vnni 6x32" */
  /* Per input: the layout run wants a constant operand in; NULL: as it is. The name identifies the bytes:
   * equal names, source bytes, dtypes and dims mean equal packed bytes, in every process and version. */
  const char* packed_layout[ISTHMUS_MAX_OPERANDS];
  uint64_t packed_bytes[ISTHMUS_MAX_OPERANDS];
  /* For people: which better implementations of the chip's own refused and why, "; " between them:
   * "avx512 rows: strides; avx512 panels: dtype". NULL when none did. */
  const char* refused;
} isthmus_prepared_t;

/* ---- Kernels
 * -------------------------------------------------------------------------------------------------- */

typedef enum isthmus_kernel_argument_kind_t {
  /* Two parameters of the kernel: a pointer into device memory, or NULL for address 0, and a 64-bit offset in
   * bytes; their sum is where the address points. All of the operand lies in the one allocation. */
  ISTHMUS_ARGUMENT_ADDRESS = 0,
  ISTHMUS_ARGUMENT_VALUE = 1 /* one parameter: these bytes, a number or a struct */
} isthmus_kernel_argument_kind_t;

typedef struct isthmus_kernel_argument_t {
  isthmus_kernel_argument_kind_t kind;
  uint32_t bytes;            /* of the value */
  isthmus_address_t address; /* of an address */
  const void* value;
} isthmus_kernel_argument_t;

/* ---- What the plug-in returns
 * --------------------------------------------------------------------------------- */

typedef struct isthmus_plugin_t {
  size_t size;
  uint32_t major; /* ISTHMUS_PLUGIN_MAJOR and _MINOR it was compiled with */
  uint32_t minor;
  const char* name;    /* short, lower case, unique: "cpu", "opencl" */
  const char* version; /* the plug-in's own */

  /* Once for every load that returned this table; the devices opened since by that user are closed by then.
   * Other users of the library may still have theirs. */
  void (*unload)(void);

  /* -- memory and order: required but for those marked optional -- */
  /* How many devices there are to open; why one cannot be opened is said by device_open. */
  int32_t (*device_count)(void);
  /* The device keeps the host pointer: what is later done on it and on what it makes reports there. */
  isthmus_status_t (*device_open)(const isthmus_host_t* host, int32_t index, isthmus_chip_device_t** device);
  void (*device_close)(isthmus_chip_device_t* device);
  isthmus_status_t (*device_properties)(isthmus_chip_device_t* device,
                                        isthmus_device_properties_t* properties);

  /* Contents are undefined; `bytes` may be 0, the address is none. Freeing waits for nothing: the caller made
   * sure that no stream still uses it. free is not told the kind: addresses of the two must differ. */
  isthmus_status_t (*allocate)(isthmus_chip_device_t* device, isthmus_memory_kind_t kind, uint64_t bytes,
                               isthmus_address_t* address);
  void (*free)(isthmus_chip_device_t* device, isthmus_address_t address);
  /* Optional: makes existing host pages (read-only ones too) usable by the device without a copy. */
  isthmus_status_t (*import_host)(isthmus_chip_device_t* device, const void* host, uint64_t bytes,
                                  isthmus_address_t* address);
  void (*release_host)(isthmus_chip_device_t* device, isthmus_address_t address);

  /* Streams run what is put on them in order, asynchronously to the caller and to each other. When all queues
   * of a chip are taken stream_create says ISTHMUS_UNAVAILABLE. */
  isthmus_status_t (*stream_create)(isthmus_chip_device_t* device, isthmus_chip_stream_t** stream);
  void (*stream_destroy)(isthmus_chip_stream_t* stream); /* waits for its work */
  /* Blocks; the first error since the last wait. */
  isthmus_status_t (*stream_wait)(isthmus_chip_stream_t* stream);
  isthmus_status_t (*stream_query)(isthmus_chip_stream_t* stream, int32_t* idle); /* optional */
  /* Host memory stays valid until the copy is done. As src it keeps its bytes from the call on: they may be
   * read at once. As dst it has its bytes when the work behind the copy starts. */
  isthmus_status_t (*copy)(isthmus_chip_stream_t* stream, isthmus_copy_direction_t direction, uint64_t dst,
                           uint64_t src, uint64_t bytes);
  isthmus_status_t (*fill)(isthmus_chip_stream_t* stream, isthmus_address_t dst, uint8_t value,
                           uint64_t bytes);
  /* Optional: calls function(argument) on some host thread, in stream order. It must not call into the
   * plug-in, and other streams must not wait for it. */
  isthmus_status_t (*call_host)(isthmus_chip_stream_t* stream, void (*function)(void*), void* argument);

  /* An event is done when the work is that was on the stream when it was last recorded; one never recorded
   * is. Recording it again does not change what streams were made to wait for before. */
  isthmus_status_t (*event_create)(isthmus_chip_device_t* device, isthmus_chip_event_t** event);
  void (*event_destroy)(isthmus_chip_event_t* event);
  isthmus_status_t (*event_record)(isthmus_chip_event_t* event, isthmus_chip_stream_t* stream);
  isthmus_status_t (*event_wait)(isthmus_chip_event_t* event);
  isthmus_status_t (*event_query)(isthmus_chip_event_t* event, int32_t* done); /* optional */
  /* Work put on the stream after this starts after the event, which may be of another stream of this device.
   */
  isthmus_status_t (*stream_wait_event)(isthmus_chip_stream_t* stream, isthmus_chip_event_t* event);
  /* Of events that are done, else an error. Optional, announced by a feature, as import_host and capture. */
  isthmus_status_t (*event_elapsed)(isthmus_chip_event_t* start, isthmus_chip_event_t* end, double* seconds);

  /* -- operators: optional -- */
  /* May refuse: ISTHMUS_UNIMPLEMENTED with the reason through report_error, a few words that people read
   * beside the operator's name ("rank 5"). Any other code is an error, not a refusal. */
  isthmus_status_t (*op_prepare)(isthmus_chip_device_t* device, const isthmus_op_query_t* query,
                                 isthmus_prepared_t* prepared);
  /* Makes the layout that packed_layout[input] names; host memory to host memory, no stream involved. */
  isthmus_status_t (*op_pack)(isthmus_chip_op_t* op, int32_t input, const void* src, void* dst);
  /* Cheap: no allocation, no analysis, no wait. The arguments are copied before it returns. operands: inputs,
   * then outputs. */
  isthmus_status_t (*op_run)(isthmus_chip_op_t* op, const isthmus_tensor_arg_t* operands,
                             isthmus_address_t workspace, isthmus_chip_stream_t* stream);
  void (*op_release)(isthmus_chip_op_t* op); /* the caller made sure that no stream still uses it */

  /* -- capture and replay: optional -- */
  /* Between begin and end, always a pair, nothing runs; work is kept, with its addresses and dims. */
  isthmus_status_t (*capture_begin)(isthmus_chip_stream_t* stream);
  isthmus_status_t (*capture_end)(isthmus_chip_stream_t* stream, isthmus_chip_capture_t** capture);
  isthmus_status_t (*capture_replay)(isthmus_chip_capture_t* capture, isthmus_chip_stream_t* stream);
  void (*capture_destroy)(isthmus_chip_capture_t* capture);

  /* -- kernels: optional -- */
  /* Builds source text in one of kernel_languages. options: the language's compiler options besides those the
   * chip gives itself; NULL: none. A source that does not build is reported with the compiler's log. Equal
   * programs are built once; a kernel may be launched on several streams at a time. */
  isthmus_status_t (*kernel_build)(isthmus_chip_device_t* device, const char* language, const char* source,
                                   const char* options, const char* entry, isthmus_chip_kernel_t** kernel);
  /* Runs groups * group_size work items in stream order. The arguments are copied before it returns. Memory
   * shared by a group is declared in the kernel. */
  isthmus_status_t (*kernel_launch)(isthmus_chip_kernel_t* kernel, const uint32_t groups[3],
                                    const uint32_t group_size[3], const isthmus_kernel_argument_t* arguments,
                                    int32_t argument_count, isthmus_chip_stream_t* stream);
  void (*kernel_release)(isthmus_chip_kernel_t* kernel);

  /* -- profiling: optional -- */
  /* The spans of work put on the stream from now on come with this mark; 0: no spans. */
  isthmus_status_t (*stream_mark)(isthmus_chip_stream_t* stream, uint64_t mark);
} isthmus_plugin_t;

/* Gives the host a struct that starts with its size: of `from`, which is yours, as much as the host knows,
 * and the size of that. */
static inline void isthmus_give(void* to, const void* from) {
  size_t known, have;
  memcpy(&known, to, sizeof known);
  memcpy(&have, from, sizeof have);
  if (have < known) known = have;
  memcpy(to, from, known);
  memcpy(to, &known, sizeof known);
}

/* The one exported function. Called before any other entry, and again, perhaps at the same time, when another
 * user of Isthmus in the same process loads the chip. The host is for this call: devices are given theirs
 * when they are opened. Returns NULL after host->report_error when the plug-in cannot work at all on this
 * machine; a machine without such a device is no error: device_count says 0. */
ISTHMUS_PLUGIN_EXPORT const isthmus_plugin_t* isthmus_plugin_load(const isthmus_host_t* host);
typedef const isthmus_plugin_t* (*isthmus_plugin_load_t)(const isthmus_host_t* host);

#ifdef __cplusplus
}
#endif
#endif
