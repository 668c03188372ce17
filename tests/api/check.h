/* SPDX-License-Identifier: Apache-2.0 */
/* How the test programs complain: they also compile outside the project, so without GoogleTest. */
#ifndef ISTHMUS_TESTS_API_CHECK_H
#define ISTHMUS_TESTS_API_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                                       \
  do {                                                                                         \
    if (!(condition)) {                                                                        \
      fprintf(stderr, "%s:%d: not so: %s\n  last error: %s\n", __FILE__, __LINE__, #condition, \
              isthmus_last_error());                                                           \
      exit(1);                                                                                 \
    }                                                                                          \
  } while (0)

#define CHECK_OK(call) CHECK((call) == ISTHMUS_OK)
/* The call fails with this status, and says why with these words. */
#define CHECK_FAILS(status, words, call) CHECK((call) == (status) && strstr(isthmus_last_error(), (words)))

#endif
