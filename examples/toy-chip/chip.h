/* SPDX-License-Identifier: Apache-2.0 */
/* The two halves of the chip: chip.c moves bytes and keeps order, chip_operators.c computes. */
#ifndef TOY_CHIP_H
#define TOY_CHIP_H

#include "protocol.h"

/* Where the chip's bytes at an address lie in its process; NULL where it has no such bytes. */
void* chip_memory(uint64_t address, uint64_t bytes);

/* NULL, or what is wrong. */
const char* chip_run_operator(const struct toy_command* command);

#endif
