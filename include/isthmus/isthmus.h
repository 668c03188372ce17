/* SPDX-License-Identifier: Apache-2.0 */
/* The public C interface: a list of its headers. library.h says what they share; isthmus.hpp is the C++
 * layer. */
#ifndef ISTHMUS_ISTHMUS_H
#define ISTHMUS_ISTHMUS_H

#include "isthmus/dtype.h"
#include "isthmus/graph.h"
#include "isthmus/library.h"
#include "isthmus/llm.h"
#include "isthmus/ops.h"
#include "isthmus/runtime.h"
#include "isthmus/status.h"
#include "isthmus/tensor.h"

#endif
