// SPDX-License-Identifier: Apache-2.0
// What the process needs before anything is opened.
#pragma once

namespace isthmus::cli {

// Standard streams that the caller closed lead to /dev/null, so that no model or cache file takes their
// number and is written to as if it were the screen.
void open_standard_streams();

// From now on a mapped file that another program cuts short, which ends in SIGBUS when it is read, is an
// error that names the file (exit code 1); and a crash names the file whose code crashed, as a chip's plug-in
// or a driver, before the signal ends the process.
void report_crashes();

}  // namespace isthmus::cli
