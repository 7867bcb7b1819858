from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.conversation.notes import AttemptNotes, Body, ExchangeNotes
from lingma_proxy.conversation.request import ChatRequest, Message, Text


@given(st.lists(st.binary(max_size=20)), st.integers(0, 50))
def test_a_body_keeps_its_beginning_and_knows_its_size(pieces: list[bytes], most: int) -> None:
    body = Body(most)
    for piece in pieces:
        body.add(piece)

    whole = b"".join(pieces)
    assert body.kept() == whole[:most]
    assert body.size == len(whole)
    assert body.whole == (len(whole) <= most)


def test_notes_are_no_part_of_what_was_asked() -> None:
    asked = (Message("user", (Text("Hi"),)),)
    noted = ChatRequest(
        "1",
        "m",
        asked,
        notes=ExchangeNotes("1", "POST", "/v1/messages", 0.0),
        attempt=AttemptNotes("m", 0.0),
    )

    assert noted == ChatRequest("1", "m", asked)
    assert "notes" not in repr(noted)
