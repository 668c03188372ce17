#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What follows from the tables of aclnn operators beside this file: headers, C entry points, and two pages.

generate.py headers FOLDER     writes aclnn_*.h there
generate.py entries FOLDER     writes the C entry points there: a file for each table, and the list of all
generate.py coverage           prints docs/cann-coverage.md
generate.py provenance         prints docs/provenance-aclnn.md
generate.py check              says what is wrong with the tables
"""
import collections
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
COLUMNS = ['name', 'header', 'operator', 'parameters', 'meaning', 'variant of', 'sources', 'signature']

# kind: C type as an input, and what a reader is told.
KINDS = {
    'tensor': ('const aclTensor*', 'tensor'),
    'tensors': ('const aclTensorList*', 'list of tensors'),
    'scalar': ('const aclScalar*', 'number'),
    'scalars': ('const aclScalarList*', 'list of numbers'),
    'ints': ('const aclIntArray*', 'whole numbers'),
    'floats': ('const aclFloatArray*', 'floats'),
    'bools': ('const aclBoolArray*', 'truth values'),
    'string': ('const char*', 'text'),
    'dtype': ('aclDataType', 'data type'),
    'bool': ('bool', 'truth value'),
    'int8': ('int8_t', 'whole number'),
    'int32': ('int32_t', 'whole number'),
    'int64': ('int64_t', 'whole number'),
    'uint32': ('uint32_t', 'whole number'),
    'uint64': ('uint64_t', 'whole number'),
    'float': ('float', 'float'),
    'double': ('double', 'float'),
}
HANDLES = {'tensor', 'tensors', 'scalar', 'scalars', 'ints', 'floats', 'bools', 'string'}

Parameter = collections.namedtuple('Parameter', 'name kind direction optional attribute')


class Operator:
    def __init__(self, table, line, fields):
        self.table, self.line = table, line
        self.name, self.header, self.operator, self.text, self.meaning, of, sources, self.signature = fields
        self.of = self.name if of == '-' else of
        self.sources = [] if sources == '-' else sources.split()
        self.parameters = [] if self.text == '-' else [self.parameter(p) for p in self.text.split()]

    def parameter(self, text):
        match = re.fullmatch(r'([>&]?)([A-Za-z]\w*)(?::(\w+))?(\??)(?:=(\w+))?', text)
        if not match or (match[3] or 'tensor') not in KINDS:
            raise SystemExit(f'{self.table}.tsv:{self.line}: parameter {text!r}: [> or &]name[:kind][?][=attribute], '
                             f'kind one of {" ".join(KINDS)}')
        direction = {'': 'in', '>': 'out', '&': 'inout'}[match[1]]
        return Parameter(match[2], match[3] or 'tensor', direction, bool(match[4]), match[5])

    def clients(self):
        return list(dict.fromkeys(source.split(':')[0] for source in self.sources))


def find_adapters():
    """A row without an Isthmus operator has an adapter, or it is missing: the code says which."""
    code = ''.join(path.read_text() for path in sorted(HERE.glob('*.cpp')) if not path.stem.endswith('_test'))
    return set(re.findall(r'^Status build_(\w+)\(Builder& \w+\) {', code, re.MULTILINE))


def read_tables():
    adapters, tables = find_adapters(), {}
    for path in sorted(HERE.glob('*.tsv')):
        lines = path.read_text().split('\n')
        title = lines[1].lstrip('# ').split(';')[0]
        assert lines[2].split('\t') == COLUMNS, f'{path}: the columns are {COLUMNS}'
        rows = [Operator(path.stem, n, line.split('\t')) for n, line in enumerate(lines[3:], 4) if line]
        for row in rows:
            if row.operator == '-':
                row.operator = 'adapter' if row.name in adapters else 'missing'
        tables[path.stem] = (title, rows)
    return tables


def c_type(parameter):
    base = KINDS[parameter.kind][0]
    if parameter.direction == 'in':
        return base
    if parameter.kind in HANDLES:
        return base.removeprefix('const ')
    return base + '*'


def declare(name, arguments):
    """A declaration within 110 columns."""
    line = f'{name}({", ".join(arguments)})'
    if len(line) < 110:
        return line
    lines, indent = [f'{name}('], '    '
    current = indent
    for i, argument in enumerate(arguments):
        piece = argument + (', ' if i + 1 < len(arguments) else ')')
        if len(current) + len(piece.rstrip()) > 109 and current != indent:
            lines.append(current.rstrip())
            current = indent
        current += piece
    return '\n'.join(lines + [current])


EXPORTED = 'ACL_FUNC_VISIBILITY aclnnStatus aclnn'
SECOND = ['void* workspace', 'uint64_t workspaceSize', 'aclOpExecutor* executor', 'aclrtStream stream']


def first_arguments(operator):
    arguments = [f'{c_type(p)} {p.name}' for p in operator.parameters]
    if operator.operator != 'function':
        arguments += ['uint64_t* workspaceSize', 'aclOpExecutor** executor']
    return arguments


def declarations(operator):
    lines = [f'// {operator.meaning}']
    width = max(len(p.name) for p in operator.parameters)
    for p in operator.parameters:
        what = KINDS[p.kind][1]
        what += {'in': '', 'out': ', gets the result', 'inout': ', read and changed'}[p.direction]
        what += ', or null' if p.optional else ''
        lines.append(f'//   {p.name:{width}}  {what}')
    if operator.operator == 'missing':
        lines.append('// Not there yet: the first call returns an error.')
    if operator.operator == 'function':
        return '\n'.join(lines + [declare(f'{EXPORTED}{operator.name}', first_arguments(operator)) + ';'])
    lines.append(declare(f'{EXPORTED}{operator.name}GetWorkspaceSize', first_arguments(operator)) + ';')
    lines.append(declare(f'{EXPORTED}{operator.name}', SECOND) + ';')
    return '\n'.join(lines)


def header_text(header, operators):
    guard = f'ISTHMUS_ACLNNOP_{header.upper()}_H'
    body = '\n\n'.join(declarations(o) for o in operators if o.name != '-')
    if not body:
        body = '// Programs include this header; no function of it is known.'
    return f'''// SPDX-License-Identifier: Apache-2.0
// Operators, each called in two steps: the first checks the arguments and says how many bytes of workspace the
// second needs, which puts the work on a stream. Written by src/cann/operators/generate.py.
#ifndef {guard}
#define {guard}

#include "aclnn/aclnn_base.h"

#ifdef __cplusplus
extern "C" {{
#endif

{body}

#ifdef __cplusplus
}}
#endif

#endif
'''


def write(path, text):
    """Leaves a file alone that holds the text already, for the sake of incremental builds."""
    if not path.exists() or path.read_text() != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def write_headers(tables, folder):
    headers = collections.defaultdict(list)
    for _, rows in tables.values():
        for row in rows:
            headers[row.header].append(row)
    for header, rows in headers.items():
        write(folder / f'aclnn_{header}.h', header_text(header, rows))
    for path in folder.glob('aclnn_*.h'):
        if path.stem.removeprefix('aclnn_') not in headers:
            path.unlink()


def cpp_kind(parameter):
    kinds = {'tensor': {'in': 'kIn', 'out': 'kOut', 'inout': 'kInOut'},
             'tensors': {'in': 'kInList', 'out': 'kOutList', 'inout': 'kInOutList'}}
    if parameter.kind in kinds:
        return kinds[parameter.kind][parameter.direction]
    return {'scalar': 'kScalar', 'scalars': 'kScalarList', 'ints': 'kInts', 'floats': 'kFloats', 'bools': 'kBools',
            'string': 'kText', 'float': 'kNumber', 'double': 'kNumber'}.get(parameter.kind, 'kInteger')


def entry(operator):
    name = operator.name
    first = declare(f'aclnnStatus aclnn{name}GetWorkspaceSize', first_arguments(operator))
    second = declare(f'aclnnStatus aclnn{name}', SECOND)
    if operator.operator == 'missing':
        unnamed = [argument.rsplit(' ', 1)[0] for argument in first_arguments(operator)]
        first = declare(f'aclnnStatus aclnn{name}GetWorkspaceSize', unnamed)
        second = declare(f'aclnnStatus aclnn{name}', [argument.rsplit(' ', 1)[0] for argument in SECOND])
        return f'{first} {{\n  return missing_operator("{name}");\n}}\n{second} {{\n  return missing_operator("{name}");\n}}\n'
    arguments = ', '.join(p.name for p in operator.parameters)
    return (f'{first} {{\n  return prepare_call(k{name}, {{{arguments}}}, workspaceSize, executor);\n}}\n'
            f'{second} {{\n  return run_call(k{name}, workspace, workspaceSize, executor, stream);\n}}\n')


def description(operator):
    name, rows = operator.name, []
    for p in operator.parameters:
        fields = [f'"{p.name}"', f'Kind::{cpp_kind(p)}']
        if p.optional or p.attribute:
            fields.append('true' if p.optional else 'false')
        if p.attribute:
            fields.append(f'"{p.attribute}"')
        rows.append(f'    {{{", ".join(fields)}}},')
    made = f'.build = build_{name}' if operator.operator == 'adapter' else f'.regular = "{operator.operator}"'
    before = f'Status build_{name}(Builder& b);\n' if operator.operator == 'adapter' else ''
    rows = '\n'.join(rows)
    return (f'{before}constexpr Parameter k{name}Parameters[] = {{\n{rows}\n}};\n'
            f'extern const Operator k{name} = {{.name = "{name}", .parameters = k{name}Parameters, {made}}};\n')


def entries_text(rows):
    rows = [row for row in rows if row.name != '-' and row.operator != 'function']
    includes = '\n'.join(f'#include "aclnnop/aclnn_{h}.h"' for h in sorted({row.header for row in rows}))
    descriptions = '\n'.join(description(row) for row in rows if row.operator != 'missing')
    entries = '\n'.join(entry(row) for row in rows)
    return f'''// SPDX-License-Identifier: Apache-2.0
// C entry points of aclnn operators, and what the face knows of each. Written by src/cann/operators/generate.py.
{includes}
#include "cann/aclnn/call.h"

namespace isthmus::cann {{

{descriptions}
}}  // namespace isthmus::cann

using namespace isthmus::cann;

extern "C" {{

{entries}
}}
'''


def list_text(tables):
    names = sorted(row.name for _, rows in tables.values() for row in rows
                   if row.name != '-' and row.operator not in ('missing', 'function'))
    externs = '\n'.join(f'extern const Operator k{name};' for name in names)
    rows = '\n'.join(f'    &k{name},' for name in names)
    return f'''// SPDX-License-Identifier: Apache-2.0
// Every aclnn operator there is, by name. Written by src/cann/operators/generate.py.
#include "cann/aclnn/call.h"

namespace isthmus::cann {{

{externs}

std::span<const Operator* const> all_operators() {{
  static constexpr const Operator* every[] = {{
{rows}
  }};
  return every;
}}

}}  // namespace isthmus::cann
'''


def write_entries(tables, folder):
    for table, (_, rows) in tables.items():
        write(folder / f'entries_{table}.cpp', entries_text(rows))
    write(folder / 'all_operators.cpp', list_text(tables))


def check(tables):
    faults, seen, known, adapters = [], {}, isthmus_operators(), find_adapters()
    names = {row.name for _, rows in tables.values() for row in rows}
    for _, rows in tables.values():
        for row in rows:
            where = f'src/cann/operators/{row.table}.tsv:{row.line}'
            if row.name != '-' and seen.setdefault(row.name, where) != where:
                faults.append(f'{where}: {row.name} is in {seen[row.name]} already')
            if row.of not in names and row.of in seen:
                faults.append(f'{where}: a variant of {row.of}, which is itself a variant')
            if row.signature not in ('proved', 'inferred'):
                faults.append(f'{where}: the signature is proved or inferred, not {row.signature!r}')
            if row.operator not in known and row.operator not in ('adapter', 'missing', 'function'):
                faults.append(f'{where}: docs/operators.md has no operator {row.operator}')
            if row.operator in known and row.name in adapters:
                faults.append(f'{where}: {row.name} has an operator and an adapter')
            if not row.sources:
                faults.append(f'{where}: {row.name} names no source')
            if len({p.name for p in row.parameters}) != len(row.parameters):
                faults.append(f'{where}: two parameters of one name')
    return faults + [f'src/cann/operators: build_{name} has no row' for name in sorted(adapters - names)]


CLIENTS = {
    'ggml': ('ggml', "[ggml's CANN back end](https://github.com/ggml-org/llama.cpp), as llama-cpp-python 0.3.36 "
             'carries it; MIT; files of `ggml/src/ggml-cann`'),
    'op-plugin': ('op-plugin', '[Ascend/op-plugin](https://github.com/Ascend/op-plugin), which torch_npu runs on, at commit '
                  '517f2e7d; BSD-3-Clause; files of `op_plugin`'),
}


def groups(rows):
    """Operators with their variants: (the one that names the group, all of them)."""
    found = {}
    for row in rows:
        if row.name != '-' and row.operator != 'function':
            found.setdefault(row.of, []).append(row)
    return found


def isthmus_operators():
    """Of each Isthmus operator, from docs/operators.md: dtypes of its first operand, and whether it has a kernel for
    every chip that builds kernels."""
    found = {}
    for line in (HERE.parents[2] / 'docs/operators.md').read_text().split('\n'):
        match = re.match(r'\| `(\w+)` \d+ \|', line)
        if match:
            cells = [cell.strip() for cell in re.split(r'(?<!\\)\|', line)[1:-1]]
            operands = re.match(r'[^:]*: ([^;→]*)', cells[2])
            found[match[1]] = (operands[1].strip() if operands else '', cells[6] == 'yes')
    return found


def coverage_text(tables):
    known = isthmus_operators()
    everything = [row for _, rows in tables.values() for row in rows if row.name != '-' and row.operator != 'function']
    there = [row for row in everything if row.operator != 'missing']
    different = len({row.of for row in everything})
    different_there = len({row.of for row in there})
    regular = sum(row.operator not in ('missing', 'adapter') for row in everything)
    adapters = sum(row.operator == 'adapter' for row in everything)
    proved = sum(row.signature == 'proved' for row in everything)
    used = {client: [row for row in everything if client in row.clients()] for client in CLIENTS}
    lines = ['# The CANN face: which operators', '',
             '<!-- Written by src/cann/operators/generate.py from the tables beside it; do not edit. -->', '',
             f'{len(everything)} aclnn operators are declared, {different} different ones and their variants (in place, '
             f'with a number, of another version); {len(there)} answer, {different_there} different ones: {regular} by one '
             f'row of the table, {adapters} by an adapter. Calling one that is missing returns an error that names the '
             'nearest. Names stand without their `aclnn`; [provenance-aclnn.md](provenance-aclnn.md) has the header of each.', '',
             '*Signature*: proved where a program built from source calls the operator and its results are tested; '
             f'inferred where only a call site was read. {proved} are proved. [Where each came from](provenance-aclnn.md).',
             '',
             '*Runs on*: the Isthmus operator behind one row, with the dtypes it takes (others are cast on the way); '
             'every one has kernels for the CPU chip and for every chip that builds kernels, unless it says host. '
             '"adapter": made of several. *numbers*, *floats* and the like are of [operators.md](operators.md).', '',
             '| Client | operators it calls | of them there |', '|---|---|---|']
    for client, rows in used.items():
        lines.append(f'| {CLIENTS[client][0]} | {len(rows)} | {sum(row.operator != "missing" for row in rows)} |')
    for title, rows in tables.values():
        lines += ['', f'## {title}', '', '| Operator | Variants | Meaning | Runs on | Clients | Signature |',
                  '|---|---|---|---|---|---|']
        for of, members in groups(rows).items():
            first = max(members, key=lambda row: (row.operator != 'missing', row.name == of))
            variants = [row.name + (' (missing)' if row.operator == 'missing' else '') for row in members if row != first]
            runs = first.operator
            if runs in known:
                dtypes, portable = known[runs]
                runs = f'`{runs}`: {dtypes}' + ('' if portable else ' (host)')
            clients = ' '.join(dict.fromkeys(client for row in members for client in row.clients()))
            proofs = ' '.join(sorted({row.signature for row in members}, reverse=True))
            meaning = first.meaning.replace('|', '\\|')
            lines.append(f'| {first.name} | {", ".join(variants)} | {meaning} | {runs} | {clients} | {proofs} |'
                         .replace('|  |', '| |'))
    return '\n'.join(lines)


def provenance_text(tables):
    lines = ['# Where the signatures of aclnn operators come from', '',
             '<!-- Written by src/cann/operators/generate.py from the tables beside it; do not edit. -->', '',
             'Names, argument order and types are facts read from calls in these sources, and from nowhere else; every '
             'declaration and sentence of the headers is written anew.', '']
    lines += [f'- `{client}`: {text}' for client, (_, text) in CLIENTS.items()]
    lines += ['', 'Header `aclnnop/aclnn_X.h`; *proved*: a program built from source calls it and its results are tested; '
              '*inferred*: from the call site alone.', '',
              '| Header | Operator | Read from | Signature |', '|---|---|---|---|']
    rows = sorted((row for _, rows in tables.values() for row in rows), key=lambda row: (row.header, row.name))
    lines += [f'| {row.header} | {row.name} | {" ".join(f"`{s}`" for s in row.sources)} | {row.signature} |' for row in rows]
    return '\n'.join(lines)


def main():
    command, arguments = sys.argv[1] if len(sys.argv) > 1 else '', sys.argv[2:]
    tables = read_tables()
    if command == 'headers' and len(arguments) == 1:
        write_headers(tables, pathlib.Path(arguments[0]))
    elif command == 'entries' and len(arguments) == 1:
        write_entries(tables, pathlib.Path(arguments[0]))
    elif command in ('coverage', 'provenance') and not arguments and not check(tables):
        print({'coverage': coverage_text, 'provenance': provenance_text}[command](tables))
    elif command in ('check', 'coverage', 'provenance'):
        faults = check(tables)
        print('\n'.join(faults), end='\n' if faults else '')
        sys.exit(bool(faults))
    else:
        sys.exit(__doc__)


if __name__ == '__main__':
    main()
