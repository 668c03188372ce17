/* SPDX-License-Identifier: Apache-2.0 */
/* What every example does with a code: says what failed, and why, and ends. */
#ifndef ISTHMUS_EXAMPLES_CANN_CHECK_H
#define ISTHMUS_EXAMPLES_CANN_CHECK_H

#include <acl/acl.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(call)                                                                     \
  do {                                                                                  \
    int check_code = (call);                                                            \
    if (check_code != 0) {                                                              \
      const char* why = aclGetRecentErrMsg();                                           \
      fprintf(stderr, "%s: code %d: %s\n", #call, check_code, why ? why : "no reason"); \
      exit(1);                                                                          \
    }                                                                                   \
  } while (0)

#endif
