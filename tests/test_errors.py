import inspect
import re
from collections.abc import Iterator

import pytest

from lingma_proxy import errors
from lingma_proxy.errors import (
    BackendRefused,
    BackendTimeout,
    BackendUnavailable,
    MethodNotAllowed,
    ModelNotFound,
    NotAllowed,
    ProxyError,
    RateLimited,
    SettingsError,
    translated,
)

ROW = re.compile(r"    (?P<lead>[│├└─ ]*)(?P<name>[A-Z]\w+)(?P<rest>.*)")


def drawn() -> Iterator[tuple[str, str, str, str]]:
    """The tree in the docstring: (name, its base, statuses, the rest of the row)."""
    above: list[str] = []
    for row in filter(None, map(ROW.fullmatch, (errors.__doc__ or "").splitlines())):
        depth = len(row["lead"]) // 4
        above[depth:] = [row["name"]]
        statuses, _, rest = row["rest"].strip().partition("  ")
        yield row["name"], above[depth - 1] if depth else "Exception", statuses, rest


Foreign = dict[type[BaseException], tuple[type[ProxyError], str]]

ROWS = list(drawn())
CLASSES = {
    name: kind
    for name, kind in vars(errors).items()
    if inspect.isclass(kind) and issubclass(kind, ProxyError)
}


def test_every_error_stands_in_the_tree_once() -> None:
    assert sorted(name for name, *_ in ROWS) == sorted(CLASSES)


@pytest.mark.parametrize(("name", "base", "statuses", "rest"), ROWS, ids=[row[0] for row in ROWS])
def test_an_error_is_what_the_tree_says(name: str, base: str, statuses: str, rest: str) -> None:
    kind = CLASSES[name]
    assert kind.__mro__[1].__name__ == base
    assert kind.__doc__
    if kind not in {ProxyError, SettingsError, BackendRefused}:  # said by no status, or by several
        assert int(statuses.partition(" / ")[0]) == kind.status
        assert kind.retry == rest.strip().startswith("yes")


@pytest.mark.parametrize(
    ("upstream", "status", "retry"),
    [(400, 400, False), (404, 400, False), (499, 400, False), (500, 502, True), (503, 502, True)],
)
def test_a_refusal_blames_whom_the_vendor_blames(upstream: int, status: int, retry: bool) -> None:
    error = BackendRefused("The vendor refused.", upstream=upstream)

    assert (error.status, error.retry, error.upstream) == (status, retry, upstream)


def test_an_error_carries_what_is_known() -> None:
    error = RateLimited("Wait.", retry_after=7.5, param="n", code="quota", details={"a": 1})

    assert str(error) == error.message == "Wait."
    assert (error.retry_after, error.param, error.code) == (7.5, "n", "quota")
    assert error.details == {"a": 1}


@pytest.mark.parametrize(
    "error",
    [
        RateLimited("Wait.", retry_after=7.5, param="n", code="quota", details={"a": 1}),
        BackendRefused("No.", upstream=503, code="quota"),
        MethodNotAllowed("Use POST.", allowed=("POST",)),
        NotAllowed("No.", status=403),
        ModelNotFound("There is none."),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_in_other_words_is_the_same_error(error: ProxyError) -> None:
    other = error.saying("In other words.")

    assert type(other) is type(error)
    assert str(other) == other.message == "In other words."
    assert {**vars(other), "message": error.message} == vars(error)
    assert error.message != other.message


def test_the_statuses_of_an_instance_are_its_own() -> None:
    assert NotAllowed("No.", status=403).status == 403
    assert NotAllowed("No.").status == NotAllowed.status == 401
    assert BackendRefused.status == 502


def test_an_unknown_model_is_named_the_way_openai_names_it() -> None:
    error = ModelNotFound("There is no such model.")

    assert (error.param, error.code) == ("model", "model_not_found")


def test_a_wrong_method_says_which_are_right() -> None:
    assert MethodNotAllowed("Use POST.", allowed=("POST",)).allowed == ("POST",)


def test_foreign_exceptions_become_ours_at_the_seam() -> None:
    foreign: Foreign = {
        ConnectionResetError: (BackendUnavailable, "It hung up."),
        OSError: (BackendTimeout, "Something else."),
    }

    with pytest.raises(BackendUnavailable, match="It hung up") as caught, translated(foreign):
        raise ConnectionResetError
    assert isinstance(caught.value.__cause__, ConnectionResetError)

    with pytest.raises(BackendTimeout, match="Something else"), translated(foreign):
        raise OSError


def test_what_is_not_in_the_mapping_passes_untouched() -> None:
    ours = BackendUnavailable("Already ours.")
    foreign: Foreign = {OSError: (BackendTimeout, "…")}

    with pytest.raises(KeyError), translated(foreign):
        raise KeyError
    with pytest.raises(BackendUnavailable) as caught, translated(foreign):
        raise ours
    assert caught.value is ours
