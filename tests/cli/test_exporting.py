import json
import os
import stat
import sys
from pathlib import Path

import pytest

from lingma_proxy.cli import exporting, recorded
from lingma_proxy.cli.exporting import ALL, by_suffix, export
from lingma_proxy.errors import InvalidRequest, NotFound
from lingma_proxy.recording.kept import Wanted
from lingma_proxy.settings import resolve
from support.exchanges import exchange
from support.recorded import keep

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="modes of files are POSIX's")


@pytest.fixture
async def write(tmp_path, monkeypatch):
    """Writes what is kept to a file in an empty folder, and reads it."""
    data, here = tmp_path / "data", tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    await keep(data, exchange("req_1"), exchange("req_2"), exchange("req_3"))
    resolved = resolve(None, {}, {"data_dir": str(data)})

    async def run(file, *ids, form=None, force=False, **wishes):
        want = Wanted(limit=wishes.pop("limit", ALL), **wishes)
        await export(resolved, want, ids, file=file, form=form, force=force)
        return "" if file == "-" else (here / file).read_text()

    return run


def ids(text):
    return [json.loads(line)["id"] for line in text.splitlines()]


async def test_the_oldest_comes_first(write):
    assert ids(await write("all.jsonl")) == ["req_1", "req_2", "req_3"]


async def test_the_newest_so_many_or_those_that_are_named(write):
    assert ids(await write("a.jsonl", limit=2)) == ["req_2", "req_3"]
    assert ids(await write("b.jsonl", "req_3", "1")) == ["req_3", "req_1"]
    with pytest.raises(NotFound, match="no request `req_9`"):
        await write("c.jsonl", "req_1", "req_9")


async def test_the_name_of_the_file_chooses_the_form(write):
    assert len(json.loads(await write("all.har"))["log"]["entries"]) == 6
    assert (await write("all.sh")).count("\ncurl ") == 3
    assert ids(await write("all.sh.txt", form="jsonl")) == ["req_1", "req_2", "req_3"]
    assert by_suffix("-") == by_suffix("x") == "jsonl"


@POSIX
async def test_only_its_owner_can_read_the_file(write, tmp_path):
    await write("all.jsonl")
    Path("all.jsonl").chmod(0o644)
    await write("all.jsonl", force=True)

    assert stat.S_IMODE(Path("all.jsonl").stat().st_mode) == 0o600


async def test_nothing_is_written_over_unless_that_is_said(write, tmp_path):
    (tmp_path / "here" / "mine").write_text("precious")
    with pytest.raises(
        InvalidRequest, match="mine is there already; name another file, or say --f"
    ):
        await write("mine")
    assert (tmp_path / "here" / "mine").read_text() == "precious"

    assert ids(await write("mine", force=True)) == ["req_1", "req_2", "req_3"]
    assert [each.name for each in (tmp_path / "here").iterdir()] == ["mine"]


async def test_a_name_that_was_taken_meanwhile_is_not_written_over(write, tmp_path, monkeypatch):
    mine = tmp_path / "here" / "mine"

    async def slow(exchanges, id):
        mine.write_text("precious")
        return await recorded.find(exchanges, id)

    monkeypatch.setattr(exporting, "find", slow)
    with pytest.raises(InvalidRequest, match="is there already"):
        await write("mine", "req_1")

    assert mine.read_text() == "precious"
    assert [each.name for each in mine.parent.iterdir()] == ["mine"]


async def test_what_is_no_file_is_never_written_over(write, tmp_path):
    (tmp_path / "here" / "folder").mkdir()
    with pytest.raises(InvalidRequest, match="is no file that can be written over"):
        await write("folder", force=True)
    if hasattr(os, "mkfifo"):
        os.mkfifo("pipe")
        with pytest.raises(InvalidRequest, match="is no file that can be written over"):
            await write("pipe", force=True)
        Path("link").symlink_to("/dev/null")
        with pytest.raises(InvalidRequest, match="is no file that can be written over"):
            await write("link", force=True)


async def test_a_folder_that_is_not_there_is_said(write):
    with pytest.raises(InvalidRequest, match="cannot be written: No such file"):
        await write("nowhere/all.jsonl")


async def test_what_fails_leaves_no_file(write, tmp_path, monkeypatch):
    async def failing(exchanges, id):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exporting, "find", failing)
    with pytest.raises(InvalidRequest, match="cannot be written: No space left"):
        await write("all.jsonl", "req_1")

    assert list((tmp_path / "here").iterdir()) == []


async def test_a_dash_is_standard_output(write, capsys):
    await write("-")
    out, err = capsys.readouterr()

    assert ids(out) == ["req_1", "req_2", "req_3"]
    assert err == ""


async def test_how_many_were_written_is_said(write, capsys):
    await write("one.jsonl", "last")

    assert capsys.readouterr() == ("", "Wrote 1 request to one.jsonl.\n")


async def test_where_nothing_was_kept_there_is_nothing_to_write(tmp_path):
    resolved = resolve(None, {}, {"data_dir": str(tmp_path / "nowhere")})
    with pytest.raises(NotFound, match="recorded"):
        await export(resolved, Wanted(), (), file=str(tmp_path / "x"), form=None, force=False)

    assert list(tmp_path.iterdir()) == []
