// SPDX-License-Identifier: Apache-2.0
// Frequencies of rotary position embeddings, plain and scaled.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "llm/model_file.h"

namespace isthmus {

struct Rotary {
  std::string style = "neox";      // "neox": element i turns with i + dims/2; "interleaved": 2i with 2i + 1
  std::vector<float> frequencies;  // radians per position, one per turned pair
  double scale = 1.0;              // multiplies cos and sin (YaRN's attention factor)
};

// Reads rope.* keys and rope_freqs.weight: no scaling, "linear", "yarn" (Peng et al. 2023, arXiv 2309.00071),
// and the factors of Llama 3. `head_dim` is the default of rope.dimension_count.
Result<Rotary> read_rotary(const ModelFile& file, int64_t head_dim, std::string style);

}  // namespace isthmus
