// SPDX-License-Identifier: Apache-2.0
// One metadata value of a GGUF file, read where it lies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graph/import/gguf/gguf_types.h"

namespace isthmus {

// A view into the file, checked when the file was opened; lives as long as the GgufFile.
struct GgufValue {
  GgufType type = GgufType::kU8;
  GgufType element_type = GgufType::kU8;  // of an array
  uint64_t count = 1;                     // elements of an array
  // The number, the characters of a string, or the elements of an array as they lie in the file (unaligned).
  std::span<const std::byte> data;

  bool is_array() const { return type == GgufType::kArray; }

  // The value as T, or nothing if it is of another kind or does not fit. T is one of
  //   int32_t, uint32_t, int64_t, uint64_t   from any integer type whose value fits,
  //   float, double                          from f32 and f64,
  //   bool, std::string_view                 from exactly these,
  //   std::vector of any of these            from an array, each element by the same rule.
  template <typename T>
  std::optional<T> as() const;

  // "u32", "array of string".
  std::string type_name() const;
  // For people: "32", "\"llama\"", "[1, 2, 3, … 49152 in all]", about `max_characters` long. Control
  // characters and broken UTF-8 are escaped, so it is safe to print.
  std::string to_short_string(size_t max_characters = 60) const;
};

// `text` in double quotes, escaped and cut in the same way: for names and keys in messages.
std::string quote_gguf_text(std::string_view text, size_t max_characters = 60);

}  // namespace isthmus
