"""Replies as they may be heard: their deltas cut, in batches, several of them mixed."""

from hypothesis import strategies as st

from lingma_proxy.conversation.events import Event, PartDelta
from lingma_proxy.conversation.reply import Reply, replay
from support.strategies import pieces


@st.composite
def events(draw: st.DrawFn, reply: Reply) -> list[Event]:
    """The events of a reply, each part in any number of deltas."""
    said: list[Event] = []
    for event in replay(reply):
        match event:
            case PartDelta(index, text):
                said += [PartDelta(index, piece) for piece in draw(pieces(text)) if piece]
            case _:
                said.append(event)
    return said


@st.composite
def batches(draw: st.DrawFn, replies: list[Reply]) -> list[tuple[int, list[Event]]]:
    """(choice, batch) after (choice, batch), as several replies at once would come."""
    waiting = {choice: draw(events(reply)) for choice, reply in enumerate(replies)}
    said: list[tuple[int, list[Event]]] = []
    while waiting:
        choice = draw(st.sampled_from(sorted(waiting)))
        size = draw(st.integers(1, 6))
        said.append((choice, waiting[choice][:size]))
        waiting[choice] = waiting[choice][size:]
        if not waiting[choice]:
            del waiting[choice]
    return said
