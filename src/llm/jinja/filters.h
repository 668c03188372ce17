// SPDX-License-Identifier: Apache-2.0
// The tables of built-in filters, one for each file that implements some, and helpers they share.
#pragma once

#include <span>
#include <string_view>
#include <utility>

#include "llm/jinja/runtime.h"

namespace isthmus::jinja {

using FilterTable = std::span<const std::pair<std::string_view, Filter>>;

FilterTable text_filters();      // filters_text.cpp
FilterTable html_filters();      // filters_html.cpp
FilterTable number_filters();    // filters_number.cpp
FilterTable sequence_filters();  // filters_sequence.cpp
FilterTable select_filters();    // filters_select.cpp
FilterTable order_filters();     // filters_order.cpp

// Text as filters for strings take it: strings as they are, anything else printed.
Result<Value> soft_text(Runtime& runtime, const Value& value);
// Stable, ascending or descending; `keys` decide the order of `items`.
Result<List> sort_by(Runtime& runtime, List items, const List& keys, bool descending);
// Value by a path, with strings in lower case unless case counts.
Result<Value> sort_key(Runtime& runtime, const Value& item, const Value& path, bool case_sensitive);

}  // namespace isthmus::jinja
