#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tests/opencl/compile.sh PROGRAM [TARGET…]: lets PROGRAM (isthmus_write_kernels) write all portable kernels and compiles each
# with clang-19 for these targets: spir64, and AMD devices by name (gfx90a, gfx1100), down to their instructions.
set -euo pipefail
program=$1
shift
[ $# -gt 0 ] || set -- spir64 gfx90a gfx1100
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$program" "$folder"
export folder

# Prints what the compiler says of a file; a warning is a fault, too.
compile() {
  local flags=(--target=amdgcn-amd-amdhsa "-mcpu=$1" -nogpulib)
  [ "$1" != spir64 ] || flags=(--target=spir64 -emit-llvm)
  # Loops that cannot be unrolled in one of their uses are none.
  clang-19 -x cl -cl-std=CL1.2 -O2 -Wno-pass-failed -Wno-unused-function -Wno-tautological-compare -Werror "${flags[@]}" -c "$2" -o /dev/null 2>"$2.$1" ||
    { echo "$2: FAILED"; head -20 "$2.$1"; }
}
export -f compile

failures=0
for target; do
  log="$folder/$target.log"
  printf '%s\0' "$folder"/*.cl | xargs -0 -P "$(nproc)" -I{} bash -c 'compile "$1" "$2"' _ "$target" {} >"$log"
  failed=$(grep -c ': FAILED$' "$log" || true)
  [ "$failed" = 0 ] || head -100 "$log"
  echo "$target: $(($(find "$folder" -name '*.cl' | wc -l) - failed)) compiled, $failed failed"
  failures=$((failures + failed))
done
[ $failures = 0 ]
