// SPDX-License-Identifier: Apache-2.0
#include "llm/rotary.h"

#include <cmath>
#include <cstring>
#include <numbers>

namespace isthmus {
namespace {

// YaRN: frequencies that turn often within the original context are kept, slow ones are divided by the
// factor, and those between are mixed linearly.
void apply_yarn(std::vector<double>& frequencies, double base, double factor, double original_context,
                double beta_fast, double beta_slow) {
  const double dims = 2.0 * static_cast<double>(frequencies.size());
  // The (fractional) pair that turns `rotations` times over the original context.
  auto pair_of = [&](double rotations) {
    return dims * std::log(original_context / (rotations * 2 * std::numbers::pi)) / (2 * std::log(base));
  };
  const double low = std::max(std::floor(pair_of(beta_fast)), 0.0);
  const double high = std::min(std::ceil(pair_of(beta_slow)), dims - 1);
  for (size_t i = 0; i < frequencies.size(); ++i) {
    const double width = high == low ? 0.001 : high - low;
    const double ramp = std::min(1.0, std::max(0.0, (static_cast<double>(i) - low) / width));
    const double keep = 1.0 - ramp;
    frequencies[i] = frequencies[i] / factor * (1 - keep) + frequencies[i] * keep;
  }
}

// A number that must be more than `above` and finite.
Result<double> read_above(const ModelFile& file, std::string_view key, double fallback, double above) {
  ASSIGN_OR_RETURN(const double value, file.number_or(key, fallback));
  if (!(value > above) || !std::isfinite(value))
    return data_loss("{}: {} is {}, expected a finite number above {}", file.path(), key, value, above);
  return value;
}

}  // namespace

Result<Rotary> read_rotary(const ModelFile& file, int64_t head_dim, std::string style) {
  ASSIGN_OR_RETURN(const int64_t dims, file.integer_or("rope.dimension_count", head_dim));
  if (dims < 2 || dims % 2 || dims > head_dim)
    return data_loss("{}: rope.dimension_count is {}, expected an even number from 2 to {}", file.path(),
                     dims, head_dim);
  ASSIGN_OR_RETURN(const double base, read_above(file, "rope.freq_base", 10000.0, 1));
  ASSIGN_OR_RETURN(const std::string scaling, file.text_or("rope.scaling.type", "none"));
  ASSIGN_OR_RETURN(const double factor, read_above(file, "rope.scaling.factor", 1.0, 0));

  std::vector<double> frequencies(static_cast<size_t>(dims / 2));
  for (size_t i = 0; i < frequencies.size(); ++i)
    frequencies[i] = std::pow(base, -2.0 * static_cast<double>(i) / static_cast<double>(dims));

  Rotary rotary;
  rotary.style = std::move(style);
  if (scaling == "linear") {
    for (double& f : frequencies) f /= factor;
  } else if (scaling == "yarn") {
    ASSIGN_OR_RETURN(const int64_t context, file.integer("context_length"));
    ASSIGN_OR_RETURN(const int64_t original,
                     file.integer_or("rope.scaling.original_context_length", context));
    if (original < 1)
      return data_loss("{}: rope.scaling.original_context_length is {}, expected at least 1", file.path(),
                       original);
    ASSIGN_OR_RETURN(const double fast, read_above(file, "rope.scaling.yarn_beta_fast", 32.0, 0));
    ASSIGN_OR_RETURN(const double slow, read_above(file, "rope.scaling.yarn_beta_slow", 1.0, 0));
    ASSIGN_OR_RETURN(const double attention, read_above(file, "rope.scaling.attn_factor", 1.0, 0));
    apply_yarn(frequencies, base, factor, static_cast<double>(original), fast, slow);
    if (factor > 1) rotary.scale = attention * (0.1 * std::log(factor) + 1.0);
  } else if (scaling != "none" && !scaling.empty()) {
    return unimplemented("{}: rope.scaling.type is '{}'; supported are none, linear and yarn", file.path(),
                         scaling);
  }
  // Llama 3 stores its scaling as a divisor per frequency.
  if (const auto factors = file.tensor("rope_freqs.weight")) {
    if (factors->dtype != Dtype::kF32 || factors->bytes != frequencies.size() * sizeof(float))
      return data_loss("{}: rope_freqs.weight is {} in {} bytes, expected {} numbers in F32", file.path(),
                       dtype_name(factors->dtype), factors->bytes, frequencies.size());
    for (size_t i = 0; i < frequencies.size(); ++i) {
      float divisor;
      std::memcpy(&divisor, static_cast<const char*>(factors->data) + i * sizeof divisor, sizeof divisor);
      if (!(divisor > 0) || !std::isfinite(divisor))
        return data_loss("{}: number {} of rope_freqs.weight is {}, expected a finite one above 0",
                         file.path(), i, divisor);
      frequencies[i] /= static_cast<double>(divisor);
    }
  }
  rotary.frequencies.assign(frequencies.begin(), frequencies.end());
  return rotary;
}

}  // namespace isthmus
