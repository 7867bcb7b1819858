"""What `serve` says when it is ready: what it is, who answers, how clients get to it."""

from collections.abc import Iterator
from datetime import datetime

import click

from lingma_proxy import __version__
from lingma_proxy.errors import NotLoggedIn
from lingma_proxy.settings import Origin, Settings
from lingma_proxy.vendor.credentials import Credentials


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
    for line in more:
        yield f"           {line}"
    yield f"  OpenAI   OPENAI_BASE_URL={url}/v1"
    yield f"  Claude   ANTHROPIC_BASE_URL={url}"
    if settings.api_key:
        yield f"  key      the one from {key}"
    else:
        yield "  key      none is needed: clients that insist on one may send anything"


def _answers(settings: Settings, login: Credentials | NotLoggedIn, now: float) -> tuple[str, ...]:
    if settings.backend == "simulator":
        what = "the built-in simulator: answers are made up, and nothing leaves this machine"
        if not settings.simulate_without_login:
            return (_stress(what),)
        why = "No Lingma login was found. Log in to Lingma (or Qoder CN) in your IDE, and start"
        return (_stress(what), why, "again, to get answers from a model.")
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
