from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.conversation.request import (
    Document,
    DocumentLink,
    Image,
    ImageLink,
    NamedTool,
    Reasoning,
    Tool,
)
from lingma_proxy.dialects import openai_shared as shared
from lingma_proxy.errors import (
    BackendRefused,
    BackendTimeout,
    BackendUnavailable,
    InvalidRequest,
    MethodNotAllowed,
    ModelNotFound,
    NotAllowed,
    NotLoggedIn,
    ProtocolError,
    ProxyError,
    RateLimited,
    RequestTooLarge,
    TooBusy,
)

LS = Tool("ls", "", {})
CAT = Tool("cat", "", {})
TOOLS = (LS, CAT)


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (InvalidRequest("x"), "invalid_request_error", None),
        (RequestTooLarge("x"), "invalid_request_error", None),
        (NotAllowed("x"), "authentication_error", None),
        (NotAllowed("x", status=403), "permission_error", None),
        (NotLoggedIn("x"), "authentication_error", None),
        (ModelNotFound("x"), "not_found_error", "model_not_found"),
        (MethodNotAllowed("x", allowed=("POST",)), "invalid_request_error", None),
        (TooBusy("x"), "rate_limit_error", "rate_limit_exceeded"),
        (RateLimited("x", code="quota"), "rate_limit_error", "quota"),
        (BackendRefused("x", upstream=404), "invalid_request_error", None),
        (BackendRefused("x", upstream=500), "server_error", None),
        (BackendUnavailable("x"), "server_error", "service_unavailable"),
        (BackendTimeout("x"), "server_error", "timeout"),
        (ProtocolError("x"), "server_error", None),
        (ProxyError("x"), "server_error", None),
    ],
)
def test_each_error_has_openais_word(error: ProxyError, kind: str, code: str | None):
    said = shared.error_body(error, "req_1")["error"]

    assert (said["type"], said["code"]) == (kind, code)
    assert said["message"] == ("x" if error.status < 500 else "x (request req_1)")


def test_an_error_names_the_field_at_fault():
    assert shared.error_body(InvalidRequest("x", param="n"), "r")["error"]["param"] == "n"


# Fields.


@given(st.integers())
def test_integers_of_any_size_are_kept(value: int):
    assert shared.integer({"n": value}, "n") == value


@pytest.mark.parametrize("value", [True, "1", 1.5, [], {}, 0, 1e400])
def test_what_is_no_whole_number_is_refused(value: Any):
    with pytest.raises(InvalidRequest) as error:
        shared.integer({"n": value}, "n", 1)
    assert error.value.param == "n"


@pytest.mark.parametrize("value", [True, "1", -0.1, 2.1, 10**400, [], {}])
def test_what_is_no_number_in_the_range_is_refused(value: Any):
    with pytest.raises(InvalidRequest) as error:
        shared.number({"t": value}, "t", 0, 2)
    assert error.value.param == "t"
    assert len(error.value.message) < 100


def test_null_is_missing():
    body = {"x": None}

    assert shared.number(body, "x", 0, 1) is shared.integer(body, "x") is None
    assert shared.flag(body, "x") is None
    assert shared.string(body, "x") is None
    assert shared.an_object_at(body, "x") == {}
    assert shared.a_list_at(body, "x") == []


@pytest.mark.parametrize(
    "read", [shared.flag, shared.string, shared.an_object_at, shared.a_list_at]
)
def test_a_wrong_type_is_refused(read: Any):
    with pytest.raises(InvalidRequest, match=r"^x is .*, not a number\.$"):
        read({"x": 1}, "x")


# Pictures.


@pytest.mark.parametrize(
    ("url", "picture"),
    [
        ("https://example.com/a.png", ImageLink("https://example.com/a.png")),
        ("data:image/PNG;base64,AAEC", Image("image/png", b"\0\1\2")),
        ("data:image/png;name=a;base64,AAEC", Image("image/png", b"\0\1\2")),
        ("data:application/octet-stream;base64,AA", Image("application/octet-stream", b"\0")),
    ],
)
def test_a_picture_is_a_data_url_or_a_link(url: str, picture: Image | ImageLink):
    assert shared.image(url, "here") == picture


# Documents.


@pytest.mark.parametrize(
    ("file", "document"),
    [
        ({"file_data": "data:application/PDF;base64,AAEC"}, Document("application/pdf", b"\0\1\2")),
        ({"file_data": "AAEC", "filename": "a"}, Document("", b"\0\1\2", "a")),
        ({"file_data": "AAEC", "file_id": "f"}, Document("", b"\0\1\2")),
        ({"file_url": "https://a/b", "filename": "a"}, DocumentLink("https://a/b", "a")),
        ({"file_url": "data:text/plain,b", "filename": "a"}, Document("text/plain", b"b", "a")),
    ],
)
def test_a_document_is_a_data_url_or_base64_or_a_link(file: Any, document: Document | DocumentLink):
    assert shared.document(file, "here") == document


@pytest.mark.parametrize(
    ("file", "place", "word"),
    [
        ({"file_id": "file-1"}, "here.file_id", "Files API"),
        ({"file_data": "***"}, "here.file_data", "base64"),
        ({"file_data": "data:x"}, "here.file_data", "comma"),
        ({"file_data": "AAEC", "filename": 1}, "here.filename", "string"),
        ({"file_data": ""}, "here", "file_data"),
        ({}, "here", "file_data"),
    ],
)
def test_a_document_that_is_not_there_is_refused_at_its_place(file: Any, place: str, word: str):
    with pytest.raises(InvalidRequest, match=word) as error:
        shared.document(file, "here")

    assert error.value.param == place


# Reasoning.


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"effort": None}, None),
        ({"effort": "none"}, False),
        ({"effort": "minimal"}, True),
        ({"effort": "xhigh"}, True),
        ({"effort": "high", "switch": False}, False),
        ({"effort": None, "switch": True}, True),
        ({"effort": None, "budget_tokens": 100}, True),
        ({"effort": None, "budget_tokens": 0}, False),
    ],
)
def test_a_switch_decides_and_an_effort_implies(given: Any, wanted: bool | None):
    assert shared.reasoning(**given).wanted is wanted


def test_nothing_said_leaves_the_model_its_habit():
    assert shared.reasoning(None) == Reasoning()


# Tools.


def test_a_tool_may_be_nested_or_flat():
    definition = {"name": "ls", "description": "List.", "parameters": {"type": "object"}}
    expected = Tool("ls", "List.", {"type": "object"}, None)

    assert shared.tool({"type": "function", "function": definition}, "t") == expected
    assert shared.tool({"function": definition}, "t") == expected
    assert shared.tool({"type": "function", **definition}, "t") == expected


def test_a_tool_without_parameters_takes_none():
    assert shared.function({"name": "ls"}, "t") == Tool(
        "ls", "", {"type": "object", "properties": {}}
    )
    assert shared.function({"name": "ls", "parameters": {}, "strict": True}, "t").strict is True


@pytest.mark.parametrize("name", ["a" * 128, "mcp__server.tool/x", "读取", "with blank"])
def test_long_and_odd_names_pass(name: str):
    assert shared.function({"name": name}, "t").name == name


@pytest.mark.parametrize(
    "value",
    [
        1,
        {},
        {"type": "custom", "custom": {"name": "patch"}},
        {"type": "web_search"},
        {"type": "function"},
        {"type": "function", "function": {}},
        {"type": "function", "function": {"name": ""}},
        {"type": "function", "function": {"name": "a" * 129}},
        {"type": "function", "function": {"name": "a\nb"}},
        {"type": "function", "function": {"name": "a", "parameters": []}},
        {"type": "function", "function": {"name": "a", "parameters": "{}"}},
        {"type": "function", "function": {"name": "a", "description": 1}},
        {"type": "function", "function": {"name": "a", "strict": "yes"}},
    ],
)
def test_what_is_no_function_is_refused_at_its_place(value: Any):
    with pytest.raises(InvalidRequest) as error:
        shared.tool(value, "tools[0]")
    assert error.value.param is not None
    assert error.value.param.startswith("tools[0]")


def test_no_tool_is_declared_twice():
    with pytest.raises(InvalidRequest, match=r"^tools\[1\] declares 'ls' a second time\.$"):
        shared.distinct([LS, LS], "tools")


ALLOWED = [{"type": "function", "function": {"name": "cat"}}]


@pytest.mark.parametrize(
    ("value", "choice", "left"),
    [
        (None, "auto", TOOLS),
        ("auto", "auto", TOOLS),
        ("none", "none", TOOLS),
        ("required", "required", TOOLS),
        ({"type": "none"}, "none", TOOLS),
        ({"type": "auto"}, "auto", TOOLS),
        ({"type": "function", "function": {"name": "ls"}}, NamedTool("ls"), TOOLS),
        ({"type": "function", "name": "ls"}, NamedTool("ls"), TOOLS),
        ({"type": "custom", "custom": {"name": "ls"}}, NamedTool("ls"), TOOLS),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": ALLOWED}},
            "auto",
            (CAT,),
        ),
        ({"type": "allowed_tools", "mode": "required", "tools": ALLOWED}, "required", (CAT,)),
        ({"type": "allowed_tools", "mode": "auto", "tools": []}, "auto", ()),
    ],
)
def test_a_choice_among_tools(value: Any, choice: Any, left: Any):
    assert shared.choice(value, TOOLS) == (choice, left)


@pytest.mark.parametrize(
    "value",
    [
        "any",
        1,
        [],
        {},
        {"type": "custom", "custom": {"name": "rm"}},
        {"type": "function"},
        {"type": "function", "function": {"name": "rm"}},
        {"type": "allowed_tools", "allowed_tools": {"mode": "none", "tools": ALLOWED}},
        {"type": "allowed_tools", "allowed_tools": {"mode": {}, "tools": ALLOWED}},
        {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": []}},
        {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{"type": "mcp"}]}},
        {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "rm"}]},
    ],
)
def test_a_choice_that_cannot_be_made_is_refused(value: Any):
    with pytest.raises(InvalidRequest) as error:
        shared.choice(value, TOOLS)
    assert error.value.param == "tool_choice"


def test_nothing_can_be_required_without_tools():
    assert shared.choice("auto", ()) == ("auto", ())
    with pytest.raises(InvalidRequest, match="there are no tools"):
        shared.choice("required", ())
