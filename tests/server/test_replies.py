import pytest

from lingma_proxy.errors import MethodNotAllowed, TooBusy
from lingma_proxy.server.replies import (
    InternalError,
    error_headers,
    json_response,
    model_header,
    warning_header,
)


def test_seconds_to_wait_are_whole_and_at_least_one():
    assert error_headers(TooBusy("x", retry_after=0.2)) == {"Retry-After": "1"}
    assert error_headers(TooBusy("x", retry_after=7.1)) == {"Retry-After": "8"}
    assert error_headers(TooBusy("x")) == {}


def test_allow_names_the_methods():
    assert error_headers(MethodNotAllowed("x", allowed=("GET", "POST"))) == {"Allow": "GET, POST"}


def test_a_warning_cannot_break_out_of_its_header():
    header = warning_header(("tool 'a\r\nSet-Cookie: x' 中 \x00",))["x-lingma-proxy-warning"]

    assert "\r" not in header
    assert "\n" not in header
    assert header.isascii()
    assert header.isprintable()


def test_warnings_are_said_once_and_never_without_end():
    assert warning_header(()) == {}
    assert warning_header(("a.", "b.", "a.")) == {"x-lingma-proxy-warning": "a. b."}
    assert len(warning_header(("x" * 9999,))["x-lingma-proxy-warning"]) == 2000


def test_json_is_said_as_json():
    response = json_response({"a": "é"}, status=404, headers={"x": "y"})

    assert response.body == '{"a":"é"}'.encode()
    assert (response.status, response.content_type, response.headers["x"]) == (
        404,
        "application/json",
        "y",
    )


def test_an_internal_error_tells_nothing():
    with pytest.raises(InternalError, match="please report"):
        raise InternalError


def test_the_model_that_answers_is_named_in_characters_of_a_header():
    assert model_header("kmodel") == {"x-lingma-proxy-model": "kmodel"}
    assert model_header("") == {}
    assert model_header("模\r\nx") == {"x-lingma-proxy-model": "\\u6a21  x"}
    assert len(model_header("x" * 999)["x-lingma-proxy-model"]) == 200
