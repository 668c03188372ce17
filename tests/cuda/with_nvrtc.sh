#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# with_nvrtc.sh FOLDER PROGRAM [ARGUMENT…]: makes a Python environment with NVRTC in FOLDER, unless it is there, and runs
# the program with it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$1
shift
# The list is copied last, so a half-made environment is made again.
if ! cmp -s "$here/requirements.txt" "$folder/requirements.txt"; then
  rm -rf "$folder"
  python3 -m venv "$folder" || { echo "error: no Python environment (Debian: python3-venv)" >&2; exit 1; }
  "$folder/bin/pip" install --disable-pip-version-check --quiet --requirement "$here/requirements.txt" ||
    { echo "error: pip could not install $here/requirements.txt; is there a network?" >&2; exit 1; }
  cp "$here/requirements.txt" "$folder/requirements.txt"
fi
library=$(find "$folder" -name 'libnvrtc.so.1?' -print -quit)
ISTHMUS_NVRTC=$(dirname "$library") exec "$@"
