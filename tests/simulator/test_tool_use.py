import json

import pytest

from lingma_proxy.simulator.chat_body import Function
from lingma_proxy.simulator.tool_use import practical, smallest


def tool(name, required=(), **properties):
    schema = {"type": "object", "properties": properties, "required": list(required)}
    return Function(name, parameters=schema)


STRING = {"type": "string"}
STRINGS = {"type": "array", "items": STRING}
OTHER = tool("ListAgents", q=STRING)
READ = tool("Read", ["file_path"], file_path=STRING, limit={"type": "integer"})


@pytest.mark.parametrize(
    ("shell", "arguments"),
    [
        (tool("Bash", ["command"], command=STRING), {"command": "echo hello-from-tool"}),
        (tool("exec_command", ["cmd"], cmd=STRING), {"cmd": "echo hello-from-tool"}),
        (tool("shell", ["command"], command=STRINGS), {"command": ["echo", "hello-from-tool"]}),
        (tool("mcp__box__run_command", ["line"], line=STRING), {"line": "echo hello-from-tool"}),
        (tool("runTerminalCmd", command=STRING), {"command": "echo hello-from-tool"}),
        (
            tool(
                "execute_command",
                ["command", "requires_approval"],
                command=STRING,
                requires_approval={"type": "boolean"},
            ),
            {"command": "echo hello-from-tool", "requires_approval": False},
        ),
        (tool("do_it", ["command"], command=STRING), {"command": "echo hello-from-tool"}),
        (Function("bash"), {"command": "echo hello-from-tool"}),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_the_shell_is_found_and_called_as_its_schema_says(shell, arguments):
    found = practical([OTHER, READ, shell])

    assert found is not None
    assert found[0] is shell
    assert json.loads(found[1]) == arguments


def test_without_a_shell_a_file_is_read():
    found = practical([OTHER, READ])

    assert found == (READ, '{"file_path":"hello.txt"}')


def test_without_either_there_is_nothing_practical():
    assert practical([OTHER]) is None
    assert practical([]) is None


def test_a_real_shell_comes_before_what_only_takes_a_command():
    loose = tool("tmux", ["command"], command=STRING)
    bash = tool("Bash", ["command"], command=STRING)

    found = practical([loose, bash])

    assert found is not None
    assert found[0] is bash


def test_any_tool_can_be_called_somehow():
    assert smallest(READ) == '{"file_path":"simulated"}'
    assert smallest(Function("nothing")) == "{}"
