"""Exchanges as an HTTP archive, which browsers and many tools open.

HAR 1.2 (http://www.softwareishard.com/blog/har-12-spec/): names that begin with `_` are ours.
An entry for each request of a client, and behind it one for each attempt at a model, which
`_lingma.attempt` numbers.  Of headers only those are there that are kept.
"""

from collections.abc import Iterator
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

from lingma_proxy import __version__
from lingma_proxy.jsonio import JsonObject, dumps, loads
from lingma_proxy.recording.exports.jsonl import iso, summary_as_object
from lingma_proxy.recording.exports.terminal import escaped
from lingma_proxy.recording.kept import KeptAttempt, KeptBody, KeptExchange

CREATOR = {"name": "Lingma Proxy", "version": __version__}
HEAD = f'{{"log":{{"version":"1.2","creator":{dumps(CREATOR)},"entries":['
TAIL = "]}}\n"
JSON = "application/json"
PHRASES = {each.value: each.phrase for each in HTTPStatus}


def entries(exchange: KeptExchange, base: str) -> str:
    """The entries of one exchange, with commas between them.  `base`: our URL, as clients have it."""
    return escaped(",".join(dumps(entry) for entry in _entries(exchange, base)))


def _entries(exchange: KeptExchange, base: str) -> Iterator[JsonObject]:
    yield _of_the_client(exchange, base)
    for attempt in exchange.attempts:
        yield _of_an_attempt(exchange, attempt)


def _of_the_client(exchange: KeptExchange, base: str) -> JsonObject:
    summary = exchange.summary
    sent = [("User-Agent", summary.user_agent)] if summary.user_agent else []
    said = "" if summary.method in {"GET", "HEAD", "OPTIONS"} else JSON
    return _entry(
        summary.began,
        _timings(summary.began, summary.first, summary.ended, summary.queued),
        _request(summary.method, base.rstrip("/") + summary.path, sent, exchange.request, said),
        _response(summary.status, exchange.response, exchange.media_type),
        {**summary_as_object(summary), "gone": _gone(exchange.request, exchange.response)},
        summary.error,
    )


def _of_an_attempt(exchange: KeptExchange, attempt: KeptAttempt) -> JsonObject:
    url = attempt.url if urlsplit(attempt.url).scheme else f"{attempt.backend or 'backend'}:///"
    came = attempt.accepted is not None or attempt.first is not None
    form = "text/event-stream" if attempt.reply.text.startswith(("data:", "event:", ":")) else ""
    words = f"Attempt {attempt.number} of {len(exchange.attempts)} for {exchange.summary.id}"
    return _entry(
        attempt.began,
        _timings(attempt.began, attempt.first, attempt.ended),
        _request("POST", url, [], attempt.request, JSON),
        # How the other side said no is not kept as a number; `_lingma.error_kind` says it.
        _response(200 if came else 0, attempt.reply, form),
        {
            "id": exchange.summary.id,
            "attempt": attempt.number,
            "backend": attempt.backend,
            "model": attempt.model,
            "reason": attempt.reason,
            "error": attempt.error,
            "error_kind": attempt.error_kind,
            "gone": _gone(attempt.request, attempt.reply),
        },
        f"{words}: {attempt.error}" if attempt.error else words,
    )


def _entry(
    began: float,
    timings: JsonObject,
    request: JsonObject,
    response: JsonObject,
    ours: JsonObject,
    comment: str,
) -> JsonObject:
    entry: JsonObject = {
        "startedDateTime": iso(began),
        "time": sum(each for each in timings.values() if each >= 0),
        "request": request,
        "response": response,
        "cache": {},
        "timings": timings,
        "_lingma": ours,
    }
    return entry | ({"comment": comment} if comment else {})


def _request(
    method: str, url: str, headers: list[tuple[str, str]], body: KeptBody, media_type: str
) -> JsonObject:
    if body.size and media_type:
        headers = [*headers, ("Content-Type", media_type)]
    request: JsonObject = {
        "method": method,
        "url": url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": [{"name": name, "value": value} for name, value in headers],
        "queryString": [
            {"name": name, "value": value}
            for name, value in parse_qsl(urlsplit(url).query, keep_blank_values=True)
        ],
        "headersSize": -1,
        "bodySize": body.size,
    }
    if body.size:
        request["postData"] = {"mimeType": media_type, "text": body.text} | _comment(body)
    return request


def _response(status: int, body: KeptBody, media_type: str) -> JsonObject:
    if body.size and not media_type:
        media_type = JSON if _is_json(body.text) else "text/plain"
    headers = [{"name": "Content-Type", "value": media_type}] if media_type else []
    return {
        "status": status,
        "statusText": PHRASES.get(status, ""),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": headers,
        "content": {"size": body.size, "mimeType": media_type, "text": body.text} | _comment(body),
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": body.size,
    }


def _timings(
    began: float, first: float | None, ended: float | None, queued: float = 0.0
) -> JsonObject:
    """In milliseconds; -1 for what does not apply.  They add up to the whole time."""
    end = max(began, *(each for each in (first, ended) if each is not None), began)
    middle = min(max(first if first is not None else end, began), end)
    blocked = min(max(queued, 0.0), middle - began)
    return {
        "blocked": _milliseconds(blocked) if blocked else -1,
        "dns": -1,
        "connect": -1,
        "ssl": -1,
        "send": 0,
        "wait": _milliseconds(middle - began - blocked),
        "receive": _milliseconds(end - middle),
    }


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)


def _comment(body: KeptBody) -> JsonObject:
    return {"comment": body.gone} if body.gone else {}


def _gone(*bodies: KeptBody) -> list[str]:
    return [body.gone for body in bodies if body.gone]


def _is_json(text: str) -> bool:
    try:
        loads(text)
    except ValueError:
        return False
    return True
