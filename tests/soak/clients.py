"""The clients of a soak: those that hear what they asked for, and those that do not.

All that they find goes into one `Tally`; which outcomes are nobody's fault is decided here.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from random import Random
from time import perf_counter

from aiohttp import ClientError, ClientSession, ClientTimeout

from lingma_proxy.jsonio import JsonObject
from soak.asking import CHAT, MESSAGES, Case, Way, any_case, data_of, outcome, question
from support.raw import client, post

JSON = {"Content-Type": "application/json"}
LONGEST = 60.0
"""Seconds after which an answer is not one any more."""
TROUBLE = frozenset({"502", "503", "504", "an error in the stream"})
"""What may become of whoever was being answered when the other side went away."""


class Weather:
    """Whether something is going on that breaks everyone's answers."""

    def __init__(self) -> None:
        self._going_on = 0
        self._begun = 0

    @contextmanager
    def bad(self) -> Iterator[None]:
        self._going_on += 1
        self._begun += 1
        try:
            yield
        finally:
            self._going_on -= 1

    def mark(self) -> tuple[int, int]:
        return self._going_on, self._begun

    def was_bad(self, mark: tuple[int, int]) -> bool:
        """Since the mark, or at it."""
        return mark[0] > 0 or self._begun > mark[1]


@dataclass
class Tally:
    outcomes: Counter[tuple[str, str, bool]] = field(default_factory=Counter)
    """By the kind of request, what became of it, and whether that may be."""
    examples: deque[str] = field(default_factory=lambda: deque(maxlen=10))
    """Of what may not be."""
    seconds: deque[float] = field(default_factory=lambda: deque(maxlen=100_000))
    """What whole answers to plain questions took."""

    def add(self, kind: str, became: str, *, allowed: bool, example: str = "") -> None:
        self.outcomes[kind, became, allowed] += 1
        if not allowed:
            self.examples.append(f"{kind}: {became}: {example}")

    @property
    def requests(self) -> int:
        return self.outcomes.total()

    @property
    def unexpected(self) -> int:
        return sum(count for (_, _, allowed), count in self.outcomes.items() if not allowed)


@dataclass
class Crowd:
    """Everyone who asks one server."""

    way: Way
    url: str
    dice: Random
    tally: Tally = field(default_factory=Tally)
    weather: Weather = field(default_factory=Weather)
    asked: int = 0

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    async def ask(self, count: int, until: asyncio.Event) -> None:
        """So many at a time, until then; what was begun is heard to its end."""
        async with ClientSession(timeout=ClientTimeout(LONGEST)) as session:
            async with asyncio.TaskGroup() as group:
                for _ in range(count):
                    group.create_task(self._one_after_another(session, until))

    async def _one_after_another(self, session: ClientSession, until: asyncio.Event) -> None:
        while not until.is_set():
            self.asked += 1
            odd = self.dice.random()
            if odd < 0.12:
                await self._leaves(any_case(self.dice, self.way, self.asked))
            elif odd < 0.13:
                await self._reads_slowly()
            elif odd < 0.14:
                await self._writes_slowly()
            else:
                await self._hears(session, any_case(self.dice, self.way, self.asked))
            await asyncio.sleep(self.dice.random() * 0.05)

    async def _hears(self, session: ClientSession, case: Case) -> None:
        began, mark = perf_counter(), self.weather.mark()
        data = b""
        with self.weather.bad() if case.wide else nullcontext():
            try:
                async with session.request(
                    case.method, self.url + case.path, data=data_of(case), headers=JSON
                ) as answer:
                    data = await answer.read()
                became = outcome(case, answer.status, data)
            except (ClientError, TimeoutError, ConnectionError) as error:
                became = f"no answer ({type(error).__name__})"
        stormy = became in TROUBLE and self.weather.was_bad(mark)
        allowed = became in case.allowed or stormy
        kind = f"{case.kind}, streamed" if case.stream else case.kind
        self.tally.add(
            kind, became, allowed=allowed, example=f"{data_of(case)[-200:]!r} → {data[-600:]!r}"
        )
        if case.kind == "a question" and became == "whole":
            self.tally.seconds.append(perf_counter() - began)

    async def _leaves(self, case: Case) -> None:
        """Somewhere, in some way: before all is said, before all is heard."""
        said = post(case.path, case.body)
        say = self.dice.choice([0, 1, len(said) // 2, len(said) - 1, *[len(said)] * 6])
        hear = self.dice.choice([0, 1, 200, 1000, 5000]) if say == len(said) else 0
        wide = self.weather.bad() if case.wide else nullcontext()
        with wide, suppress(ConnectionError, asyncio.IncompleteReadError):
            async with client(self.port) as leaving:
                await leaving.say(said[:say])
                async with asyncio.timeout(LONGEST):
                    await leaving.reader.readexactly(hear)
                await asyncio.sleep(self.dice.random() * 0.02)
                self.dice.choice([leaving.leave, leaving.vanish, leaving.half_close])()
        if case.wide:
            await asyncio.sleep(0.5)  # it may break what others hear a moment later
        self.tally.add("clients that left", "gone", allowed=True)

    async def _reads_slowly(self) -> None:
        """A few bytes at a time, of more than fits into all the buffers; then it has enough."""
        path, body = question(self.dice, "SIMULATE: words=20000", CHAT, MESSAGES)
        mark = self.weather.mark()
        heard = bytearray()
        async with client(self.port, buffer=4096) as slow:
            await slow.say(post(path, {**body, "stream": True}))
            with suppress(ConnectionError):
                for _ in range(150):
                    async with asyncio.timeout(LONGEST):
                        heard += await slow.reader.read(64)
                    await asyncio.sleep(0.02)
            slow.vanish()
        served = len(heard) > 1000
        self.tally.add(
            "clients that read slowly",
            "served" if served else "cut off",
            allowed=served or self.weather.was_bad(mark),
            example=repr(bytes(heard)),
        )

    async def _writes_slowly(self) -> None:
        word = f"w{self.asked}w"
        path, body = question(self.dice, f"exactly one word: {word}", CHAT, MESSAGES)
        mark = self.weather.mark()
        data = post(path, body)
        heard = b""
        async with client(self.port) as slow:
            with suppress(ConnectionError):
                for at in range(0, len(data), 2):
                    await slow.say(data[at : at + 2])
                    await asyncio.sleep(0.005)
                async with asyncio.timeout(LONGEST):
                    heard = await slow.hear()
        fine = heard.startswith(b"HTTP/1.1 200") and word.encode() in heard
        became = "whole" if fine else heard[9:12].decode() or "no answer"
        self.tally.add(
            "clients that write slowly",
            became,
            allowed=fine or self.weather.was_bad(mark),
            example=repr(heard[-600:]),
        )


async def on_a_websocket(crowd: Crowd, session: ClientSession) -> None:
    """Two turns of the Responses API over one connection."""
    ask: JsonObject = {
        "type": "response.create",
        "model": "kmodel",
        "input": "exactly one word: pong",
    }
    mark = crowd.weather.mark()
    became = "no answer"
    with suppress(ClientError, TimeoutError):
        async with (
            asyncio.timeout(LONGEST),
            session.ws_connect(f"{crowd.url}/v1/responses") as socket,
        ):
            for _ in range(2):
                await socket.send_json(ask)
                async for message in socket:
                    event = message.json()
                    became = str(event.get("type"))
                    if became in {"response.completed", "response.failed", "error"}:
                        break
    fine = became == "response.completed"
    crowd.tally.add("turns on a WebSocket", became, allowed=fine or crowd.weather.was_bad(mark))
