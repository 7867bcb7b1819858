"""What `serve` says when it is ready: what it is, who answers, how clients get to it."""

import textwrap
from collections.abc import Iterator
from datetime import datetime

import click

from lingma_proxy import __version__
from lingma_proxy.errors import NotLoggedIn
from lingma_proxy.settings import Origin, Settings
from lingma_proxy.vendor.credentials import Credentials

WIDTH = 69
"""Columns beside the words on the left, in a terminal of 80."""


def greeting(
    url: str,
    settings: Settings,
    login: Credentials | NotLoggedIn,
    key: Origin,
    now: float,
) -> Iterator[str]:
    """`login` is a login, or why there is none; `key` is where the key comes from."""
    yield click.style(f"Lingma Proxy {__version__} listens on {url}", bold=True)
    answers, *more = _answers(settings, login, now)
    yield f"  answers  {answers}"
    for text in more:
        for line in textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False):
            yield f"           {line}"
    yield f"  OpenAI   OPENAI_BASE_URL={url}/v1"
    yield f"  Claude   ANTHROPIC_BASE_URL={url}"
    if settings.api_key:
        yield f"  key      the one from {key}"
    else:
        yield "  key      none is needed: clients that insist on one may send anything"


def _answers(settings: Settings, login: Credentials | NotLoggedIn, now: float) -> tuple[str, ...]:
    if settings.backend == "simulator":
        what = "made up by the built-in simulator; nothing leaves this machine"
        if not settings.simulate_without_login:
            return (_stress(what),)
        why = "No Lingma login was found. For answers from a model, log in to Lingma (or Qoder CN)"
        return (_stress(what), f"{why} in your IDE, and start again.")
    if isinstance(login, NotLoggedIn):
        return (
            _stress("nobody yet: requests get 401"),
            login.message,
            "To try a client out without a login: --backend simulator",
        )
    whose = f"Lingma, with the login of {login.source} (user …{login.user_id[-4:]}"
    if login.expires_at is None:
        return (f"{whose})",)
    day = f"{datetime.fromtimestamp(login.expires_at / 1000).astimezone():%Y-%m-%d}"
    if login.expired(now):
        return (
            f"{whose})",
            _stress(f"It ended on {day}: open the IDE, which renews it or asks you to log in."),
        )
    return (f"{whose}, until {day})",)


def _stress(text: str) -> str:
    return click.style(text, fg="yellow")
