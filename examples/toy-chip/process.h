/* SPDX-License-Identifier: Apache-2.0 */
/* The chip's process, as the plug-in sees it. */
#ifndef TOY_PROCESS_H
#define TOY_PROCESS_H

#include "driver.h"

/* Fills chip, socket, shared and watcher of a device. */
isthmus_status_t start_chip(toy_device_t* device);
void stop_chip(toy_device_t* device);

/* A thread that no signal of the embedding program is handled on. 0, or an error number. */
int start_thread(pthread_t* thread, void* (*body)(void*), void* argument);

#endif
