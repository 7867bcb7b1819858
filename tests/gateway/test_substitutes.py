from dataclasses import replace

import pytest

from lingma_proxy.backend import Model
from lingma_proxy.conversation.request import ImageLink, Message, Text, Tool
from lingma_proxy.gateway.stack import names_of
from lingma_proxy.gateway.substitutes import USUAL, substitutes
from lingma_proxy.profile import Profile
from lingma_proxy.settings import Settings
from support.backends import ask

LISTED = tuple(Model(key, key.title()) for key in USUAL)


def others(request, models=(), answering="remote", **settings):
    chosen = Settings(**settings)
    names = names_of(chosen, lambda: answering)
    return [*substitutes(chosen, lambda: models, names, lambda _: answering)(request)]


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("kmodel", USUAL[1:]),
        ("dashscope_qmodel", USUAL[4:]),
        (USUAL[-1], ()),
        ("q35model", USUAL),
    ],
)
def test_those_behind_the_one_that_failed_else_all(model, expected):
    assert others(ask(model=model)) == [*expected]
    assert others(ask(model=model), LISTED) == [*expected]


def test_what_the_account_has_not_got_or_has_switched_off_is_left_out():
    models = (LISTED[0], replace(LISTED[2], enabled=False), LISTED[3])

    assert others(ask(), models) == [USUAL[3]]


def test_names_and_aliases_are_understood_as_everywhere():
    wanted = ("Kimi-K2.6", "mine", "qwen3-coder", "mmodel", "nonsense", "gpt-5")
    found = others(
        ask(model="org_auto"),
        LISTED,
        remote_fallback_models=wanted,
        model_aliases={"mine": "dashscope_qmodel"},
        model="mmodel",
    )

    assert found == ["kmodel", "dashscope_qmodel", "dashscope_qwen3_coder", "mmodel"]


def test_for_an_agent_and_for_auto_nobody_is_guessed():
    assert others(ask(model="gpt-5"), answering="acp") == []
    assert others(ask(model="")) == []
    assert others(ask(model="org_auto")) == []
    assert others(ask(model="org_auto"), LISTED) == [*USUAL]
    theirs = (Model("gpt-5", "GPT-5"), Model("gpt-6", "GPT-6"))
    assert others(ask(model="gpt-5"), theirs, "acp") == []
    chosen = {"remote_fallback_models": ("gpt-5", "gpt-6")}
    assert others(ask(model="gpt-5"), theirs, "acp", **chosen) == ["gpt-6"]


def test_pictures_are_only_shown_to_who_is_known_to_see_them():
    shown = ask(Message("user", (Text("look"), ImageLink("https://host/cat.png"))), model="auto2")
    listed = (
        Model("kmodel", "K", sees=True),
        Model("mmodel", "M", sees=False),
        Model("dashscope_qmodel", "Q"),
    )

    assert others(shown) == ["kmodel", "dashscope_qmodel"]
    assert others(shown, listed) == ["kmodel"]


def test_a_model_takes_tools_or_is_told_of_them(monkeypatch):
    without = Profile(native_tools=False)
    monkeypatch.setattr(
        "lingma_proxy.gateway.substitutes.profile_of",
        lambda key: without if key == "mmodel" else Profile(),
    )
    request = ask(tools=(Tool("Read", "", {}),))

    assert "mmodel" in others(request)
    assert "mmodel" not in others(request, emulate_tools="never")
    assert "mmodel" in others(ask(), emulate_tools="never")


def test_what_does_not_fit_in_is_not_sent_there():
    listed = tuple(replace(model, context_window=10_000) for model in LISTED[:2]) + LISTED[2:3]

    assert others(ask("word " * 1000, model="x"), listed) == [*USUAL[:3]]
    assert others(ask("word " * 10_000, model="x"), listed) == [USUAL[2]]
