"""From notes to rows: nothing is written that is not redacted."""

import asyncio

import pytest

from lingma_proxy.errors import RateLimited
from lingma_proxy.recording.redact import Redactor
from lingma_proxy.recording.writing import failure, written
from support.exchanges import attempt, body, exchange


@pytest.mark.parametrize(
    ("error", "said", "kind"),
    [
        (None, "", ""),
        (RateLimited("Too many."), "Too many.", "RateLimited"),
        (asyncio.CancelledError(), "The client went away before the end.", "left"),
        (GeneratorExit(), "The client went away before the end.", "left"),
        (KeyError("x"), "A fault of Lingma Proxy; its log says more.", "KeyError"),
    ],
    ids=str,
)
def test_an_error_is_a_sentence_and_a_class(error, said, kind):
    assert failure(error) == (said, kind)


def test_every_text_that_comes_from_outside_is_redacted():
    notes = exchange(
        path="/v1/SECRET",
        user_agent="SECRET",
        asked_model="SECRET",
        warnings=("SECRET is not known.",),
        error=RateLimited("SECRET is too much."),
        request=body(b"SECRET"),
        response=body(b"SECRET"),
        attempts=[
            attempt(
                warnings=("SECRET",),
                error=RateLimited("SECRET"),
                request=body(b"SECRET"),
                reply=body(b"SECRET"),
            )
        ],
    )
    found = written(notes, Redactor(["SECRET"]), most=1000)

    assert "SECRET" not in repr(found)
    assert repr(found).count("[redacted: login]") == 11


def test_only_bodies_that_were_there_are_written():
    notes = exchange(request=body(b""), attempts=[attempt(reply=body(b""), events=[])])
    found = written(notes, Redactor(), most=1000)

    assert [(it.attempt, it.kind) for it in found.bodies] == [(0, "response"), (1, "request")]


def test_its_size_is_about_what_it_takes():
    small = written(exchange(), Redactor(), most=10**6).size
    large = written(exchange(request=body(b"some words " * 10_000)), Redactor(), most=10**6).size

    assert 110_000 < large < 110_000 + small < 113_000
