import asyncio
import logging
from functools import partial

import pytest

from lingma_proxy.cli.load import load, watched
from lingma_proxy.cli.watching import POLL, Watching
from lingma_proxy.errors import SettingsError
from lingma_proxy.settings import Settings


class Program:
    """What the settings are applied to."""

    def __init__(self, file, **environment):
        self.file = file
        self.applied = []
        self.refuses = ""
        read = partial(load, str(file), {}, environment)
        self.watching = Watching(
            read().settings,
            read,
            lambda settings: watched(str(file), settings, environment),
            self.apply,
        )

    def apply(self, settings):
        if self.refuses:
            raise SettingsError(self.refuses)
        self.applied.append(settings)

    async def writes(self, text):
        self.file.write_text(text, encoding="utf-8")
        await self.watching.look()


@pytest.fixture
def program(tmp_path):
    file = tmp_path / "lingma-proxy.json"
    file.write_text("{}", encoding="utf-8")
    return Program(file)


@pytest.fixture
def said(caplog):
    caplog.set_level(logging.INFO, "lingma_proxy.settings")
    return lambda: [record.getMessage() for record in caplog.records]


async def test_what_has_changed_is_applied_and_said(program, said):
    await program.writes('{"model": "mmodel"}')

    assert program.applied == [Settings(model="mmodel")]
    assert program.watching.settings.model == "mmodel"
    assert [line.partition(" (")[0] for line in said()] == ["model is now mmodel"]


async def test_a_file_that_says_the_same_changes_nothing(program, said):
    await program.writes('{ "model": "kmodel" }')

    assert program.applied == []
    assert said() == []


async def test_what_changed_before_the_first_look_is_seen(program):
    program.file.write_text('{"model": "mmodel"}', encoding="utf-8")
    await program.watching.look()

    assert program.watching.settings.model == "mmodel"


@pytest.mark.parametrize(
    "text", ['{"model": ', '{"port": "x"}', ""], ids=["torn", "wrong", "empty"]
)
async def test_a_file_that_is_wrong_keeps_the_last_good_settings_and_says_why_once(
    program, said, text
):
    await program.writes('{"model": "mmodel"}')
    await program.writes(text)
    assert len(said()) == 1, "it may be half written: the next look decides"
    for _ in range(3):
        await program.watching.look()

    assert program.watching.settings.model == "mmodel"
    assert len(said()) == 2
    assert said()[1].startswith("The settings stay as they were. ")


async def test_a_file_that_was_half_written_is_not_spoken_of(program, said):
    await program.writes('{"model": ')
    await program.writes('{"model": "mmodel"}')

    assert program.watching.settings.model == "mmodel"
    assert len(said()) == 1


async def test_what_cannot_be_applied_changes_nothing(program, said):
    program.refuses = "image_folders: no."
    await program.writes('{"model": "mmodel"}')
    await program.watching.look()

    assert program.watching.settings == Settings()
    assert said() == ["The settings stay as they were. image_folders: no."]


async def test_what_waits_for_the_next_start_is_said_once(program, said):
    await program.writes('{"port": 9000}')
    await program.writes('{"port": 9000, "model": "mmodel"}')

    assert program.watching.settings == Settings(model="mmodel")
    assert said().count("port: 9000 takes effect at the next start.") == 1


async def test_a_file_that_is_taken_away_is_missed_only_where_it_was_named(program, said):
    await program.writes('{"model": "mmodel"}')
    program.file.unlink()
    await program.watching.look()
    await program.watching.look()

    assert program.watching.settings.model == "mmodel"
    assert "cannot be read" in said()[-1]


async def test_the_file_of_the_key_is_watched_too(tmp_path):
    key, file = tmp_path / "key", tmp_path / "lingma-proxy.json"
    key.write_text("first-key-0123", encoding="utf-8")
    file.write_text(f'{{"api_key_file": "{key.as_posix()}"}}', encoding="utf-8")
    program = Program(file)
    assert program.watching.settings.api_key == "first-key-0123"

    key.write_text("second-key-01234", encoding="utf-8")
    await program.watching.look()

    assert program.watching.settings.api_key == "second-key-01234"


async def test_it_looks_by_itself_until_it_is_cancelled(program):
    task = asyncio.create_task(program.watching.run())
    program.file.write_text('{"model": "mmodel"}', encoding="utf-8")
    async with asyncio.timeout(30):
        while not program.applied:
            await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_a_change_is_seen_and_confirmed_within_a_second():
    assert POLL * 2 < 1
