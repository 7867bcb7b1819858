"""Other settings while a gateway runs."""

from dataclasses import replace
from typing import cast

import pytest

from lingma_proxy.backends.scripted import Scripted
from lingma_proxy.conversation.reply import Collector
from lingma_proxy.errors import SettingsError, TooBusy
from lingma_proxy.gateway import Behind, assemble, over, renewed, whoever_answers
from lingma_proxy.gateway.renewal import OF_WHO_ANSWERS
from lingma_proxy.settings import TABLE, Settings
from support.backends import answer, ask, hear
from support.fresh import fresh

QUIET = Settings(recording="off")


def gateway(**settings):
    return over(Behind(Scripted([])), replace(QUIET, **settings))


def changed(old, **settings):
    renewal = renewed(old, replace(old.settings, **settings))
    old.become(renewal.gateway)
    return renewal.gone


@pytest.mark.parametrize(
    ("name", "value"),
    [("model", "mmodel"), ("max_concurrent", 2), ("claude_names", True), ("heartbeat", 3.0)],
)
def test_who_answers_and_the_recording_stay_where_no_setting_of_theirs_has_changed(name, value):
    old = gateway()
    before = (old.behind, old.remembered, old.recording, old.estimator)

    assert changed(old, **{name: value}) == []
    assert (old.behind, old.remembered, old.recording, old.estimator) == before


def test_what_is_new_holds_for_all_who_hold_the_gateway():
    old = gateway()
    held = old
    changed(old, model="mmodel", model_aliases={"mine": "qmodel"}, heartbeat=3.0)

    assert held.default_model() == "mmodel"
    assert held.resolve("mine") == "qmodel"
    assert held.serving.heartbeat == 3.0


def test_others_answer_where_a_setting_of_theirs_has_changed(tmp_path, monkeypatch):
    fresh(monkeypatch, tmp_path)
    old = assemble(QUIET)
    behind, remembered = old.behind, old.remembered

    gone = changed(old, remote_base_url="http://127.0.0.1:9")

    assert old.behind is not behind
    assert old.remembered is not remembered
    assert gone == [remembered, behind]


def test_another_recording_takes_over_where_a_setting_of_it_has_changed(tmp_path):
    old = gateway(recording="on", data_dir=str(tmp_path))
    recording = old.recording

    gone = changed(old, recording="off")

    assert gone == [recording]
    assert old.noting is None
    assert old.recording.responses.why_not


async def test_places_that_are_taken_stay_taken():
    old = over(Behind(Scripted([answer("one"), answer("two")])), replace(QUIET, max_concurrent=1))
    first = old.backend.reply(ask())
    await anext(first)

    changed(old, max_queue=0)
    assert old.limit.running == 1
    with pytest.raises(TooBusy):
        await hear(old.backend, ask())

    changed(old, max_concurrent=2)
    assert (await hear(old.backend, ask())).parts == answer("two").parts
    await first.aclose()
    assert old.limit.running == 0


async def test_a_reply_goes_on_as_it_began():
    old = over(Behind(Scripted([answer("one two three")])), QUIET)
    reply = old.backend.reply(ask())
    collector = Collector()
    collector.feed(await anext(reply))

    changed(old, model="mmodel", check_grammar=True)
    async for batch in reply:
        collector.feed(batch)

    assert collector.reply().parts == answer("one two three").parts


def test_settings_that_cannot_be_change_nothing(tmp_path):
    old = gateway()
    state = dict(vars(old))

    with pytest.raises(SettingsError):
        renewed(old, replace(QUIET, image_folders=("pictures",), max_concurrent=1))
    with pytest.raises(SettingsError):
        renewed(old, replace(QUIET, host="0.0.0.0"))

    assert vars(old) == state
    assert old.limit.places.at_once == QUIET.max_concurrent


class Reads:
    """Settings that remember which of them were read."""

    def __init__(self, settings):
        self.settings = settings
        self.names = set()

    def __getattr__(self, name):
        self.names.add(name)
        return getattr(self.settings, name)


@pytest.mark.parametrize("backend", ["auto", "remote", "ipc", "acp", "simulator"])
async def test_who_answers_depends_on_no_other_settings(tmp_path, monkeypatch, backend):
    fresh(monkeypatch, tmp_path)
    settings = Reads(replace(QUIET, backend=backend, acp_command="opencode"))
    behind = whoever_answers(cast("Settings", settings))
    await behind.look()
    behind.hurdle()
    behind.elsewhere(ask())
    await behind.aclose()

    assert settings.names
    assert settings.names <= OF_WHO_ANSWERS
    assert {setting.name for setting in TABLE} >= OF_WHO_ANSWERS
