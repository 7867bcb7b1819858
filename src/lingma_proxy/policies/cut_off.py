"""Stop sequences and a limit on tokens, for every vendor that keeps neither.

Stop sequences are looked for in text, not in thinking and not in arguments, and never
across parts.  The earliest wins, and of several at one place the longest.  Text is held
back only while it may yet become one.  Everything that is said counts towards the limit:
text, thinking, arguments.

After a cut the vendor is told at once to stop, and its usage is unknown.
"""

import re
from collections.abc import Callable, Sequence
from contextlib import aclosing
from copy import copy
from typing import Protocol

from lingma_proxy.backend import Backend, EventStream
from lingma_proxy.conversation.events import (
    Event,
    FinishReason,
    PartDelta,
    PartEnded,
    PartStarted,
    ReplyEnded,
)
from lingma_proxy.conversation.request import ChatRequest, Text
from lingma_proxy.conversation.tokens import TokenMeter
from lingma_proxy.policies.base import Policy

COARSE = 256
"""Characters that are counted at once on the way to the exact place of a cut."""


class Meter(Protocol):
    """Counts the tokens of text that comes in pieces."""

    @property
    def tokens(self) -> int: ...
    def feed(self, text: str) -> None: ...


class StopFinder:
    """Looks for stop sequences in the text of one part, piece by piece."""

    def __init__(self, stops: Sequence[str]) -> None:
        longest_first = sorted(stops, key=len, reverse=True)
        self._stops = longest_first
        self._longest = len(longest_first[0])
        self._any = re.compile("|".join(map(re.escape, longest_first)))
        self._begins = re.compile("|".join({re.escape(stop[0]) for stop in longest_first}))
        self._held = ""

    def feed(self, piece: str) -> tuple[str, str | None]:
        """The text that can go out, and the stop sequence that follows it, if one does."""
        text = self._held + piece
        self._held = ""
        if self._begins.search(text) is None:
            return text, None
        found = self._any.search(text)
        pending = self._pending(text)
        if found is not None and found.start() < pending:
            return text[: found.start()], found[0]
        # Also when one was found: a longer one at that place, or one before it, may still come.
        self._held = text[pending:]
        return text[:pending], None

    def end(self) -> tuple[str, str | None]:
        """The part is over: what was held back can become nothing more."""
        text, self._held = self._held, ""
        found = self._any.search(text)
        return (text, None) if found is None else (text[: found.start()], found[0])

    def _pending(self, text: str) -> int:
        """Where the end of the text begins that may yet become a stop sequence."""
        for begin in self._begins.finditer(text, max(0, len(text) - self._longest + 1)):
            tail = text[begin.start() :]
            if any(len(stop) > len(tail) and stop.startswith(tail) for stop in self._stops):
                return begin.start()
        return len(text)


class Budget:
    """Knows how much of what is said still fits into a number of tokens.

    A token is at least one byte, so nothing is counted until the bytes pass the limit.
    """

    def __init__(self, limit: int, meter: Meter) -> None:
        self._limit = limit
        self._counted = meter
        self._tokens = 0
        """What the meter shows: to look at it costs, too."""
        self._waiting: list[str] = []
        self._bytes = 0
        """Of what waits to be counted."""

    def takes_whole(self, text: str) -> bool:
        """Take the text if it fits for certain, without counting."""
        size = len(text) if text.isascii() else len(text.encode())
        if self._tokens + self._bytes + size > self._limit:
            return False
        self._bytes += size
        self._waiting.append(text)
        return True

    def take(self, text: str) -> str:
        """As much of the text as fits: all of it, or else its beginning."""
        if self.takes_whole(text):
            return text
        self._counted.feed("".join(self._waiting))
        self._waiting.clear()
        self._bytes = 0
        at = 0
        for step in (COARSE, 1):
            while at < len(text):
                trial = copy(self._counted)
                trial.feed(text[at : at + step])
                if trial.tokens > self._limit:
                    break
                self._counted = trial
                at += step
        self._tokens = self._counted.tokens
        return text[:at]


class Cutter:
    """Lets a reply through, batch by batch, up to where it is cut."""

    def __init__(self, finder: StopFinder | None, budget: Budget | None) -> None:
        self._finder = finder
        self._budget = budget
        self._in_text = False
        self.cut = False
        """Whether the reply has been cut: what `feed` gave last is its end."""

    def feed(self, batch: Sequence[Event]) -> list[Event]:
        out: list[Event] = []
        for event in batch:
            # By far the most frequent event; `isinstance` is five times as quick as `match`.
            if isinstance(event, PartDelta):
                text, stop = event.text, None
                if self._in_text and self._finder is not None:
                    text, stop = self._finder.feed(text)
                elif self._budget is None or self._budget.takes_whole(text):
                    out.append(event)
                    continue
                self._say(out, event.index, text, stop)
            elif isinstance(event, PartEnded):
                if self._in_text and self._finder is not None:
                    self._say(out, event.index, *self._finder.end())
                if not self.cut:
                    out.append(event)
            else:
                if isinstance(event, PartStarted):
                    self._in_text = isinstance(event.head, Text)
                out.append(event)
            if self.cut:
                break
        return out

    def _say(self, out: list[Event], index: int, text: str, stop: str | None) -> None:
        fitting = text if self._budget is None else self._budget.take(text)
        if fitting:
            out.append(PartDelta(index, fitting))
        if len(fitting) < len(text):
            out += (PartEnded(index), ReplyEnded(FinishReason.LENGTH))
            self.cut = True
        elif stop is not None:
            out += (PartEnded(index), ReplyEnded(FinishReason.STOP, stop_sequence=stop))
            self.cut = True


class CutOff(Policy):
    """`meter` makes a counter of a model's tokens; it is copied (`copy.copy`) to look ahead."""

    def __init__(
        self, inner: Backend, meter: Callable[[str], Meter] = lambda _: TokenMeter()
    ) -> None:
        super().__init__(inner)
        self._meter = meter

    def reply(self, request: ChatRequest) -> EventStream:
        stops = [stop for stop in request.sampling.stop if stop]
        limit = request.sampling.max_tokens
        if not stops and limit is None:
            return self.inner.reply(request)
        return self._cut(
            request,
            Cutter(
                StopFinder(stops) if stops else None,
                None if limit is None else Budget(limit, self._meter(request.model)),
            ),
        )

    async def _cut(self, request: ChatRequest, cutter: Cutter) -> EventStream:
        async with aclosing(self.inner.reply(request)) as events:
            async for batch in events:
                out = cutter.feed(batch)
                if cutter.cut:
                    break
                if out:
                    yield out
            else:
                return
        yield out  # only now: whether or not the client reads on, the vendor has been told
