/* SPDX-License-Identifier: Apache-2.0 */
/* What the whole library shares: how functions fail, and the version.
 *
 * Errors. A function that can fail returns isthmus_status_t; ISTHMUS_OK is 0. After a failure
 * isthmus_last_error() of the same thread says what happened, where, and what was expected. Output arguments
 * are untouched on failure unless said otherwise. A NULL where something is required, a handle count or a
 * size that cannot be, is ISTHMUS_INVALID_ARGUMENT, not a crash; an address in device memory is believed.
 *
 * Ownership. A handle (isthmus_noun_t*) belongs to the caller, who destroys it. What it was made of it keeps
 * alive itself, so handles may be destroyed in any order; destroying NULL does nothing. Strings and arrays
 * given in a call are copied before it returns unless said otherwise.
 *
 * Structs start with `size`, which the caller sets to sizeof the struct, before the library reads it and
 * before the library fills it. New fields go at the end and 0 in them means what was before, so a program
 * built with an older header keeps working. In an array of structs, all have the size of the first.
 *
 * Threads. Functions may be called from any thread. A handle is used by one thread at a time unless its
 * comment says more. Callbacks must not throw C++ exceptions and must not call back into the handle they
 * serve.
 *
 * The library never prints, never exits, and does nothing when it is loaded. It does not survive fork()
 * without exec() once a device is open. */
#ifndef ISTHMUS_LIBRARY_H
#define ISTHMUS_LIBRARY_H

#include <stddef.h>
#include <stdint.h>

#include "isthmus/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ISTHMUS_API __attribute__((visibility("default")))

/* The version of the library, "0.1.0". Lives as long as the library is loaded. */
ISTHMUS_API const char* isthmus_version(void);

/* The message of this thread's latest failure, in English, UTF-8; "" when there was none. Valid until the
 * next call of this library on this thread. */
ISTHMUS_API const char* isthmus_last_error(void);

/* "invalid argument", "not found", …; "unknown status" for a number that is none. Never NULL. */
ISTHMUS_API const char* isthmus_status_name(isthmus_status_t status);

/* For callbacks: makes `message` this thread's latest failure and returns `status`, so that a callback ends
 * with `return isthmus_fail(ISTHMUS_INVALID_ARGUMENT, "alpha must be positive");`. */
ISTHMUS_API isthmus_status_t isthmus_fail(isthmus_status_t status, const char* message);

#ifdef __cplusplus
}
#endif
#endif
