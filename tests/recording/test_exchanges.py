"""What was kept is found, whole, by whoever looks for it; and cleared when that is wanted."""

import asyncio
import sqlite3
import threading
from dataclasses import replace

import pytest

from lingma_proxy.conversation.events import (
    FinishReason,
    PartDelta,
    PartEnded,
    PartStarted,
    ReplyStarted,
    Usage,
)
from lingma_proxy.conversation.request import Text
from lingma_proxy.errors import RateLimited
from lingma_proxy.recording import database
from lingma_proxy.recording.kept import KeptBody, Summary, Wanted
from lingma_proxy.recording.recording import FILE, Recording
from lingma_proxy.recording.retention import Retention
from support.exchanges import BEGAN, REQUEST, RESPONSE, attempt, body, exchange


@pytest.fixture
async def recording(tmp_path):
    recording = Recording(tmp_path, Retention(), clock=lambda: BEGAN + 10)
    yield recording
    await recording.aclose()


@pytest.fixture
def exchanges(recording):
    return recording.exchanges


async def ids(exchanges, **wanted):
    return [it.id for it in await exchanges.list(Wanted(**wanted))]


async def test_a_line_of_the_list_says_all_that_was_noted(exchanges):
    exchanges.keep(exchange())

    assert await exchanges.list(Wanted()) == [
        Summary(
            row=1,
            id="req_1",
            began=BEGAN,
            method="POST",
            path="/v1/chat/completions",
            client="claude-code",
            user_agent="claude-cli/2.0",
            dialect="openai_chat",
            streamed=True,
            asked_model="kimi",
            model="kmodel",
            status=200,
            accepted=BEGAN + 1.25,
            first=BEGAN + 1.5,
            ended=BEGAN + 2.25,
            queued=0.5,
            reason="stop",
            usage=Usage(3, 2, estimated=True),
            tools=("read_file",),
            warnings=("top_k is not sent.",),
            error="",
            error_kind="",
            attempts=1,
        )
    ]


async def test_all_of_an_exchange_is_found_again(exchanges):
    failed = attempt(
        reply=body(b""),
        events=[],
        usage=None,
        reason=None,
        error=RateLimited("Too many.", retry_after=3),
    )
    exchanges.keep(exchange(attempts=[failed, attempt()]))
    kept = await exchanges.find("req_1")

    [line] = await exchanges.list(Wanted())
    assert kept.summary == line
    assert kept.request == KeptBody(REQUEST.decode(), len(REQUEST))
    assert kept.response == KeptBody(RESPONSE.decode(), len(RESPONSE))
    assert kept.media_type == "text/event-stream"
    first, second = kept.attempts
    assert (first.number, first.error, first.error_kind) == (1, "Too many.", "RateLimited")
    assert (first.reply, first.events, first.usage) == (KeptBody(), KeptBody(), None)
    assert (second.number, second.backend, second.model) == (2, "remote", "kmodel")
    assert second.url == "https://vendor.example/chat"
    assert (second.began, second.accepted) == (BEGAN + 1, BEGAN + 1.25)
    assert (second.first, second.ended) == (BEGAN + 1.5, BEGAN + 2)
    assert (second.reason, second.usage) == (FinishReason.STOP, Usage(3, 2))
    assert second.warnings == ("top_k is not sent.",)
    assert second.request.text == '{"key":"kmodel"}'
    assert second.reply.text == "data: Hello!\n\n"
    assert '{"ms":750,"event":"text","index":0,"text":"Hel"}\n' in second.events.text


async def test_the_newest_come_first_and_the_oldest_for_who_follows(exchanges):
    for number in range(5):
        exchanges.keep(exchange(f"req_{number}"))

    assert await ids(exchanges, limit=3) == ["req_4", "req_3", "req_2"]
    assert await ids(exchanges, limit=2, before=3) == ["req_1", "req_0"]
    assert await ids(exchanges, limit=2, after=2) == ["req_2", "req_3"]
    assert await ids(exchanges, after=5) == []


async def test_who_follows_misses_none_that_comes_after_a_clear(exchanges):
    exchanges.keep(exchange("req_old"))
    [last] = await exchanges.list(Wanted())
    await exchanges.clear(Wanted())
    exchanges.keep(exchange("req_new"))

    assert await ids(exchanges, after=last.row) == ["req_new"]


ODD = exchange(
    "req_odd",
    began=BEGAN - 5,
    client="codex",
    dialect="",
    path="/v1/models",
    model="",
    asked_model="",
    status=404,
    attempts=[],
)


@pytest.mark.parametrize(
    "wanted",
    [
        {"client": "codex"},
        {"path": "/v1/models"},
        {"status": "404"},
        {"status": "4xx"},
        {"status": "4XX"},
        {"until": BEGAN - 1},
        {"failed": True},
    ],
    ids=str,
)
async def test_only_what_is_wanted_is_listed(exchanges, wanted):
    exchanges.keep(exchange("req_1"))
    exchanges.keep(ODD)

    assert await ids(exchanges, **wanted) == ["req_odd"]


@pytest.mark.parametrize(
    "wanted",
    [
        {"model": "kimi"},
        {"model": "kmodel"},
        {"dialect": "openai_chat"},
        {"replies": True},
        {"since": BEGAN},
        {"status": "2xx"},
        {"text": "hello!"},
    ],
    ids=str,
)
async def test_and_what_is_not_is_not(exchanges, wanted):
    exchanges.keep(exchange("req_1"))
    exchanges.keep(replace(ODD, request=body(b""), response=body(b"")))

    assert await ids(exchanges, **wanted) == ["req_1"]


@pytest.mark.parametrize("status", ["x", "", "4yx", "-1", "９99", "٤٠٤", "4xx' OR 1"])
async def test_what_is_no_status_finds_nothing_or_does_not_matter(exchanges, status):
    exchanges.keep(exchange())

    assert await ids(exchanges, status=status) == ([] if status != "" else ["req_1"])


async def test_a_client_that_left_is_a_failure(exchanges):
    exchanges.keep(exchange("req_left", error=asyncio.CancelledError()))
    exchanges.keep(exchange("req_1"))
    [left] = await exchanges.list(Wanted(failed=True))

    assert (left.id, left.error_kind) == ("req_left", "left")


async def test_the_words_of_a_foreign_error_are_not_kept(exchanges):
    exchanges.keep(exchange(error=KeyError("my prompt")))
    [line] = await exchanges.list(Wanted())

    assert (line.error_kind, "prompt" in line.error) == ("KeyError", False)


async def test_one_is_found_by_the_beginning_of_its_id_and_the_last_by_its_name(exchanges):
    exchanges.keep(exchange("req_ab1"))
    exchanges.keep(exchange("req_ab"))
    exchanges.keep(exchange("req_b%"))
    exchanges.keep(replace(ODD, id="req_page"))

    async def found(id):
        kept = await exchanges.find(id)
        return kept and kept.summary.id

    assert await found("req_ab") == "req_ab"
    assert await found("req_ab1") == "req_ab1"
    assert await found("req_a") == "req_ab"
    assert await found("req_b%") == "req_b%"
    assert await found("last") == "req_b%", "the newest that asked for a reply"
    assert await found("%") is None
    assert await found("") is None


@pytest.mark.parametrize(
    "said",
    ["你好", r"\u4f60\u597d", "C:\\temp", 'she said "no"', "100%_sure", "tab\there", "🙂", "~"],
)
async def test_words_are_found_however_they_are_spelled_in_json(exchanges, said):
    import json

    for ascii_only in (True, False):
        data = json.dumps({"content": f"before {said} after"}, ensure_ascii=ascii_only).encode()
        exchanges.keep(exchange(request=body(data)))
    exchanges.keep(exchange(request=body(b'{"content":"100 % sure"}')))

    assert len(await exchanges.list(Wanted(text=said))) == 2


async def test_what_is_too_old_is_not_there_even_before_it_is_deleted(exchanges):
    exchanges.keep(exchange(began=BEGAN - 8 * 24 * 3600))

    assert await ids(exchanges) == []
    assert await exchanges.find("req_1") is None


async def test_what_is_cleared_is_gone_and_only_that(exchanges):
    for number in range(300):
        exchanges.keep(exchange(f"req_{number}", client="a" if number % 2 else "b"))

    assert await exchanges.clear(Wanted(client="a", limit=1)) == 150
    assert await exchanges.clear(Wanted(client="a")) == 0
    assert len(await exchanges.list(Wanted(limit=1000))) == 150


async def test_what_is_cleared_leaves_no_trace_in_any_file(exchanges, tmp_path):
    for number in range(20):
        exchanges.keep(exchange(f"req_{number}", request=body(b"unmistakable " * 3000)))
    assert len(await exchanges.list(Wanted(text="unmistakable"))) == 20
    await exchanges.clear(Wanted())

    files = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert FILE in files
    assert not [name for name, data in files.items() if b"unmistakable" in data]
    assert sum(map(len, files.values())) < 200_000


async def test_another_process_reads_and_clears_the_same_file(exchanges, tmp_path):
    other = Recording(tmp_path, Retention(), clock=lambda: BEGAN + 10)
    exchanges.keep(exchange("req_1"))
    assert await ids(exchanges) == ["req_1"]
    assert await ids(other.exchanges) == ["req_1"]
    assert await other.exchanges.clear(Wanted()) == 1
    exchanges.keep(exchange("req_2"))

    assert await ids(exchanges) == await ids(other.exchanges) == ["req_2"]
    await other.aclose()


async def test_who_reads_for_long_holds_up_no_writing(exchanges, recording):
    exchanges.keep(exchange("req_1"))
    reading, done = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def slowly(connection):
        connection.execute("SELECT count(*) FROM exchanges").fetchone()
        loop.call_soon_threadsafe(reading.set)
        asyncio.run_coroutine_threadsafe(done.wait(), loop).result(10)
        return connection.execute("SELECT count(*) FROM exchanges").fetchone()

    looking = asyncio.ensure_future(recording._database.look(slowly))
    await reading.wait()
    exchanges.keep(exchange("req_2"))
    written = await recording._database.ask(
        lambda it: it.execute("SELECT count(*) FROM exchanges").fetchone()
    )
    done.set()

    assert written == (2,)
    assert await looking == (1,), "it sees one moment"


async def test_without_a_recording_nothing_is_known(tmp_path):
    recording = Recording(tmp_path / "new", Retention(), on=False)
    recording.exchanges.keep(exchange())

    assert await recording.exchanges.list(Wanted()) == ()
    assert await recording.exchanges.find("last") is None
    assert await recording.exchanges.clear(Wanted()) == 0
    assert "`recording` is off" in recording.exchanges.why_not
    assert not (tmp_path / "new").exists()


async def kept_by(recording):
    kept = await recording.exchanges.find("last")
    await recording.aclose()
    assert kept is not None
    return kept


async def test_bodies_can_be_left_out(tmp_path):
    recording = Recording(tmp_path, Retention(), bodies=False, clock=lambda: BEGAN)
    recording.exchanges.keep(exchange())
    kept = await kept_by(recording)

    assert kept.request == KeptBody("", len(REQUEST), "the setting `recording_bodies` is off")
    assert kept.attempts[0].events.gone == kept.request.gone
    assert all(b"Hello!" not in file.read_bytes() for file in tmp_path.iterdir())


async def test_a_body_that_is_too_long_is_cut_and_says_so(tmp_path):
    recording = Recording(tmp_path, Retention(), most=2048, clock=lambda: BEGAN)
    recording.exchanges.keep(exchange(request=body(b"many words " * 1000)))
    kept = await kept_by(recording)

    assert len(kept.request.text) <= 2048
    assert kept.request.text.startswith("many words many")
    assert kept.request.size == 11000
    assert kept.request.gone == "only the first 2 KB of 10 KB are kept"


async def test_a_file_that_cannot_be_used_is_trouble_and_harms_nobody(tmp_path):
    from lingma_proxy.errors import StoreUnavailable

    (tmp_path / "file").write_text("in the way")
    recording = Recording(tmp_path / "file", Retention())
    recording.exchanges.keep(exchange())
    with pytest.raises(StoreUnavailable):
        await recording.exchanges.list(Wanted())
    await recording.aclose()

    assert "cannot be used" in recording.exchanges.why_not


async def test_large_numbers_stay_what_they_are(exchanges, tmp_path):
    exchanges.keep(
        exchange(usage=Usage(2**62, 2**53 + 1), request=body(b'{"id":9007199254740993}'))
    )
    kept = await exchanges.find("last")

    assert kept.summary.usage == Usage(2**62, 2**53 + 1)
    assert kept.request.text == '{"id":9007199254740993}'
    connection = sqlite3.connect(tmp_path / FILE)
    assert connection.execute("SELECT count(*) FROM exchanges").fetchone() == (1,)
    connection.close()


async def test_what_comes_too_fast_loses_its_texts_before_itself(
    exchanges, recording, monkeypatch, caplog
):
    monkeypatch.setattr(database, "WAITING_BYTES", 100_000)
    gate = threading.Event()
    recording._database.tell(lambda _: gate.wait(10))
    for number in range(200):
        exchanges.keep(exchange(f"req_{number}", request=body(b"some words " * 1000)))
    gate.set()
    lines = await exchanges.list(Wanted(limit=1000))
    last = await exchanges.find("req_10")

    assert 5 < exchanges.bodies_lost < 200
    assert exchanges.lost == 200 - len(lines) > 0, "in the end there is no room for anything"
    assert last.request == KeptBody("", 11_000, "it could not be written as fast as it came")
    assert "some words" in (await exchanges.find("req_1")).request.text
    assert caplog.text.count("faster than they can be recorded") == 1
    assert caplog.text.count("as fast as it grows") == 1
    exchanges.keep(exchange("req_later"))
    assert (await exchanges.find("last")).request.text, "it has passed"
    assert exchanges.why_not == ""


async def test_a_secret_that_comes_in_pieces_is_written_in_none(exchanges, tmp_path):
    secret = "sk-0123456789abcdefghij"
    pieces = [secret[at : at + 4] for at in range(0, len(secret), 4)]
    stream = b"".join(b'data: {"content":"%b"}\n\n' % piece.encode() for piece in pieces * 5)
    events = [
        (BEGAN, [ReplyStarted("r", "m"), PartStarted(0, Text("")), PartDelta(0, "It is ")]),
        *((BEGAN + 1, [PartDelta(0, piece)]) for piece in pieces),
        (BEGAN + 2, [PartDelta(0, " indeed."), PartEnded(0)]),
    ]
    torn = attempt(events=events, reply=body(stream))
    exchanges.keep(exchange(attempts=[torn], response=body(stream)))
    kept = await exchanges.find("last")

    assert "in pieces" in kept.response.gone
    assert "in pieces" in kept.attempts[0].reply.gone
    assert "It is [redacted: api key] indeed." in kept.attempts[0].events.text
    for file in tmp_path.iterdir():
        assert not [piece for piece in pieces[1:] if piece.encode() in file.read_bytes()]
