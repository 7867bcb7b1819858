"""What the plugin's side knows, whoever is connected: its sessions, its models, its moods."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from lingma_proxy.jsonio import JsonObject
from lingma_proxy.simulator import plugin_faults
from lingma_proxy.simulator.catalogue import SCENES, Scenes
from lingma_proxy.simulator.fault_table import Faults
from lingma_proxy.simulator.memory import Memory
from lingma_proxy.simulator.plugin_faults import Step
from lingma_proxy.simulator.plugin_home import Product
from lingma_proxy.simulator.plugin_seen import Prompt, Tally
from lingma_proxy.simulator.rpc import INVALID_PARAMS, Asked, RpcError
from lingma_proxy.simulator.turn_faults import TRAVEL
from lingma_proxy.simulator.turn_steps import Words
from lingma_proxy.simulator.turn_wishes import odd_answer

KEYS = ("key", "id", "modelId")
"""What a model's key may be called."""


@dataclass(slots=True, eq=False)
class Session:
    """A chat, until it is deleted."""

    id: str
    model: str = ""
    """The key; "" before one was chosen."""
    title: str = ""
    memory: Memory = field(default_factory=Memory)
    cancelled: asyncio.Event | None = None
    """To be set, while a prompt is being answered, to take it back."""


class State:
    """`sessions` are those that live, `deleted` the ids of those that did, oldest first."""

    def __init__(
        self,
        *,
        product: Product = "Qoder CN",
        models: Scenes | None = None,
        pace: float = 0,
        logged_in: bool = True,
        ack_limit: float | None = 10,
        always: str = "",
        remember: int = 1000,
        new_id: Callable[[], str] = lambda: str(uuid4()),
    ) -> None:
        self.product: Product = product
        self.models = SCENES if models is None else models
        self.pace = pace
        self.logged_in = logged_in
        self.ack_limit = ack_limit
        self.new_id = new_id
        self.closing = False
        self.sessions: dict[str, Session] = {}
        self.deleted: deque[str] = deque(maxlen=remember)
        self.prompts: deque[Prompt] = deque(maxlen=remember)
        """What was asked, oldest first; also what was refused."""
        self.asked: deque[Asked] = deque(maxlen=remember)
        """Our requests to the client, with its answers."""
        self.complaints: deque[str] = deque(maxlen=remember)
        """What the client did that it must not do, in words."""
        self.tally = Tally()
        self._always = plugin_faults.TABLE.parse(always)
        self._next: dict[str, deque[Faults]] = {}
        self._words: deque[Words] = deque()

    # What tests ask of it.

    def next(self, *names: str, times: int = 1) -> None:
        """Faults for the next time that something can break so, or the next few.

        Without names: a turn without faults.
        """
        chosen = plugin_faults.TABLE.parse_all(names)
        for step in plugin_faults.STEPS:
            own = chosen.only(plugin_faults.names_at(step))
            travels = step == "prompt" or any(name not in TRAVEL for name in own)
            if travels and (own or not chosen):
                self._next.setdefault(step, deque()).extend([own] * times)

    def always(self, *names: str) -> None:
        """Faults for whatever `next` has none for; none of them to stop."""
        self._always = plugin_faults.TABLE.parse_all(names)

    def say(
        self,
        deltas: Iterable[str | JsonObject],
        *,
        finish: str | None = "stop",
        error: RpcError | None = None,
        used: int | None = None,
    ) -> None:
        """The next answer, to the letter: deltas as OpenAI has them, or just text.

        It ends with `error`, or well: `finish` None closes the connection instead.
        """
        exact = tuple({"content": delta} if isinstance(delta, str) else delta for delta in deltas)
        self._words.append(Words(exact, finish, error, used))

    async def connected(self, count: int = 1) -> None:
        """Once so many connections have come since the start; likewise the others."""
        await self.tally.reached("connected", count)

    async def gone(self, count: int = 1) -> None:
        await self.tally.reached("gone", count)

    async def created(self, count: int = 1) -> None:
        await self.tally.reached("created", count)

    async def prompted(self, count: int = 1) -> Prompt:
        """The latest prompt then."""
        await self.tally.reached("prompted", count)
        return self.prompts[-1]

    async def answered(self, count: int = 1) -> None:
        """Once the client has answered so many requests of ours."""
        await self.tally.reached("answered", count)

    async def cancelled(self, count: int = 1) -> None:
        await self.tally.reached("cancelled", count)

    async def was_deleted(self, count: int = 1) -> None:
        await self.tally.reached("deleted", count)

    def answers(self, method: str) -> list[Asked]:
        """Our requests of that name, with their answers."""
        return [asked for asked in self.asked if asked.method == method]

    # What its connections ask of it.

    def chosen(self, step: Step) -> Faults:
        """The faults of a step that begins now."""
        waiting = self._next.get(step)
        return waiting.popleft() if waiting else self._always.only(plugin_faults.names_at(step))

    @property
    def travel(self) -> Faults:
        return self._always.only(TRAVEL)

    def words(self) -> Words | None:
        """What it was told to say next, if it was."""
        return self._words.popleft() if self._words else None

    def complain(self, complaint: str) -> None:
        self.complaints.append(complaint)

    def note_answer(self, asked: Asked) -> None:
        if odd := odd_answer(asked):
            self.complain(odd)
        self.tally.add("answered")

    def has_model(self, key: str) -> bool:
        return any(key in map(model.get, KEYS) for model in self._listed())

    def reasons(self, key: str) -> bool:
        return any(
            model.get("isReasoning") is True and key in map(model.get, KEYS)
            for model in self._listed()
        )

    def _listed(self) -> Sequence[JsonObject]:
        return [model for models in self.models.values() for model in models]

    def new_session(self, id: str | None = None) -> Session:
        session = Session(id or self.new_id())
        self.sessions[session.id] = session
        self.tally.add("created")
        return session

    def session(self, id: object) -> Session:
        """Raises RpcError."""
        if not isinstance(id, str) or id not in self.sessions:
            raise RpcError(INVALID_PARAMS, f"session not found: {id!r}"[:100])
        return self.sessions[id]

    def delete(self, session: Session) -> None:
        del self.sessions[session.id]
        self.deleted.append(session.id)
        if session.cancelled is not None:
            session.cancelled.set()
        self.tally.add("deleted")

    def cancel(self, session: Session) -> None:
        if session.cancelled is not None:
            session.cancelled.set()
        self.tally.add("cancelled")
