from dataclasses import FrozenInstanceError

import pytest

from lingma_proxy.conversation.request import ChatRequest
from lingma_proxy.dialect import Asked, Dialect
from lingma_proxy.dialects import DIALECTS
from lingma_proxy.errors import BackendTimeout
from lingma_proxy.jsonio import dumpb
from support.judges import JUDGES

every_dialect = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)


def test_what_is_asked_is_one_reply_with_its_usage_unless_it_is_said_otherwise() -> None:
    asked = Asked(ChatRequest("1", "m", ()), stream=True)

    assert (asked.choices, asked.usage, asked.warnings) == (1, True, ())
    with pytest.raises(FrozenInstanceError):
        asked.stream = False  # type: ignore[misc]  # that it cannot is the point


def test_every_dialect_has_its_judge() -> None:
    assert {dialect.name for dialect in DIALECTS} == set(JUDGES)


def test_no_two_dialects_are_spoken_at_the_same_path() -> None:
    paths = [path for dialect in DIALECTS for path in dialect.paths]

    assert len(set(paths)) == len(paths)
    assert all(path.startswith("/") for path in paths)


@every_dialect
def test_a_dialect_reads_a_request_and_keeps_its_id(dialect: Dialect) -> None:
    asked = dialect.decode(JUDGES[dialect.name].body, "req_1")

    assert asked.request.id == "req_1"
    assert asked.stream is True


@every_dialect
def test_a_stream_may_beat_before_it_begins_and_fail_before_it_begins(dialect: Dialect) -> None:
    asked = dialect.decode(JUDGES[dialect.name].body, "req_1")
    encoder = dialect.encoder(asked, 0)

    beats = encoder.heartbeat() + encoder.heartbeat()
    failed = encoder.fail(BackendTimeout("It took too long."))

    assert beats
    JUDGES[dialect.name].walk(asked, beats + failed)


@every_dialect
def test_an_error_has_a_body_that_says_it(dialect: Dialect) -> None:
    body = dialect.error(BackendTimeout("It took too long."), "req_1")

    assert b"It took too long." in dumpb(body)
