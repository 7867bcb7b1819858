"""One prompt on the plugin's side, whichever of its protocols it came by."""

import asyncio
from collections.abc import Callable, Iterator

from lingma_proxy.simulator import plugin_faults
from lingma_proxy.simulator.fault_table import Faults
from lingma_proxy.simulator.line import Line
from lingma_proxy.simulator.pictures import Picture
from lingma_proxy.simulator.plugin_seen import Prompt
from lingma_proxy.simulator.plugin_state import Session, State
from lingma_proxy.simulator.refusal import Refusal
from lingma_proxy.simulator.rpc import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    Call,
    Dropped,
    Peer,
    RpcError,
)
from lingma_proxy.simulator.seen import Outcome
from lingma_proxy.simulator.turn_carry import Turn
from lingma_proxy.simulator.turn_steps import Garble, Manner, Step, Words, turn
from lingma_proxy.wire import lsp

Begin = Callable[[Words, Faults], Manner]
"""Makes the manner of a turn, when it is known what will be said."""


async def answer(
    state: State,
    line: Line,
    peer: Peer,
    call: Call,
    session: Session,
    prompt: Prompt,
    begin: Begin,
) -> None:
    """Answer a prompt that is well-formed, and note what becomes of it."""
    try:
        if session.cancelled is not None:
            raise RpcError(INVALID_REQUEST, "the session is busy with another prompt")
        if not state.logged_in:
            raise RpcError(INTERNAL_ERROR, "user not login")
        faults, said = _thought_of(state, session, prompt, prompt.pictures)
        prompt.faults = faults
        limit = faults.seconds("ack-limit") if "ack-limit" in faults else state.ack_limit
        session.cancelled = cancelled = asyncio.Event()
        carrier = Turn(line, peer, call, faults, cancelled, limit, state.asked.append)
        prompt.answering.set()
        manner = begin(said, faults)
        try:
            await carrier.carry(manner, turn(manner, said, faults, state.pace))
        finally:
            session.cancelled = None
        session.memory.remember(manner.said)
        prompt.outcome = Outcome.CANCELLED if cancelled.is_set() else Outcome.FINISHED
        call.answered = True  # or a fault wanted that it is not
    except RpcError:
        prompt.outcome = Outcome.REFUSED
        raise
    except Dropped:
        prompt.outcome = Outcome.FINISHED
        raise
    except (ConnectionError, asyncio.CancelledError):
        prompt.outcome = Outcome.CLOSED if state.closing else Outcome.ABANDONED
        raise
    finally:
        prompt.over.set()


def garbled(faults: Faults) -> Iterator[Step]:
    """What comes after the first word, and is no message."""
    if "garbage" in faults:
        yield Garble(lsp.encode(b'{"jsonrpc": "2.0", "method"'))
    if "big-header" in faults:
        yield Garble(b"Content-Length: 1000000000000\r\n\r\n")


def _thought_of(
    state: State, session: Session, prompt: Prompt, pictures: tuple[Picture | None, ...]
) -> tuple[Faults, Words]:
    """What will be said, and how it will break."""
    heard = session.memory.hear(prompt.text, pictures)
    faults = state.chosen("prompt")
    if not heard.results:
        try:
            faults |= plugin_faults.TABLE.in_text(heard.question)
        except Refusal as refusal:
            raise RpcError(INVALID_PARAMS, refusal.message) from None
    if (said := state.words()) is None:
        thought = session.memory.answer(reasons=state.reasons(prompt.model))
        said = Words(thought.deltas, thought.finish)
    return faults, said
