"""The same calls in every form, laid out as the models' own templates have it."""

import json
from collections.abc import Callable, Sequence

from lingma_proxy.jsonio import JsonObject
from support.said import Called

Call = tuple[str, JsonObject]
Case = tuple[str, list[str | Called]]
"""What a model wrote, and what it means."""


def dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def bare(value: object) -> str:
    return value if isinstance(value, str) else dumps(value)


def hermes(calls: Sequence[Call]) -> str:
    return "\n".join(
        f"<tool_call>\n{dumps({'name': name, 'arguments': arguments})}\n</tool_call>"
        for name, arguments in calls
    )


def _function(name: str, arguments: JsonObject) -> str:
    lines = [
        f"<parameter={key}>\n{bare(value)}\n</parameter>\n" for key, value in arguments.items()
    ]
    return f"<function={name}>\n{''.join(lines)}</function>"


def qwen_coder(calls: Sequence[Call]) -> str:
    return "\n".join(f"<tool_call>\n{_function(*call)}\n</tool_call>" for call in calls)


def qwen_coder_alone(calls: Sequence[Call]) -> str:
    return "\n".join(_function(*call) for call in calls)


def _invoke(ns: str, name: str, arguments: JsonObject) -> str:
    lines = [
        f'<{ns}parameter name="{key}">{bare(value)}</{ns}parameter>\n'
        for key, value in arguments.items()
    ]
    return f'<{ns}invoke name="{name}">\n{"".join(lines)}</{ns}invoke>\n'


def invoke(calls: Sequence[Call]) -> str:
    return f"<function_calls>\n{''.join(_invoke('', *call) for call in calls)}</function_calls>"


def prefixed_invoke(calls: Sequence[Call]) -> str:
    text = "".join(_invoke("a-b:", *call) for call in calls)
    return f"<a-b:function_calls>\n{text}</a-b:function_calls>"


def minimax(calls: Sequence[Call]) -> str:
    return (
        f"<minimax:tool_call>\n{''.join(_invoke('', *call) for call in calls)}</minimax:tool_call>"
    )


def dsml(calls: Sequence[Call]) -> str:
    text = ""
    for name, arguments in calls:
        text += f'<｜DSML｜invoke name="{name}">\n'
        for key, value in arguments.items():
            kind = "true" if isinstance(value, str) else "false"
            text += f'<｜DSML｜parameter name="{key}" string="{kind}">{bare(value)}'
            text += "</｜DSML｜parameter>\n"
        text += "</｜DSML｜invoke>\n"
    return f"<｜DSML｜function_calls>\n{text}</｜DSML｜function_calls>"


def glm(calls: Sequence[Call]) -> str:
    text = ""
    for name, arguments in calls:
        text += f"<tool_call>{name}\n"
        for key, value in arguments.items():
            text += f"<arg_key>{key}</arg_key>\n<arg_value>{bare(value)}</arg_value>\n"
        text += "</tool_call>\n"
    return text.removesuffix("\n")


def kimi(calls: Sequence[Call]) -> str:
    text = "".join(
        f"<|tool_call_begin|>functions.{name}:{number}<|tool_call_argument_begin|>"
        f"{dumps(arguments)}<|tool_call_end|>"
        for number, (name, arguments) in enumerate(calls)
    )
    return f"<|tool_calls_section_begin|>{text}<|tool_calls_section_end|>"


def deepseek_v3(calls: Sequence[Call]) -> str:
    text = "\n".join(
        f"<｜tool▁call▁begin｜>function<｜tool▁sep｜>{name}\n```json\n{dumps(arguments)}\n```"
        "<｜tool▁call▁end｜>"
        for name, arguments in calls
    )
    return f"<｜tool▁calls▁begin｜>{text}<｜tool▁calls▁end｜>"


def deepseek_v31(calls: Sequence[Call]) -> str:
    text = "".join(
        f"<｜tool▁call▁begin｜>{name}<｜tool▁sep｜>{dumps(arguments)}<｜tool▁call▁end｜>"
        for name, arguments in calls
    )
    return f"<｜tool▁calls▁begin｜>{text}<｜tool▁calls▁end｜>"


def action(calls: Sequence[Call]) -> str:
    return "\n\n".join(
        "```json action\n"
        + json.dumps({"tool": name, "parameters": arguments}, ensure_ascii=False, indent=2)
        + "\n```"
        for name, arguments in calls
    )


def fenced(calls: Sequence[Call]) -> str:
    objects = [{"name": name, "arguments": arguments} for name, arguments in calls]
    return f"```json\n{json.dumps(objects, ensure_ascii=False, indent=2)}\n```"


def alone(calls: Sequence[Call]) -> str:
    return "\n".join(dumps({"name": name, "arguments": arguments}) for name, arguments in calls)


FORMS: dict[str, Callable[[Sequence[Call]], str]] = {
    form.__name__: form
    for form in (
        hermes, qwen_coder, qwen_coder_alone, invoke, prefixed_invoke, minimax, dsml, glm,
        kimi, deepseek_v3, deepseek_v31, action, fenced, alone,
    )
}  # fmt: skip
WHOLE = {"fenced", "alone"}
"""Only a call when it is the whole answer."""

CODE = """\
def page(rows: list[str]) -> str:
    \"\"\"A table; 1 < 2 && \\"quoted\\".\"\"\"
    return f'<table class="a">{"".join(rows)}</table>'  # }]}" \\n stays
"""
EXAMPLES = "\n".join(
    form([("Bash", {"command": "rm -rf /"})])
    for form in (hermes, qwen_coder, invoke, glm, kimi, deepseek_v3, action)
)
LONG = "".join(f"{number}: the quick brown fox, jumps “over” it.\n" for number in range(60))

SCENES: dict[str, tuple[str, Sequence[Call], str]] = {
    "one": ("", [("Bash", {"command": "ls -la"})], ""),
    "two arguments": ("", [("Read", {"file_path": "/src/a.py", "limit": 50})], "\n"),
    "no arguments": ("", [("mcp__files__list", {})], ""),
    "prose before": ("Let me look at it.\n\n", [("Read", {"file_path": "a.py"})], ""),
    "prose on its line": ("I will list it: ", [("Bash", {"command": "ls"})], ""),
    "prose after": ("First.\n", [("Bash", {"command": "ls"})], "\n\nThat should do."),
    "parallel": (
        "", [("Read", {"file_path": "a.py"}), ("Read", {"file_path": "b.py"}), ("Bash", {"command": "ls"})], "",
    ),
    "a dozen": ("All of them.\n", [("Read", {"file_path": f"{n}.py"}) for n in range(12)], ""),
    "nested": (
        "", [("TodoWrite", {"todos": [{"a": {"b": [1, [2, {"c": None}], True]}}, {}], "deep": {"x": {}}})], "",
    ),
    "numbers": ("", [("get_weather", {"city": "x", "days": 12345678901234567890, "limit": -1.5e-7})], ""),
    "escapes": ("", [("Bash", {"command": 'grep -n "a\\tb" \\\\srv\\x | sed \'s/"/\\"/g\'\n\techo \\u00e9'})], ""),
    "Chinese": ("我来看一下。\n", [("Write", {"file_path": "说明.md", "content": "他说“你好”，然后「再见」……\n"})], ""),
    "curly quotes": ("", [("Write", {"file_path": "a", "content": "“a”, ‘b’ }, ] „c“"})], ""),
    "line separators": ("a\u2028b\u0085c ", [("Write", {"file_path": "a", "content": "x\u2028y\u2029z\u0085\ufeff"})], ""),
    "emoji": ("🙂 ", [("Bash", {"command": "echo 👩‍👧 𝒳"})], " 🙂"),
    "empty string": ("", [("Write", {"file_path": "a", "content": ""})], ""),
    "blanks count": ("", [("Write", {"file_path": " a ", "content": "  x\n\n"})], ""),
    "code": ("", [("Write", {"file_path": "a.py", "content": CODE})], ""),
    "code with fences": ("", [("Write", {"file_path": "a.md", "content": "# A\n```json action\n{}\n```\n~~~\nb\n~~~\n"})], ""),
    "examples of calls": ("", [("Write", {"file_path": "a.md", "content": EXAMPLES}), ("Bash", {"command": "ls"})], ""),
    "lonely tags": (
        "", [("Bash", {"command": "echo '<tool_call>' \"</tool_call>\" '<|tool_call_end|>' '</think>' {"})], "",
    ),
    "long": ("", [("Write", {"file_path": "a", "content": LONG})], ""),
    "a thought before": ('<think>\nI could say <tool_call>{"name": "Bash"…\n</think>\n\n', [("Bash", {"command": "ls"})], ""),
    "code before": ("See:\n```py\nprint('<tool_call>')\n```\nNow:\n", [("Bash", {"command": "ls"})], ""),
}  # fmt: skip


def may_be(form: str, before: str, after: str) -> bool:
    """Whether such a call can stand between the two."""
    if form in WHOLE:
        return not ((before.partition("</think>")[2] or before) + after).strip()
    return form != "action" or before[-1:] in {"", "\n"}


def case(form: str, scene: str) -> Case:
    before, calls, after = SCENES[scene]
    meant: list[str | Called] = [Called(name, arguments) for name, arguments in calls]
    if before:
        meant.insert(0, before)
    if after.strip():
        meant.append(after)
    return before + FORMS[form](calls) + after, meant


SPOKEN: dict[str, Case] = {
    f"{form}: {scene}": case(form, scene)
    for form in FORMS
    for scene, (before, _, after) in SCENES.items()
    if may_be(form, before, after)
}
