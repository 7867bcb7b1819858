"""What was asked and answered lately, for people and programs that look: `/debug/…`.

    /debug/requests     /api/requests                                   exchanges, with bodies
    /debug/access-logs  /api/access-logs  /debug/logs  /api/logs        a line for each of them
    …/logs?kind=app                                                     the program's own log

The fields of the incumbent are there under its names, newest first, `limit` 50 unless it says
1 to 200.  All of it comes from the store and so outlives a restart, but for the program's log.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TypeAlias

from aiohttp import web

from lingma_proxy.aside import LONG, aside
from lingma_proxy.dialects.capabilities import SERVICE
from lingma_proxy.errors import InvalidRequest, StoreUnavailable
from lingma_proxy.gateway import Gateway
from lingma_proxy.jsonio import JsonObject, dumpb, dumps
from lingma_proxy.recording.exports.jsonl import iso
from lingma_proxy.recording.exports.terminal import escaped
from lingma_proxy.recording.kept import KeptExchange, Summary, Wanted
from lingma_proxy.recording.log_lines import LogLine, LogLines
from lingma_proxy.server.catalogue import health
from lingma_proxy.server.exchange import Exchange
from lingma_proxy.server.replies import json_response

Handler: TypeAlias = Callable[[Exchange], Awaitable[web.StreamResponse]]

USUAL = 50
MOST = 200
ACCESS = frozenset({"", "http", "access", "http_access_logs"})
APP = frozenset({"app", "program", "app_logs"})
"""What `kind` may be."""


class Debug:
    """`routes()` is the table of its pages; `log_lines` holds the program's own log."""

    def __init__(self, gateway: Gateway, log_lines: LogLines) -> None:
        self._gateway = gateway
        self._log_lines = log_lines

    def routes(self) -> Sequence[tuple[str, str, Handler]]:
        return [
            ("/debug/requests", "GET", self._requests),
            ("/api/requests", "GET", self._requests),
            ("/debug/access-logs", "GET", self._logs),
            ("/api/access-logs", "GET", self._logs),
            ("/debug/logs", "GET", self._logs),
            ("/api/logs", "GET", self._logs),
        ]

    async def _requests(self, exchange: Exchange) -> web.StreamResponse:
        """Written as they are read: two hundred of them may be more than fits into memory."""
        summaries = await self._kept(exchange)
        answer = web.StreamResponse(
            headers={**exchange.headers, "Content-Type": "application/json"}
        )
        await answer.prepare(exchange.http)
        exchange.notes.status, exchange.notes.media_type = answer.status, answer.content_type
        if exchange.http.method != "HEAD":
            await self._write(answer, summaries)
        await answer.write_eof()
        return answer

    async def _write(self, answer: web.StreamResponse, summaries: Sequence[Summary]) -> None:
        tail: JsonObject = {}
        count = 0
        await answer.write(b'{"ok":true,"service":%b,"requests":[' % dumpb(SERVICE))
        try:
            for summary in summaries:
                # Between the list and this, it may have been cleared.
                found = await self._gateway.recording.exchanges.find(summary.id)
                if found is not None:
                    await answer.write((b"," if count else b"") + await self._record(found))
                    count += 1
        except StoreUnavailable as error:
            tail["note"] = error.message
        # Where the incumbent counts before, this can only count behind.
        tail = {"count": count, **self._note(), **tail, "state": self._state()}
        await answer.write(b"]," + dumpb(tail)[1:])

    async def _record(self, found: KeptExchange) -> bytes:
        if len(found.request.text) + len(found.response.text) < LONG:
            return record(found)
        return await aside(lambda: record(found), patient=True)

    async def _logs(self, exchange: Exchange) -> web.StreamResponse:
        kind = exchange.http.rel_url.query.get("kind", "").strip().lower()
        if kind in APP:
            lines = self._log_lines.newest(limit(exchange))
            return self._say(exchange, "app_logs", [app_line(line) for line in lines], {})
        if kind not in ACCESS:
            raise InvalidRequest(
                f"There are no logs of kind {kind[:40]!r}: `http` are the requests, `app` is the"
                " program's own log.",
                param="kind",
            )
        lines_ = [access_line(each) for each in await self._kept(exchange)]
        return self._say(exchange, "http_access_logs", lines_, self._note())

    def _say(
        self, exchange: Exchange, kind: str, logs: Sequence[JsonObject], note: JsonObject
    ) -> web.StreamResponse:
        body = {
            "ok": True,
            "service": SERVICE,
            "kind": kind,
            "count": len(logs),
            "logs": logs,
            **note,
            "state": self._state(),
        }
        return json_response(body, headers=exchange.headers)

    async def _kept(self, exchange: Exchange) -> Sequence[Summary]:
        """Raises StoreUnavailable."""
        return await self._gateway.recording.exchanges.list(Wanted(limit=limit(exchange)))

    def _note(self) -> JsonObject:
        """Why there may be less here than there was."""
        why_not = self._gateway.recording.exchanges.why_not
        return {"note": why_not} if why_not else {}

    def _state(self) -> JsonObject:
        state: JsonObject = health(self._gateway)["state"]
        return state


def limit(exchange: Exchange) -> int:
    """How many are asked for; what is no number is as if it were not there."""
    asked = exchange.http.rel_url.query.get("limit", "")
    digits = asked.removeprefix("-").removeprefix("+")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 18):
        return USUAL
    return max(1, min(int(asked), MOST))


def record(found: KeptExchange) -> bytes:
    """One exchange as JSON, with its bodies where there are any."""
    bodies = {"request": found.request, "response": found.response}
    record = {
        **facts(found.summary),
        **{name: body.text for name, body in bodies.items() if body.text},
        **{f"{name}Gone": body.gone for name, body in bodies.items() if body.gone},
    }
    return escaped(dumps(record)).encode()


def facts(summary: Summary) -> JsonObject:
    """The incumbent's first, then ours; what is not known is left out."""
    return {
        "time": iso(summary.began),
        "method": summary.method,
        "path": summary.path,
        "statusCode": summary.status,
        "durationMs": milliseconds(summary.began, summary.ended) or 0,
        **dict(more(summary)),
    }


def more(summary: Summary) -> Iterator[tuple[str, object]]:
    known: dict[str, object] = {
        "id": summary.id,
        "client": summary.client,
        "userAgent": summary.user_agent,
        "dialect": summary.dialect,
        "askedModel": summary.asked_model,
        "model": summary.model,
        "streamed": summary.streamed if summary.dialect else None,
        "acceptedMs": milliseconds(summary.began, summary.accepted),
        "firstByteMs": milliseconds(summary.began, summary.first),
        "queuedMs": round(summary.queued * 1000) or None,
        "attempts": summary.attempts or None,
        "reason": summary.reason,
        "tools": list(summary.tools) or None,
        "warnings": list(summary.warnings) or None,
        "error": summary.error,
        "errorKind": summary.error_kind,
    }
    yield from ((name, value) for name, value in known.items() if value not in (None, ""))
    if usage := summary.usage:
        yield "inputTokens", usage.input
        yield "outputTokens", usage.output
        yield "totalTokens", usage.input + usage.output
        yield "cachedTokens", usage.cached
        yield "tokensEstimated", usage.estimated


def access_line(summary: Summary) -> JsonObject:
    took = milliseconds(summary.began, summary.ended) or 0
    line = {
        "time": iso(summary.began),
        "level": level(summary.status),
        "message": f"{summary.method} {summary.path} -> {summary.status} ({took}ms)",
    }
    return {**facts(summary), **line}


def level(status: int) -> str:
    if status >= 500:
        return "error"
    # Without a status the client had gone before there was one.
    return "warn" if status >= 400 or not status else "info"


def app_line(line: LogLine) -> JsonObject:
    kind = {"warning": "warn", "critical": "error"}.get(line.level, line.level)
    return {"time": iso(line.time), "level": kind, "message": line.message}


def milliseconds(began: float, then: float | None) -> int | None:
    return None if then is None else max(0, round((then - began) * 1000))
