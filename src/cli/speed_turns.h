// SPDX-License-Identifier: Apache-2.0
// Measurements one by one, each asked for by a line of text: for a script that alternates with another
// program.
#pragma once

#include <istream>

#include "cli/print.h"
#include "cli/speed.h"

namespace isthmus::cli {

// Answers each line of `in` with a line of JSON on standard output, until `in` ends. Lines:
//   prefill TOKENS                  {"seconds": …}
//   decode TOKENS DEPTH SEQUENCES   {"seconds": …}: of TOKENS steps, each a token for every sequence
//   limit NAME SECONDS              {"per_second": …}: of the machine, measured so long; see base/limits.h
// What fails is answered with {"error": …}.
Status obey_turns(Engine& engine, int threads, std::istream& in);

}  // namespace isthmus::cli
