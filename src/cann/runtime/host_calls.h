// SPDX-License-Identifier: Apache-2.0
// Functions of the program that streams call, at once or in a thread that asked for them.
#pragma once

namespace isthmus::cann {

// Whether the calling thread runs such a function while a stream waits for it to return: it must not wait for
// that stream.
bool in_host_call();

}  // namespace isthmus::cann
