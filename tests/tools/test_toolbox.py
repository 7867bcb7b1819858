import json

import pytest

from lingma_proxy.conversation.request import Tool
from lingma_proxy.jsonio import JsonObject
from lingma_proxy.tools.toolbox import Toolbox


def named(*names: str) -> Toolbox:
    return Toolbox([Tool(name, "", {"type": "object"}) for name in names])


def with_arguments(properties: JsonObject, **more) -> Toolbox:
    return Toolbox([Tool("Tool", "", {"type": "object", "properties": properties, **more})])


CLAUDE_CODE = named(
    "Bash", "Read", "Write", "Edit", "Glob", "Grep", "WebFetch", "WebSearch", "TodoWrite"
)
STRING = {"type": "string"}


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Read", "Read"),
        ("read", "Read"),
        ("READ", "Read"),
        (" Read ", "Read"),
        ("functions.Read", "Read"),
        ("functions.Read:0", "Read"),
        ("read_file", "Read"),
        ("view_file", "Read"),
        ("functions.read_file:12", "Read"),
        ("terminal", "Bash"),
        ("execute-command", "Bash"),
        ("web search", "WebSearch"),
        ("web_search", "WebSearch"),
        ("fetch", "WebFetch"),
        ("todo_write", "TodoWrite"),
        ("rg", "Grep"),
        ("find", "Glob"),
        ("mcp__files__read_file", "Read"),
    ],
)
def test_a_name_means_the_one_tool_that_it_can(said: str, meant: str) -> None:
    assert CLAUDE_CODE.tool(said) == meant


@pytest.mark.parametrize(
    "said",
    [
        "",
        "?",
        "search_files",  # Glob or Grep
        "memory",
        "Rea",
        "Reader",
        "read" * 1000,
        "execute",
        "\ud800",
    ],
)
def test_a_name_that_could_mean_several_or_none_means_none(said: str) -> None:
    assert CLAUDE_CODE.tool(said) is None


def test_aliases_work_the_other_way_round() -> None:
    hermes = named("terminal", "read_file", "search_files", "patch", "write_file", "web_extract")

    said = ["Bash", "Read", "Grep", "Glob", "Edit", "Write", "WebFetch"]
    assert [hermes.tool(name) for name in said] == [
        "terminal",
        "read_file",
        "search_files",
        "search_files",
        "patch",
        "write_file",
        "web_extract",
    ]


def test_the_client_may_declare_names_that_differ_in_their_spelling_only() -> None:
    both = named("read_file", "ReadFile")

    assert both.tool("read_file") == "read_file"
    assert both.tool("ReadFile") == "ReadFile"
    assert both.tool("read-file") is None


def test_two_shells_are_never_mixed_up() -> None:
    assert named("Bash", "PowerShell").tool("terminal") is None
    assert named("Bash", "PowerShell").tool("powershell") == "PowerShell"


@pytest.mark.parametrize(
    ("declared", "said", "meant"),
    [
        ("mcp__github__create_issue", "create_issue", "mcp__github__create_issue"),
        ("create_issue", "mcp__github__create_issue", "create_issue"),
        ("mcp__github__create_issue", "mcp-github-create-issue", "mcp__github__create_issue"),
        ("mcp__gitlab__create_issue", "mcp__github__create_issue", None),
        ("mcp__notes__read", "read_file", None),
    ],
)
def test_a_server_may_be_named_or_not_but_not_another(declared, said, meant) -> None:
    assert named(declared).tool(said) == meant


def test_two_servers_with_one_tool_need_their_names() -> None:
    assert named("mcp__a__list", "mcp__b__list").tool("list") is None


def test_without_tools_nothing_is_meant() -> None:
    assert named().tool("Read") is None


# Names of arguments.


@pytest.mark.parametrize(
    ("declared", "said", "meant"),
    [
        ("file_path", "file_path", "file_path"),
        ("file_path", "path", "file_path"),
        ("file_path", "filePath", "file_path"),
        ("path", "file_path", "path"),
        ("command", "cmd", "command"),
        ("cmd", "command", "cmd"),
        ("filePath", "filename", "filePath"),
        ("file_path", "colour", "colour"),
        ("file_path", "", ""),
        ("timeout", "timeout_ms", "timeout_ms"),
    ],
)
def test_an_argument_means_the_one_that_it_can(declared: str, said: str, meant: str) -> None:
    assert with_arguments({declared: STRING}).argument("Tool", said) == meant


def test_of_two_that_can_be_meant_neither_is() -> None:
    box = with_arguments({"file_path": STRING, "directory": STRING})

    assert box.argument("Tool", "path") == "path"
    assert box.argument("Tool", "filename") == "file_path"


@pytest.mark.parametrize(
    "more",
    [
        {"additionalProperties": True},
        {"additionalProperties": STRING},
        {"patternProperties": {"^p": STRING}},
        {"anyOf": [{"required": ["path"]}]},
    ],
    ids=str,
)
def test_where_the_schema_leaves_room_nothing_is_renamed(more) -> None:
    assert with_arguments({"file_path": STRING}, **more).argument("Tool", "path") == "path"


def test_a_schema_without_properties_renames_nothing() -> None:
    for schema in ({}, {"properties": 7}, {"type": "object"}):
        assert Toolbox([Tool("Tool", "", schema)]).argument("Tool", "path") == "path"


# Bare text.

KINDS: JsonObject = {
    "text": STRING,
    "count": {"type": "integer"},
    "share": {"type": "number"},
    "deep": {"type": "boolean"},
    "list": {"type": "array"},
    "map": {"type": "object"},
    "maybe": {"type": ["integer", "null"]},
    "both": {"type": ["string", "integer"]},
    "choice": {"enum": [1, 2]},
    "any": {},
}
TOOL = with_arguments(KINDS)


@pytest.mark.parametrize(
    ("argument", "text", "value"),
    [
        ("text", "5", '"5"'),
        ("text", "null", '"null"'),
        ("text", ' a\n"b"\u2028', '" a\\n\\"b\\"\u2028"'),
        ("count", "5", "5"),
        ("count", "\n 12345678901234567890123 ", "12345678901234567890123"),
        ("count", "5.0", "5.0"),
        ("count", "5.5", '"5.5"'),
        ("count", "five", '"five"'),
        ("count", "05", '"05"'),
        ("count", "true", '"true"'),
        ("share", "0.10", "0.10"),
        ("deep", "True", "true"),
        ("deep", "false", "false"),
        ("deep", "yes", '"yes"'),
        ("list", '["a", {"b": 1}]', '["a", {"b": 1}]'),
        ("list", "a", '"a"'),
        ("list", "['a', 'b',]", '["a","b"]'),
        ("list", '{"a": 1}', '"{\\"a\\": 1}"'),
        ("map", "{'a': [1, 2]}", '{"a":[1,2]}'),
        ("map", '{"a": "你"}', '{"a": "你"}'),
        ("maybe", "None", "null"),
        ("maybe", "7", "7"),
        ("both", "7", '"7"'),
        ("choice", "2", "2"),
        ("any", "7", '"7"'),
        ("undeclared", "7", '"7"'),
        ("count", "", '""'),
        ("count", "[" * 100_000, json.dumps("[" * 100_000)),
    ],
)
def test_bare_text_is_what_the_schema_leaves_no_doubt_about(argument, text, value) -> None:
    assert TOOL.as_json("Tool", argument, text) == value


def test_what_can_be_a_string_is_one() -> None:
    text = {name for name in KINDS if TOOL.is_text("Tool", name)}

    assert text == {"text", "both", "any"}
    assert TOOL.is_text("Tool", "undeclared")


# Whether a call fits.


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        ('{"count": 1}', None),
        ("", None),
        ('{"text": ""}', None),
        ('{"count": "1"}', 'at count: "1" is not of type "integer"'),
        ("[]", "the arguments are not a JSON object"),
        ("{", "the arguments are not JSON (Input data was truncated)"),
    ],
)
def test_arguments_are_checked_against_the_schema(arguments, wrong) -> None:
    assert TOOL.wrong("Tool", arguments) == wrong


def test_a_schema_that_cannot_be_used_lets_every_object_through() -> None:
    box = Toolbox([Tool("Tool", "", {"type": "objekt"})])

    assert box.wrong("Tool", '{"a": 1}') is None
    assert box.wrong("Tool", "7") is not None
