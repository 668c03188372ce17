// SPDX-License-Identifier: Apache-2.0
// The elementary functions for kernel files: elementary::exp(v) and so on, of float and F32x16.
#pragma once

#include "devices/cpu/simd.h"
// After simd.h, whose words the formulas use.
#include "base/elementary-inl.h"
