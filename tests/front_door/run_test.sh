#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run_test.sh: what ./run makes of its arguments, with stand-ins for the build and the program.
set -euo pipefail
source=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/tools" "$work/build/release/bin"
cp "$source/run" "$source/tools/fetch_model" "$work"
printf '#!/bin/sh\n' | tee "$work/tools/setup" >"$work/tools/build"
printf '#!/bin/sh\necho default.gguf\n' >"$work/tools/fetch_model"
printf '#!/bin/bash\nprintf "[%%s]" "$@"\n' >"$work/build/release/bin/isthmus"
chmod +x "$work"/tools/* "$work/build/release/bin/isthmus"
mine=$work/mine.gguf
touch "$mine"

failed=0
gives() {  # gives EXPECTED ARGUMENT…: that the program is called so, or that this is said
  local expected=$1 found
  shift
  found=$("$work/run" "$@" 2>&1) || true
  [[ $found == *"$expected"* ]] && return
  printf './run %s\n  expected %s\n  found    %s\n' "$*" "$expected" "$found"
  failed=1
}
gives '[chat][default.gguf]'
gives '[run][default.gguf][hi]' hi
gives "[run][$mine][hi]" hi --model "$mine"
gives "[run][$mine][hi][--stats]" --stats "--model=$mine" hi
gives '[run][default.gguf][hi][--seed][1]' --seed 1 hi
gives '[run][default.gguf][hi there][--seed=1][-n][5]' --seed=1 'hi there' -n 5
gives '[chat][default.gguf][--temperature][-1]' --temperature -1
gives '[chat][default.gguf][--seed]' --seed
gives 'needs a file' --model= hi
gives 'needs a file' hi -m
gives 'needs a file' -m '' hi
gives 'there is no file nowhere.gguf' hi --model nowhere.gguf
gives 'the prompt is empty' ''
gives 'one prompt, in quotes: ./run "why is' why is the sky blue
gives './run --help explains it' --model=

homeless=$(env -u HOME -u XDG_CACHE_HOME bash "$work/fetch_model" 2>&1) && failed=1
[[ $homeless == 'error: neither HOME nor XDG_CACHE_HOME is set'* ]] || { echo "$homeless"; failed=1; }
exit $failed
