import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.errors import (
    BackendError,
    BackendRefused,
    BackendTimeout,
    BackendUnavailable,
    NotLoggedIn,
    RateLimited,
)
from lingma_proxy.vendor.refusals import code_and_message, quoted, read_error, refusal
from support.strategies import texts


@pytest.mark.parametrize(
    ("status", "code", "kind", "said"),
    [
        (403, "101", NotLoggedIn, 401),
        (200, "101", NotLoggedIn, 401),
        (401, "", NotLoggedIn, 401),
        (0, "401", NotLoggedIn, 401),
        (403, "403", NotLoggedIn, 401),
        (403, "", NotLoggedIn, 401),
        (403, "quota_policy", BackendRefused, 400),
        (429, "", RateLimited, 429),
        (200, "110", RateLimited, 429),
        (0, "110", RateLimited, 429),
        (408, "", BackendTimeout, 504),
        (504, "", BackendTimeout, 504),
        (425, "", BackendUnavailable, 503),
        (418, "", BackendRefused, 400),
        (500, "ErrorCode418Risk", BackendRefused, 400),
        (400, "400", BackendRefused, 400),
        (500, "", BackendRefused, 502),
        (503, "", BackendRefused, 502),
        (0, "strange", BackendRefused, 502),
    ],
)
def test_a_refusal_is_the_error_that_says_what_to_do(status, code, kind, said):
    error = refusal(status, code, "The vendor's words")

    assert type(error) is kind
    assert error.status == said
    assert "The vendor's words" in error.message


@pytest.mark.parametrize("status", [418, 400, 403])
def test_what_blames_the_request_is_not_tried_again(status):
    assert not refusal(status, "x").retry


def test_the_time_to_wait_is_passed_on():
    assert refusal(429, retry_after=7.0).retry_after == 7.0
    assert refusal(503, retry_after=7.0).retry_after == 7.0


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"code": "101", "message": "no"}, ("101", "no")),
        ({"code": 101, "message": "no"}, ("101", "no")),
        ({"errorCode": "403", "errorMessage": "user invalid"}, ("403", "user invalid")),
        ({"error": {"message": "no", "code": None}}, ("", "no")),
        ({"error": "no"}, ("", "no")),
        ({"message": "no"}, ("", "no")),
        ({"code": True, "message": ["x"]}, ("", "")),
        ({}, ("", "")),
        ([], ("", "")),
    ],
)
def test_code_and_message_are_found_in_every_spelling(value, expected):
    assert code_and_message(value) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"code":"101","message":"no"}', ("101", "no")),
        (b"<Error><Code>NoSuchKey</Code><Message>x</Message></Error>", ("NoSuchKey", "")),
        (b"<!DOCTYPE html><html>", ("", "")),
        (b"upstream boom", ("", "upstream boom")),
        (b'"boom"', ("", "boom")),
        (b"\xff\xfe", ("", "\ufffd\ufffd")),
        (b"", ("", "")),
    ],
)
def test_the_body_of_an_error_may_be_anything(body, expected):
    assert read_error(body) == expected


@given(texts)
def test_words_that_are_passed_on_are_one_short_printable_line(text):
    said = quoted(text * 50)

    assert len(said) <= 200
    assert said.isprintable()


def test_a_key_in_the_words_is_left_out():
    assert quoted("bad token " + "Ab3/" * 20 + " sent") == "bad token […] sent"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ENOENT: '/home/me/.x/y z'", "ENOENT: '[a path] z'"),
        (r"no C:\Users\me\a.txt, nor d:/x", "no [a path], nor [a path]"),
        ("GET https://a.example/home/x and /api/v2/home/list", None),
        ("at (/tmp/a/b.js:12:3)", "at ([a path]:12:3)"),
    ],
)
def test_where_things_lie_is_left_out(text, said):
    assert quoted(text) == (said or text)


@given(st.integers(0, 999), texts, texts)
def test_every_refusal_has_a_meaning(status, code, message):
    assert isinstance(refusal(status, code, message), BackendError)
