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


def test_an_empty_body_keeps_as_much_as_the_one_before() -> None:
    body = Body(3)
    body.add(b"abcd")

    other = body.anew()
    other.add(b"efgh")

    assert (body.kept(), other.kept(), other.size) == (b"abc", b"efg", 4)


def test_who_is_asked_again_is_noted_as_if_for_the_first_time() -> None:
    attempt = AttemptNotes("m", 0.0)
    for word in (b"first", b"second"):
        attempt.asks("remote", "https://a.example/chat?key=1", word)
        assert (attempt.accepted, attempt.first) == (None, None)
        attempt.hears(word)
        attempt.hears(b"!")
        attempt.accepted = attempt.first

    assert (attempt.backend, attempt.url) == ("remote", "https://a.example/chat")
    assert (attempt.request.kept(), attempt.reply.kept()) == (b"second", b"second!")


def test_the_first_byte_has_its_time_and_the_others_have_none() -> None:
    notes = ExchangeNotes("1", "POST", "/v1/messages", 0.0)

    notes.sends(b"a")
    first = notes.first
    notes.sends(b"b")

    assert first is not None
    assert notes.first == first
    assert notes.response.kept() == b"ab"
