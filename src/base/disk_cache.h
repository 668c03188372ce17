// SPDX-License-Identifier: Apache-2.0
// What takes long to make, such as built programs, kept on disk between runs.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace isthmus {

// The folder that the environment's `variable` names, none where it says off, or else
// ${XDG_CACHE_HOME:-~/.cache}/isthmus/NAME; empty without a home.
std::string cache_folder(const char* variable, const char* name);
// A size in GiB that the environment's `variable` names; 0 where it names none.
uint64_t cache_limit(const char* variable);

// Bytes by key, each a file. Whatever is wrong with a file, or a folder that cannot be written, counts as
// absent. Thread-safe; several processes may share a folder.
class DiskCache {
 public:
  // folder: made when first needed; empty keeps nothing. suffix: of the files' names.
  DiskCache(std::string folder, std::string suffix, uint64_t limit_bytes);
  std::optional<std::string> load(const std::string& key) const;
  // Appears whole or not at all. What was used longest ago goes until the folder is within the limit.
  void store(const std::string& key, std::string_view value) const;

 private:
  std::string path_of(const std::string& key) const;
  void trim(uint64_t stored_bytes) const;

  std::string folder_, suffix_;
  uint64_t limit_bytes_;
  mutable std::atomic<uint64_t> untrimmed_;  // bytes stored since the folder was last looked through
};

struct KeptFile {
  int64_t used_ns;  // when it was written or marked as used
  uint64_t bytes;
  std::string path;
};
// A regular file; none where there is no such.
std::optional<KeptFile> kept_file(const std::string& path);
// Removes the files used longest ago until the rest takes at most limit_bytes; only those that begin with
// `magic`, since the folder may be anybody's.
void remove_oldest(std::vector<KeptFile> files, uint64_t limit_bytes, std::string_view magic);

}  // namespace isthmus
