/* SPDX-License-Identifier: Apache-2.0 */
/* Two streams: one makes numbers, the other waits for them by an event and brings them back; two more events
 * tell how long it took. */
#include "check.h"

enum { kCount = 1 << 20, kBytes = kCount * 4 };

static void called(void* data) { ++*(int*)data; }

int main(void) {
  CHECK(aclInit(NULL));
  CHECK(aclrtSetDevice(0));
  aclrtStream maker = NULL, reader = NULL;
  CHECK(aclrtCreateStream(&maker));
  CHECK(aclrtCreateStreamWithConfig(&reader, 0, ACL_STREAM_FAST_LAUNCH | ACL_STREAM_FAST_SYNC));
  aclrtEvent begin = NULL, made = NULL, end = NULL;
  CHECK(aclrtCreateEventWithFlag(&begin, ACL_EVENT_TIME_LINE));
  CHECK(aclrtCreateEventWithFlag(&end, ACL_EVENT_TIME_LINE));
  CHECK(aclrtCreateEvent(&made));

  void *device = NULL, *host = NULL;
  CHECK(aclrtMalloc(&device, kBytes, ACL_MEM_MALLOC_HUGE_FIRST));
  CHECK(aclrtMallocHost(&host, kBytes));

  int calls = 0;
  CHECK(aclrtRecordEvent(begin, maker));
  CHECK(aclrtMemsetAsync(device, kBytes, 7, kBytes, maker));
  CHECK(aclrtRecordEvent(made, maker));
  CHECK(aclrtStreamWaitEvent(reader, made));
  CHECK(aclrtMemcpyAsync(host, kBytes, device, kBytes, ACL_MEMCPY_DEVICE_TO_HOST, reader));
  CHECK(aclrtLaunchHostFunc(reader, called, &calls));
  CHECK(aclrtRecordEvent(end, reader));
  CHECK(aclrtSynchronizeEvent(end));

  float milliseconds = 0;
  CHECK(aclrtEventElapsedTime(&milliseconds, begin, end));
  int wrong = 0;
  for (int i = 0; i < kCount; ++i) wrong += ((const int*)host)[i] != 0x07070707;
  printf("%d of %d numbers are wrong; %d call; it took %s time\n", wrong, kCount, calls,
         milliseconds > 0 ? "some" : "no");

  CHECK(aclrtFree(device));
  CHECK(aclrtFreeHost(host));
  CHECK(aclrtDestroyEvent(begin));
  CHECK(aclrtDestroyEvent(made));
  CHECK(aclrtDestroyEvent(end));
  CHECK(aclrtDestroyStream(maker));
  CHECK(aclrtDestroyStream(reader));
  CHECK(aclrtResetDevice(0));
  CHECK(aclFinalize());
  return wrong;
}
