"""A text without a hint has nothing that the patterns would find."""

from hypothesis import given, settings
from hypothesis import strategies as st

from lingma_proxy.recording.credentials import authorization
from lingma_proxy.recording.hints import hinted
from lingma_proxy.recording.known_tokens import looking_like
from lingma_proxy.recording.pictures import pictures
from recording.test_redact import PEM, TOKENS, odd

PICTURES = [
    b"data:image/png;base64,PHN2Zz48L3N2Zz4gICAg",
    b'"iVBORw0KGgo' + b"A" * 100,
    b'"/9j/' + b"A" * 100,
    b'"\\/9j\\/' + b"A" * 100,
    b'"R0lGODlh' + b"A" * 100,
    b'"UklGR' + b"A" * 100,
]
OTHERS = [b"Bearer abcdefgh1", b"bearer abcdefgh1", b"BEARER abcdefgh1", b"Basic YWJjZGVmZ2g="]
NAMED = [b"Authorization: abcdefgh1", b"AUTHORIZATION=abcdefgh1", b'"authorization":"a"']
WHOLE = [*(it.encode() for it in [*TOKENS, PEM]), *PICTURES, *OTHERS, *NAMED]


def found(data):
    every = (authorization, looking_like, pictures)
    return [span for each in every for span in each(data, 0, len(data))]


def test_each_that_is_known_has_one():
    for data in WHOLE:
        assert found(data), data
        assert hinted(data, 0, len(data)), data


def test_words_and_names_have_none():
    data = b'{"role":"user","task_id":"ask-a-question","max_tokens":5,"content":"of risk"}'

    assert not hinted(data, 0, len(data))


@given(st.lists(odd | st.sampled_from(WHOLE) | st.binary(max_size=4), max_size=9).map(b"".join))
@settings(max_examples=300)
def test_what_is_found_anywhere_has_one(data):
    if found(data):
        assert hinted(data, 0, len(data))
