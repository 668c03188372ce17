/* SPDX-License-Identifier: Apache-2.0 */
/* Compiling operators by name, which nothing here does, and its options, which are kept and change nothing.
 */
#ifndef ISTHMUS_ACL_ACL_OP_COMPILER_H
#define ISTHMUS_ACL_ACL_OP_COMPILER_H

#include "acl_base.h"
#include "acl_op.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum aclCompileType { ACL_COMPILE_SYS = 0, ACL_COMPILE_UNREGISTERED = 1 } aclopCompileType;

typedef enum {
  ACL_PRECISION_MODE = 0,
  ACL_AICORE_NUM = 1,
  ACL_AUTO_TUNE_MODE = 2,
  ACL_OP_SELECT_IMPL_MODE = 3,
  ACL_OPTYPELIST_FOR_IMPLMODE = 4,
  ACL_OP_DEBUG_LEVEL = 5,
  ACL_DEBUG_DIR = 6,
  ACL_OP_COMPILER_CACHE_MODE = 7,
  ACL_OP_COMPILER_CACHE_DIR = 8,
  ACL_OP_PERFORMANCE_MODE = 9,
  ACL_OP_JIT_COMPILE = 10,
  ACL_OP_DETERMINISTIC = 11
} aclCompileOpt;

/* ACL_ERROR_OP_NOT_FOUND, whatever the operator. */
ACL_FUNC_VISIBILITY aclError aclopCompileAndExecute(const char* type, int input_count,
                                                    const aclTensorDesc* const input_descs[],
                                                    const aclDataBuffer* const inputs[], int output_count,
                                                    const aclTensorDesc* const output_descs[],
                                                    aclDataBuffer* const outputs[], const aclopAttr* attr,
                                                    aclopEngineType engine, aclopCompileType compile,
                                                    const char* path, aclrtStream stream);
ACL_FUNC_VISIBILITY aclError aclopCompileAndExecuteV2(const char* type, int input_count,
                                                      aclTensorDesc* input_descs[], aclDataBuffer* inputs[],
                                                      int output_count, aclTensorDesc* output_descs[],
                                                      aclDataBuffer* outputs[], aclopAttr* attr,
                                                      aclopEngineType engine, aclopCompileType compile,
                                                      const char* path, aclrtStream stream);

ACL_FUNC_VISIBILITY aclError aclSetCompileopt(aclCompileOpt option, const char* value);
ACL_FUNC_VISIBILITY size_t aclGetCompileoptSize(aclCompileOpt option); /* with the end of the string */
ACL_FUNC_VISIBILITY aclError aclGetCompileopt(aclCompileOpt option, char* value, size_t length);

#ifdef __cplusplus
}
#endif
#endif
