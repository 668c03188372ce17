// SPDX-License-Identifier: Apache-2.0
// What the command prints besides its results: errors with a hint, colours where a terminal shows them,
// Ctrl-C.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

#include "base/status.h"

namespace isthmus::cli {

enum class ColorMode { kAuto, kAlways, kNever };

enum class Style { kPlain, kBold, kDim, kRed, kGreen, kYellow, kCyan };

// Whether text written to `stream` may carry colours: kAuto means a terminal, no NO_COLOR, and a TERM that is
// not dumb.
bool use_color(ColorMode mode, std::FILE* stream);

// `text` between the escape sequences of `style` if `color`, else as it is.
std::string styled(std::string_view text, Style style, bool color);

// On standard error, as it is, after everything that was printed before. That nobody can read it there is no
// reason to stop: where fmt::print throws, this goes on.
void print_note(std::string_view text);

// "error: MESSAGE" on standard error, then "hint:  HINT" on a line of its own unless it is empty.
void print_error(std::string_view message, std::string_view hint, ColorMode mode);

// A way out for the user goes on a line of its own: with_hint(status, "isthmus devices lists them").
Status with_hint(Status status, std::string_view hint);
// Splits what with_hint joined: the message, and the hint or "".
std::pair<std::string, std::string> split_hint(std::string_view message);

// From now on Ctrl-C sets a flag instead of ending the program; a second one, before clear_interrupt(), ends
// it (130).
void catch_interrupts();
bool interrupted();
void clear_interrupt();

}  // namespace isthmus::cli
