// SPDX-License-Identifier: Apache-2.0
// Finds, before anything runs, which variables of a block have no value yet when the block starts.
#pragma once

#include <string>
#include <vector>

#include "llm/jinja/ast.h"

namespace isthmus::jinja {

// Jinja decides at compile time which block a name belongs to. A name that a block sets, outside of any if,
// before it reads it, belongs to that block from its start: until it is set it is undefined, also for the
// loops and macros inside, even where the template was given a variable of that name. Fills `unset` and
// `unset_otherwise` of every statement with a scope of its own, and returns the names of the whole
// template's.
std::vector<std::string> resolve_scopes(Body& body);

}  // namespace isthmus::jinja
