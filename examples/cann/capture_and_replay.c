/* SPDX-License-Identifier: Apache-2.0 */
/* A sequence captured once, over two streams, and replayed with other numbers in the same memory: x = x + y,
 * then z = x + x. */
#include <aclnnop/aclnn_add.h>

#include "check.h"

static aclTensor* tensor(void* memory) {
  const int64_t dims[] = {4}, strides[] = {1};
  aclTensor* made = aclCreateTensor(dims, 1, ACL_FLOAT, strides, 0, ACL_FORMAT_ND, dims, 1, memory);
  CHECK(made == NULL);
  return made;
}

/* out = a + b on the stream. Workspace is captured by its address, so it lives as long as the sequence. */
static void* add(void* a, void* b, void* out, aclrtStream stream) {
  aclTensor *x = tensor(a), *y = tensor(b), *z = tensor(out);
  float one = 1;
  aclScalar* alpha = aclCreateScalar(&one, ACL_FLOAT);
  uint64_t size = 0;
  aclOpExecutor* executor = NULL;
  CHECK(aclnnAddGetWorkspaceSize(x, y, alpha, z, &size, &executor));
  void* workspace = NULL;
  if (size > 0) CHECK(aclrtMalloc(&workspace, size, ACL_MEM_MALLOC_HUGE_FIRST));
  CHECK(aclnnAdd(workspace, size, executor, stream));
  aclDestroyTensor(x), aclDestroyTensor(y), aclDestroyTensor(z), aclDestroyScalar(alpha);
  return workspace;
}

int main(void) {
  float numbers[4] = {1, 2, 3, 4};
  CHECK(aclInit(NULL));
  CHECK(aclrtSetDevice(0));
  aclrtStream first = NULL, second = NULL;
  aclrtEvent fork = NULL, join = NULL;
  CHECK(aclrtCreateStream(&first));
  CHECK(aclrtCreateStream(&second));
  CHECK(aclrtCreateEvent(&fork));
  CHECK(aclrtCreateEvent(&join));
  void* memory[3];
  for (int i = 0; i < 3; ++i) {
    CHECK(aclrtMalloc(&memory[i], sizeof numbers, ACL_MEM_MALLOC_HUGE_FIRST));
    CHECK(aclrtMemcpy(memory[i], sizeof numbers, numbers, sizeof numbers, ACL_MEMCPY_HOST_TO_DEVICE));
  }

  CHECK(aclmdlRICaptureBegin(first, ACL_MODEL_RI_CAPTURE_MODE_GLOBAL));
  void* workspaces[2];
  workspaces[0] = add(memory[0], memory[1], memory[0], first);
  CHECK(aclrtRecordEvent(fork, first)); /* the second stream joins the capture by waiting ... */
  CHECK(aclrtStreamWaitEvent(second, fork));
  workspaces[1] = add(memory[0], memory[0], memory[2], second);
  CHECK(aclrtRecordEvent(join, second)); /* ... and the first waits for it before the end */
  CHECK(aclrtStreamWaitEvent(first, join));
  aclmdlRI sequence = NULL;
  CHECK(aclmdlRICaptureEnd(first, &sequence));

  for (int replay = 0; replay < 3; ++replay) {
    CHECK(aclmdlRIExecuteAsync(sequence, first));
    CHECK(aclrtSynchronizeStream(first));
    CHECK(aclrtMemcpy(numbers, sizeof numbers, memory[2], sizeof numbers, ACL_MEMCPY_DEVICE_TO_HOST));
    printf("%g %g %g %g\n", numbers[0], numbers[1], numbers[2], numbers[3]);
  }

  CHECK(aclmdlRIDestroy(sequence));
  for (int i = 0; i < 2; ++i)
    if (workspaces[i]) CHECK(aclrtFree(workspaces[i]));
  for (int i = 0; i < 3; ++i) CHECK(aclrtFree(memory[i]));
  CHECK(aclrtDestroyEvent(fork));
  CHECK(aclrtDestroyEvent(join));
  CHECK(aclrtDestroyStream(first));
  CHECK(aclrtDestroyStream(second));
  CHECK(aclrtResetDevice(0));
  CHECK(aclFinalize());
  return 0;
}
