// SPDX-License-Identifier: Apache-2.0
#include "runtime/library_file.h"

#include <elf.h>

#include <algorithm>
#include <cstring>

#include "base/mapped_file.h"

namespace isthmus {
namespace {

// The bytes that the loader maps and reads; 0 for what is no library of 64 bits.
uint64_t bytes_loaded(const MappedFile& file) {
  Elf64_Ehdr head;
  if (file.bytes().size() < sizeof head) return 0;
  std::memcpy(&head, file.bytes().data(), sizeof head);
  if (std::memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_ident[EI_CLASS] != ELFCLASS64 ||
      head.e_phentsize != sizeof(Elf64_Phdr))
    return 0;
  const uint64_t table_bytes = uint64_t{head.e_phnum} * sizeof(Elf64_Phdr);
  const auto table = file.range(head.e_phoff, table_bytes);
  if (!table.ok()) return UINT64_MAX;
  uint64_t end = head.e_phoff + table_bytes;
  for (int i = 0; i < head.e_phnum; ++i) {
    Elf64_Phdr segment;
    std::memcpy(&segment, table->data() + sizeof segment * static_cast<size_t>(i), sizeof segment);
    if (segment.p_filesz > UINT64_MAX - segment.p_offset) return UINT64_MAX;
    end = std::max(end, segment.p_offset + segment.p_filesz);
  }
  return end;
}

}  // namespace

Status check_library_file(const std::string& path) {
  ASSIGN_OR_RETURN(const MappedFile file, MappedFile::open(path));
  if (bytes_loaded(file) > file.bytes().size())
    return data_loss("{}: a shared library cut short, at {} bytes: copy it again", path, file.bytes().size());
  return ok();
}

}  // namespace isthmus
