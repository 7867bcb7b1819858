import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.vendor.encoding import VENDOR, decode, encode
from support.vectors import vectors

VECTORS = vectors("encode1")


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda it: str(it["length"]))
def test_the_vectors_hold_in_both_directions(vector):
    plain, veiled = bytes.fromhex(vector["plain_hex"]), vector["encoded"].encode()

    assert encode(plain) == veiled
    assert decode(veiled) == plain


def test_a_chat_body_is_veiled_as_the_vendor_does_it():
    body = vectors("chat_body")

    assert encode(body["compact_utf8_json"].encode()) == body["encode1_of_compact_utf8"].encode()


@pytest.mark.parametrize("fragment", VECTORS["fragment_checks"], ids=lambda it: it["plain"])
def test_the_alphabet_is_the_one_that_was_seen_in_the_wild(fragment):
    plain = fragment["plain"].encode()

    assert decode(_unswapped(fragment["custom"].encode())) == plain


def _unswapped(text: bytes) -> bytes:
    """A fragment was taken from the middle of a text, where nothing changes places."""
    third = len(text) // 3
    return text[len(text) - third :] + text[third : len(text) - third] + text[:third]


@given(st.binary(max_size=300))
def test_what_is_veiled_can_be_unveiled(data):
    assert decode(encode(data)) == data


@pytest.mark.parametrize("vector", VECTORS["invalid"], ids=lambda it: it["reason"])
def test_a_strange_text_is_refused_in_a_sentence(vector):
    with pytest.raises(ValueError, match=r"Encode=1"):
        decode(vector["encoded"].encode())


@given(st.lists(st.sampled_from(VENDOR), max_size=24).map(bytes))
def test_only_what_encode_makes_is_read(text):
    try:
        data = decode(text)
    except ValueError:
        return
    assert encode(data) == text
