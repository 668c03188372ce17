#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run_steps.sh WORK_FOLDER: follows CONTRIBUTING.md in a copy of the tree: adds an operator and a command, one file each,
# and builds, tests and runs them. Fails when a step no longer works, or when adding takes more than the new file.
set -euo pipefail
source=$(cd "$(dirname "$0")/../.." && pwd)
work=$1
rm -rf "$work"
mkdir -p "$work"
git -C "$source" ls-files -z --cached --others --exclude-standard | (cd "$source" && xargs -0 tar -c --ignore-failed-read) | tar -x -C "$work"
cd "$work"

mkdir -p src/ops/halve
cp tests/contributing/halve.cpp src/ops/halve/halve.cpp
cp tests/contributing/hello.cpp src/cli/commands/hello.cpp

cmake --preset release -DISTHMUS_EXAMPLES=OFF
cmake --build build/release --parallel "$(nproc)" --target isthmus_conformance_ops_test print_operators isthmus_program
tools/checks/generated --write
tools/check generated
grep -q '\bhalve\b' docs/operators.md || { echo "docs/operators.md does not name the new operator"; exit 1; }
build/release/bin/isthmus_conformance_ops_test --gtest_filter='*halve*' | tail -20 | grep -q 'PASSED.* [1-9][0-9]* test' ||
  { echo "no test of the new operator passed by its name"; exit 1; }
build/release/bin/isthmus_conformance_ops_test | tee conformance.log | tail -5
grep -q '\bhalve\b' conformance.log || { echo "the conformance test does not name the new operator"; exit 1; }
[ "$(build/release/bin/isthmus hello)" = hello ]
build/release/bin/isthmus --help | grep -q '^  hello  *Greet$'
build/release/bin/isthmus completion bash | grep -q 'hello'
echo "an operator and a command: one new file each"
