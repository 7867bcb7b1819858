import json

import pytest

from lingma_proxy.cli.looking_up import ALL, clear, count, one, some
from lingma_proxy.errors import NotFound
from lingma_proxy.recording.exports.terminal import harmless
from lingma_proxy.recording.kept import Wanted
from lingma_proxy.settings import resolve
from support.exchanges import exchange
from support.recorded import ESCAPE, keep


async def listed(resolved, wanted):
    return await some(resolved, wanted, width=None, as_json=False)


@pytest.fixture
async def resolved(tmp_path):
    odd = exchange("req_2", client="codex", dialect="", asked_model="", model="", path="/v1/models")
    await keep(tmp_path, exchange("req_1"), odd, exchange("req_3", client=ESCAPE))
    return resolve(None, {}, {"data_dir": str(tmp_path)})


def nowhere(tmp_path, **flags):
    return resolve(None, {}, {"data_dir": str(tmp_path / "nowhere"), **flags})


async def test_a_list_has_a_line_for_each(resolved):
    header, newest, oldest = await listed(resolved, Wanted(replies=True))

    assert "MODEL" in header
    assert [line.split()[2] for line in (newest, oldest)] == ["3", "1"]
    assert harmless(newest)


async def test_programs_get_all_the_fields(resolved):
    [text] = await some(resolved, Wanted(), width=None, as_json=True)

    assert harmless(text)
    assert [each["id"] for each in json.loads(text)] == ["req_3", "req_2", "req_1"]
    assert json.loads(text)[0]["client"] == ESCAPE


@pytest.mark.parametrize(
    ("want", "words"),
    [(Wanted(status="404"), "No request that is kept is like that."), (Wanted(), "--all")],
)
async def test_why_a_list_is_empty_is_told(tmp_path, capsys, want, words):
    await keep(tmp_path, exchange(dialect=""))
    resolved = resolve(None, {}, {"data_dir": str(tmp_path)})
    want = Wanted(replies=True) if want == Wanted() else want

    assert await listed(resolved, want) == []
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("flags", [{}, {"recording": "off"}], ids=["on", "off"])
async def test_where_nothing_was_kept_yet_that_is_told(tmp_path, capsys, flags):
    resolved = nowhere(tmp_path, **flags)

    assert await listed(resolved, Wanted()) == []
    assert await some(resolved, Wanted(), width=None, as_json=True) == ["[]"]
    assert "recorded" in capsys.readouterr().err
    with pytest.raises(NotFound, match="recorded"):
        await one(resolved, "last", raw=False, bodies=True, as_json=False)
    assert (await count(resolved, Wanted()))[0] == 0
    assert not (tmp_path / "nowhere").exists()


async def test_what_was_kept_before_it_was_switched_off_is_shown_with_a_note(tmp_path, capsys):
    await keep(tmp_path, exchange())
    resolved = resolve(None, {}, {"data_dir": str(tmp_path), "recording": "off"})

    assert len(await listed(resolved, Wanted())) == 2
    assert "this was kept before" in capsys.readouterr().err


async def test_one_is_shown_for_people_or_for_programs(resolved):
    lines = await one(resolved, "req_1", raw=False, bodies=False, as_json=False)
    [text] = await one(resolved, "last", raw=False, bodies=True, as_json=True)

    assert "req_1" in lines[0]
    assert json.loads(text)["id"] == "req_3"
    assert harmless(text)
    assert json.loads(text)["attempts"][0]["reply"]["text"] == "data: Hello!\n\n"


async def test_exactly_those_that_were_counted_are_deleted(resolved, tmp_path):
    number, want = await count(resolved, Wanted(limit=ALL, client="claude-code"))
    await keep(tmp_path, exchange("req_4"))

    assert number == 1
    assert await clear(resolved, want) == 1
    left = json.loads((await some(resolved, Wanted(), width=None, as_json=True))[0])
    assert [each["id"] for each in left] == ["req_4", "req_3", "req_2"]
