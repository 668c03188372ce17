#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# check_symbols.sh LIBRARY [--write]: the library exports exactly the C functions listed in symbols.txt.
set -euo pipefail
list=$(dirname "$0")/symbols.txt
exported=$(nm -D --defined-only "$1" | awk '$2 != "A" { print $3 }' | LC_ALL=C sort)
if [ "${2:-}" = --write ]; then
  printf '%s\n' "$exported" >"$list"
elif ! diff -u "$list" <(printf '%s\n' "$exported"); then
  echo "the library's symbols are not those of tests/api/symbols.txt; if that is meant: $0 $1 --write"
  exit 1
fi
