/* SPDX-License-Identifier: Apache-2.0 */
/* All of AscendCL, and the beginning and end of its use. */
#ifndef ISTHMUS_ACL_ACL_H
#define ISTHMUS_ACL_ACL_H

#include "acl_mdl.h"
#include "acl_op.h"
#include "acl_rt.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Of the interface. */
#define ACL_MAJOR_VERSION 1
#define ACL_MINOR_VERSION 4
#define ACL_PATCH_VERSION 0

/* Once in a process, before devices are used; again is ACL_ERROR_REPEAT_INITIALIZE and harmless. config: a
 * JSON file, or null. */
ACL_FUNC_VISIBILITY aclError aclInit(const char* config);
/* Waits for all devices and releases what is left on them. */
ACL_FUNC_VISIBILITY aclError aclFinalize(void);

ACL_FUNC_VISIBILITY aclError aclrtGetVersion(int32_t* major, int32_t* minor, int32_t* patch);

/* A sentence on the calling thread's last failure, null when there was none since the last call; valid until
 * the thread's next call of any function. */
ACL_FUNC_VISIBILITY const char* aclGetRecentErrMsg(void);

#ifdef __cplusplus
}
#endif
#endif
