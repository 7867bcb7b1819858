"""Every kind of tool is a function to the model, and itself to the client."""

from typing import Any

import pytest

from lingma_proxy.conversation.request import NamedTool
from lingma_proxy.conversation.search import WebSearch
from lingma_proxy.dialects.openai_responses_tools import (
    LOCAL_SHELL,
    TOOL_SEARCH,
    Offer,
    Origin,
    chosen,
    echoed,
    offered,
)
from lingma_proxy.errors import InvalidRequest
from lingma_proxy.jsonio import JsonObject

SCHEMA: dict[str, Any] = {"type": "object", "properties": {"path": {"type": "string"}}}
READ = {"type": "function", "name": "read", "description": "Reads.", "parameters": SCHEMA}
PATCH = {"type": "custom", "name": "patch"}
AGENTS = {
    "type": "namespace",
    "name": "agents",
    "description": "Helpers.",
    "tools": [{**READ, "name": "stop"}, {**READ, "name": "wait"}, {**PATCH, "name": "run"}],
}


def offer(*tools: Any) -> Offer:
    return offered({"tools": list(tools)}, [])


def names(*tools: Any) -> list[str]:
    return [tool.name for tool in offer(*tools).tools]


def refusal(*tools: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        offer(*tools)
    return caught.value


def test_a_function_is_itself() -> None:
    (tool,) = offer({**READ, "strict": True}).tools

    assert (tool.name, tool.description, tool.parameters, tool.strict) == (
        "read", "Reads.", SCHEMA, True,
    )  # fmt: skip


def test_a_namespace_is_flattened_and_comes_back() -> None:
    found = offer(READ, AGENTS)

    assert [tool.name for tool in found.tools] == [
        "read", "agents__stop", "agents__wait", "agents__run",
    ]  # fmt: skip
    assert found.origin("agents__stop") == Origin("function", "stop", "agents")
    assert found.origin("agents__run") == Origin("custom", "run", "agents")
    assert found.name("function", "stop", "agents") == "agents__stop"


def test_what_a_namespace_says_of_itself_is_said_once() -> None:
    _, first, second, _ = offer(READ, AGENTS).tools

    assert first.description == "Reads.\n\nagents: Helpers."
    assert second.description == "Reads."


def test_flattened_names_that_meet_stay_apart() -> None:
    found = offer({**READ, "name": "agents__stop"}, AGENTS)

    assert found.origin("agents__stop") == Origin("function", "agents__stop")
    assert found.origin("agents__stop_2") == Origin("function", "stop", "agents")


def test_a_namespace_that_ends_like_a_prefix_is_one() -> None:
    assert names({**AGENTS, "name": "mcp__files__"})[0] == "mcp__files__stop"


def test_a_call_of_a_tool_that_is_gone_keeps_its_name() -> None:
    assert offer().name("function", "stop", "agents") == "agents__stop"
    assert offer().origin("anything") == Origin("function", "anything")


def test_what_the_client_runs_itself_is_a_function() -> None:
    search = {"type": "tool_search", "execution": "client", "description": "Finds."}

    shell, found = offer({"type": "local_shell"}, search).tools

    assert shell == LOCAL_SHELL
    assert (found.name, found.description, found.parameters) == (
        "tool_search", "Finds.", TOOL_SEARCH.parameters,
    )  # fmt: skip


def test_a_search_for_tools_has_the_clients_own_parameters() -> None:
    (found,) = offer({"type": "tool_search", "execution": "client", "parameters": SCHEMA}).tools

    assert found.parameters == SCHEMA


def test_what_openai_runs_is_left_out_with_a_warning() -> None:
    found = offer(
        READ,
        {"type": "file_search"},
        {"type": "file_search"},
        {"type": "mcp", "server_label": "a"},
        {"type": "tool_search"},
        {"type": "of tomorrow"},
    )

    assert [tool.name for tool in found.tools] == ["read"]
    assert [warning.split("'")[1] for warning in found.warnings] == [
        "file_search", "mcp", "tool_search", "of tomorrow",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("tool", "place"),
    [
        ("read", "tools[0]"),
        ({}, "tools[0]"),
        ({"type": "function"}, "tools[0]"),
        ({**READ, "parameters": []}, "tools[0].parameters"),
        ({"type": "namespace"}, "tools[0].name"),
        ({**AGENTS, "tools": [{"type": "function"}]}, "tools[0].tools[0]"),
        ({**AGENTS, "tools": {}}, "tools[0].tools"),
        ({**PATCH, "name": None}, "tools[0]"),
    ],
)
def test_a_tool_that_cannot_be_read_is_refused(tool: Any, place: str) -> None:
    assert refusal(tool).param == place


def test_a_tool_is_declared_once() -> None:
    assert refusal(READ, READ).param == "tools[1]"


# Tools that the input brings along.


def test_the_input_brings_tools_along() -> None:
    items = [
        {"type": "additional_tools", "role": "developer", "tools": [AGENTS, PATCH]},
        {"type": "tool_search_output", "call_id": "1", "tools": [{**READ, "name": "found"}]},
    ]

    found = offered({"tools": [READ]}, items)

    assert [tool.name for tool in found.tools] == [
        "read", "agents__stop", "agents__wait", "agents__run", "patch", "found",
    ]  # fmt: skip


def test_a_tool_that_comes_again_takes_the_place_of_the_older_one() -> None:
    items = [{"type": "additional_tools", "tools": [{**READ, "description": "Reads better."}]}]

    (tool,) = offered({"tools": [READ]}, items).tools

    assert tool.description == "Reads better."


# Choices.

ALL = (READ, PATCH, AGENTS, {"type": "local_shell"}, {"type": "file_search"})


@pytest.mark.parametrize(
    ("choice", "name"),
    [
        ({"type": "function", "name": "read"}, "read"),
        ({"type": "function", "function": {"name": "read"}}, "read"),
        ({"type": "custom", "name": "patch"}, "patch"),
        ({"type": "custom", "custom": {"name": "patch"}}, "patch"),
        ({"type": "function", "name": "stop", "namespace": "agents"}, "agents__stop"),
        ({"type": "function", "name": "stop"}, "agents__stop"),
        ({"type": "local_shell"}, "local_shell"),
    ],
)
def test_one_tool_is_chosen(choice: Any, name: str) -> None:
    found = offer(*ALL)

    assert chosen(choice, found) == (NamedTool(name), found.tools, ())


@pytest.mark.parametrize("mode", ["auto", "none", "required"])
def test_a_mode_is_a_mode(mode: Any) -> None:
    found = offer(*ALL)

    assert chosen(mode, found) == (mode, found.tools, ())
    assert chosen({"type": mode}, found) == (mode, found.tools, ())


def test_some_tools_are_allowed() -> None:
    tools = [{"type": "custom", "name": "patch"}, {"type": "file_search"}, {"type": "local_shell"}]

    choice, left, _ = chosen(
        {"type": "allowed_tools", "mode": "required", "tools": tools}, offer(*ALL)
    )

    assert choice == "required"
    assert [tool.name for tool in left] == ["patch", "local_shell"]


def test_a_choice_of_what_is_left_out_leaves_the_model_free() -> None:
    found = offer(*ALL)

    choice, tools, warnings = chosen({"type": "file_search"}, found)

    assert (choice, tools) == ("auto", found.tools)
    assert "file_search" in warnings[0]


def test_nothing_is_required_when_all_is_left_out() -> None:
    only = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "file_search"}]}

    assert chosen("required", offer({"type": "file_search"}))[:2] == ("auto", ())
    assert chosen(only, offer(*ALL))[:2] == ("auto", ())
    assert chosen("required", offer({"type": "file_search"}))[2]
    assert chosen(only, offer(*ALL))[2]


@pytest.mark.parametrize(
    "choice",
    [
        5,
        {},
        "any",
        {"type": "function"},
        {"type": "function", "name": "patch"},
        {"type": "custom", "name": "read"},
        {"type": "function", "name": "stop", "namespace": "others"},
        {"type": "allowed_tools", "mode": "auto", "tools": ["read"]},
        {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "x"}]},
        {"type": "allowed_tools", "mode": "any", "tools": [{"type": "custom", "name": "patch"}]},
    ],
)
def test_a_choice_that_cannot_be_read_is_refused(choice: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        chosen(choice, offer(*ALL))

    assert caught.value.param == "tool_choice"


def test_a_response_repeats_tools_laid_flat() -> None:
    nested = {"type": "function", "function": {"name": "read"}}

    assert echoed([nested, {"type": "web_search"}]) == [
        {"type": "function", "name": "read", "strict": None, "parameters": None},
        {"type": "web_search"},
    ]


SEARCH: JsonObject = {"type": "web_search", "external_web_access": False}


def test_a_hosted_search_is_a_wish_and_no_tool() -> None:
    filters = {"allowed_domains": [" Tea.test "]}
    place = {"type": "approximate", "city": "Bern", "country": "CH"}
    found = offer(READ, {**SEARCH, "filters": filters, "user_location": place})

    assert found.web_search == WebSearch(allowed_domains=("tea.test",), location="Bern, CH")
    assert [tool.name for tool in found.tools] == ["read"]
    assert list(found.warnings) == []


@pytest.mark.parametrize("wrong", [{"allowed_domains": [""]}, {"blocked_domains": [1]}])
def test_domains_are_texts(wrong: JsonObject) -> None:
    with pytest.raises(InvalidRequest):
        offer({**SEARCH, "filters": wrong})


def test_a_search_can_be_demanded() -> None:
    assert chosen({"type": "web_search_preview"}, offer(READ, SEARCH))[0] == NamedTool("web_search")
    assert chosen("required", offer(SEARCH)) == ("required", (), ())


@pytest.mark.parametrize(
    ("tools", "wish", "names"),
    [
        ([{"type": "web_search"}], True, []),
        ([{"type": "function", "name": "read"}], False, ["read"]),
        ([{"type": "web_search"}, {"type": "function", "name": "read"}], True, ["read"]),
    ],
)
def test_a_search_is_made_only_if_it_is_allowed(
    tools: list[JsonObject],
    wish: bool,
    names: list[str],
) -> None:
    found = offer(READ, PATCH, SEARCH)
    choice, left, warnings = chosen(
        {"type": "allowed_tools", "mode": "auto", "tools": tools}, found
    )

    assert choice == "auto"
    assert [tool.name for tool in left] == names
    assert (found.web_search is not None) is wish
    assert warnings == ()
