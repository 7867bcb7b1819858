"""Take notes of each try at a model: when what came, and how it ended.

It stands innermost, so that it hears what was really asked and answered; who answers notes
the bytes (`ChatRequest.attempt`).  Where nobody takes notes of the exchange, it does nothing.

For each batch there is one look at the clock and one thing to remember, until that is enough.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace

from lingma_proxy.backend import Backend, EventStream
from lingma_proxy.conversation.events import PartDelta, ReplyEnded, ReplyStarted
from lingma_proxy.conversation.notes import AttemptNotes, Body, ExchangeNotes
from lingma_proxy.conversation.request import ChatRequest
from lingma_proxy.policies.base import Policy

AN_EVENT = 128
"""Bytes that an event counts besides its text: about what it holds in memory, and half of
that when it is told as a line."""
MOST_IN_FULL = 8
"""Attempts of one exchange of which bodies are kept: what searches the web makes many."""


class TakeNotes(Policy):
    """`clock` has Unix time in seconds."""

    def __init__(self, inner: Backend, clock: Callable[[], float] = time.time) -> None:
        super().__init__(inner)
        self._clock = clock

    def reply(self, request: ChatRequest) -> EventStream:
        if request.notes is None:
            return self.inner.reply(request)
        return self._noted(request, request.notes)

    async def _noted(self, request: ChatRequest, notes: ExchangeNotes) -> EventStream:
        most = notes.most if len(notes.attempts) < MOST_IN_FULL else 0
        attempt = AttemptNotes(request.model, self._clock(), request=Body(most), reply=Body(most))
        notes.attempts.append(attempt)
        try:
            async with aclosing(self.inner.reply(replace(request, attempt=attempt))) as batches:
                async for batch in batches:
                    if most > 0:
                        attempt.events.append((self._clock(), batch))
                        most -= AN_EVENT * len(batch)
                    for event in batch:
                        if isinstance(event, PartDelta):  # by far the most frequent
                            most -= len(event.text)
                        elif isinstance(event, ReplyStarted):
                            self._starts(attempt, event)
                        elif isinstance(event, ReplyEnded):
                            attempt.reason, attempt.usage = event.reason, event.usage
                    yield batch
        except (asyncio.CancelledError, GeneratorExit) as left:
            attempt.error = type(left)()  # a new one: that one still passes, with all its frames
            raise
        except BaseException as error:
            attempt.error = error
            raise
        finally:
            attempt.ended = self._clock()

    def _starts(self, attempt: AttemptNotes, event: ReplyStarted) -> None:
        now = self._clock()
        attempt.accepted = attempt.accepted or now
        attempt.first = attempt.first or now
        attempt.warnings = event.warnings
