// SPDX-License-Identifier: Apache-2.0
#include "base/sha256.h"

#include <gtest/gtest.h>

namespace isthmus {
namespace {

std::string digest(const std::string& message, size_t piece) {
  Sha256 hash;
  for (size_t i = 0; i < message.size(); i += piece)
    hash.add(message.data() + i, std::min(piece, message.size() - i));
  return hash.hex();
}

// The examples of FIPS 180-4 (csrc.nist.gov, "SHA256.pdf"), in pieces of any size.
TEST(Sha256, KnownDigests) {
  EXPECT_EQ(Sha256().hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  const std::string long_message(1000000, 'a');
  for (const size_t piece : {1, 3, 63, 64, 65, 1000000}) {
    EXPECT_EQ(digest("abc", piece), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", piece),
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    EXPECT_EQ(digest(long_message, piece),
              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  }
}

TEST(Sha256, MoreMayBeAddedAfterADigest) {
  Sha256 hash;
  hash.add("ab", 2);
  hash.hex();
  hash.add("c", 1);
  EXPECT_EQ(hash.hex(), digest("abc", 3));
}

}  // namespace
}  // namespace isthmus
