// SPDX-License-Identifier: Apache-2.0
#include "graph/import/gguf/gguf_value.h"

#include <fmt/format.h>

#include <cstring>
#include <type_traits>
#include <utility>

#include "base/text.h"

namespace isthmus {
namespace {

// GGUF is little endian and so are the machines Isthmus runs on; the reader refuses other files.
template <typename T>
T load(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

// Calls `f` with the number or bool at `from` in its own type; not for strings and arrays.
template <typename F>
auto visit_scalar(GgufType type, const std::byte* from, F f) {
  switch (type) {
    case GgufType::kU8: return f(load<uint8_t>(from));
    case GgufType::kI8: return f(load<int8_t>(from));
    case GgufType::kU16: return f(load<uint16_t>(from));
    case GgufType::kI16: return f(load<int16_t>(from));
    case GgufType::kU32: return f(load<uint32_t>(from));
    case GgufType::kI32: return f(load<int32_t>(from));
    case GgufType::kF32: return f(load<float>(from));
    case GgufType::kU64: return f(load<uint64_t>(from));
    case GgufType::kI64: return f(load<int64_t>(from));
    case GgufType::kF64: return f(load<double>(from));
    default: return f(load<uint8_t>(from) != 0);
  }
}

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

template <typename T>
std::optional<T> scalar_as(GgufType type, std::span<const std::byte> data) {
  if constexpr (std::is_same_v<T, std::string_view>) {
    if (type != GgufType::kString) return std::nullopt;
    return text_of(data);
  } else {
    if (gguf_type_bytes(type) == 0) return std::nullopt;
    return visit_scalar(type, data.data(), [](auto value) -> std::optional<T> {
      using V = decltype(value);
      if constexpr (std::is_same_v<T, bool> || std::is_same_v<V, bool>) {
        if constexpr (std::is_same_v<T, V>) return value;
      } else if constexpr (std::is_floating_point_v<T> && std::is_floating_point_v<V>) {
        return static_cast<T>(value);
      } else if constexpr (std::is_integral_v<T> && std::is_integral_v<V>) {
        if (std::in_range<T>(value)) return static_cast<T>(value);
      }
      return std::nullopt;
    });
  }
}

// Walks over the elements of an array: the bytes of the next element.
std::span<const std::byte> next_element(GgufType type, std::span<const std::byte>* rest) {
  uint64_t size = gguf_type_bytes(type);
  if (type == GgufType::kString) {
    size = load<uint64_t>(rest->data());
    *rest = rest->subspan(8);
  }
  const std::span<const std::byte> element = rest->first(static_cast<size_t>(size));
  *rest = rest->subspan(static_cast<size_t>(size));
  return element;
}

template <typename T>
struct Reader {
  static std::optional<T> read(const GgufValue& value) {
    if (value.is_array()) return std::nullopt;
    return scalar_as<T>(value.type, value.data);
  }
};

template <typename T>
struct Reader<std::vector<T>> {
  static std::optional<std::vector<T>> read(const GgufValue& value) {
    if (!value.is_array() || value.element_type == GgufType::kArray) return std::nullopt;
    std::vector<T> out;
    out.reserve(static_cast<size_t>(value.count));
    std::span<const std::byte> rest = value.data;
    for (uint64_t i = 0; i < value.count; ++i) {
      std::optional<T> element = scalar_as<T>(value.element_type, next_element(value.element_type, &rest));
      if (!element) return std::nullopt;
      out.push_back(*element);
    }
    return out;
  }
};

std::string short_scalar(GgufType type, std::span<const std::byte> data, size_t max_characters) {
  if (type == GgufType::kString) return quote_gguf_text(text_of(data), max_characters);
  return visit_scalar(type, data.data(), [](auto value) { return fmt::format("{}", value); });
}

}  // namespace

template <typename T>
std::optional<T> GgufValue::as() const {
  return Reader<T>::read(*this);
}

template std::optional<int32_t> GgufValue::as() const;
template std::optional<uint32_t> GgufValue::as() const;
template std::optional<int64_t> GgufValue::as() const;
template std::optional<uint64_t> GgufValue::as() const;
template std::optional<float> GgufValue::as() const;
template std::optional<double> GgufValue::as() const;
template std::optional<bool> GgufValue::as() const;
template std::optional<std::string_view> GgufValue::as() const;
template std::optional<std::vector<int32_t>> GgufValue::as() const;
template std::optional<std::vector<uint32_t>> GgufValue::as() const;
template std::optional<std::vector<int64_t>> GgufValue::as() const;
template std::optional<std::vector<uint64_t>> GgufValue::as() const;
template std::optional<std::vector<float>> GgufValue::as() const;
template std::optional<std::vector<double>> GgufValue::as() const;
template std::optional<std::vector<bool>> GgufValue::as() const;
template std::optional<std::vector<std::string_view>> GgufValue::as() const;

std::string GgufValue::type_name() const {
  if (!is_array()) return std::string(gguf_type_name(type));
  return fmt::format("array of {}", gguf_type_name(element_type));
}

std::string GgufValue::to_short_string(size_t max_characters) const {
  if (!is_array()) return short_scalar(type, data, max_characters);
  if (element_type == GgufType::kArray) return fmt::format("[{} arrays]", count);
  std::string out = "[";
  std::span<const std::byte> rest = data;
  for (uint64_t i = 0; i < count; ++i) {
    if (i > 0) out += ", ";
    const std::string element = short_scalar(element_type, next_element(element_type, &rest), 20);
    if (i > 0 && out.size() + element.size() > max_characters) {
      out += fmt::format("… {} in all", count);
      break;
    }
    out += element;
  }
  return out + "]";
}

std::string quote_gguf_text(std::string_view text, size_t max_characters) {
  std::string out = "\"";
  std::string_view rest = text;
  while (!rest.empty()) {
    if (out.size() > max_characters) return out + fmt::format("…\" ({} bytes)", text.size());
    const auto first = static_cast<unsigned char>(rest[0]);
    const size_t size = shown_character_bytes(rest);
    if (first == '\n') {
      out += "\\n";
    } else if (first == '"' || first == '\\') {
      out += {'\\', static_cast<char>(first)};
    } else if (size == 0) {
      out += fmt::format("\\x{:02x}", first);
    } else {
      out += rest.substr(0, size);
    }
    rest.remove_prefix(size == 0 ? 1 : size);
  }
  return out + "\"";
}

}  // namespace isthmus
