import json
from dataclasses import fields

from hypothesis import given

from lingma_proxy.conversation.events import Usage
from lingma_proxy.recording.exports.jsonl import as_object, iso, line, summary_as_object
from lingma_proxy.recording.exports.terminal import harmless
from lingma_proxy.recording.kept import KeptAttempt, KeptBody, KeptExchange, Summary
from support.recorded import BEGAN, exchange, exchanges, summary


def test_a_summary_has_all_that_is_known_and_its_time_for_people() -> None:
    shown = summary_as_object(summary(usage=Usage(3, 2, estimated=True), tools=("Bash",)))

    assert set(shown) == {"time", *(each.name for each in fields(Summary))}
    assert shown["time"] == "2026-11-23T12:59:16.250Z"
    assert shown["usage"]["estimated"] is True
    assert shown["tools"] == ["Bash"]


def test_an_exchange_has_its_bodies_and_its_attempts_in_order() -> None:
    shown = as_object(exchange(response=KeptBody("Hel", 5, "the rest was cut")))

    assert shown["response"] == {"text": "Hel", "size": 5, "gone": "the rest was cut"}
    assert [set(each) for each in shown["attempts"]] == [
        {each.name for each in fields(KeptAttempt)}
    ]
    assert shown["attempts"][0]["reply"]["text"].startswith("data: ")


@given(exchanges)
def test_each_is_one_harmless_line_of_json(kept: KeptExchange) -> None:
    written = line(kept)

    assert written.endswith("\n")
    assert len(written.splitlines()) == 1
    assert harmless(written)
    assert json.loads(written)["request"]["text"] == kept.request.text


def test_times_are_utc_to_the_millisecond() -> None:
    assert iso(BEGAN) == "2026-11-23T12:59:16.250Z"
    assert iso(0) == "1970-01-01T00:00:00.000Z"
