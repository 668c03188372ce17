// SPDX-License-Identifier: Apache-2.0
// max(x, +0), and NaN of NaN.

FUNCTION float relu(float x) { return x > 0 ? x : x == x ? 0.0f : x; }
