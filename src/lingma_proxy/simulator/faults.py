"""The ways in which the simulator breaks on demand.

A fault has a name and sometimes a value: `crlf`, `stall=3`, `cut=100`.  Several are
separated by commas.  They are asked for

*   by the header `x-simulate` of a request to the simulator,
*   by a line `SIMULATE: …` in the last text of the user (it goes through any proxy),
*   by `Simulator.next(…)` for one request, `Simulator.always(…)` for all.

`FAULTS` is the whole list; a name that is not on it is answered with the list.
"""

from lingma_proxy.simulator.fault_table import Fault, Faults, Table

__all__ = ["FAULTS", "NONE", "Faults", "describe", "in_text", "parse", "parse_all"]

TABLE = Table(
    {
        # Refusals.
        "signature": Fault(
            "403 with error 101, by HTTP or as the first event of a stream",
            "word",
            "http",
            ("http", "event"),
        ),
        "auth-payload": Fault("400: the bearer's payload cannot be read"),
        "user-invalid": Fault("403: the login has run out, or the account is not allowed"),
        "no-such-key": Fault("404 NoSuchKey, as a storage host answers on a wrong base URL"),
        "quota": Fault(
            "error 110, the daily limit, as the first event or by HTTP",
            "word",
            "event",
            ("http", "event"),
        ),
        "rate-limit": Fault("429, with Retry-After in seconds", "number", "1"),
        "status": Fault("that HTTP status, with a text that is no JSON", "number", "500"),
        "unavailable": Fault("503"),
        "error": Fault("the first event is an envelope with that status", "number", "500"),
        "error-after": Fault("an error envelope after that many words", "number", "1"),
        # Connections.
        "drop": Fault("the connection is closed before any answer"),
        "reset": Fault(
            "the connection is reset: before any answer, or after that many bytes of the body",
            "number",
        ),
        "cut": Fault("the connection is closed after that many bytes of the body", "number", "0"),
        "end": Fault("the body ends, properly, after that many bytes", "number", "0"),
        "cut-line": Fault("the body ends in the middle of the line that brings the last word"),
        "no-finish": Fault("the body ends after the last word: no finish reason, no end marker"),
        # Silence.
        "hang": Fault("nothing at all is answered, for that long or for ever", "seconds"),
        "hang-first": Fault("silence between the headers and the first event", "seconds"),
        "slow": Fault("the first event takes that long", "seconds", "2"),
        "stall": Fault("silence after the first word", "seconds"),
        "pace": Fault("that long between two words", "seconds", "0.05"),
        # Framing.
        "comments": Fault("comment lines between the events: a sign of life"),
        "crlf": Fault("lines end in CR LF"),
        "space": Fault("a blank after `data:`"),
        "split": Fault("writes end inside characters, and inside lines and their ends"),
        "dribble": Fault("byte by byte"),
        "burst": Fault("the whole body in one write"),
        "long-line": Fault("one line is that many bytes longer", "number", str(2 * 1024 * 1024)),
        "direct": Fault("chunks without the envelope, and a bare [DONE]"),
        "empty": Fault("envelopes with an empty body between the others"),
        "metrics": Fault("a metrics event before the end, with the usage"),
        "done": Fault("how the end is marked", "word", "bare", ("bare", "wrapped", "both", "none")),
        "garbage": Fault("a data line that is no JSON after the first word"),
        "wrong-type": Fault("the stream is said to be text/html"),
        "html": Fault("200 and a page of HTML, as a captive portal would answer"),
        # Uploads.
        "unsuccessful": Fault("an upload is answered with Success: false"),
        "odd-link": Fault(
            "an upload gives a link that nobody should follow",
            "word",
            "http",
            ("http", "address", "file", "empty"),
        ),
        # What is said.
        "words": Fault("that many words instead of the answer", "number", "200"),
        "interleave": Fault("a second call of the same tool; the fragments of both alternate"),
        "no-call-id": Fault("calls without an id"),
        "null-content": Fault("`content: null` beside whatever is not content"),
        "finish-with-content": Fault("the last word and the finish reason in one event"),
        "reasoning": Fault("thinks first, asked or not"),
        "usage": Fault(
            "how the tokens are told: in the finish chunk, in a chunk of its own, in other"
            " words, or not at all",
            "word",
            "none",
            ("finish", "own", "alias", "none"),
        ),
        "length": Fault("ends halfway with the finish reason `length`"),
        "content-filter": Fault("ends halfway with the finish reason `content_filter`"),
        "surrogates": Fault("an emoji as two halves of a surrogate pair, in two chunks"),
    }
)

FAULTS = TABLE.faults
NONE = TABLE.none
parse = TABLE.parse
parse_all = TABLE.parse_all
in_text = TABLE.in_text
describe = TABLE.describe
