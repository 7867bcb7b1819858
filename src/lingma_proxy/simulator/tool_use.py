"""Which of the client's tools is its shell, which one reads files, and how to call them."""

import re
from collections.abc import Sequence

from lingma_proxy.jsonio import Json, JsonObject, an_object, dumps
from lingma_proxy.simulator.chat_body import Function
from lingma_proxy.simulator.instance import instance

COMMAND = "echo hello-from-tool"
FILE = "hello.txt"

SHELLS = (
    "bash",
    "shell",
    "exec_command",
    "run_command",
    "execute_command",
    "run_shell_command",
    "run_terminal_command",
    "run_terminal_cmd",
    "run_in_terminal",
    "terminal",
    "local_shell",
    "shell_command",
    "execute_bash",
    "run_bash",
    "command",
    "exec",
    "execute",
    "sh",
    "powershell",
)
READERS = (
    "read",
    "read_file",
    "file_read",
    "read_text_file",
    "view_file",
    "view",
    "open_file",
    "cat",
    "fs_read",
)
COMMAND_ARGUMENTS = ("command", "cmd", "commands", "command_line", "script", "code", "input")
PATH_ARGUMENTS = ("file_path", "path", "filename", "file", "target_file", "absolute_path")


def practical(tools: Sequence[Function]) -> tuple[Function, str] | None:
    """The tool that shows `hello-from-tool` and its arguments, as JSON; None without one."""
    if shell := _named(tools, SHELLS) or _with_argument(tools, COMMAND_ARGUMENTS[:2]):
        return shell, _filled(shell, COMMAND_ARGUMENTS, COMMAND)
    if reader := _named(tools, READERS):
        return reader, _filled(reader, PATH_ARGUMENTS, FILE)
    return None


def smallest(tool: Function) -> str:
    """The least that the tool can be called with, as JSON."""
    return dumps(an_object(instance(tool.parameters or {})))


def _named(tools: Sequence[Function], names: Sequence[str]) -> Function | None:
    """The tool with the first of the names, in any case, also as `mcp__box__run_command`."""
    by_name = {_plain(tool.name.rpartition("__")[2]): tool for tool in reversed(tools)}
    by_name |= {_plain(tool.name): tool for tool in reversed(tools)}
    return next((by_name[name] for name in map(_plain, names) if name in by_name), None)


def _with_argument(tools: Sequence[Function], names: Sequence[str]) -> Function | None:
    return next((tool for tool in tools if any(name in _properties(tool) for name in names)), None)


def _filled(tool: Function, names: Sequence[str], value: str) -> str:
    """The smallest arguments of the tool, with the value where it belongs."""
    properties = _properties(tool)
    plain = {_plain(name): name for name in properties}
    fitting = [plain[name] for name in map(_plain, names) if name in plain]
    required = an_object(tool.parameters).get("required") or []
    strings = [name for name in required if an_object(properties.get(name)).get("type") == "string"]
    name = next(iter([*fitting, *strings]), names[0])
    arguments = an_object(instance(tool.parameters or {}))
    arguments[name] = value.split() if _takes_list(properties.get(name)) else value
    return dumps(arguments)


def _takes_list(schema: Json) -> bool:
    kind = an_object(schema).get("type")
    return kind == "array" or (isinstance(kind, list) and "array" in kind and "string" not in kind)


def _properties(tool: Function) -> JsonObject:
    return an_object(an_object(tool.parameters).get("properties"))


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
