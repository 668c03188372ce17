// SPDX-License-Identifier: Apache-2.0
// Fuzz target: whatever the bytes, the reader answers with an error or with views that lie inside them.
#include <cstdint>
#include <cstdlib>

#include "graph/import/gguf/gguf_file.h"

namespace {

using isthmus::GgufEntry;
using isthmus::GgufFile;
using isthmus::GgufTensor;

template <typename T>
void read_as(const GgufFile& file, const GgufEntry& entry) {
  if (!file.get<T>(entry.key).ok() && file.find(entry.key) != &entry) std::abort();
}

void read_everything(const GgufFile& file) {
  for (const GgufEntry& entry : file.metadata()) {
    read_as<uint32_t>(file, entry);
    read_as<float>(file, entry);
    read_as<bool>(file, entry);
    read_as<std::string_view>(file, entry);
    read_as<std::vector<int32_t>>(file, entry);
    read_as<std::vector<float>>(file, entry);
    read_as<std::vector<std::string_view>>(file, entry);
    if (entry.value.to_short_string().empty()) std::abort();
  }
  for (const GgufTensor& tensor : file.tensors()) {
    if (file.find_tensor(tensor.name) != &tensor || tensor.size_bytes <= 0) std::abort();
    volatile std::byte first = tensor.data[0];
    volatile std::byte last = tensor.data[tensor.size_bytes - 1];
    (void)first;
    (void)last;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto file = GgufFile::open_memory(std::as_bytes(std::span(data, size)), "fuzz");
  if (file.ok()) read_everything(*file);
  return 0;
}
