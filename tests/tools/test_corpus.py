"""What models write is read as it is meant, however it is cut, and wherever it breaks off."""

import json
from collections import Counter

import pytest

from support.cuts import in_two, one_by_one
from support.said import Called, Nothing, heard, read
from support.strategies import EXAMPLES
from tools.corpus.odd import ODD
from tools.corpus.spoken import FORMS, SPOKEN, Case

CORPUS = {**SPOKEN, **ODD}

every_case = pytest.mark.parametrize("case", CORPUS.values(), ids=CORPUS)


def calls_of(said: list[str | Called]) -> list[Called]:
    return [one for one in said if isinstance(one, Called)]


@every_case
def test_it_is_read_as_it_is_meant(case: Case) -> None:
    text, meant = case

    assert read(text) == meant


@every_case
def test_it_is_read_the_same_however_it_is_cut(case: Case) -> None:
    text, _ = case
    whole = heard([text])

    assert heard(one_by_one(text)) == whole
    for pieces in list(in_two(text))[:: max(1, len(text) // 12)]:
        assert heard(pieces) == whole


@every_case
def test_it_is_read_the_same_when_calls_are_kept_back(case: Case) -> None:
    text, _ = case
    whole, kept_back = heard([text]), heard([text], streams=False)

    if not any(call.broken for call in calls_of(whole)):
        assert kept_back == whole
    assert not any(call.broken for call in calls_of(kept_back))


@pytest.mark.parametrize("name", CORPUS)
def test_a_call_that_breaks_off_is_never_complete(name: str) -> None:
    text, _ = CORPUS[name]
    whole = heard([text])
    meant, step = calls_of(whole), 1 if EXAMPLES else max(1, len(text) // 40)

    for end in range(0, len(text), step):
        said = heard([text[:end]], cut=True)
        calls = calls_of(said)
        for call, complete in zip(calls, meant, strict=False):
            assert call.name == complete.name
            if call.broken:
                assert call is calls[-1]
                assert complete.arguments.startswith(call.arguments)
            else:
                assert call == complete
        if len(calls) > len(meant):
            assert name.startswith(("alone", "fenced"))  # so far it was the whole answer
        elif not calls:
            assert "".join(map(str, said)) == text[:end]


@every_case
def test_it_is_prose_when_no_tools_are_declared(case: Case) -> None:
    text, _ = case

    assert heard(one_by_one(text), Nothing()) == [text]


def test_every_form_has_its_share() -> None:
    forms = Counter(name.partition(":")[0] for name in CORPUS)

    assert {form: forms[form] for form in FORMS if forms[form] < 20} == {}


def test_arguments_are_json() -> None:
    for text, _ in CORPUS.values():
        for call in calls_of(heard([text])):
            if not call.broken:
                assert isinstance(json.loads(call.arguments), dict)
