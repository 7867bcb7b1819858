"""Which models are passed over for a while, because they keep failing.

    asked ──▶ fails, fails, fails ──▶ skipped for 15 s ──▶ one request tries it ─┬─▶ asked
                                        ▲                  (others still skip)   │
                                        ╰───── skipped for twice as long ◀───────╯ fails

Nobody has to bring a model back: the first request that comes when its time is over tries it,
and the first word that it says opens it to all.  Only failures that tell something about the
model count (`ProxyError.blames_model`); that the network is away is nobody's fault here, and
must not leave marks that outlast it.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from lingma_proxy.errors import ProxyError

IN_A_ROW = 3
"""Failures after which a model is skipped."""
IN_A_ROW_WITHIN = 300.0
"""Seconds that may lie between two of them; what failed longer ago is forgotten."""
PAUSE, LONGEST_PAUSE = 15.0, 300.0
"""Seconds that it is skipped: doubled with each try that fails."""
MOST = 200
"""Models that are remembered; while no list is known, names are whatever clients make up."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is held against a model."""

    failures: int
    """In a row."""
    skipped_for: float
    """Seconds until it is tried again; 0: it may be asked."""
    trying: bool
    """Whether a request tries it right now, while the others still skip it."""
    why: str
    """The class of the last failure."""


@dataclass(slots=True)
class _State:
    failures: int = 0
    failed_at: float = 0.0
    why: str = ""
    skipped: bool = False
    until: float = 0.0
    pause: float = 0.0
    """The last one, for the next to be longer."""
    trying: bool = False


@dataclass(frozen=True, slots=True)
class Try:
    """Somebody asks a model, and tells how that went: `answered`, then `finished`; or `failed`."""

    model: str
    is_probe: bool
    """Whether it is skipped, and all others wait for how this goes."""


class Skipped:
    """`clock` is in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._states: dict[str, _State] = {}

    def may_try(self, model: str) -> Try | None:
        """None: it is skipped.  Whoever tries says `left`, too, however it went."""
        state = self._states.get(model)
        if state is None or not state.skipped:
            return Try(model, is_probe=False)
        if state.trying or self._clock() < state.until:
            return None
        state.trying = True
        return Try(model, is_probe=True)

    def answered(self, attempt: Try) -> None:
        """It has said something, so it is back.  It may yet break off."""
        state = self._states.get(attempt.model)
        if state is not None:
            state.skipped = state.trying = False

    def finished(self, attempt: Try) -> None:
        """It has said all: nothing is held against it any more."""
        self._states.pop(attempt.model, None)

    def failed(self, attempt: Try, error: ProxyError) -> None:
        if not error.blames_model:
            return
        now = self._clock()
        state = self._states.pop(attempt.model, None) or _State()
        self._states[attempt.model] = state  # now the newest
        if len(self._states) > MOST:
            del self._states[next(iter(self._states))]
        in_a_row = attempt.is_probe or now - state.failed_at <= IN_A_ROW_WITHIN
        state.failures = state.failures + 1 if in_a_row else 1
        state.failed_at, state.why = now, type(error).__name__
        if attempt.is_probe or (state.failures >= IN_A_ROW and not state.skipped):
            state.pause = min(state.pause * 2 or PAUSE, LONGEST_PAUSE) if in_a_row else PAUSE
            state.until = now + max(state.pause, min(error.retry_after or 0.0, LONGEST_PAUSE))
            state.skipped = True

    def left(self, attempt: Try) -> None:
        """Nobody listens to it any more: another one may try."""
        state = self._states.get(attempt.model)
        if attempt.is_probe and state is not None:
            state.trying = False

    def states(self) -> Mapping[str, Trouble]:
        """All models that something is held against."""
        now = self._clock()
        return MappingProxyType(
            {
                model: Trouble(
                    state.failures,
                    max(0.0, state.until - now) if state.skipped else 0.0,
                    state.trying,
                    state.why,
                )
                for model, state in self._states.items()
            }
        )
