"""One prompt and what is said to it: heard as it comes, told in batches.

Who reads the connection says `hear` and goes on at once; who answers the client takes what
has gathered with `more`.  Between the two lies what a slow client has not taken yet, and it
is bounded: a turn that holds too much fails, and the others never notice.
"""

import asyncio
from collections.abc import Callable

from lingma_proxy.aside import aside
from lingma_proxy.conversation.events import Event, FinishReason, ReplyEnded, Usage
from lingma_proxy.conversation.halves import MARK, Halves, Place
from lingma_proxy.conversation.notes import AttemptNotes
from lingma_proxy.conversation.tokens import count_text
from lingma_proxy.conversation.writer import ReplyWriter
from lingma_proxy.errors import BackendUnavailable, BrokenOff, ProtocolError, ProxyError
from lingma_proxy.vendor.updates import Broke, Counted, Finished, Said, Spoke, Thought, Used

MOST_HELD = 16 * 2**20
"""Characters that wait for a client: more than any answer, so that only a client that has
stopped reading comes to it."""
LONG = 16 * 2**10
"""Characters from which on counting is worth a thread."""


class Turn:
    """`who` is whom we prompt, for messages; `id` and `model` are told to the client.

    `alive` is called for every sign of life, and there may be some that say nothing.  `goes_on`
    is set where the session has had turns before, so that usage may be the sum of all.
    `overflow` is called when more than `most_held` characters wait.  `attempt` takes note of what
    is heard, as long as somebody listens.
    """

    def __init__(
        self,
        id: str,
        model: str,
        who: str,
        warnings: tuple[str, ...],
        new_id: Callable[[], str],
        *,
        alive: Callable[[], None] = lambda: None,
        goes_on: bool = False,
        overflow: Callable[[], None] = lambda: None,
        most_held: int = MOST_HELD,
        attempt: AttemptNotes | None = None,
    ) -> None:
        self.over = False
        """Whether the client has been told everything."""
        self.said: list[str] = []
        """The text of the answer so far."""
        self.finished: FinishReason | None = None
        """Why it ended, if it ended well."""
        self.declined = False
        """Whether it has asked for a permission, which nobody gives here."""
        self.failure: ProxyError | None = None
        self.attempt = attempt
        self._id, self._model, self._who = id, model, who
        self._warnings = warnings
        self._alive = alive
        self._goes_on = goes_on
        self._overflow = overflow
        self._most_held = most_held
        self._writer = ReplyWriter(new_id)
        self._halves = Halves()
        self._waiting: list[Event] = []
        self._held = 0
        self._thought: list[str] = []
        self._used: int | None = None
        """Tokens in the session by now, if the other side has said so."""
        self._cost: Usage | None = None
        """What its calls of a model have cost, if the other side tells that."""
        self._begun = False
        self._ended = False
        self._news = asyncio.Event()

    # For who reads the connection.

    def note(self, message: bytes) -> None:
        """Take note of a message as it came, as a line."""
        if (attempt := self.attempt) is not None:
            attempt.hears(message)
            attempt.hears(b"\n")
            attempt.accepted = attempt.accepted or attempt.first

    def hear(self, said: Said | None) -> None:
        """What was said; None is a sign of life."""
        self._alive()
        if said is None or self._ended:
            return
        match said:
            case Spoke(text):
                self._mend("text", text)
            case Thought(text):
                self._mend("thinking", text)
            case Used(tokens, _):
                self._used = tokens
            case Counted(usage):
                self._cost = usage if self._cost is None else _sum(self._cost, usage)
            case Finished(reason, usage):
                self._finish(reason, self._cost or (None if self._goes_on else usage))
            case Broke(error):
                self.fail(error)

    def fail(self, error: ProxyError) -> None:
        """It breaks off: what was heard is told first."""
        if not self._ended:
            self._ended = True
            self.failure = error
            self._news.set()

    @property
    def ended(self) -> bool:
        """Whether the other side has no more to say."""
        return self._ended

    # For who answers the client.

    async def first(self) -> list[Event]:
        """The first events.  Raises what refuses the prompt instead."""
        return await self.more()

    async def more(self) -> list[Event]:
        """What has gathered since.  Raises what breaks the answer off, once all is told."""
        await self._news.wait()
        return await self._counted(self._taken())

    # Its own.

    def _mend(self, place: Place, text: str) -> None:
        for other in self._halves.lonely(place):
            self._say(other, MARK)
        self._say(place, self._halves.mend(place, text))

    def _say(self, place: Place, text: str) -> None:
        if place == "text":
            self.said.append(text)
            self._tell(self._writer.text(text), len(text))
        else:
            self._thought.append(text)
            self._tell(self._writer.thinking(text), len(text))

    def _tell(self, events: list[Event], size: int = 0) -> None:
        if not events:
            return
        if not self._begun:
            self._begun = True
            self._waiting += self._writer.start(self._id, self._model, self._warnings)
        self._waiting += events
        self._held += size
        self._news.set()
        if self._held > self._most_held and not self._ended:
            self.fail(BackendUnavailable("The client does not read its answer: it was cancelled."))
            self._overflow()

    def _finish(self, reason: FinishReason, usage: Usage | None) -> None:
        for place in self._halves.lonely():
            self._say(place, MARK)
        if self._ended:
            return
        if not self._begun and reason is FinishReason.STOP:
            said = f"{self._who} ended its turn without an answer"
            if self.declined:
                self.fail(ProtocolError(f"{said}, for it got no permission to use its tools."))
            else:  # another model may have one
                self.fail(BrokenOff(f"{said}."))
            return
        self._tell(self._writer.end(reason, usage))
        self._ended = True
        self.finished = reason

    def _taken(self) -> list[Event]:
        events, self._waiting = self._waiting, []
        self._held = 0
        if not events and self.failure is not None:
            self.over = True
            raise self.failure
        if self.failure is None:
            self._news.clear()
            self.over = self._ended
        return events

    async def _counted(self, events: list[Event]) -> list[Event]:
        """The end with its usage.  What was told is the whole; its parts are our estimate."""
        if not (self.over and self._used is not None):
            return events
        match events[-1]:
            case ReplyEnded(reason, None, stop_sequence):
                usage = await self._usage(self._used)
                return [*events[:-1], ReplyEnded(reason, usage, stop_sequence)]
            case _:
                return events

    async def _usage(self, used: int) -> Usage | None:
        """None where the whole is less than its part: it counts something else."""
        spoken, thought = "".join(self.said), "".join(self._thought)

        def count() -> Usage | None:
            reasoning = count_text(thought)
            output = count_text(spoken) + reasoning
            if output >= used:
                return None
            return Usage(used - output, output, reasoning=reasoning, estimated=True)

        return await aside(count) if len(spoken) + len(thought) > LONG else count()


def _sum(one: Usage, other: Usage) -> Usage:
    return Usage(
        one.input + other.input,
        one.output + other.output,
        cached=one.cached + other.cached,
        reasoning=one.reasoning + other.reasoning,
    )
