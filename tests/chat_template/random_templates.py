# SPDX-License-Identifier: Apache-2.0
"""Random templates from a grammar: every operator, filter, test, method and statement, mostly with fitting types."""
import random

import environment

VARIABLES = {
    "s": "Hello, World <b>",
    "t": "  zażółć\tgęślą ß \U0001f600\n日本 ",
    "e": "",
    "n": 7,
    "m": -3,
    "z": 0,
    "f": 2.5,
    "g": -0.1,
    "yes": True,
    "no": False,
    "nil": None,
    "xs": [3, 1, 2, 3, -5, 10],
    "fs": [0.5, 1e20, -2.0, 1e-7],
    "ys": ["pear", "Apple", "fig", "apple", "", "É"],
    "mixed": [1, "a", None, True, 2.0, [1, "x'y"], {"k": "v\n"}],
    "d": {"name": "Ann", "age": 31, "b": None, "items": [1, 2], "Z": {"deep": [10, {"x": "y"}]}},
    "ds": [
        {"role": "user", "content": "hi", "n": 3, "tags": ["a", "b"]},
        {"role": "assistant", "content": "Yo", "n": 1, "tags": []},
        {"role": "user", "content": "bye", "n": 2},
    ],
    "pairs": [["a", 1], ["b", 2]],
}
STRINGS = ["s", "t", "e"]
NUMBERS = ["n", "m", "z", "f", "g"]
INTEGERS = ["n", "m", "z"]
LISTS = ["xs", "ys", "fs", "mixed"]
ANY = list(VARIABLES) + ["missing", "d.name", "d['age']", "ds[0]", "d.nope"]
LITERALS = ["''", "'a'", "'it\\'s'", '"q\\"\\n\\u00e9\\t\\x41"', "'o'", "', '", "'%s|%d'", "'ab' 'cd'", "'a,b,,c'", "' x  y '"]
NUMBER_LITERALS = ["0", "1", "2", "3", "10", "1_000", "0x1F", "1.5", "2.0", "1e3", "1.25e-5", "12345678901234567890", "100000000000000000000.0"]


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.names = []  # variables set by the template
        self.loops = 0

    def pick(self, options):
        return self.random.choice(options)

    def make(self, options):
        """One of several functions that make text; filters get parentheses, since what follows would join the name."""
        text = self.pick(options)()
        return f"({text})" if "|" in text else text

    def chance(self, probability):
        return self.random.random() < probability

    def any(self, depth):
        if self.chance(0.1) and self.names:
            return self.pick(self.names)
        return self.pick([self.string, self.number, self.list, self.boolean, self.dict, self.other])(depth)

    def wrong(self):
        """Now and then a value of any type where another is expected."""
        return self.chance(0.04)

    def other(self, depth):
        if depth <= 0:
            return self.pick(ANY)
        one = depth - 1
        return self.make([
            lambda: self.pick(ANY),
            lambda: f"({self.any(one)} if {self.boolean(one)} else {self.any(one)})",
            lambda: f"({self.any(one)} if {self.boolean(one)})",
            lambda: f"({self.any(one)} or {self.any(one)})",
            lambda: f"({self.any(one)} and {self.any(one)})",
            lambda: f"{self.list(one)}[{self.integer(one)}]",
            lambda: f"{self.dict(one)}.get({self.string(one)}, {self.any(one)})",
            lambda: f"{self.dict(one)}[{self.string(one)}]",
            lambda: f"{self.list(one)}|first",
            lambda: f"{self.list(one)}|last",
            lambda: f"{self.any(one)}|default({self.any(one)}{self.pick(['', ', true'])})",
            lambda: f"{self.list(one)}|min",
            lambda: f"{self.list(one)}|max",
            lambda: f"({self.any(one)}, {self.any(one)})",
            lambda: f"({self.any(one)},)",
            lambda: f"{self.string(one)}.partition({self.string(0)})",
        ])

    def string(self, depth):
        if self.wrong():
            return self.other(depth)
        if depth <= 0:
            return self.pick(STRINGS + LITERALS)
        one = depth - 1
        s = lambda: self.string(one)
        i = lambda: self.integer(one)
        return self.make([
            lambda: self.pick(STRINGS + LITERALS),
            lambda: f"({s()} + {s()})",
            lambda: f"({self.any(one)} ~ {self.any(one)})",
            lambda: f"({s()} * {self.pick(['0', '2', '3', 'm'])})",
            lambda: f"{s()}[{i()}:{i()}]",
            lambda: f"{s()}[{self.pick(['', i()])}:{self.pick(['', i()])}:{self.pick(['', '-1', '2', '-2'])}]",
            lambda: f"{s()}[{i()}]",
            lambda: f"{s()}|{self.pick(['upper', 'lower', 'title', 'capitalize', 'trim', 'string', 'reverse', 'safe', 'e', 'escape', 'urlencode', 'forceescape'])}",
            lambda: f"{s()}.{self.pick(['upper', 'lower', 'title', 'capitalize', 'strip', 'lstrip', 'rstrip', 'swapcase'])}()",
            lambda: f"{s()}.{self.pick(['strip', 'lstrip', 'rstrip'])}({s()})",
            lambda: f"{s()}|trim({s()})",
            lambda: f"{s()}|replace({s()}, {s()}{self.pick(['', ', 1', ', 2'])})",
            lambda: f"{s()}.replace({s()}, {s()}{self.pick(['', ', 1', ', -1'])})",
            lambda: f"{s()}|indent({self.pick(['', '2', '2, true', '1, true, true', 'first=true', repr('> ')])})",
            lambda: f"{s()}.{self.pick(['ljust', 'rjust', 'center', 'zfill'])}({self.pick(['5', '12', '-1'])})",
            lambda: f"{s()}|center({self.pick(['9', '20'])})",
            lambda: s() + '|truncate(' + self.pick(['5', '8, true', '6, false, "…"', '4, true, "", 0']) + ')',
            lambda: f"{self.any(one)}|tojson",
            lambda: self.any(one) + '|tojson(' + self.pick(['indent=2', 'indent=4', 'ensure_ascii=true', 'sort_keys=true', 'indent=0', 'separators=(",", ":")', 'indent=none']) + ')',
            lambda: f"{self.list(one)}|join({self.pick(['', s()])})",
            lambda: f"{s()}.join({self.pick(['ys', 'd', s()])})",
            lambda: f"{self.any(one)}|string",
            lambda: f"'{self.pick(['%s', '%5s|', '%-6s|', '%r', '%.2s'])}' % ({self.any(one)},)",
            lambda: f"'{self.pick(['%d', '%05d', '%x', '%+d', '%5.1f', '%.3f', '%e', '%g', '%%%d'])}' % {self.number(one)}",
            lambda: f"'{self.pick(['{}', '{:>8}|', '{:<6}|', '{:^7}|', '{!r}', '{0}{0}'])}'.format({self.pick([s, lambda: self.number(one)])()})",
            lambda: f"'{self.pick(['{:.2f}', '{:,}', '{:+}', '{:08.3f}', '{:e}', '{:g}', '{:%}'])}'.format({self.number(one)})",
            lambda: f"'{{x}}-{{y[0]}}-{{y[1]}}'.format(x={self.any(one)}, y={self.pick(['xs', 'ys'])})",
            lambda: f"'%s and %s'|format({self.any(one)}, {self.any(one)})",
            lambda: f"{s()}.{self.pick(['removeprefix', 'removesuffix'])}({s()})",
            lambda: f"{s()}.split({self.pick(['', s(), s() + ', 1'])})[{self.pick(['0', '-1', '1'])}]",
            lambda: f"{self.dict(one)}|xmlattr",
            lambda: f"{self.number(one)}|filesizeformat",
        ])

    def integer(self, depth):
        if self.wrong():
            return self.other(depth)
        if depth <= 0:
            return self.pick(INTEGERS + ["0", "1", "2", "-1", "5"])
        one = depth - 1
        return self.make([
            lambda: self.pick(INTEGERS + ["0", "1", "2", "-1", "-2"]),
            lambda: f"{self.pick([self.list, self.string, self.dict])(one)}|{self.pick(['length', 'count'])}",
            lambda: f"({self.integer(one)} {self.pick(['+', '-', '*', '//', '%'])} {self.integer(one)})",
            lambda: f"{self.any(one)}|int",
            lambda: f"{self.string(one)}|int({self.pick(['5', 'default=9', '0, 16', '1, 0'])})",
            lambda: f"{self.string(one)}.{self.pick(['find', 'rfind', 'count'])}({self.string(one)}{self.pick(['', ', 1', ', 2, 5', ', -3'])})",
            lambda: f"{self.list(one)}.{self.pick(['index', 'count'])}({self.any(one)})",
            lambda: f"{self.string(one)}|wordcount",
            lambda: f"-{self.integer(one)}",
        ])

    def number(self, depth):
        if depth <= 0:
            return self.pick(NUMBERS + NUMBER_LITERALS)
        one = depth - 1
        return self.make([
            lambda: self.pick(NUMBERS + NUMBER_LITERALS),
            lambda: self.integer(one),
            lambda: f"({self.number(one)} {self.pick(['+', '-', '*', '/', '//', '%'])} {self.number(one)})",
            lambda: f"({self.number(one)} ** {self.pick(['0', '1', '2', '-1'])})",
            lambda: f"-{self.number(one)}",
            lambda: f"+{self.number(one)}",
            lambda: f"{self.number(one)}|abs",
            lambda: self.number(one) + '|round' + self.pick(['', '(1)', '(2)', '(-1)', '(0, "floor")', '(1, "ceil")']),
            lambda: f"{self.any(one)}|float",
            lambda: f"{self.pick(['xs', 'fs'])}|sum",
            lambda: f"ds|sum(attribute='n')",
        ])

    def list(self, depth):
        if self.wrong():
            return self.other(depth)
        if depth <= 0:
            return self.pick(LISTS + ["[]", "[1, 2]", "ds"])
        one = depth - 1
        return self.make([
            lambda: self.pick(LISTS),
            lambda: f"[{', '.join(self.any(one) for _ in range(self.random.randrange(4)))}]",
            lambda: f"({self.list(one)} + {self.list(one)})",
            lambda: f"{self.list(one)}[{self.pick(['', self.integer(one)])}:{self.pick(['', self.integer(one)])}:{self.pick(['', '-1', '2', '-3'])}]",
            lambda: f"{self.list(one)}|{self.pick(['list', 'sort', 'sort(reverse=true)', 'reverse|list', 'unique|list', 'sort(case_sensitive=true)'])}",
            lambda: f"{self.string(one)}|list",
            lambda: f"{self.string(one)}.{self.pick(['split()', 'splitlines()', 'splitlines(true)', 'rsplit(none, 1)', 'split(maxsplit=1)'])}",
            lambda: f"{self.string(one)}.{self.pick(['split', 'rsplit'])}({self.string(one)}{self.pick(['', ', 1', ', 0'])})",
            lambda: f"{self.list(one)}|map({self.pick(['string', 'upper', 'length', 'int', 'abs', 'tojson', 'default'])!r})|list",
            lambda: f"ds|map(attribute={self.pick(['role', 'n', 'tags', 'tags.0', 'nope'])!r}{self.pick(['', ', default=1'])})|list",
            lambda: self.list(one) + '|' + self.pick(['select', 'reject']) + '(' + self.pick(['', '"string"', '"number"', '"none"', '"in", xs', '"equalto", 3', '">", 1', '"defined"', '"odd"']) + ')|list',
            lambda: 'ds|' + self.pick(['selectattr', 'rejectattr']) + '(' + self.pick(['"tags"', '"role", "equalto", "user"', '"n", ">", 1', '"tags", "defined"', '"role", "in", ["user"]']) + ')|list',
            lambda: f"range({self.pick(['3', 'n', '2, 9, 3', '5, 0, -2', self.integer(one)])})|list",
            lambda: self.dict(one) + '|' + self.pick(['list', 'items|list', 'dictsort', 'dictsort(by="value")', 'dictsort(reverse=true)']),
            lambda: f"{self.dict(one)}.{self.pick(['keys', 'values', 'items'])}(){self.pick(['', '|list'])}",
            lambda: f"{self.list(one)}|{self.pick(['batch', 'slice'])}({self.pick(['2', '3, none', '2, 0'])})|list",
            lambda: "ds|groupby('role')" + self.pick(['', '|map(attribute="grouper")|list', '|map("last")|list']),
            lambda: f"ds|sort(attribute={self.pick(['n', 'role', 'role,n', 'content'])!r})",
        ])

    def dict(self, depth):
        if self.wrong():
            return self.other(depth)
        if depth <= 0:
            return self.pick(["d", "{}", "{'a': 1}", "ds[1]"])
        one = depth - 1
        return self.make([
            lambda: "d",
            lambda: self.pick(["d.Z", "ds[0]", "dict(a=1, b=s)", "dict(pairs)", "dict(d, z=1)"]),
            lambda: "{" + ", ".join(f"{self.pick([self.string(0), self.number(0), 'nil', 'yes', 'd.name', '(1, n)'])}: {self.any(one)}" for _ in range(self.random.randrange(4))) + "}",
        ])

    def boolean(self, depth):
        if depth <= 0:
            return self.pick(["yes", "no", "true", "False", "z", "missing", "nil"])
        one = depth - 1
        a = lambda: self.any(one)
        return self.make([
            lambda: f"{a()} is {self.pick(['', 'not '])}{self.pick(['defined', 'undefined', 'none', 'string', 'number', 'integer', 'float', 'boolean', 'mapping', 'sequence', 'iterable', 'callable', 'true', 'false', 'lower', 'upper', 'escaped'])}",
            lambda: f"{self.integer(one)} is {self.pick(['odd', 'even', 'divisibleby 2', 'divisibleby(3)', 'eq 7', 'gt 2', 'ge(3)', 'lt 0', 'ne 1'])}",
            lambda: f"({a()} {self.pick(['==', '!='])} {a()})",
            lambda: f"({self.number(one)} {self.pick(['<', '<=', '>', '>='])} {self.number(one)})",
            lambda: f"({self.string(one)} {self.pick(['<', '<=', '>', '>='])} {self.string(one)})",
            lambda: f"({self.integer(one)} < {self.integer(one)} <= {self.integer(one)})",
            lambda: f"({self.string(one)} {self.pick(['in', 'not in'])} {self.pick([self.string, self.dict, self.list])(one)})",
            lambda: f"({a()} {self.pick(['in', 'not in'])} {self.list(one)})",
            lambda: f"not {self.boolean(one)}",
            lambda: f"({self.boolean(one)} {self.pick(['and', 'or'])} {self.boolean(one)})",
            lambda: self.string(one) + '.' + self.pick(['startswith', 'endswith']) + '(' + self.pick([self.string(one), '("H", "a")']) + ')',
            lambda: f"{self.string(one)}.{self.pick(['isdigit', 'isalpha', 'isalnum', 'isspace', 'isupper', 'islower', 'istitle', 'isascii', 'isidentifier', 'isprintable', 'isnumeric'])}()",
            lambda: f"{a()} is in {self.list(one)}",
        ])

    # Statements

    def tag(self, inside):
        left, right = (self.pick(["", "", "", "-", "+"]) for _ in range(2))
        return "{%" + left + " " + inside + " " + right + "%}"

    def text(self):
        return self.pick(["", " ", "\n", "\n\n", "  \n  ", "word ", "\ttab\n", "é\n ", "a\n   b ", "{ % }", "#}", "\r\n x"])

    def show(self, depth):
        left, right = self.pick(["", "", "-", "+"]), self.pick(["", "", "-"])
        return "{{" + left + " " + self.any(depth) + " " + right + "}}"

    def body(self, depth):
        return self.text() + "".join(self.statement(depth) + self.text() for _ in range(self.random.randrange(1, 3)))

    def statement(self, depth):
        if depth <= 0:
            return self.show(2)
        one = depth - 1
        return self.pick([
            self.show_one, self.show_one, self.if_, self.if_, self.for_, self.for_, self.set_, self.set_, self.set_block,
            self.macro, self.namespace, self.comment, self.raw, self.with_, self.filter_block, self.call_block,
            self.recursive, self.generation,
        ])(one)

    def show_one(self, depth):
        return self.show(3)

    def if_(self, depth):
        out = self.tag("if " + self.boolean(2)) + self.body(depth)
        if self.chance(0.3):
            out += self.tag("elif " + self.any(1)) + self.body(depth)
        if self.chance(0.5):
            out += self.tag("else") + self.body(depth)
        return out + self.tag("endif")

    def for_(self, depth):
        names, source = self.pick([
            ("x", self.list(1)), ("x", self.list(2)), ("x", self.string(1)), ("k, v", "d.items()"), ("k, v", "d|dictsort"),
            ("k, v", "pairs"), ("x", "range(4)"), ("x", "missing"), ("x", "ds|map(attribute='role')"), ("x", "ds"),
        ])
        condition = f" if {self.pick(['x', 'x is string', 'loop is defined', 'x != 3', self.boolean(1)])}" if self.chance(0.3) and names == "x" else ""
        before, self.names = list(self.names), self.names + names.split(", ")
        self.loops += 1
        inside = self.body(depth)
        if self.chance(0.6):
            inside += "{{ " + self.pick([
                "loop.index", "loop.index0", "loop.first", "loop.last", "loop.length", "loop.revindex", "loop.revindex0",
                "loop.previtem", "loop.nextitem|default('-')", "loop.cycle('a', 'b')", "loop.changed(x)", "loop.depth",
            ]) + " }}"
        if self.chance(0.25):
            inside += self.tag("if " + self.boolean(1)) + self.tag(self.pick(["break", "continue"])) + self.tag("endif") + self.text()
        self.loops -= 1
        self.names = before
        otherwise = self.tag("else") + self.body(depth) if self.chance(0.25) else ""
        return self.tag(f"for {names} in {source}{condition}") + inside + otherwise + self.tag("endfor")

    def set_(self, depth):
        name = self.pick(["v1", "v2", "s", "xs"])
        out = self.tag(f"set {name} = {self.any(3)}")
        if self.chance(0.2):
            out = self.tag("set v1, v2 = " + self.pick(["1, 2", "xs[:2]", "'ab'", self.any(1)]))
        self.names += ["v1", "v2"]
        return out + "{{ " + name + " }}"

    def set_block(self, depth):
        return self.tag("set v1" + self.pick(["", " | upper", " | trim | length", " | replace('a', 'b')"])) + self.body(depth) + self.tag("endset") + "[{{ v1 }}]"

    def macro(self, depth):
        name = self.pick(["f", "g2"])
        before, self.names = list(self.names), self.names + ["p", "q"]
        loops, self.loops = self.loops, 0
        inside = self.body(depth) + self.pick(["", "{{ varargs }}", "{{ kwargs }}", "{{ caller() if caller else 'none' }}"])
        self.names, self.loops = before, loops
        arguments = self.pick(["", "1", "s, 2", "q=3", "1, q=xs", "1, 2, 3", "1, other=5", "*xs[:2]", "**{'p': 1}"])
        return self.tag(f"macro {name}(p, q={self.any(1)})") + inside + self.tag("endmacro") + "{{ " + f"{name}({arguments})" + self.pick(["", "|upper", " ~ 1"]) + " }}"

    def call_block(self, depth):
        return (self.tag("macro h(p=1)") + "<{{ caller(" + self.pick(["", "p", "1"]) + ") }}>" + self.tag("endmacro")
                + self.tag("call" + self.pick(["(a)", "(a=2)", ""]) + " h(" + self.pick(["", "5"]) + ")") + self.body(depth) + self.pick(["", "{{ a }}"]) + self.tag("endcall"))

    def namespace(self, depth):
        return (self.tag("set ns = namespace(" + self.pick(["", "a=1", "a=[], b=s", "{'a': 2}"]) + ")")
                + self.tag("for i in range(3)") + self.tag(f"set ns.a = {self.pick(['i', 'i * 2', 'ns.a', self.any(1)])}") + "{{ ns.a }}"
                + self.tag("endfor") + "{{ ns.a }}{{ ns.nope }}{{ ns }}")

    def comment(self, depth):
        return "{#" + self.pick(["", "-", "+"]) + self.pick([" note ", "\n{{ 1 }}\n", ""]) + self.pick(["", "-", "+"]) + "#}"

    def raw(self, depth):
        return self.tag("raw") + self.pick([" {{ x }} ", "\n{% if %}\n", ""]) + self.tag("endraw")

    def with_(self, depth):
        return self.tag(f"with v1 = {self.any(1)}, v2 = {self.any(1)}") + self.body(depth) + "{{ v1 }}" + self.tag("endwith") + "{{ v1 }}"

    def filter_block(self, depth):
        return self.tag("filter " + self.pick(["upper", "trim", "replace('a', 'b')", "indent(2)", "title | trim"])) + self.body(depth) + self.tag("endfilter")

    def recursive(self, depth):
        return (self.tag("for x in [1, [2, [3]], 4] recursive") + "{{ loop.depth }}:"
                + self.tag("if x is iterable") + "({{ loop(x) }})" + self.tag("else") + "{{ x }}" + self.tag("endif") + self.tag("endfor"))

    def generation(self, depth):
        return self.tag("generation") + self.body(depth) + self.tag("endgeneration")


def printable(value):
    """Python prints where functions and generators lie in memory; no two runs agree on that."""
    return not isinstance(value, str) or not any(mark in value for mark in (" at 0x", "&lt;bound", "<built-in", "built-in method"))


def cases(seed, count):
    """Yields name, template, variables."""
    made = 0
    number = seed * 1_000_000
    while made < count:
        number += 1
        maker = Maker(number)
        if maker.chance(0.5):
            template = "{{ " + maker.any(maker.random.randrange(1, 5)) + " }}"
        else:
            template = maker.body(3)
        if printable(environment.render(template, VARIABLES)):
            made += 1
            yield f"random {number}", template, VARIABLES
