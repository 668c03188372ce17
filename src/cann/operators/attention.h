// SPDX-License-Identifier: Apache-2.0
// What the attention operators of several names and versions come down to.
#pragma once

#include "cann/aclnn/builder.h"

namespace isthmus::cann {

struct Attention {
  Value query, key, value, out;
  Value bias;                        // added to the scores
  Value mask;                        // true: hidden
  Value lse;                         // where the logarithm of each row's sum goes
  int64_t heads = 0, key_heads = 0;  // 0: as many as heads
  double scale = 1;
  std::string layout;  // "BSND", "BNSD_BSND"
  // 2, 3: rows see keys up to their own place, from the left or right end; 4: so many before and after it;
  // 0: the same from the left end, if there is a mask.
  int64_t sparse_mode = 0, before = INT64_MAX, after = INT64_MAX;
  std::vector<int64_t> query_lengths, key_lengths;  // of each batch; empty: all
};

// What the parameters say that the operator has of these; `out` apart.
Attention read_attention(Builder& b);
// Requires that none of these parameters, as far as they are declared, is given.
void refuse(Builder& b, std::initializer_list<const char*> parameters);

// out = softmax(scale * query key + bias, hidden places left out) value
void attend(Builder& b, const Attention& a);

// Parts of it, for what does not come down to dense_attention: x as [batch, heads, rows, numbers], a view.
Value by_heads(Builder& b, Value x, const std::string& layout, int64_t heads);
struct HeadViews {
  Value query, key, value;  // [batch, heads, rows, numbers]
};
HeadViews head_views(Builder& b, const Attention& a);
// scale * query key + bias in F32 [batch, heads, rows, keys], -inf where hidden.
Value scores(Builder& b, const Attention& a, const HeadViews& views);

}  // namespace isthmus::cann
