// SPDX-License-Identifier: Apache-2.0
// Sums in lane order (docs/decisions/0001-numerics.md): 16 work items side by side are the lanes of one row.

// The sum of the lanes; every work item of the group calls it. `lanes` are the 16 floats of this row.
FUNCTION float lane_sum(IN_LOCAL float* lanes, int lane, float value) {
  lanes[lane] = value;
  BARRIER();
  for (int step = 8; step > 0; step /= 2) {
    if (lane < step) lanes[lane] = lanes[lane] + lanes[lane + step];
    BARRIER();
  }
  const float sum = lanes[0];
  BARRIER();
  return sum;
}
