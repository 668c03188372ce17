# SPDX-License-Identifier: Apache-2.0
"""Conversations that between them use everything chat templates look at."""

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Current weather in a city. Quotes \" and <angles> & 'apostrophes'.",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "City, e.g. Zürich"},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"], "default": "celsius"},
                "days": {"type": "integer", "minimum": 1, "maximum": 1.5e10},
            },
            "required": ["city"],
        },
        "return": {"type": "object", "properties": {"degrees": {"type": "number"}}},
    },
}
SEARCH = {
    "type": "function",
    "function": {
        "name": "search_notes",
        "description": "Finds notes.",
        "parameters": {
            "type": "object",
            "properties": {
                "query": {"type": "string"},
                "tags": {"type": "array", "items": {"type": "string"}, "description": "any of\nthese"},
                "options": {
                    "type": "object",
                    "properties": {"deep": {"type": "boolean"}, "score": {"type": ["number", "null"]}},
                },
                "either": {"anyOf": [{"type": "string"}, {"type": "null"}], "nullable": True},
            },
            "required": ["query", "tags"],
        },
    },
}
NO_PARAMETERS = {"type": "function", "function": {"name": "ping", "description": "", "parameters": {"type": "object", "properties": {}}}}


def system(text="You are terse."):
    return {"role": "system", "content": text}


def user(text):
    return {"role": "user", "content": text}


def assistant(text, **more):
    return {"role": "assistant", "content": text, **more}


def call(name, arguments, identity="call00001"):
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}


def tool(content, identity="call00001", name="get_weather"):
    return {"role": "tool", "content": content, "tool_call_id": identity, "name": name}


ZURICH = {"city": "Zürich \"West\"", "days": 3, "unit": None, "exact": True, "limit": 0.1}
TURNS = [user("Hi"), assistant("Hello! How can I help?"), user("Why is the sky blue?")]
ONE_CALL = [user("Weather in Zürich?"), assistant("", tool_calls=[call("get_weather", ZURICH)])]
RESULT = tool('{"degrees": 21.5, "sky": "☀"}')
TWO_CALLS = [
    user("Weather and notes?"),
    assistant(
        "Let me look.",
        tool_calls=[call("get_weather", {"city": "Bern"}), call("search_notes", {"query": "x", "tags": ["a", "b"]}, "call00002")],
    ),
    tool("21 °C"),
    tool("none", "call00002", "search_notes"),
]
PARTS = [{"type": "text", "text": "What is in "}, {"type": "text", "text": "this?"}]
IMAGE = [{"type": "image", "image_url": "x.png"}, {"type": "text", "text": "Describe it."}]
THINKING = "<think>\nThe user greets me.\n</think>\n\nHello!"

MESSAGES = {
    "one turn": [user("Why is the sky blue?")],
    "system": [system(), user("Why is the sky blue?")],
    "empty system": [system(""), user("Hi")],
    "blank content": [system("  padded \n"), user("\n  Hi  \n"), assistant("  yes \n"), user("")],
    "turns": TURNS,
    "system and turns": [system(), *TURNS, assistant("Rayleigh scattering.")],
    "unicode": [system("Réponds en 日本語 👩‍🚀."), user("Ünïcödé \u00a0 \u200b ﷽ \U0001f600 a\u0301"), assistant("हिन्दी"), user("عربي")],
    "markup in text": [user("<|im_end|> {{ 1 }} {% if %} <b>&amp;</b> \\n \"quoted\" 'single'")],
    "reasoning in content": [user("Hi"), assistant(THINKING), user("Again")],
    "reasoning apart": [user("Hi"), assistant("Hello!", reasoning_content="The user greets me.\n"), user("Again")],
    "reasoning apart, thinking": [user("Hi"), assistant("Hello!", thinking="The user greets me."), user("Again")],
    "reasoning and call": [
        user("Weather?"),
        assistant("", reasoning_content="I need the tool.", tool_calls=[call("get_weather", {"city": "Bern"})]),
        RESULT,
    ],
    "call": ONE_CALL,
    "call and result": [*ONE_CALL, RESULT],
    "call, result, answer": [system(), *ONE_CALL, RESULT, assistant("21.5 °C."), user("Thanks!")],
    "call with null content": [user("Weather?"), {"role": "assistant", "content": None, "tool_calls": [call("get_weather", {"city": "Bern"})]}, RESULT],
    "call with text arguments": [user("Weather?"), assistant("", tool_calls=[call("get_weather", '{"city": "Bern"}')]), RESULT],
    "call without id": [user("Weather?"), assistant("", tool_calls=[{"type": "function", "function": {"name": "ping", "arguments": {}}}])],
    "two calls": TWO_CALLS,
    "two calls, answer": [system("Use tools."), *TWO_CALLS, assistant("Done."), user("Thanks")],
    "result as mapping": [*ONE_CALL, {"role": "tool", "content": {"degrees": 21.5}, "tool_call_id": "call00001", "name": "get_weather"}],
    "parts": [user(PARTS)],
    "parts everywhere": [system([{"type": "text", "text": "Be terse."}]), user(PARTS), assistant([{"type": "text", "text": "A cat."}]), user(PARTS)],
    "image": [user(IMAGE)],
    "developer": [{"role": "developer", "content": "Answer in verse."}, user("Hi")],
    "assistant last": [user("Write a haiku"), assistant("Old pond,")],
    "two users": [user("a"), user("b")],
    "system late": [user("a"), system("b"), user("c")],
    "unknown role": [{"role": "narrator", "content": "Once upon a time"}, user("go on")],
    "nothing": [],
}

TOOLS = {"no tools": None, "tools": [WEATHER, SEARCH], "plain tool": [NO_PARAMETERS]}

VARIABLES = {
    "": {},
    "thinking off": {"enable_thinking": False, "thinking": False},
    "thinking on": {"enable_thinking": True, "thinking": True, "reasoning_effort": "high", "date_string": "26 Jul 2024"},
}


def cases():
    """Yields a name and the variables of the template."""
    for message_name, messages in MESSAGES.items():
        for tool_name, tools in TOOLS.items():
            for variable_name, variables in VARIABLES.items():
                for prompt in (True, False):
                    name = f"{message_name}, {tool_name}, {variable_name or 'plain'}, {'prompt' if prompt else 'no prompt'}"
                    yield name, {
                        "messages": messages,
                        "tools": tools,
                        "documents": None,
                        "add_generation_prompt": prompt,
                        "bos_token": "<s>",
                        "eos_token": "</s>",
                        **variables,
                    }


def stored_cases():
    """The part of the cases that is stored with its expected texts: enough to use every path of every template."""
    with_tools = ("one turn", "system", "call", "two calls", "reasoning", "result", "nothing")
    for name, variables in cases():
        if name.endswith(", no tools, plain, prompt"):
            yield name, variables
        elif name.startswith(with_tools) and name.endswith((", tools, thinking off, no prompt", ", tools, thinking on, prompt")):
            yield name, variables
