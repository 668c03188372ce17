// SPDX-License-Identifier: Apache-2.0
#include "digest.h"

#include <fstream>

#include "ops/reference.h"
#include "ops/registry.h"

namespace isthmus::conformance {

void Digest::add(const OpDef& def, const SampleCase& sample, const std::vector<HostTensor>& results) {
  const bool f64 = sample.input_types[0].dtype == Dtype::kF64;
  if (f64 && def.order.find("F64 by the C library, not exact") != std::string::npos) return;
  std::string bytes;
  for (const HostTensor& result : results) {
    const Tensor& t = result.tensor();
    bytes += t.present() ? dtype_name(t.dtype) : "absent";
    for (int d = 0; d < t.rank; ++d) bytes += fmt::format(",{}", t.dims[d]);
    bytes += '\n';
    if (!t.present()) continue;
    if (is_block(t.dtype)) {
      bytes.append(t.as<char>(), static_cast<size_t>(result.bytes()));
      continue;
    }
    const auto size = static_cast<size_t>(dtype_info(t.dtype).block_bytes);
    reference::for_each_index(t.dims, t.rank, [&](const int64_t* index) {
      const int64_t at = t.offset(index);
      const double value = reference::load_f64(t, at);
      if (value != value)
        bytes.append(size, '\xff');
      else
        bytes.append(t.as<char>() + at * static_cast<int64_t>(size), size);
    });
  }
  hash_.add(bytes.data(), bytes.size());
}

std::map<std::string, std::string> stored_digests() {
  std::map<std::string, std::string> digests;
  std::ifstream file(ISTHMUS_SOURCE_DIR "/tests/conformance/ops/digests.txt");
  for (std::string digest, name; file >> digest >> name;) digests[name] = digest;
  return digests;
}

std::string digest_lines(const std::map<std::string, std::string>& digests) {
  std::string lines;
  for (const auto& [name, digest] : digests) lines += fmt::format("{}  {}\n", digest, name);
  return lines;
}

std::string digest_of_all(const std::map<std::string, std::string>& digests) {
  const std::string lines = digest_lines(digests);
  Sha256 hash;
  hash.add(lines.data(), lines.size());
  return hash.hex();
}

Result<std::map<std::string, std::string>> reference_digests() {
  std::map<std::string, std::string> digests;
  for (const OpDef* def : all_ops()) {
    Digest digest;
    uint64_t key = 0;
    for (const Sample& declared : def->samples()) {
      ASSIGN_OR_RETURN(const SampleCase sample, make_case(*def, declared, ++key));
      ASSIGN_OR_RETURN(const std::vector<HostTensor> results, sample.run_reference(*def));
      digest.add(*def, sample, results);
    }
    digests[def->name] = digest.hex();
  }
  return digests;
}

}  // namespace isthmus::conformance
