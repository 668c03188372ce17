// SPDX-License-Identifier: Apache-2.0
// NVIDIA's compiler for CUDA C++, found at run time: neither building nor starting Isthmus needs it.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"

namespace isthmus::cuda {

struct Compiled {
  std::string ptx;    // text for the driver's own assembler
  std::string cubin;  // instructions of one architecture; empty where only the PTX was made
};

class Nvrtc {
 public:
  // The library, looked for once: where ISTHMUS_NVRTC says (the library or its folder), else libnvrtc.so.13
  // or .12 where the dynamic loader looks. The error says what to install.
  static Result<const Nvrtc*> find();

  // "13.0", for people and for keys of what is kept.
  const std::string& version() const { return version_; }
  // compute capabilities that it makes instructions for, ascending: 75, 80, …
  const std::vector<int>& capabilities() const { return capabilities_; }
  // What it is called with for a device of this capability; `options` come last.
  Result<std::vector<std::string>> all_options(int capability, const std::string& options) const;
  // For a device of this capability: its instructions, or where the compiler does not know it yet, PTX of the
  // newest it knows below. A source that does not compile is an error with the log. options: more of the
  // compiler's.
  Result<Compiled> compile(const std::string& source, int capability, const std::string& options) const;

 private:
  Nvrtc() = default;
  static Result<const Nvrtc*> load();
  struct Functions;
  const Functions* functions_ = nullptr;
  std::string version_;
  std::vector<int> capabilities_;
};

}  // namespace isthmus::cuda
