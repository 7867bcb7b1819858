import json
from typing import Any

import jsonschema_rs
from hypothesis import given

from lingma_proxy.recording.exports.har import HEAD, TAIL, entries
from lingma_proxy.recording.exports.terminal import harmless
from lingma_proxy.recording.kept import KeptExchange
from support.recorded import BEGAN, attempt, body, exchange, exchanges

BASE = "http://127.0.0.1:8095"
TEXT = {"type": "string"}
NUMBER = {"type": "integer", "minimum": -1}
TIMING = {"type": "number", "minimum": -1}
PAIRS = {"type": "array", "items": {"type": "object", "required": ["name", "value"]}}
MESSAGE: dict[str, Any] = {
    "httpVersion": TEXT,
    "cookies": PAIRS,
    "headers": PAIRS,
    "headersSize": NUMBER,
    "bodySize": NUMBER,
    "comment": TEXT,
}
DATE = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"


def strict(properties: dict[str, Any], *optional: str) -> dict[str, Any]:
    """An object of these, and nothing besides but what is named `_so`."""
    return {
        "type": "object",
        "required": [name for name in properties if name not in {"comment", *optional}],
        "properties": properties,
        "patternProperties": {"^_": {}},
        "additionalProperties": False,
    }


POST_DATA = strict({"mimeType": TEXT, "text": TEXT, "comment": TEXT})
CONTENT = strict({"size": NUMBER, "mimeType": TEXT, "text": TEXT, "comment": TEXT})
TIMINGS = strict(
    dict.fromkeys(("blocked", "dns", "connect", "ssl", "send", "wait", "receive"), TIMING)
)
ENTRY = strict(
    {
        "startedDateTime": {"type": "string", "pattern": DATE},
        "time": {"type": "number", "minimum": 0},
        "request": strict(
            {"method": TEXT, "url": TEXT, "queryString": PAIRS, "postData": POST_DATA, **MESSAGE},
            "postData",
        ),
        "response": strict(
            {
                "status": {"type": "integer"},
                "statusText": TEXT,
                "content": CONTENT,
                "redirectURL": TEXT,
                **MESSAGE,
            }
        ),
        "cache": {"type": "object"},
        "timings": TIMINGS,
        "comment": TEXT,
    }
)
LOG = strict(
    {
        "version": {"const": "1.2"},
        "creator": strict({"name": TEXT, "version": TEXT}),
        "entries": {"type": "array", "items": ENTRY},
    }
)
"""HAR 1.2, section by section, as its specification has it."""
SCHEMA = jsonschema_rs.validator_for(strict({"log": LOG}))


def archive(*kept: KeptExchange) -> Any:
    return json.loads(HEAD + ",\n".join(entries(each, BASE) for each in kept) + TAIL)


@given(exchanges)
def test_it_is_an_archive_by_the_specification(kept: KeptExchange) -> None:
    written = archive(kept, kept)

    SCHEMA.validate(written)
    assert len(written["log"]["entries"]) == 2 * (1 + len(kept.attempts))
    for entry in written["log"]["entries"]:
        parts = (each for name, each in entry["timings"].items() if name != "ssl" and each >= 0)
        assert abs(sum(parts) - entry["time"]) <= 0.01 + entry["time"] * 1e-9


def test_an_archive_of_nothing_is_one_too() -> None:
    SCHEMA.validate(archive())


def test_the_clients_request_comes_first_and_its_attempts_behind_it() -> None:
    refused = attempt(model="qwen", error="Too many.", error_kind="RateLimited", accepted=None,
                      first=None, number=1)  # fmt: skip
    kept = exchange(attempts=(refused, attempt(number=2)), queued=0.0625)
    first, second, third = archive(kept)["log"]["entries"]

    assert first["startedDateTime"] == "2026-11-23T12:59:16.250Z"
    assert first["request"]["url"] == BASE + "/v1/chat/completions"
    assert first["request"]["postData"]["text"] == kept.request.text
    assert first["response"]["content"]["text"] == kept.response.text
    assert first["response"]["statusText"] == "OK"
    assert (first["time"], first["timings"]["blocked"], first["timings"]["wait"]) == (
        1500,
        62.5,
        187.5,
    )
    assert first["timings"]["receive"] == 1250
    assert first["_lingma"]["model"] == "kmodel"
    assert (second["response"]["status"], third["response"]["status"]) == (0, 200)
    assert second["comment"].endswith("Attempt 1 of 2 for " + kept.summary.id + ": Too many.")
    assert third["response"]["content"]["mimeType"] == "text/event-stream"
    assert third["startedDateTime"] > first["startedDateTime"]


def test_a_plugin_without_an_address_has_one_all_the_same() -> None:
    urls = [
        archive(exchange(attempts=(attempt(backend=name, url=""),)))["log"]["entries"][1][
            "request"
        ]["url"]
        for name in ("ipc", "")
    ]

    assert urls == ["ipc:///", "backend:///"]


def test_a_request_without_a_body_has_no_data() -> None:
    kept = exchange(method="GET", path="/v1/models?a=1&b=", request=body(""), attempts=())
    (entry,) = archive(kept)["log"]["entries"]

    assert "postData" not in entry["request"]
    assert entry["request"]["queryString"] == [
        {"name": "a", "value": "1"},
        {"name": "b", "value": ""},
    ]


def test_what_is_missing_is_said() -> None:
    kept = exchange(response=body("Hel", "it was cut after 3 bytes", 5))
    entry = archive(kept)["log"]["entries"][0]

    assert entry["response"]["content"]["comment"] == "it was cut after 3 bytes"
    assert entry["_lingma"]["gone"] == ["it was cut after 3 bytes"]


def test_one_that_never_ended_took_no_time() -> None:
    entry = archive(exchange(first=None, ended=None, began=BEGAN))["log"]["entries"][0]

    assert entry["time"] == 0


@given(exchanges)
def test_no_terminal_obeys_it(kept: KeptExchange) -> None:
    assert harmless(entries(kept, BASE))
