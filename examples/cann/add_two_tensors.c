/* SPDX-License-Identifier: Apache-2.0 */
/* The smallest program written to CANN's C interface: two tensors on a device, and their sum. */
#include <aclnnop/aclnn_add.h>

#include "check.h"

static aclTensor* tensor(void* memory) {
  const int64_t dims[] = {2, 3}, strides[] = {3, 1};
  aclTensor* made = aclCreateTensor(dims, 2, ACL_FLOAT, strides, 0, ACL_FORMAT_ND, dims, 2, memory);
  CHECK(made == NULL);
  return made;
}

int main(void) {
  const float a[6] = {1, 2, 3, 4, 5, 6}, b[6] = {10, 20, 30, 40, 50, 60};
  float sum[6] = {0};
  CHECK(aclInit(NULL));
  CHECK(aclrtSetDevice(0));
  aclrtStream stream = NULL;
  CHECK(aclrtCreateStream(&stream));

  void* memory[3] = {NULL, NULL, NULL};
  for (int i = 0; i < 3; ++i) CHECK(aclrtMalloc(&memory[i], sizeof a, ACL_MEM_MALLOC_HUGE_FIRST));
  CHECK(aclrtMemcpy(memory[0], sizeof a, a, sizeof a, ACL_MEMCPY_HOST_TO_DEVICE));
  CHECK(aclrtMemcpy(memory[1], sizeof b, b, sizeof b, ACL_MEMCPY_HOST_TO_DEVICE));

  aclTensor *x = tensor(memory[0]), *y = tensor(memory[1]), *out = tensor(memory[2]);
  float one = 1;
  aclScalar* alpha = aclCreateScalar(&one, ACL_FLOAT);
  uint64_t workspace_size = 0;
  aclOpExecutor* executor = NULL;
  CHECK(aclnnAddGetWorkspaceSize(x, y, alpha, out, &workspace_size, &executor));
  void* workspace = NULL;
  if (workspace_size > 0) CHECK(aclrtMalloc(&workspace, workspace_size, ACL_MEM_MALLOC_HUGE_FIRST));
  CHECK(aclnnAdd(workspace, workspace_size, executor, stream));
  CHECK(aclrtSynchronizeStream(stream));
  CHECK(aclrtMemcpy(sum, sizeof sum, memory[2], sizeof sum, ACL_MEMCPY_DEVICE_TO_HOST));
  for (int i = 0; i < 6; ++i) printf("%g%s", sum[i], i < 5 ? " " : "\n");

  aclDestroyTensor(x), aclDestroyTensor(y), aclDestroyTensor(out), aclDestroyScalar(alpha);
  for (int i = 0; i < 3; ++i) CHECK(aclrtFree(memory[i]));
  if (workspace) CHECK(aclrtFree(workspace));
  CHECK(aclrtDestroyStream(stream));
  CHECK(aclrtResetDevice(0));
  CHECK(aclFinalize());
  return 0;
}
