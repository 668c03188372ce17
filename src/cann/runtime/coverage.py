#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints docs/cann-runtime.md: which of the runtime functions that programs call (functions.tsv) are here.

A function is here when a header of src/cann/include declares it, and refused when its file holds nothing but refusals.
"""
import collections
import pathlib
import re

HERE = pathlib.Path(__file__).resolve().parent
INCLUDE = HERE.parent / 'include'
REFUSING = ['not_here.cpp', 'profiler.cpp']
CLIENTS = {'ggml': "ggml's CANN back end", 'op-plugin': 'op-plugin', 'torch_npu': 'torch_npu', 'samples': 'Ascend/samples'}
FAMILIES = [
    ('aclrt', 'Devices, contexts, streams, events, memory'),
    ('aclmdlRI', 'Capture and replay'),
    ('aclprof', 'Profiler'),
    ('aclop', 'Operators by name'),
    ('aclmdl', 'Models of the maker\'s own file format'),
    ('acldvpp', 'Pictures and videos'),
    ('aclfv', 'Search of feature vectors'),
    ('aclblas', 'Products by name'),
    ('', 'Tensors, executors, beginning and end'),
]


def state_of(name, declared, refused):
    return 'refused' if name in refused else 'there' if name in declared else 'missing'


def main():
    rows = [line.split('\t') for line in (HERE / 'functions.tsv').read_text().splitlines() if not line.startswith('#')]
    headers = '\n'.join(path.read_text() for path in sorted(INCLUDE.rglob('*.h')))
    declared = set(re.findall(r'\b([aA]cl\w+)\(', headers)) | set(re.findall(r'\b(aclGetRecentErrMsg)\b', headers))
    refused = {name for file in REFUSING for name in re.findall(r'^[a-z].*?\b(acl\w+)\(', (HERE / file).read_text(), re.M)}
    states = {name: state_of(name, declared, refused) for name, _ in rows}
    clients = {name: who.split() for name, who in rows}

    print('# The CANN face: runtime functions\n')
    print('<!-- Written by src/cann/runtime/coverage.py; do not edit. -->\n')
    print('Functions of AscendCL that these programs call; the operators are in [cann-coverage.md](cann-coverage.md). *Refused*: '
          'the function is there and returns the documented code with a sentence, since there is nothing behind it. What is '
          'missing is not exported: programs that look functions up see that and go another way. The collectives (Hccl…) are '
          'missing.\n')
    print('| Client | calls | there | refused | missing |\n|---|---|---|---|---|')
    for client, title in CLIENTS.items():
        counts = collections.Counter(states[name] for name in states if client in clients[name])
        print(f'| {title} | {sum(counts.values())} | {counts["there"]} | {counts["refused"]} | {counts["missing"]} |')
    left = dict(states)
    for prefix, title in FAMILIES:
        members = [name for name in left if name.startswith(prefix) and
                   (prefix != 'aclmdl' or not name.startswith('aclmdlRI'))]
        if not members:
            continue
        print(f'\n## {title}\n\n| | Functions |\n|---|---|')
        for state in ('there', 'refused', 'missing'):
            names = [name for name in members if states[name] == state]
            if names:
                print(f'| {state} | {", ".join(f"`{name}`" for name in names)} |')
        for name in members:
            del left[name]


if __name__ == '__main__':
    main()
