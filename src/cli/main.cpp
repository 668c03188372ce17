// SPDX-License-Identifier: Apache-2.0
// The entry point of the `isthmus` command; everything else is in the layer, where tests can reach it.
#include "cli/context.h"
#include "cli/process.h"

int main(int argc, char** argv) {
  isthmus::cli::open_standard_streams();
  isthmus::cli::report_crashes();
  return isthmus::cli::run_program(argc, argv);
}
