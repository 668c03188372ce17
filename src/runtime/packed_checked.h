// SPDX-License-Identifier: Apache-2.0
// Which packed weights were read whole and found undamaged since the machine was started.
#pragma once

#include <sys/stat.h>

#include <mutex>
#include <set>
#include <string>

namespace isthmus {

// FOLDER/checked-BOOT: a line for each file. What is lost with the power or on disk is found by the first
// check after the next start; what is written since has another time. Thread-safe; processes append to one
// file.
class PackedChecked {
 public:
  explicit PackedChecked(std::string folder);
  // key: what the file was checked to be.
  bool contains(const struct stat& file, const std::string& key) const;
  void add(const struct stat& file, const std::string& key);

 private:
  std::string path_;  // empty where the system does not tell one start from another
  mutable std::mutex mutex_;
  std::set<std::string> lines_;
};

// Removes what earlier starts left.
void remove_old_checks(const std::string& folder);

}  // namespace isthmus
