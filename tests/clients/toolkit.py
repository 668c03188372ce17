# SPDX-License-Identifier: Apache-2.0
"""What the clients share: the toolkit tree they are given, and the environment of a program that runs on it."""
import argparse
import os
import pathlib


def tree(text):
    """A toolkit tree's absolute path, for argparse."""
    path = pathlib.Path(text).resolve()
    if not (path / 'lib64/libascendcl.so').exists():
        raise argparse.ArgumentTypeError(f'{path} is no toolkit tree: lib64/libascendcl.so is not there. `tools/build '
                                         'cann_toolkit` makes build/release/lib/isthmus/cann')
    return path


def at_least_1(text):
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f'{text!r} is no whole number from 1')
    return int(text)


def add_tree(parser):
    parser.add_argument('toolkit', type=tree, help='the toolkit tree: build/release/lib/isthmus/cann')


def add_chips(parser, default):
    parser.add_argument('--chip', action='append', help=f'cpu, opencl:0, …; may be repeated ({" and ".join(default)})')


def environment(toolkit, chip, **more):
    """Programs built elsewhere look for the tree by LD_LIBRARY_PATH; nothing may run on the host in secret."""
    libraries = ':'.join(filter(None, [str(toolkit / 'lib64'), os.environ.get('LD_LIBRARY_PATH')]))
    return dict(os.environ, ASCEND_TOOLKIT_HOME=str(toolkit), ASCEND_HOME_PATH=str(toolkit),
                ASCEND_OPP_PATH=str(toolkit / 'opp'), LD_LIBRARY_PATH=libraries, ISTHMUS_DEVICE=chip,
                ISTHMUS_NO_FALLBACK='1', **more)
