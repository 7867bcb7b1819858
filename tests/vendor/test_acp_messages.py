import pytest
from acp import schema
from hypothesis import given

from lingma_proxy import __version__
from lingma_proxy.backend import Model
from lingma_proxy.conversation.request import Image, ImageLink
from lingma_proxy.errors import ModelNotFound, ProtocolError
from lingma_proxy.vendor import acp_messages
from lingma_proxy.vendor.acp_messages import (
    PRESETS,
    Agent,
    AuthMethod,
    Session,
    command_of,
    environment_of,
    read_agent,
    read_session,
)
from support.strategies import json_values

CAT = Image("image/png", b"cat")
SELECT = {
    "id": "model",
    "name": "Model",
    "category": "model",
    "type": "select",
    "currentValue": "b",
}
FLAT = [{"value": "a", "name": "A"}, {"value": "b", "name": "B"}, {"value": "a", "name": "again"}]
GROUPED = [
    {"group": "g", "name": "G", "options": FLAT[:1]},
    {"group": "h", "name": "H", "options": FLAT[1:]},
]
MODELS = (Model("a", "A"), Model("b", "B", is_default=True))


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        (schema.InitializeRequest, acp_messages.initialize()),
        (schema.NewSessionRequest, acp_messages.new_session("/work")),
        (schema.PromptRequest, acp_messages.prompt("s", "hi", [CAT, ImageLink("https://a.example/b.png")])),
        (schema.SetSessionConfigOptionSelectRequest, Session("s", option="model").choose("a")[1]),
        (schema.CancelNotification, acp_messages.cancel("s")),
        (schema.CloseSessionRequest, acp_messages.close("s")),
    ],
    ids=lambda it: getattr(it, "__name__", ""),
)  # fmt: skip
def test_what_we_say_is_what_the_official_schema_says(kind, params):
    read = kind.model_validate(params).model_dump(by_alias=True, exclude_unset=True, mode="json")

    assert read == params


def test_we_have_no_files_and_no_terminal():
    able = acp_messages.initialize()["clientCapabilities"]

    assert able == {"fs": {"readTextFile": False, "writeTextFile": False}, "terminal": False}
    assert acp_messages.initialize()["clientInfo"]["version"] == __version__


def test_a_prompt_is_its_text_and_its_pictures():
    parts = acp_messages.prompt("s", " hi\n", [CAT])["prompt"]

    assert parts == [
        {"type": "text", "text": " hi\n"},
        {"type": "image", "mimeType": "image/png", "data": "Y2F0"},
    ]
    assert acp_messages.prompt("s", "", [CAT])["prompt"] == parts[1:]
    assert acp_messages.prompt("s", "")["prompt"] == [{"type": "text", "text": ""}]


# Who answers.


def test_an_agent_introduces_itself():
    found = read_agent(
        {
            "protocolVersion": 1,
            "agentInfo": {"name": "x", "title": "X", "version": "1.2"},
            "agentCapabilities": {
                "promptCapabilities": {"image": True},
                "sessionCapabilities": {"close": {}, "list": {}},
            },
            "authMethods": [
                {"id": "web", "name": "Browser", "description": "Opens one"}, {"id": "key"}, {}, 3,
            ],
        }
    )  # fmt: skip

    assert found == Agent(
        "X",
        "1.2",
        True,
        True,
        (AuthMethod("web", "Browser", "Opens one"), AuthMethod("key", "key")),
    )


@pytest.mark.parametrize("result", [{}, {"protocolVersion": 1, "agentCapabilities": None}])
def test_what_an_agent_does_not_say_it_does_not_have(result):
    assert read_agent(result) == Agent("", "", images=False, can_close=False)


def test_a_capability_that_is_null_is_none():
    able = {"sessionCapabilities": {"close": None}}

    assert not read_agent({"agentCapabilities": able}).can_close


@pytest.mark.parametrize(
    "result", [None, [], "x", {"protocolVersion": 2}, {"protocolVersion": "1"}]
)
def test_who_speaks_another_version_is_refused(result):
    with pytest.raises(ProtocolError, match="ACP"):
        read_agent(result)


# Sessions and models.


@pytest.mark.parametrize("options", [FLAT, GROUPED], ids=["flat", "grouped"])
def test_models_are_the_values_of_an_option(options):
    mode = {"id": "mode", "category": "mode", "type": "select", "currentValue": "x", "options": []}
    given_ = {"sessionId": "s", "configOptions": [mode, {**SELECT, "options": options}]}

    assert schema.NewSessionResponse.model_validate(given_).config_options is not None
    found = read_session(given_)
    assert found == Session("s", MODELS, "b", "model")
    assert found.choose("a") == (
        "session/set_config_option", {"sessionId": "s", "configId": "model", "value": "a"},
    )  # fmt: skip


def test_older_agents_list_models_as_such():
    listed = [{"modelId": "a", "name": "A"}, {"modelId": "b", "name": "B"}, {}]
    found = read_session(
        {"sessionId": "s", "models": {"currentModelId": "b", "availableModels": listed}}
    )

    assert found == Session("s", MODELS, "b", "")
    assert found.choose("a") == ("session/set_model", {"sessionId": "s", "modelId": "a"})


def test_an_option_without_a_category_is_known_by_its_id():
    bare = {key: value for key, value in SELECT.items() if key != "category"}

    found = read_session({"sessionId": "s", "configOptions": [{**bare, "options": FLAT}]})
    assert found == Session("s", MODELS, "b", "model")


def test_some_agents_let_nobody_choose():
    found = read_session({"sessionId": "s", "configOptions": [{**SELECT, "category": None}]})

    assert found == Session("s")
    with pytest.raises(ModelNotFound, match="its own settings"):
        found.choose("a")


@pytest.mark.parametrize("result", [None, {}, {"sessionId": ""}, {"id": "s"}])
def test_a_session_without_an_id_is_refused(result):
    with pytest.raises(ProtocolError):
        read_session(result)


@given(json_values)
def test_any_answer_is_read_or_refused(value):
    for read in (read_agent, read_session):
        for given_ in (
            value,
            {"sessionId": "s", "configOptions": value, "models": value, "authMethods": value},
            {"sessionId": "s", "configOptions": [{**SELECT, "options": value}], "agentInfo": value},
        ):
            try:
                read(given_)
            except ProtocolError:
                continue


# Commands.


def test_a_preset_is_a_command():
    assert [command_of(name)[0] for name in PRESETS] == [
        "qodercli",
        "qoderclicn",
        "opencode",
        "qwen",
    ]
    assert command_of(" opencode ") == ("opencode", "acp")


def test_a_preset_leaves_an_agent_no_tools_of_its_own():
    assert command_of("qodercli") == ("qodercli", "--acp", "--tools", "")
    assert "--core-tools" in command_of("qwen-code")
    assert environment_of(" opencode ") == {"OPENCODE_PERMISSION": '{"*":"deny"}'}


def test_what_a_person_has_written_is_started_so():
    assert command_of("opencode acp") == ("opencode", "acp")
    assert environment_of("opencode acp") == {}


NAMED = (Model("k|1", "Kimi"), Model("mmodel", "Mini"))


@pytest.mark.parametrize(
    ("name", "key"), [("k|1", "k|1"), ("kimi", "k|1"), ("MMODEL", "mmodel"), ("Mini", "mmodel")]
)
def test_a_model_is_found_by_its_key_and_by_its_name(name, key):
    assert Session("s", NAMED).find(name) == key


def test_a_model_that_the_agent_has_not_got_is_not_found():
    with pytest.raises(ModelNotFound, match="Kimi, Mini"):
        Session("s", NAMED).find("gpt-4o")


@pytest.mark.parametrize(
    ("text", "system", "words"),
    [
        ("my-agent --acp 'a b'", "linux", ("my-agent", "--acp", "a b")),
        (r'"C:\Program Files\x.exe" --acp a\b', "windows", (r"C:\Program Files\x.exe", "--acp", r"a\b")),
        ("qwen", "linux", ("qwen",)),
    ],
)  # fmt: skip
def test_a_command_line_is_cut_as_its_system_cuts_it(text, system, words):
    assert command_of(text, system) == words


@pytest.mark.parametrize("text", ["", " ", "''", "'a"])
def test_what_names_no_program_is_refused(text):
    with pytest.raises(ValueError, match=r".{5}"):
        command_of(text)
