// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4): digests of results and files. Our own, because riscv64 builds have no libraries.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace isthmus {

class Sha256 {
 public:
  // Adds bytes to the message. They need not outlive the call.
  void add(const void* data, size_t bytes);
  // The digest of all bytes added so far, as 64 lower-case hexadecimal digits. More may be added afterwards.
  std::string hex() const;

 private:
  void add_block(const uint8_t* block);

  std::array<uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<uint8_t, 64> rest_ = {};  // bytes not yet in state_
  uint64_t bytes_ = 0;
};

}  // namespace isthmus
