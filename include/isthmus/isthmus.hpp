// SPDX-License-Identifier: Apache-2.0
// The C++ layer: a list of its headers. C++20, header-only, no exceptions; handles as values, errors as
// Result<T>.
#pragma once

#include "isthmus/cpp/graph.hpp"
#include "isthmus/cpp/llm.hpp"
#include "isthmus/cpp/ops.hpp"
#include "isthmus/cpp/result.hpp"
#include "isthmus/cpp/runtime.hpp"
#include "isthmus/isthmus.h"
