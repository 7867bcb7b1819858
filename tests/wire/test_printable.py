from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.wire.printable import printable


@given(st.text())
def test_what_does_something_becomes_a_blank_and_all_else_stays(text: str) -> None:
    shown = printable(text)

    assert shown.isprintable()
    assert len(shown) == len(text)
    assert all(new in (old, " ") for old, new in zip(text, shown, strict=True))
    assert printable(shown) == shown


def test_a_terminal_is_told_nothing() -> None:
    assert printable("a\x1b[31m\nb\u2028c\u202e") == "a [31m b c "
