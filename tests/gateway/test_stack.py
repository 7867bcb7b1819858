import asyncio
import time
from dataclasses import replace

import pytest

from lingma_proxy.backend import Model
from lingma_proxy.backends.scripted import Scripted
from lingma_proxy.conversation.events import Usage
from lingma_proxy.conversation.notes import ExchangeNotes, Noting
from lingma_proxy.conversation.request import Tool
from lingma_proxy.errors import ModelNotFound, SettingsError
from lingma_proxy.gateway import Behind, assemble, over
from lingma_proxy.gateway.stack import needs_of
from lingma_proxy.policies.check_grammar import CheckGrammar
from lingma_proxy.recording.kept import Wanted
from lingma_proxy.settings import Settings
from support.backends import answer, ask, hear, one_by_one
from support.fresh import fresh


async def test_nothing_is_done_before_it_starts(tmp_path, monkeypatch):
    fresh(monkeypatch, tmp_path)
    gateway = assemble(Settings())

    assert gateway.remembered.known() == ()
    assert len(asyncio.all_tasks()) == 1
    await gateway.aclose()
    await gateway.aclose()


async def test_aliases_of_the_user_come_before_ours():
    settings = Settings(model_aliases={"Kimi-K2.6": "mmodel", "mine": "kmodel"})
    gateway = over(Behind(Scripted([])), settings)

    assert gateway.resolve("kimi-k2.6") == "mmodel"
    assert gateway.resolve("mine") == "kmodel"
    assert gateway.resolve("claude-opus-4-6") == "kmodel"
    assert gateway.resolve("") == "kmodel"


async def test_an_unknown_name_is_refused_once_the_list_is_known():
    from support.served import MODELS

    gateway = over(Behind(Scripted([], MODELS)), Settings())
    assert gateway.resolve("nonsense") == "nonsense"
    await gateway.backend.models()

    with pytest.raises(ModelNotFound):
        gateway.resolve("nonsense")


def test_the_grammar_is_checked_when_the_settings_say_so():
    gateway = over(Behind(Scripted([])), Settings(check_grammar=True))

    assert isinstance(gateway.backend, CheckGrammar)


def agents(settings, models=()):
    return over(Behind(Scripted([], models), name=lambda: "acp"), settings)


async def test_an_agent_answers_with_its_own_model_unless_one_was_chosen():
    assert agents(Settings()).resolve("") == ""
    assert agents(Settings()).default_model() == ""
    assert agents(Settings()).resolve("claude-opus-4-6") == ""
    assert agents(Settings()).resolve("auto") == ""
    assert agents(Settings(model="gpt-5")).resolve("") == "gpt-5"
    assert agents(Settings(model_aliases={"mine": "gpt-5"})).resolve("mine") == "gpt-5"
    assert over(Behind(Scripted([])), Settings()).default_model() == "kmodel"


async def test_the_vendors_keys_are_not_an_agents():
    gateway = agents(Settings(), (Model("gpt-5", "GPT-5"),))
    await gateway.backend.models()

    assert gateway.resolve("gpt-5") == "gpt-5"
    with pytest.raises(ModelNotFound):
        gateway.resolve("kmodel")


async def test_names_and_lists_become_those_of_whoever_answers():
    answering = ["remote"]
    backend = Scripted([], (Model("kmodel", "Kimi-K2.6"),))
    gateway = over(Behind(backend, name=lambda: answering[0]), Settings())
    await gateway.backend.models()
    assert gateway.resolve("") == "kmodel"

    answering[0] = "acp"
    backend._models = (Model("gpt-5", "GPT-5"),)
    assert gateway.resolve("") == ""
    assert gateway.remembered.known() == ()
    assert await gateway.backend.models() == (Model("gpt-5", "GPT-5"),)
    await gateway.aclose()


def test_a_search_that_cannot_be_meant_is_an_error_of_the_settings():
    with pytest.raises(SettingsError, match=r"web_search: .*\{query\}"):
        over(Behind(Scripted([])), Settings(web_search="https://host/"))


TOOL = Tool("Read", "", {})


@pytest.mark.parametrize(
    ("answering", "setting", "model", "form"),
    [
        ("remote", "auto", "kmodel", None),
        ("simulator", "auto", "kmodel", None),
        ("ipc", "auto", "kmodel", "hermes"),
        ("acp", "auto", "", "hermes"),
        ("ipc", "auto", "mmodel", "invoke"),
        ("acp", "auto", "q7", "qwen3_coder"),
        ("remote", "always", "kmodel", "hermes"),
        ("ipc", "never", "kmodel", None),
    ],
)
def test_tools_are_told_in_words_where_the_backend_takes_none(answering, setting, model, form):
    known = (Model("q7", "Qwen3-Coder"),)
    needs = needs_of(Settings(emulate_tools=setting), lambda _: answering, lambda: known)

    assert needs(ask(model=model, tools=(TOOL,))) == form


async def test_what_is_told_in_words_is_counted_once_and_whole():
    """Also when the reply is cut, so that only the outer count is left."""
    request = ask(tools=(replace(TOOL, description="word " * 1000),), stop=("END",))
    replies = [answer("Hello END and more"), answer("Hello")]
    inputs = []
    for reply in replies:
        gateway = over(Behind(Scripted([one_by_one(reply)]), name=lambda: "ipc"), Settings())
        usage = (await hear(gateway.backend, request)).usage
        assert usage is not None
        inputs.append(usage.input)
        await gateway.aclose()

    cut, whole = inputs
    assert 1000 < whole < 1500
    assert abs(cut - whole) < whole / 10


async def test_a_count_is_for_the_model_that_a_name_means_and_unknown_names_are_counted_too():
    from support.served import MODELS

    gateway = over(Behind(Scripted([], MODELS)), Settings())
    await gateway.backend.models()
    prompt = "Tell me all that you know about tea. " * 50
    for _ in range(3):
        gateway.estimator.learn(ask(prompt), "", "", Usage(700, 0))

    assert gateway.count(ask(prompt)) == pytest.approx(700, rel=0.02)
    assert gateway.count(ask(prompt, model="Kimi-K2.6")) == gateway.count(ask(prompt))
    assert gateway.count(ask(prompt, model="nonsense")) < 600


@pytest.mark.parametrize(
    ("settings", "noting"),
    [
        (Settings(), Noting(2**20)),
        (Settings(recording_body_kb=3), Noting(3 * 2**10)),
        (Settings(recording_bodies=False), Noting(2**20, bodies=False)),
        (Settings(recording="off"), None),
    ],
    ids=["usual", "short", "without bodies", "off"],
)
def test_the_settings_say_how_much_is_noted(settings, noting):
    gateway = over(Behind(Scripted([])), settings)

    assert gateway.noting == noting


async def test_what_is_worth_it_is_kept_when_it_has_ended(tmp_path):
    gateway = over(Behind(Scripted([])), Settings(data_dir=str(tmp_path)))
    for recorded in (True, False):
        id = f"req_{recorded}"
        gateway.ended(ExchangeNotes(id, "GET", "/", time.time(), recorded=recorded))

    assert [each.id for each in await gateway.recording.exchanges.list(Wanted())] == ["req_True"]
    await gateway.aclose()
