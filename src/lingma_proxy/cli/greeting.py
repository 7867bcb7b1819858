"""What `serve` says when it is ready: what it is, who answers, how clients get to it."""

from collections.abc import Iterator
from datetime import datetime

import click

from lingma_proxy import __version__
from lingma_proxy.errors import NotLoggedIn
from lingma_proxy.settings import Origin, Settings
from lingma_proxy.vendor.credentials import Credentials


def greeting(
    url: str, settings: Settings, login: Credentials | NotLoggedIn, key: Origin
) -> Iterator[str]:
    """`key` is where the key comes from; `login` a login, or why there is none."""
    yield click.style(f"Lingma Proxy {__version__} listens on {url}", bold=True)
    yield f"  answers  {_answers(settings, login)}"
    yield f"  OpenAI   OPENAI_BASE_URL={url}/v1"
    yield f"  Claude   ANTHROPIC_BASE_URL={url}"
    if settings.api_key:
        yield f"  key      the one from {key}"
    else:
        yield "  key      none is needed: clients that insist on one may send anything"


def _answers(settings: Settings, login: Credentials | NotLoggedIn) -> str:
    if settings.backend == "simulator":
        what = "the built-in simulator: no model thinks, and nothing leaves this machine"
        why = "No login of Lingma was found. " if settings.simulate_without_login else ""
        return click.style(what, fg="yellow") + (f"\n           {why}" if why else "")
    if isinstance(login, NotLoggedIn):
        return (
            click.style("nobody yet, requests get 401. ", fg="yellow")
            + login.message
            + "\n           To try a client out without a login: --backend simulator"
        )
    return f"Lingma, with the login of {login.source} ({about(login)})"


def about(login: Credentials) -> str:
    """Whose login it is, so that its owner knows it, and until when."""
    said = [f"user …{login.user_id[-4:]}"]
    if login.expires_at is not None:
        day = datetime.fromtimestamp(login.expires_at / 1000).astimezone()
        said.append(f"until {day:%Y-%m-%d}")
    return ", ".join(said)
