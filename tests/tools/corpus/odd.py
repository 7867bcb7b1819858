"""What models write besides: sloppy, broken, repeated, or no call at all."""

from support.said import Called
from tools.corpus.spoken import Case, dumps

LS = Called("Bash", {"command": "ls"})
HERMES = '{"name": "Bash", "arguments": {"command": "ls"}}'


def prose(text: str) -> Case:
    return text, [text]


def one(text: str) -> Case:
    return text, [LS]


ODD: dict[str, Case] = {
    # Hermes
    "hermes: one line": one(f"<tool_call>{HERMES}</tool_call>"),
    "hermes: no end": one(f"<tool_call>\n{HERMES}\n"),
    "hermes: no end, and another": (f"<tool_call>\n{HERMES}\n<tool_call>\n{HERMES}", [LS, LS]),
    "hermes: several in one": (f"<tool_call>\n{HERMES}\n{HERMES}\n</tool_call>", [LS, LS]),
    "hermes: a list": (f"<tool_call>[{HERMES}, {HERMES}]</tool_call>", [LS, LS]),
    "hermes: a list of tool_calls": one(f'<tool_call>{{"tool_calls": [{HERMES}]}}</tool_call>'),
    "hermes: a bracket too many": one(f"<tool_call>\n{HERMES}}}\n</tool_call>"),
    "hermes: a bracket too many at the end": one(f"<tool_call>\n{HERMES}}}"),
    "hermes: a bracket too few": one(f"<tool_call>\n{HERMES[:-1]}\n</tool_call>"),
    "hermes: two brackets too few": one(f"<tool_call>\n{HERMES[:-2]}\n</tool_call>"),
    "hermes: no end and a bracket too few": one(f"<tool_call>\n{HERMES[:-1]}"),
    "hermes: a comma too many": one(
        '<tool_call>{"name": "Bash", "arguments": {"command": "ls",},}</tool_call>'
    ),
    "hermes: single quotes": one(
        "<tool_call>{'name': 'Bash', 'arguments': {'command': 'ls'}}</tool_call>"
    ),
    "hermes: single quotes without end": one(
        "<tool_call>{'name': 'Bash', 'arguments': {'command': 'ls'}}"
    ),
    "hermes: ticks in a list": (
        '<tool_call>{"name": "TodoWrite", "arguments": {"todos": [1,\n```\n]}}</tool_call>',
        [Called("TodoWrite", {"todos": [1]})],
    ),
    "hermes: bare keys": one('<tool_call>{name: "Bash", arguments: {command: "ls"}}</tool_call>'),
    "hermes: bare keys and another call": (
        f'<tool_call>{{name: "Bash", arguments: {{command: "ls"}}}}\n<tool_call>{HERMES}</tool_call>',
        [LS, LS],
    ),
    "hermes: quotes in a string": (
        '<tool_call>{"name": "Bash", "arguments": {"command": "echo "hi" there"}}</tool_call>',
        [Called("Bash", {"command": 'echo "hi" there'})],
    ),
    "hermes: a raw line end and tab": (
        '<tool_call>{"name": "Bash", "arguments": {"command": "a\n\tb"}}</tool_call>',
        [Called("Bash", {"command": "a\n\tb"})],
    ),
    "hermes: backslashes that escape nothing": (
        r'<tool_call>{"name": "Bash", "arguments": {"command": "grep \d+ C:\x"}}</tool_call>',
        [Called("Bash", {"command": r"grep \d+ C:\x"})],
    ),
    "hermes: a comma too many after curly quotes": (
        '<tool_call>{"name": "Bash", "arguments": {"command": "他说“你好”, ] } ,",}}</tool_call>',
        [Called("Bash", {"command": "他说“你好”, ] } ,"})],
    ),
    "hermes: the arguments as a string": one(
        f'<tool_call>{dumps({"name": "Bash", "arguments": dumps({"command": "ls"})})}</tool_call>'
    ),
    "hermes: the arguments first": one(
        '<tool_call>{"arguments": {"command": "ls"}, "name": "Bash"}</tool_call>'
    ),
    "hermes: other keys": one(
        '<tool_call>{"id": 1, "function": "Bash", "parameters": {"command": "ls"}}</tool_call>'
    ),
    "hermes: as OpenAI has it": one(
        '<tool_call>{"id": "c", "type": "function", "function": {"name": "Bash", "arguments": '
        '"{\\"command\\": \\"ls\\"}"}}</tool_call>'
    ),
    "hermes: no arguments": ('<tool_call>{"name": "Bash"}</tool_call>', [Called("Bash", {})]),
    "hermes: another name for an argument": (
        '<tool_call>{"name": "Read", "arguments": {"path": "a", "deep": {"path": 1}}}</tool_call>',
        [Called("Read", {"file_path": "a", "deep": {"path": 1}})],
    ),
    "hermes: in a fence within": one(f"<tool_call>\n```json\n{HERMES}\n```\n</tool_call>"),
    "hermes: other tags": one(f"<function_call>{HERMES}</function_call>"),
    "hermes: other tags around": one(f"<tool_calls>\n<tool_call>{HERMES}</tool_call>\n</tool_calls>"),
    "hermes: undeclared": prose('a <tool_call>\n{"name": "Nope", "arguments": {}}\n</tool_call> b'),
    "hermes: undeclared, then another": (
        f'<tool_call>{{"name": "Nope"}}</tool_call>\n<tool_call>{HERMES}</tool_call>',
        ['<tool_call>{"name": "Nope"}</tool_call>\n', LS],
    ),
    "hermes: undeclared beside another": (
        f'<tool_call>{{"name": "Nope"}}\n{HERMES}</tool_call>', ['<tool_call>{"name": "Nope"}', LS],
    ),
    "hermes: a tag alone": prose("The tag <tool_call> begins a call, </tool_call> ends it."),
    "hermes: tags alone": prose("<tool_call><tool_call><tool_call>"),
    "hermes: an empty tag": prose("<tool_call>\n</tool_call>"),
    "hermes: no JSON": prose("<tool_call>{name}</tool_call> <tool_call>[]</tool_call>"),
    "hermes: a tag in prose, then a call": (
        f"<tool_call> it is. <tool_call>{HERMES}</tool_call>", ["<tool_call> it is. ", LS],
    ),
    "hermes: in a code block": prose(f"So:\n```\n<tool_call>\n{HERMES}\n</tool_call>\n```\n"),
    "hermes: in code within a line": prose(f"Say `<tool_call>{HERMES}</tool_call>`."),
    # Qwen3-Coder
    "qwen_coder: no outer end": one(
        "<tool_call>\n<function=Bash>\n<parameter=command>\nls\n</parameter>\n</function>"
    ),
    "qwen_coder: no end of the function": one(
        "<tool_call>\n<function=Bash>\n<parameter=command>\nls\n</parameter>\n</tool_call>"
    ),
    "qwen_coder: no end of the parameter": one(
        "<tool_call>\n<function=Bash>\n<parameter=command>\nls\n</function>\n</tool_call>"
    ),
    "qwen_coder: no end of any parameter": (
        "<function=Write>\n<parameter=file_path>\na\n<parameter=content>\nb\n</function>",
        [Called("Write", {"file_path": "a", "content": "b"})],
    ),
    "qwen_coder: only the outer end": one(
        "<function=Bash>\n<parameter=command>\nls\n</parameter>\n</function>\n</tool_call>"
    ),
    "qwen_coder: several in one": (
        ("<tool_call>\n<function=Bash>\n<parameter=command>\nls\n</parameter>\n</function>\n"
        "<function=Bash>\n<parameter=command>\nls\n</parameter>\n</function>\n</tool_call>"),
        [LS, LS],
    ),
    "qwen_coder: a value on the same line": one(
        "<tool_call><function=Bash><parameter=command>ls</parameter></function></tool_call>"
    ),
    "qwen_coder: as Llama has it": one('<function=Bash>{"command": "ls"}</function>'),
    "qwen_coder: names in quotes": one(
        '<function="Bash">\n<parameter="command">\nls\n</parameter>\n</function>'
    ),
    "qwen_coder: tags within a value": (
        ("<function=Bash>\n<parameter=command>\necho '</parameter>' '<parameter=x>' '</function>'\n"
        "</parameter>\n</function>"),
        [Called("Bash", {"command": "echo '</parameter>' '<parameter=x>' '</function>'"})],
    ),
    "qwen_coder: undeclared": prose(
        "<tool_call>\n<function=Nope>\n<parameter=a>\n1\n</parameter>\n</function>\n</tool_call>"
    ),
    "qwen_coder: a tag alone": prose("Write <function=Bash> to call it."),
    # invoke
    "invoke: alone": one('<invoke name="Bash"><parameter name="command">ls</parameter></invoke>'),
    "invoke: in single quotes": one(
        "<invoke name='Bash'><parameter name='command'>ls</parameter></invoke>"
    ),
    "invoke: on lines": one(
        '<invoke name="Bash">\n<parameter name="command">\nls\n</parameter>\n</invoke>'
    ),
    "invoke: no outer end": one(
        '<function_calls>\n<invoke name="Bash">\n<parameter name="command">ls</parameter>\n</invoke>'
    ),
    "invoke: undeclared, then another": (
        ('<function_calls><invoke name="Nope"></invoke>'
        '<invoke name="Bash"><parameter name="command">ls</parameter></invoke></function_calls>'),
        ['<function_calls><invoke name="Nope"></invoke>', LS, "</function_calls>"],
    ),
    "invoke: HTML": (
        '<invoke name="Write"><parameter name="content"><p class="a">1 < 2 &amp; 3</p>\n</parameter></invoke>',
        [Called("Write", {"content": '<p class="a">1 < 2 &amp; 3</p>\n'})],
    ),
    # Kimi and DeepSeek
    "kimi: no section": one(
        '<|tool_call_begin|>functions.Bash:0<|tool_call_argument_begin|>{"command": "ls"}<|tool_call_end|>'
    ),
    "kimi: lines and blanks": one(
        "<|tool_calls_section_begin|>\n<|tool_call_begin|> functions.Bash:0 "
        '<|tool_call_argument_begin|> {"command": "ls"} <|tool_call_end|>\n<|tool_calls_section_end|>\n'
    ),
    "kimi: no end": one(
        "<|tool_calls_section_begin|><|tool_call_begin|>functions.Bash:0"
        '<|tool_call_argument_begin|>{"command": "ls"}'
    ),
    "kimi: a comma too many": one(
        "<|tool_call_begin|>functions.Bash:0"
        '<|tool_call_argument_begin|>{"command": "ls",}<|tool_call_end|>'
    ),
    "kimi: nothing for arguments": (
        "<|tool_call_begin|>functions.Bash:0<|tool_call_argument_begin|><|tool_call_end|>",
        [Called("Bash", {})],
    ),
    "kimi: undeclared": prose(
        "<|tool_calls_section_begin|><|tool_call_begin|>functions.Nope:0"
        "<|tool_call_argument_begin|>{}<|tool_call_end|><|tool_calls_section_end|>"
    ),
    "deepseek_v3: no end of the fence": one(
        "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>Bash\n```json\n"
        '{"command": "ls"}\n<｜tool▁call▁end｜><｜tool▁calls▁end｜>'
    ),
    "deepseek_v31: in plain letters": one(
        "<|tool_calls_begin|><|tool_call_begin|>Bash<|tool_sep|>"
        '{"command": "ls"}<|tool_call_end|><|tool_calls_end|>'
    ),
    # The incumbent's blocks
    "action: no word json": one('``` action\n{"tool": "Bash", "parameters": {"command": "ls"}}\n```'),
    "action: on one line": one(
        '```json action {"tool": "Bash", "parameters": {"command": "ls"}} ```'
    ),
    "action: no end": one('```json action\n{"tool": "Bash", "parameters": {"command": "ls"}}'),
    "action: flat": one('```json action\n{"tool": "Bash", "command": "ls"}\n```'),
    "action: a list": (f"```tool_call\n[{HERMES},\n{HERMES}]\n```", [LS, LS]),
    "action: a comma too many": one(
        '```json action\n{"tool": "Bash", "parameters": {"command": "ls",},}\n```'
    ),
    "action: undeclared": prose('```json action\n{"tool": "Nope", "parameters": {}}\n```\nx'),
    "action: undeclared, with a call in it": prose(
        f'```json action\n{{"tool": "Nope"}}\n<tool_call>{HERMES}</tool_call>\n```\nx'
    ),
    "action: a plan": prose("```action plan\nfirst\n```"),
    "action: within another block": prose(
        '````md\n```json action\n{"tool": "Bash", "parameters": {}}\n```\n````'
    ),
    # JSON that is the whole answer
    "fenced: no word json": one(f"```\n{HERMES}\n```"),
    "fenced: two": (f"```json\n{HERMES}\n```\n\n```json\n{HERMES}\n```\n", [LS, LS]),
    "fenced: text behind": prose(f"```json\n{HERMES}\n```\nThis would list files."),
    "fenced: text before": prose(f"This would list files:\n```json\n{HERMES}\n```"),
    "fenced: a comma too many": one(
        '```json\n{"name": "Bash", "arguments": {"command": "ls",}}\n```'
    ),
    "fenced: another language": prose(f"```yaml\n{HERMES}\n```"),
    "fenced: text behind, with a call in it": prose(
        f"```json\n{HERMES}\n<tool_call>{HERMES}</tool_call>\n```\n"
    ),
    "alone: text behind": prose(f"{HERMES} lists files."),
    "alone: text before": prose(f"Like so: {HERMES}"),
    "alone: a list": (f"[{HERMES}, {HERMES}]", [LS, LS]),
    "alone: with a name for it": prose('{"name": "Bash", "age": 30}'),
    "alone: without arguments": prose('{"name": "Bash"}'),
    "alone: a package": prose('Here is your package.json: {"name": "Bash"} and that is all.'),
    "alone: an answer in JSON": prose('{"answer": {"name": "Bash", "arguments": {}}}'),
    "alone: a list of numbers": prose("[1, 2, 3]"),
    "alone: a link": prose("[a link](https://example.org) and more"),
    "alone: a call in tags behind": (
        f"{HERMES}\n<tool_call>{HERMES}</tool_call>", [f"{HERMES}\n", LS],
    ),
    "alone: nearly JSON, then a call in tags": (
        f"{{'name': 'Bash', 'arguments'}} or\n<tool_call>{HERMES}</tool_call>",
        ["{'name': 'Bash', 'arguments'} or\n", LS],
    ),
    # None of these
    "prose: HTML": prose("<div><p>1 < 2</p></div>\n<function>x</function>"),
    "prose: refusals": prose("I cannot execute commands; your memory-leak article is here."),
    "prose: announcing": prose("Let me read the file:"),
    "prose: blanks": prose(" \n\n  x \n "),
    "prose: nothing but blanks": prose("\n \n"),
}  # fmt: skip
