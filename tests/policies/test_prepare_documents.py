import asyncio
import threading
from dataclasses import dataclass

import pytest

from lingma_proxy.backends.scripted import Scripted
from lingma_proxy.conversation.request import (
    ChatRequest,
    Document,
    DocumentLink,
    Image,
    ImageLink,
    Message,
    Text,
    ToolCall,
    ToolResult,
)
from lingma_proxy.documents.unreadable import Unreadable
from lingma_proxy.errors import InvalidRequest
from lingma_proxy.policies import prepare_documents
from lingma_proxy.policies.prepare_documents import PrepareDocuments, Watch
from support.backends import answer, ask, hands_on, hear, heard, leaves_nothing_behind
from support.pdf import pdf

PNG = b"\x89PNG\r\n\x1a\n...."
NOTES = Document("text/plain", b"tea", "notes.txt", "Mine.")
READ = Text('<document title="notes.txt" context="Mine.">\ntea\n</document>')
REPORT = pdf("Hello", "world")
PAGES = '<page number="1">\nHello\n</page>\n<page number="2">\nworld\n</page>\n</document>'


def asked(*parts) -> ChatRequest:
    call = Message("assistant", (ToolCall("c1", "look", "{}"),))
    return ask("Hi", call, Message("user", parts))


def policy(**more) -> tuple[PrepareDocuments, Scripted]:
    vendor = Scripted([answer("ok")] * 10)
    return PrepareDocuments(vendor, **more), vendor


async def sent(*parts, **more):
    """What the vendor is shown of the last message."""
    documents, vendor = policy(**more)
    await hear(documents, asked(*parts))
    await documents.aclose()
    return vendor.requests[0].messages[-1].parts


async def refusal(*parts, **more) -> str:
    documents, vendor = policy(**more)
    events, error = await heard(documents, asked(*parts))
    await documents.aclose()

    assert isinstance(error, InvalidRequest)
    assert error.param == "messages"
    assert (events, vendor.requests) == ([], [])
    return error.message


@dataclass
class Content:
    data: bytes
    media_type: str = ""


class Web:
    """Links that lead somewhere, and how often they were followed."""

    def __init__(self, **pages: bytes) -> None:
        self.pages = pages
        self.followed: list[str] = []

    async def fetch(self, link: str) -> Content:
        self.followed.append(link)
        if link not in self.pages:
            raise InvalidRequest(f"{link} is not there. Send it.")
        return Content(self.pages[link], "text/plain")


async def test_documents_become_text_where_they_stand():
    assert await sent(
        ToolResult("c1", (Text("See:"), NOTES, Image("image/png", PNG))),
        Text("and"),
        Document("application/pdf", REPORT, "r.pdf"),
        ImageLink("https://a.example/b"),
    ) == (
        ToolResult("c1", (Text("See:"), READ, Image("image/png", PNG))),
        Text("and"),
        Text(f'<document title="r.pdf" pages="2">\n{PAGES}'),
        ImageLink("https://a.example/b"),
    )


async def test_without_documents_nothing_is_done():
    assert await hands_on(PrepareDocuments, asked(ToolResult("c1", (Text("x"),)), Text("a")))


async def test_a_picture_that_is_called_a_document_is_a_picture():
    assert await sent(Document("application/pdf", PNG)) == (Image("image/png", PNG),)


async def test_links_are_followed_once_and_then_known_for_a_while():
    web = Web(a=b"tea", b=PNG)
    times = [0.0]
    documents, vendor = policy(fetch=web.fetch, clock=lambda: times[-1])
    for time in (0.0, 599.0, 601.0):
        times.append(time)
        await hear(documents, asked(DocumentLink("a", "notes.txt", "Mine."), DocumentLink("b")))
    await documents.aclose()

    assert web.followed == ["a", "b"] * 2
    for request in vendor.requests:
        assert request.messages[-1].parts == (READ, Image("image/png", PNG))


async def test_a_link_that_leads_nowhere_is_refused_in_its_words():
    assert await refusal(DocumentLink("x"), fetch=Web().fetch) == (
        "The document in message 3 cannot be fetched: x is not there. Send it."
    )
    assert "not fetched" in await refusal(DocumentLink("x"))


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (Document("application/pdf", pdf("")), "The document in message 3 has no text"),
        (Document("", b"PK\x03\x04", "a\nb"), "The document 'a?b' in message 3 is an Office"),
        (Document("", b"\0", "x" * 500), "The document 'xxxx"),
        (Document("", pdf("a", "b", "c"), "r"), "The document 'r' in message 3 has 3 pages"),
    ],
    ids=["scanned", "office", "long name", "long"],
)
@pytest.mark.parametrize("inside", [False, True], ids=["message", "result"])
async def test_what_cannot_be_read_is_refused_by_its_name(document, words, inside):
    part = ToolResult("c1", (document,)) if inside else document
    message = await refusal(part, most_pages=2)

    assert message.startswith(words)
    assert len(message) < 400


async def test_a_document_is_read_once_for_a_whole_conversation(monkeypatch):
    read = []

    def text_of(data, media_type, **_):
        read.append((data, media_type))
        return "text"

    monkeypatch.setattr(prepare_documents, "text_of", text_of)
    documents, _ = policy()
    for _ in range(3):
        await hear(documents, asked(NOTES, Document("text/html", b"tea")))
    await documents.aclose()

    assert read == [(b"tea", "text/plain"), (b"tea", "text/html")]


async def test_why_it_could_not_be_read_is_known_too(monkeypatch):
    documents, _ = policy()
    _, error = await heard(documents, asked(Document("", b"\0")))
    monkeypatch.setattr(prepare_documents, "text_of", None)
    _, again = await heard(documents, asked(Document("", b"\0")))
    await documents.aclose()

    assert isinstance(again, InvalidRequest)
    assert str(error) == str(again)


async def test_reading_ends_when_its_time_is_up():
    ticks = iter(range(1000))

    message = await refusal(
        Document("", REPORT, "r.pdf"), patience=5, clock=lambda: float(next(ticks))
    )

    assert message.startswith("The document 'r.pdf' in message 3 takes longer than 5 seconds")


async def test_who_leaves_ends_the_reading(monkeypatch):
    reading, left = threading.Event(), threading.Event()
    ended = threading.Event()

    def text_of(*_, check, **__):
        reading.set()
        assert left.wait(20)
        try:
            check()
        finally:
            ended.set()

    monkeypatch.setattr(prepare_documents, "text_of", text_of)
    documents, vendor = policy()
    asking = asyncio.ensure_future(hear(documents, asked(NOTES)))
    assert await asyncio.to_thread(reading.wait, 20)
    asking.cancel()
    await asyncio.wait([asking])
    left.set()

    assert asking.cancelled()
    assert await asyncio.to_thread(ended.wait, 20)
    assert vendor.requests == []
    await documents.aclose()


def test_a_watch_is_patient_until_then():
    now = 0.0
    watch = Watch(5, lambda: now)
    now = 100.0  # it waited for a thread; that is not its fault
    watch.begin()
    now = 104.9
    watch.check()
    watch.stop()

    with pytest.raises(Unreadable):
        watch.check()


async def test_closing_early_closes_all():
    await leaves_nothing_behind(PrepareDocuments, asked(NOTES), *[answer("a")] * 9)


async def test_five_megabytes_of_text_are_read_beside_the_loop():
    text = "tea " * 1_250_000
    (read,) = await sent(Document("text/plain", text.encode()))

    assert read == Text(f"<document>\n{text}\n</document>")
