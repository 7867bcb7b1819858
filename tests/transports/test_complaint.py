import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.transports.complaint import KEPT, LINES, LONGEST, Tail, fit
from support.strategies import texts

KEY = "sk-0123456789abcdef"

CASES = {
    "nothing": ("", ""),
    "blank lines": ("\n \n\t\n", ""),
    "one line": ("Error: no key\n", "Error: no key"),
    "the last few lines": ("1\n2\n3\n4\n5", "3 | 4 | 5"),
    "colours": ("\x1b[1;31mError\x1b[0m: \x1b[38;5;9mno\x9b0m\x1b[K", "Error: no"),
    "a title and a link": ("\x1b]0;x\x07a\x1b]8;;http://x\x1b\\b\x1b]8;;\x1b\\", "ab"),
    "progress": ("10%\r20%\rfailed\r\n", "10% | 20% | failed"),
    "control characters": ("a\x00\x08b\u202ec\u200bd\tе", "abcd е"),
    "not ASCII": ("错误：未登录\n", "错误：未登录"),
    "an indented detail": (
        "Error: gone\n    at run (x.js:1:2) {\n  code: 1\n}\n\nNode.js v24\n",
        "Error: gone | Node.js v24",
    ),
    "a Python traceback": (
        'Traceback (most recent call last):\n  File "/x/y.py", line 1\n    f()\nValueError: no',
        "ValueError: no",
    ),
    "only indented": ("  usage: x", "usage: x"),
    "a path": ("cannot read /home/me/.agent/settings.json", "cannot read …/settings.json"),
    "a path in quotes": ("'/a/b c/x'", "'…/b c/x'"),
    "a path as a URL": ("at file:///home/me/x.js:1:2", "at …/x.js:1:2"),
    "a path of Windows": (
        r"cannot read 'C:\Users\J. Doe\x.json', D:/me/y",
        "cannot read '…/x.json', …/y",
    ),
    "a share": (r"no \\host\share\me\x", "no …/x"),
    "a URL is no path": ("GET https://example.com/a/b/c", "GET https://example.com/a/b/c"),
    "a relative path": ("src/x/y.js and ~/.agent/z", "src/x/y.js and ~/.agent/z"),
    "a code after a URL": ("http://me:pw@example.com/x", "http://[…]@example.com/x"),
    "text about tokens": ("SyntaxError: Unexpected token < in JSON", None),
    "one letter": ("x", "x"),
}


@pytest.mark.parametrize(("said", "kept"), CASES.values(), ids=CASES)
def test_what_a_program_complains_of_becomes_one_line(said: str, kept: str | None) -> None:
    assert fit(said) == (said if kept is None else kept)


SECRETS = {
    "a bearer": "Authorization: Bearer {}",
    "a basic login": "authorization=Basic {}",
    "an authorization": '"Authorization": "{} {}"',
    "a variable": "OPENAI_API_KEY={}",
    "a field": '{{"apiKey": "{}", "x": 1}}',
    "a Python field": "{{'access_token': '{}'}}",
    "an option": "agent --api-key {} --x",
    "an option with =": "agent --auth-token={}",
    "a parameter": "GET https://x/y?a=1&token={}&b=2",
    "a password": "password: {}",
    "a cookie": "Set-Cookie: {}",
    "a user of a URL": "https://{}@example.com/",
}


@pytest.mark.parametrize("where", SECRETS.values(), ids=SECRETS)
@pytest.mark.parametrize("secret", ["hunter2", "a.b_c-d/e+f", KEY, "0123456789abcdef" * 4])
def test_a_key_that_is_named_is_not_passed_on(where: str, secret: str) -> None:
    if "@" in where:
        secret = secret.replace("/", "")

    assert secret not in fit(where.format(secret, secret))
    assert "[…]" in fit(where.format(secret, secret))


@pytest.mark.parametrize(
    "secret",
    [
        KEY,
        "sk-proj-0123456789_abc",
        "ghp_0123456789abcdef",
        "AIzaSy0123456789",
        "LTAI5tAbCdEfGh",
        "eyJhbGciOi.eyJzdWIiOi.c2ln",
        "0123456789abcdef0123456789abcdef",
        "ab/cd+ef" * 6,
        "6f1c2f5e-8f0a-4f1d-9a44-1d2c3b4a5f60",
    ],
)
def test_a_key_is_known_by_its_looks(secret: str) -> None:
    assert fit(f"bad: {secret}!") == "bad: […]!"


def test_a_long_line_is_cut() -> None:
    assert fit("word " * 1000) == ("word " * 1000)[: LONGEST - 1] + "…"


def test_the_last_of_it_is_kept() -> None:
    tail = Tail()
    for number in range(10_000):
        tail.feed(b"line %d\n" % number)

    assert tail.text() == "line 9997 | line 9998 | line 9999"


def test_half_a_line_may_be_half_a_key_and_is_not_shown() -> None:
    tail = Tail()
    tail.feed(b"key=" + b"hunter 2 " * KEPT)

    assert tail.text() == ""

    tail.feed(b"\nbye\n")

    assert tail.text() == "bye"


def test_a_character_that_is_cut_or_wrong_does_no_harm() -> None:
    tail = Tail()
    tail.feed(b"\xff a \xe4\xbd")
    tail.feed(b"\xa0 b \xe4")

    assert tail.text() == "\ufffd a 你 b \ufffd"


@given(st.lists(texts).map("".join))
def test_any_text_becomes_one_short_printable_line(text: str) -> None:
    said = fit(text)

    assert said.isprintable()
    assert len(said) <= LINES * (LONGEST + 3)


@pytest.mark.parametrize(
    "piece",
    ["token", "a", "/a", "a/", "C:\\", "\x1b]", "\x1b[", "--", "://", "sk-", "Bearer ", " "],
)
def test_nonsense_does_not_take_long(piece: str) -> None:
    fit(piece * (KEPT // len(piece)))  # or the test's own limit ends it
