from typing import Any

import jsonschema_rs
import pytest

from lingma_proxy.conversation.request import NamedTool, Tool
from lingma_proxy.conversation.search import WebSearch
from lingma_proxy.dialects.anthropic_tools import Offer
from lingma_proxy.errors import InvalidRequest

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}

SEARCH: dict[str, Any] = {"type": "web_search_20250305", "name": "web_search"}


def tool(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "description": "d", "input_schema": SCHEMA, **more}


def names(tools: Any, *blocks: Any, role: str = "system") -> list[str]:
    offer = Offer(tools, [{"role": role, "content": list(blocks)}])
    return [tool.name for tool in offer.tools]


def change(kind: str, name: str) -> dict[str, Any]:
    return {"type": kind, "tool": {"type": "tool_reference", "name": name}}


def test_client_tools_are_passed_on() -> None:
    offer = Offer(
        [
            tool("f", type="custom", strict=True, cache_control={"type": "ephemeral"}),
            {"name": "mcp__a.b/c d", "input_schema": {}, "type": None},
        ],
        [],
    )

    assert offer.tools == (Tool("f", "d", SCHEMA, strict=True), Tool("mcp__a.b/c d", "", {}))
    assert offer.warnings == []


@pytest.mark.parametrize("nothing", [None, []])
def test_no_tools_are_no_tools(nothing: Any) -> None:
    assert Offer(nothing, []).tools == ()


@pytest.mark.parametrize(
    "kind",
    [
        "bash_20250124",
        "bash_20241022",
        "text_editor_20241022",
        "text_editor_20250728",
        "memory_20250818",
        "computer_20241022",
        "computer_20251124",
    ],
)
def test_anthropics_client_tools_get_a_schema(kind: str) -> None:
    (known,) = Offer([{"type": kind, "name": "x", "display_width_px": 800}], []).tools

    jsonschema_rs.Draft202012Validator(known.parameters)
    assert known.description


@pytest.mark.parametrize(
    ("kind", "call"),
    [
        ("bash_20250124", {"command": "ls"}),
        ("bash_20250124", {"restart": True}),
        (
            "text_editor_20250728",
            {"command": "insert", "path": "/a", "insert_line": 0, "insert_text": "x"},
        ),
        (
            "text_editor_20250124",
            {"command": "insert", "path": "/a", "insert_line": 0, "new_str": "x"},
        ),
        ("memory_20250818", {"command": "rename", "old_path": "/a", "new_path": "/b"}),
        ("computer_20250124", {"action": "left_click", "coordinate": [1, 2]}),
    ],
)
def test_the_schemas_allow_what_the_clients_expect(kind: str, call: Any) -> None:
    (known,) = Offer([{"type": kind, "name": "x"}], []).tools

    assert jsonschema_rs.is_valid(known.parameters, call)
    assert not jsonschema_rs.is_valid(known.parameters, {"command": 1, "action": 1})


@pytest.mark.parametrize(
    "server",
    [
        {"type": "web_fetch_20260318", "name": "web_fetch"},
        {"type": "code_execution_20260521", "name": "code_execution"},
        {"type": "tool_search_tool_bm25", "name": "tool_search_tool_bm25"},
        {"type": "advisor_20260301", "name": "advisor", "model": "m"},
        {"type": "mcp_toolset", "mcp_server_name": "files"},
    ],
)
def test_server_tools_are_left_out_with_a_warning(server: dict[str, Any]) -> None:
    offer = Offer([server, tool("f")], [])

    assert [tool.name for tool in offer.tools] == ["f"]
    (warning,) = offer.warnings
    assert (server.get("name") or server["mcp_server_name"]) in warning


@pytest.mark.parametrize(
    ("tools", "place"),
    [
        ("f", "tools"),
        ([1], "tools.0"),
        ([tool("f"), tool("f")], "tools.1.name"),
        ([tool("")], "tools.0.name"),
        ([tool("x" * 129)], "tools.0.name"),
        ([tool("a\nb")], "tools.0.name"),
        ([{"name": "f"}], "tools.0.input_schema"),
        ([{"name": "f", "input_schema": "x"}], "tools.0.input_schema"),
        ([tool("f", input_schema={"type": "string"})], "tools.0.input_schema.type"),
        ([tool("f", description=1)], "tools.0.description"),
        ([{"type": "computer_toolset_20260801"}], "tools.0"),
        ([{"type": "hologram_20270101", "name": "h"}], "tools.0"),
        ([{"type": "bash_20250124"}], "tools.0.name"),
        ([{**SEARCH, "name": "search"}], "tools.0.name"),
        ([{**SEARCH, "max_uses": 0}], "tools.0.max_uses"),
        ([{**SEARCH, "max_uses": True}], "tools.0.max_uses"),
        ([{**SEARCH, "allowed_domains": "a.test"}], "tools.0.allowed_domains"),
        ([{**SEARCH, "blocked_domains": [""]}], "tools.0.blocked_domains"),
        ([{**SEARCH, "blocked_domains": [1]}], "tools.0.blocked_domains"),
        ([{**SEARCH, "allowed_domains": ["a"], "blocked_domains": ["b"]}], "tools.0"),
    ],
)
def test_tools_that_cannot_be_offered_are_refused(tools: Any, place: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        Offer(tools, [])

    assert caught.value.param == place


@pytest.mark.parametrize(
    ("value", "choice"),
    [
        (None, ("auto", True)),
        ({"type": "auto"}, ("auto", True)),
        ({"type": "auto", "disable_parallel_tool_use": True}, ("auto", False)),
        ({"type": "any", "disable_parallel_tool_use": False}, ("required", True)),
        ({"type": "none"}, ("none", True)),
        ({"type": "tool", "name": "f"}, (NamedTool("f"), True)),
    ],
)
def test_the_choice_is_understood(value: Any, choice: Any) -> None:
    assert Offer([tool("f")], []).choice(value) == choice


@pytest.mark.parametrize(
    "value",
    [
        {"type": "tool", "name": "g"},
        {"type": "tool", "name": "web_fetch"},
        {"type": "tool"},
        {"type": "all"},
        "auto",
        {"type": "auto", "disable_parallel_tool_use": "yes"},
    ],
)
def test_a_choice_that_cannot_be_made_is_refused(value: Any) -> None:
    offer = Offer([tool("f"), {"type": "web_fetch_20260318", "name": "web_fetch"}], [])

    with pytest.raises(InvalidRequest, match="tool_choice"):
        offer.choice(value)


def test_any_tool_needs_a_tool() -> None:
    with pytest.raises(InvalidRequest, match="no usable tool"):
        Offer([{"type": "web_fetch_20260318", "name": "web_fetch"}], []).choice({"type": "any"})


def test_a_deferred_tool_waits_until_it_is_named() -> None:
    tools = [tool("search"), tool("late", defer_loading=True)]
    reference = {"type": "tool_reference", "tool_name": "late"}
    found = {"type": "tool_result", "tool_use_id": "a", "content": [reference]}
    searched = {
        "type": "tool_search_tool_result",
        "tool_use_id": "s",
        "content": {"type": "tool_search_tool_search_result", "tool_references": [reference]},
    }

    assert names(tools) == ["search"]
    assert names(tools, found, role="user") == ["search", "late"]
    assert names(tools, searched, role="assistant") == ["search", "late"]
    assert names(tools, change("tool_addition", "late")) == ["search", "late"]


def test_a_deferred_tool_that_nobody_here_could_find_is_offered_at_once() -> None:
    late = tool("late", defer_loading=True)
    search = {"type": "tool_search_tool_regex_20251119", "name": "tool_search_tool_regex"}

    assert names([late]) == ["late"]
    assert names([tool("f"), late, search]) == ["f", "late"]


def test_a_conversation_changes_the_offer_as_it_goes() -> None:
    tools = [tool("f"), tool("g")]
    definition = {"type": "tool_definition", "definition": tool("h")}

    assert names(tools, change("tool_removal", "f")) == ["g"]
    assert names(tools, change("tool_removal", "f"), change("tool_addition", "f")) == ["f", "g"]
    assert names(tools, {"type": "tool_addition", "tool": definition}) == ["f", "g", "h"]
    assert names(tools, change("tool_removal", "f"), role="user") == ["f", "g"]
    summary = {"type": "compaction", "content": "…", "tool_changes": [change("tool_removal", "g")]}
    assert names(tools, summary, role="assistant") == ["f"]


def test_a_tool_can_be_defined_anew() -> None:
    newer = {"type": "tool_definition", "definition": tool("f", description="newer")}
    offer = Offer(
        [tool("f")],
        [{"role": "system", "content": [{"type": "tool_addition", "tool": newer}]}],
    )

    assert [known.description for known in offer.tools] == ["newer"]


def test_changes_to_what_runs_elsewhere_are_warned_about() -> None:
    reference = {"type": "mcp_toolset_reference", "server_name": "files"}
    added = {"role": "system", "content": [{"type": "tool_addition", "tool": reference}]}

    assert "files" in Offer([], [added]).warnings[0]


def test_a_change_that_names_no_tool_is_refused() -> None:
    with pytest.raises(InvalidRequest, match=r"messages\.0\.content\.0\.tool"):
        names([tool("f")], {"type": "tool_addition", "tool": {"type": "hologram"}})


def test_the_hosted_search_is_a_wish_and_no_tool() -> None:
    place = {"type": "approximate", "city": "Bern", "country": "CH"}
    asked = {**SEARCH, "max_uses": 8, "blocked_domains": [" Spam.test "], "user_location": place}
    offer = Offer([tool("f"), asked], [])

    assert offer.web_search == WebSearch("web_search", 8, (), ("spam.test",), "Bern, CH")
    assert [tool.name for tool in offer.tools] == ["f"]
    assert offer.warnings == []
    assert offer.choice({"type": "tool", "name": "web_search"}) == (NamedTool("web_search"), True)


def test_any_tool_may_be_the_hosted_search() -> None:
    assert Offer([SEARCH], []).choice({"type": "any"}) == ("required", True)


def test_a_newer_version_with_nulls_is_read() -> None:
    nulls: dict[str, Any] = {
        "allowed_domains": None,
        "blocked_domains": [],
        "max_uses": None,
        "user_location": None,
    }
    offer = Offer([{"type": "web_search_20260318", "name": "web_search", **nulls}], [])

    assert offer.web_search == WebSearch()
