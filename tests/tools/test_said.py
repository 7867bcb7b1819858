"""The words of the parser fit together: what may follow what is said in `support.said`."""

import pytest

from lingma_proxy.tools.said import CallArguments, CallBegan, CallEnded, Prose, Said
from support.said import Called, put_together


def test_prose_and_calls_come_in_order() -> None:
    said: list[Said] = [
        Prose("a"),
        Prose("b"),
        CallBegan("Read"),
        CallArguments("{"),
        CallArguments("}"),
    ]

    assert put_together([*said, CallEnded()]) == ["ab", Called("Read", "{}")]


def test_nothing_is_said_within_a_call() -> None:
    with pytest.raises(AssertionError):
        put_together([CallBegan("Read"), Prose("a")])
