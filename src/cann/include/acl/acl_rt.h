/* SPDX-License-Identifier: Apache-2.0 */
/* Devices, contexts, streams, events and memory.
 *
 * A thread works in a context, which names the device: aclrtSetDevice and aclrtCreateContext make one
 * current, and functions that need one fail with ACL_ERROR_RT_CONTEXT_NULL in a thread without. A stream
 * given as null is the default stream of the current context. Everything returns ACL_SUCCESS or a code, whose
 * sentence aclGetRecentErrMsg tells. */
#ifndef ISTHMUS_ACL_ACL_RT_H
#define ISTHMUS_ACL_ACL_RT_H

#include "acl_base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Devices */

typedef enum aclrtRunMode { ACL_DEVICE = 0, ACL_HOST = 1 } aclrtRunMode;

/* Makes the device's default context current in this thread. Calls are counted. */
ACL_FUNC_VISIBILITY aclError aclrtSetDevice(int32_t device);
/* Takes one aclrtSetDevice back; the last one waits for the device and releases its default context and that
 * context's streams. */
ACL_FUNC_VISIBILITY aclError aclrtResetDevice(int32_t device);
ACL_FUNC_VISIBILITY aclError aclrtResetDeviceForce(int32_t device); /* whatever the count */
ACL_FUNC_VISIBILITY aclError aclrtGetDevice(int32_t* device);
ACL_FUNC_VISIBILITY aclError aclrtGetDeviceCount(uint32_t* count);
ACL_FUNC_VISIBILITY aclError aclrtGetRunMode(aclrtRunMode* mode);
ACL_FUNC_VISIBILITY aclError aclrtSynchronizeDevice(void);

/* ---- Contexts */

/* The new context is current in this thread. */
ACL_FUNC_VISIBILITY aclError aclrtCreateContext(aclrtContext* context, int32_t device);
ACL_FUNC_VISIBILITY aclError aclrtDestroyContext(aclrtContext context);
ACL_FUNC_VISIBILITY aclError aclrtSetCurrentContext(aclrtContext context);
ACL_FUNC_VISIBILITY aclError aclrtGetCurrentContext(aclrtContext* context);

/* ---- Streams */

#define ACL_STREAM_FAST_LAUNCH 0x00000001u
#define ACL_STREAM_FAST_SYNC 0x00000002u

ACL_FUNC_VISIBILITY aclError aclrtCreateStream(aclrtStream* stream);
/* priority and flag (ACL_STREAM_…) are wishes: every stream here is fast to launch and to wait for. */
ACL_FUNC_VISIBILITY aclError aclrtCreateStreamWithConfig(aclrtStream* stream, uint32_t priority,
                                                         uint32_t flag);
ACL_FUNC_VISIBILITY aclError aclrtDestroyStream(aclrtStream stream); /* waits for its work */
ACL_FUNC_VISIBILITY aclError aclrtDestroyStreamForce(aclrtStream stream);
ACL_FUNC_VISIBILITY aclError aclrtSynchronizeStream(aclrtStream stream);

#ifdef __cplusplus
}
#endif
#endif
