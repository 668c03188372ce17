// SPDX-License-Identifier: Apache-2.0
// The canonical sum of the 64 weights of a block, by the 64 work items of a group; j: this one's number.

FUNCTION float block_sum(IN_LOCAL float* weights, IN_LOCAL float* lanes, int j) {
  BARRIER();
  if (j < 16) lanes[j] = (((0.0f + weights[j]) + weights[j + 16]) + weights[j + 32]) + weights[j + 48];
  BARRIER();
  for (int step = 8; step > 0; step /= 2) {
    if (j < step) lanes[j] = lanes[j] + lanes[j + step];
    BARRIER();
  }
  return lanes[0];
}
