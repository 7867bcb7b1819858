import pytest

from lingma_proxy.cli.recorded import find, nothing, off, opened, there
from lingma_proxy.errors import NotFound
from lingma_proxy.recording.kept import Wanted
from lingma_proxy.settings import resolve
from support.exchanges import exchange
from support.recorded import keep


def resolved(folder, **flags):
    return resolve(None, {}, {"data_dir": str(folder), **flags})


async def test_what_another_process_keeps_is_found(tmp_path):
    await keep(tmp_path, exchange("req_1a2b"))
    settings = resolved(tmp_path).settings

    assert there(settings)
    async with opened(settings) as exchanges:
        await keep(tmp_path, exchange("req_3c4d"))  # it writes on meanwhile
        assert [each.id for each in await exchanges.list(Wanted())] == ["req_3c4d", "req_1a2b"]


async def test_an_id_a_beginning_of_one_or_the_last(tmp_path):
    await keep(tmp_path, exchange("req_1a2b"), exchange("req_3c4d"), exchange("req_5e", dialect=""))
    async with opened(resolved(tmp_path).settings) as exchanges:
        for id in ("req_1a2b", "req_1", "1a2b", "1"):
            assert (await find(exchanges, id)).summary.id == "req_1a2b"
        assert (await find(exchanges, "last")).summary.id == "req_3c4d"
        with pytest.raises(NotFound, match=r"no request `\\x1b\[2J`, or not any more"):
            await find(exchanges, "\x1b[2J")


async def test_to_look_takes_nothing_away(tmp_path):
    await keep(tmp_path, exchange("req_1", began=1.0))
    async with opened(resolved(tmp_path, recording_days="1").settings) as exchanges:
        assert len(await exchanges.list(Wanted())) == 1


def test_to_look_for_it_makes_no_file(tmp_path):
    assert not there(resolved(tmp_path).settings)
    assert list(tmp_path.iterdir()) == []


def test_why_there_is_nothing_is_said_with_what_to_do(tmp_path):
    assert "`lingma-proxy serve` answers from now on" in nothing(resolved(tmp_path))
    assert "is off (--recording). Set it to `on`" in nothing(resolved(tmp_path, recording="off"))
    assert off(resolved(tmp_path)) == ""
    assert "this was kept before" in off(resolved(tmp_path, recording="off"))


def test_without_a_folder_it_is_where_the_system_keeps_data(nobody):
    assert not there(resolve(None, {}, {}).settings)
    assert "~" in nothing(resolve(None, {}, {}))
