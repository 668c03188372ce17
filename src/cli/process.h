// SPDX-License-Identifier: Apache-2.0
// What the process needs before anything is opened.
#pragma once

namespace isthmus::cli {

// Standard streams that the caller closed lead to /dev/null, so that no model or cache file takes their
// number and is written to as if it were the screen.
void open_standard_streams();

// A mapped file that another program cuts short ends in SIGBUS when it is read: from now on that is an error
// that names the file (exit code 1).
void report_lost_files();

}  // namespace isthmus::cli
