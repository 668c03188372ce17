# SPDX-License-Identifier: Apache-2.0
"""Jinja2 set up for chat templates as Hugging Face Transformers does it, with a clock that stands still.

Uses Transformers itself when it is installed; otherwise builds the same environment from jinja2 alone.
"""
import copy
import datetime
import json
import warnings

import jinja2
import jinja2.ext
import jinja2.sandbox

# Python warns about nonsense such as 1[0] in the code it makes of a template.
warnings.simplefilter("ignore", SyntaxWarning)

NOW = datetime.datetime(2026, 3, 7, 15, 4, 5)


def strftime_now(format):
    return NOW.strftime(format)


class Generation(jinja2.ext.Extension):
    """{% generation %} … {% endgeneration %} renders its body."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("render_body"), [], [], body).set_lineno(line)

    def render_body(self, caller):
        return caller()


class DictFunction:
    def __call__(self, *args, **kwargs):
        return dict(*args, **kwargs)


def own_environment():
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols]
    )

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    environment.filters["tojson"] = tojson
    environment.globals["raise_exception"] = raise_exception
    environment.globals["dict"] = DictFunction()
    return environment


def compile_template(source):
    try:
        from transformers.utils.chat_template_utils import _compile_jinja_template
    except ImportError:
        template = own_environment().from_string(source)
    else:
        template = _compile_jinja_template(source)
    template.globals["strftime_now"] = strftime_now
    return template


def render(source, variables):
    """The text, or the exception."""
    try:
        text = compile_template(source).render(**copy.deepcopy(variables))  # Jinja's filter indent can change a list
        text.encode("utf-8")
        return text
    except Exception as error:  # templates may fail in any way, and then ours must fail too
        return error
