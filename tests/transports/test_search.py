import asyncio
import json
import logging
import os
import sys
from contextlib import asynccontextmanager, suppress

import pytest
from aiohttp import web

from lingma_proxy.conversation.search import SearchFailed
from lingma_proxy.transports import search, stdio
from lingma_proxy.transports.search import AddressSearch, ProgramSearch, argument, searcher
from support.offspring import offspring

posix = pytest.mark.skipif(sys.platform == "win32", reason="looks at processes the Unix way")
SAYS = "import json, sys; print(json.dumps([{'url': 'u', 'words': sys.argv[1:]}]))"


@pytest.fixture(autouse=True)
def little_patience(monkeypatch):
    for name in ("GRACE", "PATIENCE"):
        monkeypatch.setattr(stdio, name, 0.1)


def python(code, *words, **more):
    return ProgramSearch([sys.executable, "-S", "-c", code, *words], **more)


async def words(program, query):
    ((said),) = json.loads(await program(query))
    return said["words"]


async def code_of(searching, query="tea"):
    with pytest.raises(SearchFailed) as caught:
        await searching(query)
    return caught.value.code


# A program.


async def test_the_query_is_one_argument_whatever_stands_in_it():
    for query in ("tea", "a b", "; rm -rf / #", "$(id) `id` %PATH% & | \"'", "“茶” 😀", "*"):
        assert await words(python(SAYS), query) == [query]


async def test_the_query_stands_where_it_is_wanted():
    assert await words(python(SAYS, "-n", "5", "--q={query}", "{query}", "-x"), "tea") == [
        "-n",
        "5",
        "--q=tea",
        "tea",
        "-x",
    ]


async def test_a_query_is_never_an_option():
    assert await words(python(SAYS), "--config=/etc/passwd") == [" --config=/etc/passwd"]
    assert argument("--q={query}", "-x") == "--q=-x"


async def test_a_program_that_reads_on_hears_the_end_at_once():
    assert await python("import sys; sys.stdin.read(); print([])")("tea") == b"[]\n"


@pytest.mark.parametrize(
    "code",
    ["raise SystemExit(3)", "print('x' * 3_000_000)", "import time; time.sleep(600)"],
    ids=["a code", "too much", "too long"],
)
@posix
async def test_what_goes_wrong_is_a_failure_and_leaves_nothing(code):
    before = offspring(os.getpid())

    assert await code_of(python(code, time=2.0)) == "unavailable"
    assert {it for it in offspring(os.getpid()) if it not in before} == set()


async def test_a_program_that_is_not_there_is_a_failure():
    assert await code_of(ProgramSearch(["no-such-program-7f2c"])) == "unavailable"


async def test_what_is_searched_is_in_no_log(caplog):
    caplog.set_level(logging.DEBUG)
    await code_of(python("import sys; sys.stderr.write(sys.argv[1]); sys.exit(1)"), "CANARY")
    await code_of(AddressSearch("http://127.0.0.1:9/?q={query}&key=CANARY"), "CANARY")

    assert "failed" in caplog.text
    assert "CANARY" not in caplog.text


@posix
async def test_who_leaves_ends_the_program():
    before = offspring(os.getpid())
    searching = asyncio.create_task(python("import time; time.sleep(600)")("tea"))
    while not offspring(os.getpid()) - before:  # nobody tells when it has started
        await asyncio.sleep(0.01)
    searching.cancel()
    with suppress(asyncio.CancelledError):
        await searching

    assert offspring(os.getpid()) - before == set()


# An address.


@asynccontextmanager
async def answering(answer):
    asked = []

    async def handle(request):
        asked.append(request)
        return await answer(request)

    server = web.Server(handle, handler_cancellation=True)
    runner = web.ServerRunner(server)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    try:
        yield f"http://127.0.0.1:{port}", asked
    finally:
        await runner.cleanup()


async def test_the_query_is_escaped_in_the_address():
    async def answer(request):
        return web.json_response([])

    async with answering(answer) as (url, asked):
        for query in ("tea", "a&key=b#c", "“茶” /%2e", "\ud800"):
            assert await AddressSearch(f"{url}/s?q={{query}}&n=5")(query) == b"[]"
        values = [request.query["q"] for request in asked]

    assert values == ["tea", "a&key=b#c", "“茶” /%2e", "?"]
    assert all(request.query["n"] == "5" for request in asked)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (429, "too_many_requests"),
        (414, "query_too_long"),
        (500, "unavailable"),
        (403, "unavailable"),
    ],
)
async def test_a_status_is_a_failure(status, code):
    async def answer(request):
        return web.Response(status=status)

    async with answering(answer) as (url, _):
        assert await code_of(AddressSearch(f"{url}/?q={{query}}")) == code


async def test_an_answer_is_bounded(monkeypatch):
    async def answer(request):
        return web.Response(body=b"x" * 100)

    async with answering(answer) as (url, _):
        monkeypatch.setattr(search, "LARGEST", 99)
        assert await code_of(AddressSearch(f"{url}/?q={{query}}")) == "unavailable"
        monkeypatch.setattr(search, "LARGEST", 100)
        assert len(await AddressSearch(f"{url}/?q={{query}}")("tea")) == 100


async def test_an_answer_that_does_not_come_is_a_failure():
    async def answer(request):
        await asyncio.Event().wait()

    async with answering(answer) as (url, _):
        assert await code_of(AddressSearch(f"{url}/?q={{query}}", time=0.1)) == "unavailable"


# The setting.


def test_an_empty_setting_is_no_search():
    assert searcher("") is searcher("  ") is None


@pytest.mark.parametrize(
    ("setting", "windows", "command"),
    [
        ("my-search --json", False, ("my-search", "--json", "{query}")),
        ("'my search' -q '{query}'", False, ("my search", "-q", "{query}")),
        (r'"C:\My Tools\s.exe" -q {query}', True, (r"C:\My Tools\s.exe", "-q", "{query}")),
    ],
)
def test_a_command_line_is_taken_apart_once(setting, windows, command):
    program = searcher(setting, windows=windows)

    assert isinstance(program, ProgramSearch)
    assert program._command == command


@pytest.mark.parametrize(
    "setting",
    ["https://host/search", "https://{query}/", "http://?q={query}", "'open", "{query} x", "s.bat -x", "''"],
)  # fmt: skip
def test_a_setting_that_cannot_be_meant_is_refused(setting):
    with pytest.raises(ValueError, match=r"address|program|quotation"):
        searcher(setting)


def test_an_address_is_one():
    assert isinstance(searcher("https://host/?q={query}"), AddressSearch)
