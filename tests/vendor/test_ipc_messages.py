import json

import pytest
from hypothesis import given

from lingma_proxy.backend import Model
from lingma_proxy.conversation.events import FinishReason
from lingma_proxy.conversation.request import Image
from lingma_proxy.errors import ProtocolError
from lingma_proxy.vendor import ipc_messages
from lingma_proxy.vendor.asked_of_us import answer
from lingma_proxy.vendor.updates import (
    Finished,
    Spoke,
    Thought,
    Used,
    read_update,
    request_id,
    session_id,
)
from support.strategies import json_values
from support.vectors import vectors

VECTORS = vectors("plugin_messages")
MESSAGES = VECTORS["acp"]["messages"]
NOW = 1777045062000


def test_a_recorded_session_is_what_we_would_say_and_understand():
    id = ipc_messages.new_request_id(NOW, "0a1b2c3d")
    meta = ipc_messages.meta(
        id, shell=ipc_messages.shell_type("linux", "/bin/bash"), model="kmodel"
    )
    answers = {it["id"]: it["result"] for side, it in MESSAGES if side == "S" and "result" in it}
    session = ipc_messages.session_id_of(answers[2])
    ours = [
        ("initialize", ipc_messages.initialize(NOW)),
        ("session/new", ipc_messages.new_session("/work", NOW + 1)),
        ("session/set_model", ipc_messages.set_model(session, "kmodel", NOW + 2, meta)),
        ("session/prompt", ipc_messages.prompt(session, "ping", [], meta)),
        ("chat/deleteSessionById", ipc_messages.deletions(session)[0]),
    ]
    updates = [
        it["params"]
        for side, it in MESSAGES
        if side == "S" and it.get("method") == "session/update"
    ]
    said = [read_update(params) for params in updates]

    assert ours == [
        (it["method"], it["params"]) for side, it in MESSAGES if side == "C" and "method" in it
    ]
    assert [answer(it["method"]) for side, it in MESSAGES if side == "S" and {"id", "method"} <= set(it)] == [
        it["result"] for side, it in MESSAGES if side == "C" and "result" in it
    ]  # fmt: skip
    assert said == [
        None, Thought("hmm"), Spoke("po"), Spoke("ng"), Used(1234, 180000), Finished(FinishReason.STOP),
    ]  # fmt: skip
    assert {request_id(params) for params in updates} == {None, id}
    assert {session_id(params) for params in updates} == {session}


def test_what_is_said_can_be_written_down():
    meta = ipc_messages.meta("r", shell="sh")

    assert json.loads(json.dumps(ipc_messages.set_model("s", "k", 1, meta)))["_meta"] == meta
    assert ipc_messages.deletions("s")[1] == {"id": "s"}


def test_what_is_not_known_stays_away_from_the_meta():
    assert set(ipc_messages.meta("r", shell="sh", mode="", model="")) == {
        "ai-coding/request-id", "ai-coding/shell-type", "ai-coding/enabled-mcp-servers",
    }  # fmt: skip
    assert (
        ipc_messages.meta("r", shell="sh", current_file="/a")["ai-coding/current-file-path"] == "/a"
    )


@pytest.mark.parametrize(
    ("system", "shell", "said"),
    [("windows", "/bin/zsh", "powershell"), ("darwin", "/bin/zsh", "zsh"), ("linux", "", "sh"),
     ("linux", " fish ", "fish"), ("linux", "/", "sh")],
)  # fmt: skip
def test_the_shell_is_the_users(system, shell, said):
    assert ipc_messages.shell_type(system, shell) == said


# Pictures.


@pytest.mark.parametrize("row", VECTORS["image_uri"], ids=lambda it: it["path"])
def test_a_file_is_named_as_the_vectors_say(row):
    assert ipc_messages.picture(Image("image/png", b"x"), row["path"])["uri"] == row["uri"]


def test_a_picture_has_all_four_keys_and_goes_behind_the_text():
    cat = ipc_messages.picture(Image("", b"cat"), None)

    assert cat == {"type": "image", "mimeType": "image/jpeg", "data": "Y2F0", "uri": ""}
    parts = ipc_messages.prompt("s", "what?", [cat], {})["prompt"]
    assert parts == [{"type": "text", "text": "what?"}, cat]
    assert ipc_messages.prompt("s", "", [cat], {})["prompt"] == [cat]
    assert ipc_messages.prompt("s", "", [], {})["prompt"] == [{"type": "text", "text": ""}]


@pytest.mark.parametrize(
    ("media_type", "end"),
    [("image/png", "png"), ("IMAGE/GIF", "gif"), ("image/webp;x=y", "webp"), ("image/bmp", "bmp"),
     ("image/jpeg", "jpg"), ("", "jpg"), ("image/../../x", "jpg")],
)  # fmt: skip
def test_a_file_ends_like_its_kind(media_type, end):
    assert ipc_messages.extension(media_type) == end


# Answers.


@pytest.mark.parametrize("result", [{"sessionId": "s"}, {"id": "s"}, {"sessionId": "s", "id": "t"}])
def test_a_session_has_an_id(result):
    assert ipc_messages.session_id_of(result) == "s"


@pytest.mark.parametrize("result", [None, {}, {"sessionId": ""}, {"sessionId": 1}, "s", []])
def test_a_session_without_one_is_refused(result):
    with pytest.raises(ProtocolError):
        ipc_messages.session_id_of(result)


def test_models_are_listed_once_in_the_order_of_the_scenes():
    found = ipc_messages.models(
        {
            "other": [{"key": "o"}],
            "quest": [{"key": "a", "displayName": "later"}, {"modelId": "q", "title": "Q"}],
            "assistant": [{"key": "a", "displayName": "A", "isVl": True, "isReasoning": False}],
            "chat": [{"id": "c", "label": "C"}, {"key": ""}, {}, "x", {"key": 3}],
            "inline": None,
        }
    )

    assert found == (
        Model("a", "A", sees=True, reasons=False), Model("c", "C"), Model("q", "Q"), Model("o", "o"),
    )  # fmt: skip


def test_what_the_plugin_does_not_say_of_a_model_is_taken_from_what_is_known():
    assert ipc_messages.models({"chat": [{"key": "kmodel", "isVl": None}]}) == (
        Model("kmodel", "Kimi-K2.6", context_window=256_000, sees=True),
    )


def test_without_a_login_there_are_no_models():
    assert ipc_messages.models({}) == ipc_messages.models(None) == ()


@given(json_values)
def test_any_answer_is_a_list_or_is_refused(value):
    for given_ in (value, {"chat": value}, {"chat": [value]}):
        try:
            ipc_messages.models(given_)
        except ProtocolError:
            continue
