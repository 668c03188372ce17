# SPDX-License-Identifier: Apache-2.0
"""Runs the cases of torch_npu, each in a process of its own, since an error on the device's queue ends it: a line for each,
"name  ok  largest difference" or why it failed, and which operators torch_npu itself left to PyTorch's CPU. Then how many aclnn
operators the wheel names, and how many of them answer.
"""
import ctypes
import os
import pathlib
import re
import signal
import sys
import tempfile

import torch
import torch_npu

import torch_npu_cases
import torch_npu_llm_cases  # noqa: F401: adds its cases
import torch_npu_model_cases  # noqa: F401: adds its cases

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'src/cann/operators'))
import generate  # noqa: E402: the tables' reader lies there

SECONDS = 120  # that a case may take


def reason(error):
    """The lines of the face, behind PyTorch's own first one."""
    lines = str(error).splitlines() or [type(error).__name__]
    return ' | '.join([lines[0][:120]] + [line for line in lines[1:] if line.startswith('acl')])


def run(function):
    """In the child: what became of the case, and what the process ends with."""
    signal.alarm(SECONDS)
    try:
        largest = function()
        return 'ok' if largest is None else f'ok  {largest:.2g}', 0
    except Exception as error:  # noqa: BLE001: it is what the line tells
        return f'FAILED  {reason(error)}', 1


def in_child(function):
    """What became of a case, whether it passed, and the lines of its standard error."""
    with tempfile.TemporaryFile('w+') as outcome, tempfile.TemporaryFile() as errors:
        child = os.fork()
        if child == 0:
            os.dup2(errors.fileno(), 2)
            text, status = run(function)
            print(text, file=outcome, flush=True)
            sys.exit(status)
        status = os.waitpid(child, 0)[1]
        outcome.seek(0)
        errors.seek(0)
        text = f'FAILED  by signal {os.WTERMSIG(status)}' if os.WIFSIGNALED(status) else outcome.read().strip()
        return text, status == 0, errors.read().decode(errors='replace').splitlines()


def names_in_wheel():
    text = (pathlib.Path(torch_npu.__file__).parent / 'lib/libtorch_npu.so').read_bytes()
    names = {name.decode().removesuffix('GetWorkspaceSize') for name in re.findall(rb'\baclnn[A-Z]\w*', text)}
    return {name for name in names if not name.endswith('GetMaxWorkspaceSize')}


def main():
    failed, called = 0, set()
    for name, function in torch_npu_cases.CASES.items():
        text, passed, lines = in_child(function)
        left = sorted({match[1] for line in lines if 'fall back' in line and (match := re.search(r"'(aten::\w+)", line))})
        print(f'{name:<25} {text}', *([f'  on PyTorch\'s CPU: {", ".join(left)}'] if left else []), flush=True)
        failed += not passed
        for line in lines:
            if line.startswith('isthmus: called '):
                called.update(re.findall(r'aclnn\w+', line))
    count = len(torch_npu_cases.CASES)
    print(f'torch {torch.__version__}, torch_npu {torch_npu.__version__}: {count - failed} of {count} cases passed')
    wheel, library = names_in_wheel(), ctypes.CDLL('libopapi.so')
    answer = {'aclnn' + row.name for _, rows in generate.read_tables().values() for row in rows if row.operator != 'missing'}
    exported = sum(hasattr(library, name) for name in wheel)
    print(f'aclnn operators: {len(wheel)} named in the wheel, {exported} of them exported, {len(wheel & answer)} answer; '
          f'{len(called)} called by the cases')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
