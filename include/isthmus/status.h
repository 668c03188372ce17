/* SPDX-License-Identifier: Apache-2.0 */
/* The one list of status codes, shared by the C and C++ interfaces and by plug-ins. */
#ifndef ISTHMUS_STATUS_H
#define ISTHMUS_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

/* Numbers never change and are never reused; new codes go at the end. */
typedef enum isthmus_status_t {
  ISTHMUS_OK = 0,
  ISTHMUS_INVALID_ARGUMENT = 1,    /* the caller passed something that can never work */
  ISTHMUS_NOT_FOUND = 2,           /* no such file, device, operator, tensor */
  ISTHMUS_OUT_OF_MEMORY = 3,       /* host or device memory */
  ISTHMUS_UNIMPLEMENTED = 4,       /* valid, but nothing here can do it */
  ISTHMUS_UNAVAILABLE = 5,         /* cannot now, may work later (busy, no network) */
  ISTHMUS_DEVICE_LOST = 6,         /* the device is gone; open it again */
  ISTHMUS_FAILED_PRECONDITION = 7, /* valid, but not in this state (wrong order of calls) */
  ISTHMUS_OUT_OF_RANGE = 8,        /* an index, length or position past its limit */
  ISTHMUS_DATA_LOSS = 9,           /* a file or message is damaged or hostile */
  ISTHMUS_CANCELLED = 10,          /* the caller asked to stop */
  ISTHMUS_INTERNAL = 11            /* our mistake; please report it */
} isthmus_status_t;

#ifdef __cplusplus
}
#endif
#endif
